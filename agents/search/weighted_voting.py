"""Weighted voting: answers vote, each with the weight that an evaluator gives it (Li et al., arXiv:2206.02336)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from palaestra.agents.agent import Agent, Dialogue, Reply, samples
from palaestra.agents.evaluators.choosing import chooses, favourite, paid, scores_of
from palaestra.episodes import Actor, Cost
from palaestra.verifiers import extract_answer

if TYPE_CHECKING:
    from palaestra.agents.evaluator import Scorer
    from palaestra.agents.evaluators.assessment import Assessor

Weigh: TypeAlias = Callable[[Sequence[float]], list[float]]


def softmax(scores: Sequence[float]) -> list[float]:
    """Weights for scores that are known up to a constant, as those of Bradley–Terry models are."""
    powers = [math.exp(score - max(scores)) for score in scores]
    return [power / sum(powers) for power in powers]


def sigmoid(scores: Sequence[float]) -> list[float]:
    """Weights for scores that are logits of being right, as those of outcome models are: the probabilities."""
    return [0.5 * (1 + math.tanh(score / 2)) for score in scores]


class WeightedVoting:
    """Wraps an agent: k replies a dialogue; the answer of the greatest summed weight wins, the first of equals.

    evaluator: a ``Scorer``, which reads tokens, or any ``Assessor``; that it peeks stands in the name. What it gives
    no score has no weight, and is counted; where it scores nothing all weigh the same.
    The reply is the one of the winning answer that the evaluator likes best. The cost is that of all k and of judging
    them. Where no reply holds an answer, the best-liked reply is given.
    """

    def __init__(self, agent: Agent, evaluator: Scorer | Assessor, k: int = 8, weigh: Weigh = softmax) -> None:
        if k < 1:
            raise ValueError(f"weighted voting needs k of 1 or more, not {k}")
        self.agent, self.evaluator, self.k, self.weigh = agent, evaluator, k, weigh
        self.counts: Counter[str] = Counter()

    @property
    def actor(self) -> Actor:
        return chooses(self.agent.actor, f"wv{self.k}", self.evaluator)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        groups = samples(self.agent, dialogues, self.k)
        scored = scores_of(self.evaluator, dialogues, groups, self.counts)
        return [self._vote(group, *own) for group, own in zip(groups, scored, strict=True)]

    def _vote(self, replies: Sequence[Reply], scores: Sequence[float], judging: Cost) -> Reply:
        answers = [found.text or None if (found := extract_answer(reply.text)) else None for reply in replies]
        sums: dict[str | None, float] = defaultdict(float)
        for answer, weight in zip(answers, self._weights(scores), strict=True):
            sums[answer] += weight
        sums.pop(None, None)
        winner = max(sums, key=lambda answer: sums[answer], default=None)
        given = [index for index, answer in enumerate(answers) if answer == winner]
        chosen = given[favourite([scores[index] for index in given])]
        cost = sum((reply.cost for reply in replies), judging)
        return paid(replies[chosen], cost, weight=sums.get(winner, 0.0), of=self.k)

    def _weights(self, scores: Sequence[float]) -> list[float]:
        known = [score for score in scores if not math.isnan(score)]
        weights = iter(self.weigh(known) if known else [])
        return [0.0 if math.isnan(score) else next(weights) for score in scores] if known else [1.0] * len(scores)
