"""Several evaluators as one: their mean, and how far they disagree."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from palaestra.agents.agent import joined
from palaestra.episodes import Cost

from .assessment import GRAINS, Answer, Assessment, Assessor, Grain, refuse, weights_of


class Ensemble:
    """The weighted mean of the members' scores less ``caution`` times their standard deviation, which is the spread.

    The members' scores should be on one scale. A member's nan or inf is left out and counted; where all are, the score
    is nan. The cost is that of all members. counts: "not scored", of members' scores.

    Raises:
        ValueError: there is no member, or not a positive weight for each.
    """

    def __init__(self, members: Sequence[Assessor], weights: Sequence[float] = (), caution: float = 0.0) -> None:
        self.members = list(members)
        self.weights = np.array(weights or [1.0] * len(self.members), dtype=float)
        if not self.members or len(self.weights) != len(self.members) or not (self.weights > 0).all():
            raise ValueError("an ensemble needs a member or more, and a positive weight for each")
        self.caution = caution
        self.counts: Counter[str] = Counter()

    @property
    def grains(self) -> tuple[Grain, ...]:
        """What all members can judge."""
        return tuple(grain for grain in GRAINS if all(grain in member.grains for member in self.members))

    @property
    def peeks(self) -> bool:
        """Whether any member looks at verdicts."""
        return any(getattr(member, "peeks", False) for member in self.members)

    @property
    def weights_hash(self) -> str:
        """Of all members' weights."""
        return joined(*map(weights_of, self.members))

    def assess(self, answers: Sequence[Answer], grain: Grain = "answer") -> list[Assessment]:
        refuse(self, grain)
        return [self._mean(own) for own in zip(*(m.assess(answers, grain) for m in self.members), strict=True)]

    def _mean(self, own: tuple[Assessment, ...]) -> Assessment:
        pairs = [self._of(scores) for scores in zip(*(one.scores for one in own), strict=True)]
        cost = sum((one.cost for one in own), Cost())
        return Assessment(tuple(s for s, _ in pairs), own[0].spans, cost, tuple(d for _, d in pairs))

    def _of(self, scores: tuple[float, ...]) -> tuple[float, float]:
        """Score and spread of one part."""
        values = np.array(scores, dtype=float)
        told = np.isfinite(values)
        self.counts["not scored"] += int((~told).sum())
        if not told.any():
            return math.nan, math.nan
        weights = self.weights[told] / self.weights[told].sum()
        mean = float(weights @ values[told])
        spread = float(np.sqrt(weights @ (values[told] - mean) ** 2))
        return mean - self.caution * spread, spread
