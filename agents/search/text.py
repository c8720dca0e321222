"""The world of a policy's own answers: a state is what it has written so far, as the tokens that it sampled."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from palaestra.agents.agent import Dialogue, Reply
from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Completion
from palaestra.agents.policy import PolicyLLM
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Cost

from .tree import Proposal
from .world import Proposed, Request, Valued


@dataclass(frozen=True, slots=True)
class Prefix:
    """A part of an answer to ``dialogue``: what was read, what was sampled after it, how it ended.

    What follows is sampled behind the very ids that were sampled: nothing is encoded again. step_ends: where in
    ``action_ids`` each step ends.
    """

    dialogue: Dialogue
    prompt_ids: tuple[int, ...]
    action_ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    step_ends: tuple[int, ...] = ()
    ended: Literal["", "stop", "length"] = ""
    weights_version: int = -1


Value: TypeAlias = Callable[[Sequence[Prefix]], list[Valued]]


class TextWorld:
    """Proposes steps of an answer by sampling from a policy. ``lines``, ``tokens`` and ``solutions`` make one.

    value: what a prefix is worth. line_ends: token ids that end a step. step_tokens: longest step.
    max_steps: an answer with so many steps, or with ``policy.sampling.max_tokens`` tokens, is cut off.
    peek: finished answers are worth 2 x their verdict's score - 1, as AlphaMath's rewards of ±1, by asking the
        dialogue's environment. For training and for oracles: an agent that is measured must not.

    A step's prior is the geometric mean of its tokens' probabilities (AlphaMath, arXiv:2405.03553).
    """

    def __init__(
        self,
        policy: PolicyLLM,
        value: Value,
        line_ends: Collection[int] = (),
        step_tokens: int = 64,
        max_steps: int = 64,
        peek: bool = False,
    ) -> None:
        if min(step_tokens, max_steps) < 1:
            raise ValueError("a step has 1 token or more, and an answer 1 step or more")
        self.policy, self.value, self.peek = policy, value, peek
        self.line_ends = frozenset(line_ends)
        self.step_tokens, self.max_steps = step_tokens, max_steps

    @property
    def peeks(self) -> bool:
        """Whether a verdict may have a part in any value."""
        return self.peek or bool(getattr(self.value, "peeks", False))

    def root(self, dialogue: Dialogue) -> Prefix:
        """Nothing said yet."""
        return Prefix(dialogue, self.policy.chat.prompt(dialogue.messages))

    def expand(self, requests: Sequence[Request]) -> list[Proposed]:
        rows = [(request.state, seed) for request in requests for seed in request.seeds]
        steps = iter(self._sample([state for state, _ in rows], [seed for _, seed in rows]))
        return [self._proposed(request, [next(steps) for _ in request.seeds]) for request in requests]

    def evaluate(self, states: Sequence[Any]) -> list[Valued]:
        return self.value(states)

    def finish(self, prefixes: Sequence[Prefix], seeds: Sequence[int]) -> list[tuple[Prefix, Cost]]:
        """Answers as the policy goes on with them, to their ends, and what that costs."""
        finished = [(prefix, Cost()) for prefix in prefixes]
        while unfinished := [index for index, (prefix, _) in enumerate(finished) if not prefix.ended]:
            requests = [
                Request(prefix, (derive_seed(seeds[index], "finish", len(prefix.step_ends)),))
                for index in unfinished
                for prefix in [finished[index][0]]
            ]
            for index, ((proposal,), cost) in zip(unfinished, self.expand(requests), strict=True):
                finished[index] = proposal.state, finished[index][1] + cost
        return finished

    def _sample(self, prefixes: Sequence[Prefix], seeds: Sequence[int]) -> list[Completion]:
        """A step of each, or a little more: one batch. No answer becomes longer than it may."""
        if not prefixes:
            return []
        room = [self.policy.sampling.max_tokens - len(prefix.action_ids) for prefix in prefixes]
        prompts = [prefix.prompt_ids + prefix.action_ids for prefix in prefixes]
        steps = [min(self.step_tokens, left) for left in room]
        completions = self.policy.go_on(prompts, steps, replace(self.policy.sampling, seeds=tuple(seeds)))
        return [_cut(completion, left) for completion, left in zip(completions, room, strict=True)]

    def _proposed(self, request: Request, completions: Sequence[Completion]) -> Proposed:
        cost = sum((_cost(request.state, completion) for completion in completions), Cost())
        proposals = []
        for completion in completions:
            proposal, judged = self._proposal(request.state, completion)
            proposals.append(proposal)
            cost += Cost(verifier_calls=judged)
        return Proposed(proposals, cost)

    def _proposal(self, prefix: Prefix, completion: Completion) -> tuple[Proposal, int]:
        ids = self._first_line(completion.token_ids)
        state = _extended(prefix, completion, ids)
        if len(ids) == len(completion.token_ids) and self._is_end(completion):
            state = replace(state, ended="stop")
        elif len(state.step_ends) >= self.max_steps or len(state.action_ids) >= self.policy.sampling.max_tokens:
            state = replace(state, ended="length")
        verdict = self.known(state)
        proposal = Proposal(
            action=_shown(self.policy.chat, ids),
            state=state,
            terminal=bool(state.ended),
            prior=math.exp(sum(completion.logprobs[: len(ids)]) / len(ids)),
            value=verdict,
            meta={"ids": list(ids)},
        )
        return proposal, int(verdict is not None)

    def _first_line(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        """Up to the first line end that something stands before."""
        for index, token in enumerate(ids):
            if token in self.line_ends and self.policy.chat.text(ids[: index + 1]).strip():
                return ids[: index + 1]
        return ids

    def _is_end(self, completion: Completion) -> bool:
        """Whether the answer has ended, not a line only, at which an engine may have been told to stop."""
        return completion.finish_reason == "stop" and completion.token_ids[-1] not in self.line_ends

    def known(self, prefix: Prefix) -> float | None:
        """What the environment says of a finished answer, in [-1, 1]; nan where it cannot tell.

        None: the world may not peek, the answer goes on, or nobody judges it. Raises ValueError without environment.
        """
        if not (self.peek and prefix.ended):
            return None
        env: Any = prefix.dialogue.env
        if env is None:
            raise ValueError("peek asks the dialogue's environment, and this dialogue has none: play it in a rollout")
        before = env.snapshot()
        verdict = env.step(self.policy.chat.text(prefix.action_ids))[4].get("verdict")
        env.restore(before)
        return None if verdict is None else 2 * verdict.score - 1


def lines(policy: PolicyLLM, value: Value, **options: Any) -> TextWorld:
    """Steps are lines. An engine made with ``line_ends`` as further ``eos_ids`` samples nothing behind them in vain."""
    return TextWorld(policy, value, line_ends(policy.chat), **options)


def tokens(policy: PolicyLLM, value: Value, **options: Any) -> TextWorld:
    """Steps are tokens."""
    return TextWorld(policy, value, step_tokens=1, max_steps=policy.sampling.max_tokens, **options)


def solutions(policy: PolicyLLM, value: Value, **options: Any) -> TextWorld:
    """Steps are whole answers: a beam of them is best-of-n."""
    return TextWorld(policy, value, step_tokens=policy.sampling.max_tokens, max_steps=1, **options)


def stopping_at_lines(policy: PolicyLLM) -> PolicyLLM:
    """The same policy, with the weights it has now, whose engine stops at line ends: for ``lines`` alone.

    An engine that cannot be told so is left as it is; what it samples behind a line's end is cut off.
    """
    from palaestra.agents.transformers_engine import TransformersEngine

    engine = policy.engine
    if not isinstance(engine, TransformersEngine):
        return policy
    stopping = TransformersEngine(engine.model, {*engine.eos_ids, *line_ends(policy.chat)}, engine.max_rows)
    stopping.version = engine.version
    return PolicyLLM(stopping, policy.chat, policy.sampling, policy.actor)


def line_ends(chat: ChatFormat) -> frozenset[int]:
    """Ids of all tokens that hold the end of a line."""
    tokenizer = chat.tokenizer
    return frozenset(token for token in range(len(tokenizer)) if "\n" in tokenizer.decode([token]))


def replied(policy: PolicyLLM, prefix: Prefix, cost: Cost, **meta: Any) -> Reply:
    """The reply that a finished answer is."""
    reason: Literal["stop", "length"] = "stop" if prefix.ended == "stop" else "length"
    made = Completion(prefix.action_ids, prefix.logprobs, reason, prefix.weights_version)
    text = policy.chat.text(prefix.action_ids)
    return Reply(text, (made,), prefix.prompt_ids, policy.sampling, cost, meta)


def _extended(prefix: Prefix, completion: Completion, ids: tuple[int, ...]) -> Prefix:
    return replace(
        prefix,
        action_ids=prefix.action_ids + ids,
        logprobs=prefix.logprobs + completion.logprobs[: len(ids)],
        step_ends=(*prefix.step_ends, len(prefix.action_ids) + len(ids)),
        weights_version=completion.weights_version,
    )


def _cut(completion: Completion, left: int) -> Completion:
    """The completion, no longer than there is room for."""
    if len(completion.token_ids) <= left:
        return completion
    ids, logprobs = completion.token_ids[:left], completion.logprobs[:left]
    return replace(completion, token_ids=ids, logprobs=logprobs, finish_reason="length")


def _cost(prefix: Prefix, completion: Completion) -> Cost:
    return Cost(len(prefix.prompt_ids) + len(prefix.action_ids), len(completion.token_ids))


def _shown(chat: ChatFormat, ids: tuple[int, ...]) -> str:
    """A step's text with the mark that ends it; with its ids where tokens hold parts of characters only."""
    text: str = chat.tokenizer.decode(list(ids))
    return f"{text} {list(ids)}" if "\N{REPLACEMENT CHARACTER}" in text else text
