"""What the beginning of an answer is worth: by likelihood, by a head, by its steps, by opinion, by how it goes on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from palaestra.agents.agent import Reply
from palaestra.agents.engine import Completion
from palaestra.agents.evaluators.assessment import Answer, Assessment, Assessor
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Cost

from .text import Prefix, TextWorld, Value
from .world import Request, Valued

if TYPE_CHECKING:
    from palaestra.agents.chat import ChatFormat
    from palaestra.agents.evaluator import Evaluator

Aggregate: TypeAlias = Callable[[Sequence[float]], float]


def nothing_known(states: Sequence[object]) -> list[Valued]:
    """0 for all."""
    return [Valued(0.0)] * len(states)


def likelihood(prefixes: Sequence[Prefix]) -> list[Valued]:
    """The geometric mean of the probabilities of an answer's tokens so far, in (0, 1]: what needs no evaluator."""
    return [Valued(math.exp(sum(one.logprobs) / len(one.logprobs)) if one.logprobs else 1.0) for one in prefixes]


def value_head(evaluator: Evaluator) -> Value:
    """What a value model (``palaestra reward-model --kind value``) foretells: tanh of its head, in (-1, 1)."""

    def value(prefixes: Sequence[Prefix]) -> list[Valued]:
        read = [prefix.prompt_ids + prefix.action_ids for prefix in prefixes]
        scores = _scores(evaluator, read)
        return [Valued(math.tanh(score), Cost(tokens_in=len(ids))) for score, ids in zip(scores, read, strict=True)]

    return value


def process_reward(evaluator: Evaluator, aggregate: Aggregate = min) -> Value:
    """The scores of all steps so far in one: their ``min``, ``math.prod`` or ``last`` (OpenR, arXiv:2410.09671).

    A step's score is the sigmoid of the head at its last token, in (0, 1). Nothing said yet is worth 1.
    """

    def value(prefixes: Sequence[Prefix]) -> list[Valued]:
        read = [prefix.prompt_ids + prefix.action_ids[:end] for prefix in prefixes for end in prefix.step_ends]
        scores = iter([0.5 * (1 + math.tanh(score / 2)) for score in _scores(evaluator, read)] if read else [])
        return [
            Valued(
                aggregate([next(scores) for _ in one.step_ends]) if one.step_ends else 1.0,
                Cost(tokens_in=sum(len(one.prompt_ids) + end for end in one.step_ends)),
            )
            for one in prefixes
        ]

    return value


def last(scores: Sequence[float]) -> float:
    """The last step's score alone."""
    return scores[-1]


def opinion(assessor: Assessor, chat: ChatFormat) -> Value:
    """What an evaluator that judges by steps says of the last line so far, as ``SelfEvaluation``; nan: it cannot tell.

    Ends are asked about in the same words as beginnings, or the two would not compare. Nothing said yet is worth 1.
    Earlier lines are judged again with each that follows, and paid for.
    """
    return _Opinion(assessor, chat)


@dataclass(frozen=True, slots=True)
class _Opinion:
    assessor: Assessor
    chat: ChatFormat

    @property
    def peeks(self) -> bool:
        return bool(getattr(self.assessor, "peeks", False))

    def __call__(self, prefixes: Sequence[Prefix]) -> list[Valued]:
        said = [Answer(one.dialogue, _as_reply(one, self.chat)) for one in prefixes if one.action_ids]
        judged = iter(self.assessor.assess(said, "step") if said else [])
        return [_of_last(next(judged)) if one.action_ids else Valued(1.0) for one in prefixes]


def _as_reply(prefix: Prefix, chat: ChatFormat) -> Reply:
    made = Completion(prefix.action_ids, prefix.logprobs, prefix.ended or "length", prefix.weights_version)
    return Reply(chat.text(prefix.action_ids), (made,), prefix.prompt_ids)


def _of_last(judged: Assessment) -> Valued:
    return Valued(judged.scores[-1] if judged.scores else math.nan, judged.cost)


class Rollouts:
    """The mean worth of ``n`` answers that begin so: simulation, as in the first Monte-Carlo tree searches.

    world: ``solutions`` of the policy that goes on. Its value judges the answers, or, where it may peek, the verifier
    does: then this is the Monte-Carlo estimate that process reward models learn (Math-Shepherd, arXiv:2312.08935),
    over the answers that it can judge; nan where it can judge none.
    """

    def __init__(self, world: TextWorld, n: int = 4) -> None:
        if n < 1:
            raise ValueError(f"a mean is of 1 or more answers, not {n}")
        self.world, self.n = world, n

    @property
    def peeks(self) -> bool:
        return self.world.peeks

    def __call__(self, prefixes: Sequence[Prefix]) -> list[Valued]:
        ends = [[(one, self.world.known(one))] if one.ended else [] for one in prefixes]
        costs = [Cost(verifier_calls=sum(known is not None for _, known in end)) for end in ends]
        open_ones = [index for index, one in enumerate(prefixes) if not one.ended]
        requests = [Request(prefixes[index], self._seeds(prefixes[index])) for index in open_ones]
        for index, proposed in zip(open_ones, self.world.expand(requests), strict=True):
            ends[index] = [(proposal.state, proposal.value) for proposal in proposed.proposals]
            costs[index] += proposed.cost
        unknown = [(index, end) for index, group in enumerate(ends) for end, known in group if known is None]
        judged = self.world.evaluate([end for _, end in unknown]) if unknown else []
        values = [[known for _, known in group if known is not None and not math.isnan(known)] for group in ends]
        for (index, _), valued in zip(unknown, judged, strict=True):
            values[index].append(valued.value)
            costs[index] += valued.cost
        means = [sum(group) / len(group) if group else math.nan for group in values]
        return [Valued(*pair) for pair in zip(means, costs, strict=True)]

    def _seeds(self, prefix: Prefix) -> tuple[int, ...]:
        return tuple(derive_seed("rollout", prefix.dialogue.seed, index, *prefix.action_ids) for index in range(self.n))


def _scores(evaluator: Evaluator, read: Sequence[tuple[int, ...]]) -> list[float]:
    """The head at the last of these ids, be it the prompt's."""
    return evaluator.score([ids[:-1] for ids in read], [ids[-1:] for ids in read])
