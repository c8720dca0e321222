"""What a task creator is paid for: problems that a solver neither always solves nor never, unlike those before."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

GRAM = 3  # characters


def learnability(p: float) -> float:
    """1 - |2p - 1| of a solver's success rate: 1 where it is right half the time, 0 where always or never.

    nan for nan: nobody knows. ``ProposerSolver`` pays 4p(1 - p), which is flatter at the top (arXiv:2408.15099).

    Raises:
        ValueError: p is not in [0, 1].
    """
    if not (math.isnan(p) or 0 <= p <= 1):
        raise ValueError(f"a success rate is in [0, 1], not {p:g}")
    return 1 - abs(2 * p - 1)


def uncertainty(right: float, tries: float) -> float:
    """The expected 4p(1 - p) when of ``tries`` answers ``right`` were right, before which any p was as likely.

    Under Beta(right + 1, tries - right + 1) it is 4ab / ((a + b)(a + b + 1)): 2/3 for what was never tried, more for
    what is right half the time for sure, and near 0 for what is nearly always or nearly never right.

    Raises:
        ValueError: ``right`` is not from 0 to ``tries``.
    """
    if not 0 <= right <= tries:
        raise ValueError(f"{right:g} of {tries:g} tries cannot be right")
    a, b = right + 1, tries - right + 1
    return 4 * a * b / ((a + b) * (a + b + 1))


def novelty(text: str, others: Iterable[frozenset[str]]) -> float:
    """1 - the largest Jaccard similarity of a text's letter triples with ``triples`` of others; 1 without any."""
    own = triples(text)
    return 1 - max((_similar(own, other) for other in others), default=0.0)


@lru_cache(maxsize=512)  # each draft is held against all that were written before it
def triples(text: str) -> frozenset[str]:
    """All runs of three characters in a text, spaces made one and capitals small."""
    plain = " ".join(text.lower().split())
    return frozenset(plain[start : start + GRAM] for start in range(max(1, len(plain) - GRAM + 1)))


def _similar(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    union = len(one) + len(other) - shared
    return shared / union if union else 1.0
