"""Budget forcing: no end before it has waited, no thought beyond its budget (s1; Muennighoff et al., 2501.19393)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from palaestra.agents.agent import Agent, Dialogue, Reply, named
from palaestra.agents.engine import Completion
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor, Cost

from .asking import costing, policy_under
from .prompts import Prompt, prompt_named


@dataclass(slots=True)
class Draft:
    """An answer under way. forced: where in ``ids`` stands what was not sampled, from and to."""

    reply: Reply
    seed: int
    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    ended: bool
    cost: Cost
    waits: int = 0
    forced: list[tuple[int, int]] = field(default_factory=list)

    def force(self, ids: tuple[int, ...]) -> None:
        """Put words in its mouth; their log-probability is 0, for they were not drawn."""
        self.forced.append((len(self.ids), len(self.ids) + len(ids)))
        self.ids += ids
        self.logprobs += (0.0,) * len(ids)
        self.ended = False


class BudgetForcing:
    """Where an answer ends within ``budget`` tokens, "Wait" is put in the place of its end, ``waits`` times.

    One that reaches the budget is cut there, "Final answer:" is put behind it, and ``answer`` tokens follow at most. So
    an answer has budget + answer tokens and those that ask for it, whatever the model does. What was put in is in
    meta["forced"], a pair of token positions each: it was not drawn, so nothing should learn it by policy gradients.

    The first thought is the wrapped agent's. meta: waits, forced. counts: "waited", "cut".

    Raises:
        ValueError: budget or answer is below 1, waits below 0, or no model of this process is at the bottom.
    """

    def __init__(
        self, agent: Agent, budget: int = 256, waits: int = 1, answer: int = 32, prompt: Prompt | None = None
    ) -> None:
        if min(budget, answer) < 1 or waits < 0:
            raise ValueError(
                f"budget forcing needs budget and answer of 1 or more and waits of 0 or more: {budget}, {waits}"
            )
        self.agent, self.budget, self.waits, self.answer = agent, budget, waits, answer
        self.policy = policy_under(agent, "budget forcing")
        self.prompt = prompt or prompt_named("budget_forcing")
        self.counts: Counter[str] = Counter()

    @property
    def actor(self) -> Actor:
        return named(self.agent, f"{self.prompt.id}:{self.budget},{self.waits}")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        pairs = zip(self.agent.respond(dialogues), dialogues, strict=True)
        drafts = [self._begun(reply, one.seed) for reply, one in pairs]
        wait = self._ids(self.prompt.say("wait"))
        while going := [draft for draft in drafts if self._goes_on(draft, len(wait))]:
            for draft in going:
                if draft.ended:
                    draft.ids, draft.logprobs = draft.ids[:-1], draft.logprobs[:-1]
                    draft.force(wait)
                    draft.waits += 1
            self._sample(going, [self.budget - len(draft.ids) for draft in going])
        cut = [draft for draft in drafts if not draft.ended]
        for draft in cut:
            draft.force(self._ids(self.prompt.say("final")))
        self._sample(cut, [self.answer] * len(cut))
        self.counts["waited"] += sum(draft.waits for draft in drafts)
        self.counts["cut"] += len(cut)
        return [self._reply(draft) for draft in drafts]

    def _begun(self, reply: Reply, seed: int) -> Draft:
        if not reply.completions or reply.meta.get("derived"):
            raise ValueError("budget forcing continues a model's own tokens: put it before what runs programs or acts")
        first = reply.completions[0]
        fits = len(first.token_ids) <= self.budget
        ids, logprobs = first.token_ids[: self.budget], first.logprobs[: self.budget]
        return Draft(reply, seed, ids, logprobs, fits and first.finish_reason == "stop", reply.cost)

    def _goes_on(self, draft: Draft, wait: int) -> bool:
        if draft.ended:
            return draft.waits < self.waits and len(draft.ids) - 1 + wait < self.budget
        return len(draft.ids) < self.budget

    def _sample(self, drafts: Sequence[Draft], room: Sequence[int]) -> None:
        """Go on with each, for as many tokens as it has room for; all that was sampled is paid for."""
        if not drafts:
            return
        seeds = tuple(derive_seed(draft.seed, "budget", len(draft.ids)) for draft in drafts)
        prompts = [draft.reply.prompt_ids + draft.ids for draft in drafts]
        sampled = self.policy.go_on(prompts, room, replace(self.policy.sampling, seeds=seeds))
        for draft, left, made in zip(drafts, room, sampled, strict=True):
            draft.cost += Cost(len(draft.reply.prompt_ids) + len(draft.ids), len(made.token_ids))
            draft.ended = made.finish_reason == "stop" and len(made.token_ids) <= left
            draft.ids += made.token_ids[:left]
            draft.logprobs += made.logprobs[:left]

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.policy.chat.tokenizer.encode(f"\n{text}", add_special_tokens=False))

    def _reply(self, draft: Draft) -> Reply:
        reason: Literal["stop", "length"] = "stop" if draft.ended else "length"
        version = draft.reply.completions[0].weights_version
        whole = replace(
            draft.reply,
            text=self.policy.chat.text(draft.ids),
            completions=(Completion(draft.ids, draft.logprobs, reason, version),),
        )
        return costing(whole, draft.cost, waits=draft.waits, forced=[list(pair) for pair in draft.forced])
