"""CoT-decoding: k answers, each from another first token; the surest of its answer wins (Wang and Zhou, 2402.10200)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from palaestra.agents.agent import Agent, Dialogue, Reply, named
from palaestra.agents.engine import Completion
from palaestra.agents.policy import PolicyLLM
from palaestra.episodes import Actor, Cost
from palaestra.episodes.views import step_ends
from palaestra.verifiers import answer_span

from .asking import policy_under
from .inside import model_of, probabilities


@dataclass(frozen=True, slots=True)
class Branch:
    """One answer: its tokens, and how sure the model was of those of its answer; nan without an answer."""

    prompt_ids: tuple[int, ...]
    completion: Completion
    margin: float
    cost: Cost


class CoTDecoding:
    r"""The k likeliest first tokens, each continued greedily. Of these the answer of the highest margin is given:

    $\Delta = \frac{1}{|answer|} \sum_t p(x^1_t) - p(x^2_t)$, the two likeliest tokens at each token of the answer that
    ``extract_answer`` finds, the first of equals. Where no branch has an answer the greedy one is given.

    Around another agent the first token is that behind the prompt which it answers to, and its reply is paid for too.
    meta: margin, branch (0 is greedy), of. counts: "no answer", of branches.

    Raises:
        ValueError: k is below 1 or above the vocabulary, or no model of this process is at the bottom.
    """

    def __init__(self, agent: Agent, k: int = 10) -> None:
        if k < 1:
            raise ValueError(f"CoT-decoding needs k of 1 or more, not {k}")
        self.agent, self.k = agent, k
        self.policy = policy_under(agent, "CoT-decoding")
        self.model = model_of(self.policy, "CoT-decoding")
        known = self.model.config.get_text_config().vocab_size
        if k > known:
            raise ValueError(f"CoT-decoding goes on behind k first tokens: {k} are more than the model knows, {known}")
        self.counts: Counter[str] = Counter()

    @property
    def actor(self) -> Actor:
        return named(self.agent, f"cot_decoding:{self.k}")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        prompts, costs = self._prompts(dialogues)
        branches = self._branches(prompts)
        groups = [branches[start : start + self.k] for start in range(0, len(branches), self.k)]
        return [self._surest(group, cost) for group, cost in zip(groups, costs, strict=True)]

    def _prompts(self, dialogues: Sequence[Dialogue]) -> tuple[list[tuple[int, ...]], list[Cost]]:
        if isinstance(self.agent, PolicyLLM):
            return [self.policy.chat.prompt(one.messages) for one in dialogues], [Cost() for _ in dialogues]
        replies = self.agent.respond(dialogues)
        if any(reply.meta.get("derived") or not reply.prompt_ids for reply in replies):
            raise ValueError(
                "CoT-decoding needs answers in a model's own tokens: put it before what runs programs or acts"
            )
        return [reply.prompt_ids for reply in replies], [reply.cost for reply in replies]

    def _branches(self, prompts: Sequence[tuple[int, ...]]) -> list[Branch]:
        """k of each prompt, the likeliest first token first."""
        starts: list[tuple[tuple[int, ...], int, float]] = []
        for prompt in prompts:
            values, tokens = probabilities(self.model, prompt, ())[0].topk(self.k)
            starts += [(prompt, *pair) for pair in zip(tokens.tolist(), values.tolist(), strict=True)]
        ends = {self.policy.chat.end, *getattr(self.policy.engine, "eos_ids", ())}
        left = self.policy.sampling.max_tokens - 1
        going = [start for start in starts if left and start[1] not in ends]
        greedy = replace(self.policy.sampling, temperature=0.0, top_p=1.0, top_k=0, max_tokens=max(left, 1), seeds=None)
        asked = [(*prompt, token) for prompt, token, _ in going]
        rest = iter(self.policy.generate(asked, greedy) if asked else [])
        version = getattr(self.policy.engine, "version", 0)
        branches = []
        for prompt, token, logprob in starts:
            if left and token not in ends:
                more = next(rest)
                whole = replace(more, token_ids=(token, *more.token_ids), logprobs=(logprob, *more.logprobs))
            else:
                whole = Completion((token,), (logprob,), "stop" if token in ends else "length", version)
            branches.append(self._branch(prompt, whole))
        return branches

    def _branch(self, prompt: tuple[int, ...], completion: Completion) -> Branch:
        ids = completion.token_ids
        cost = Cost(tokens_in=len(prompt), tokens_out=len(ids))
        span = self._answer_tokens(ids)
        if span is None:
            self.counts["no answer"] += 1
            return Branch(prompt, completion, math.nan, cost)
        first, last = span
        top = probabilities(self.model, (*prompt, *ids[:first]), ids[first:last])[:-1].exp().topk(2).values
        cost += Cost(tokens_in=len(prompt) + last)  # read once more, for the probabilities
        return Branch(prompt, completion, float((top[:, 0] - top[:, 1]).mean()), cost)

    def _answer_tokens(self, ids: tuple[int, ...]) -> tuple[int, int] | None:
        """First token of the answer, and the one behind its last."""
        text = self.policy.chat.text(ids)
        start, end = answer_span(text) or (0, 0)
        if start >= end:
            return None
        first, last = step_ends(ids, self.policy.chat.text, [(0, start + 1), (0, end)])
        return first - 1, last

    def _surest(self, group: Sequence[Branch], before: Cost) -> Reply:
        best = max(range(len(group)), key=lambda index: (-1.0 if math.isnan(m := group[index].margin) else m, -index))
        chosen = group[best]
        before += Cost(tokens_in=len(chosen.prompt_ids))  # read once for its first tokens
        return Reply(
            text=self.policy.chat.text(chosen.completion.token_ids),
            completions=(chosen.completion,),
            prompt_ids=chosen.prompt_ids,
            sampling=replace(self.policy.sampling, temperature=0.0, top_p=1.0, top_k=0),
            cost=sum((branch.cost for branch in group), before),
            meta={"margin": None if math.isnan(chosen.margin) else chosen.margin, "branch": best, "of": len(group)},
        )
