"""Significance: whether one agent is better than another, by what both did on the same problems."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

RESAMPLES = 2000
EQUAL = 1e-9  # scores no further apart are a tie


@dataclass(frozen=True, slots=True)
class Comparison:
    """``one`` beside ``other`` in an environment, over the problems that both have a score for.

    gap: mean of one's score less the other's; low, high: its 95 % interval by the paired bootstrap. wins, losses: of
    one, problem by problem; the rest are ties. p: of the sign test, two-sided; adjusted: the same corrected for the
    number of comparisons (``holm``).
    """

    env_id: str
    one: str
    other: str
    gap: float
    low: float
    high: float
    wins: int
    losses: int
    problems: int
    p: float
    adjusted: float = math.nan

    @property
    def differs(self) -> bool:
        """Whether the two are told apart at the 5 % level, all comparisons together."""
        return self.adjusted < 0.05


def compare(
    env_id: str, one: str, other: str, ones: Mapping[str, float], others: Mapping[str, float], seed: int = 0
) -> Comparison:
    """Compare two agents' scores by problem; a problem that either has no decided score for is left out.

    Raises:
        ValueError: they have no problem in common.
    """
    shared = sorted(key for key in ones.keys() & others.keys() if not math.isnan(ones[key] - others[key]))
    if not shared:
        raise ValueError(f"{one} and {other} have no decided problem of {env_id} in common")
    gaps = np.array([ones[key] - others[key] for key in shared])
    low, high = paired_bootstrap(gaps, seed)
    wins, losses = int((gaps > EQUAL).sum()), int((gaps < -EQUAL).sum())
    return Comparison(
        env_id, one, other, float(gaps.mean()), low, high, wins, losses, len(gaps), sign_test(wins, losses)
    )


def paired_bootstrap(gaps: Sequence[float] | np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95 % percentile interval of the mean gap, problems drawn anew with both agents' scores (Efron, 1979)."""
    data = np.asarray(gaps, dtype=float)
    rng = np.random.default_rng(seed)
    values, counts = np.unique(data, return_counts=True)  # scores are few: drawing their counts is the same, and quick
    drawn = rng.multinomial(len(data), counts / len(data), size=RESAMPLES) @ values / len(data)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def sign_test(wins: int, losses: int) -> float:
    """Chance, were both equally good, of a split at least this uneven: exact, two-sided, ties left out (Arbuthnot)."""
    n, fewer = wins + losses, min(wins, losses)
    if n == 0:
        return 1.0
    tail = sum(math.comb(n, k) for k in range(fewer + 1))
    return float(min(1.0, 2 * tail / 2**n))


def holm(ps: Sequence[float]) -> list[float]:
    """p-values such that to reject below 5 % errs once or more in at most 5 % of boards (Holm, 1979)."""
    order = sorted(range(len(ps)), key=ps.__getitem__)
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = highest
    return adjusted


def corrected(found: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons of a board, each with its p corrected for all of them."""
    adjusted = holm([one.p for one in found])
    return [replace(one, adjusted=p) for one, p in zip(found, adjusted, strict=True)]
