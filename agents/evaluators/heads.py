"""Models with a head of one number: outcome, process and value models, read at any token."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from palaestra.episodes import Cost

from .assessment import GRAINS, Answer, Assessment, Grain, decoder, ends_of, ids_of, refuse, spans_of

if TYPE_CHECKING:
    from palaestra.agents.evaluator import Evaluator


def sigmoid(score: float) -> float:
    """The probability that a logit stands for."""
    return 0.5 * (1 + math.tanh(score / 2))


class Head:
    """What the head says where the answer, each step or each token ends, through ``squash``.

    aggregate: of the steps' scores into the answer's, as process models have it; None takes the last token's.
    """

    grains: tuple[Grain, ...] = GRAINS

    def __init__(
        self,
        evaluator: Evaluator,
        squash: Callable[[float], float] = float,
        aggregate: Callable[[Sequence[float]], float] | None = None,
    ) -> None:
        self.evaluator, self.squash, self.aggregate = evaluator, squash, aggregate
        self.decode = decoder(evaluator.tokenizer)
        self.weights_hash = evaluator.actor.weights_hash

    def assess(self, answers: Sequence[Answer], grain: Grain = "answer") -> list[Assessment]:
        refuse(self, grain)
        prompts = [answer.reply.prompt_ids for answer in answers]
        values = self.evaluator.tokens(prompts, [ids_of(answer.reply, grain) for answer in answers])
        return [self._assess(answer, own, grain) for answer, own in zip(answers, values, strict=True)]

    def _assess(self, answer: Answer, values: Sequence[float], grain: Grain) -> Assessment:
        reply = answer.reply
        steps = grain == "answer" and self.aggregate is not None
        ends = ends_of(reply, "step" if steps else grain, self.decode) or [len(values)]
        scores = tuple(self.squash(values[end - 1]) for end in ends)
        if steps and self.aggregate is not None:
            scores = (self.aggregate(scores),)
        cost = Cost(tokens_in=len(reply.prompt_ids) + len(values))
        return Assessment(scores, spans_of(reply, grain, self.decode), cost)


def outcome_reward(evaluator: Evaluator) -> Head:
    """The chance that the answer is right, of a model trained on outcomes."""
    return Head(evaluator, sigmoid)


def process_reward(evaluator: Evaluator, aggregate: Callable[[Sequence[float]], float] = min) -> Head:
    """The chance that each step is right; the answer's is their ``min``, or ``math.prod``."""
    return Head(evaluator, sigmoid, aggregate)


def value_critic(evaluator: Evaluator) -> Head:
    """What is foretold of the outcome, in (-1, 1), of a value model."""
    return Head(evaluator, math.tanh)
