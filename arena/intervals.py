"""Intervals: how far a figure measured on n problems can be from the truth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Z = 1.959963984540054  # 97.5 % quantile of the normal distribution


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson score interval of a proportion (Wilson, 1927); (0, 1) without trials. Holds its level near 0 and 1."""
    if trials == 0:
        return 0.0, 1.0
    p = successes / trials
    centre = (p + Z * Z / (2 * trials)) / (1 + Z * Z / trials)
    half = Z / (1 + Z * Z / trials) * math.sqrt(p * (1 - p) / trials + Z * Z / (4 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap(values: Sequence[float], resamples: int = 2000) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean (Efron, 1979), for scores that are not all 0 or 1."""
    data = np.asarray(values, dtype=float)
    if len(data) == 0:
        return 0.0, 1.0
    rng = np.random.default_rng(0)
    means = data[rng.integers(len(data), size=(resamples, len(data)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def interval(scores: Sequence[float]) -> tuple[float, float]:
    """Wilson when every score is 0 or 1, else bootstrap."""
    if all(score in (0.0, 1.0) for score in scores):
        return wilson(int(sum(scores)), len(scores))
    return bootstrap(scores)
