"""Candidates: which values cells, or which positions things, may still take. Sets of them are masks of bits."""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import permutations

CACHED = 1 << 15  # sets of candidates whose consequences are remembered, for each rule


@lru_cache(maxsize=CACHED)
def all_different(candidates: tuple[int, ...]) -> tuple[int, ...] | None:
    """What is left of the candidates of n cells that hold n values once each; None when they cannot.

    A value is left exactly when some permutation within the candidates has it there (generalised arc consistency of
    the all-different constraint, Régin 1994), found among all n! of them: n is at most 7.
    """
    within, at = _permutations(len(candidates))
    fitting = -1
    for allowed, mask in zip(within, candidates, strict=True):
        fitting &= allowed[mask]
    if not fitting:
        return None
    return tuple(
        [
            sum([value for value, has in cell if mask & value and has & fitting]) if mask & mask - 1 else mask
            for cell, mask in zip(at, candidates, strict=True)
        ]
    )


@cache
def _permutations(n: int) -> tuple[list[list[int]], list[list[tuple[int, int]]]]:
    """Of each cell, the permutations (a bit each) with a value of each mask, and with each value, itself a mask."""
    everyone = list(permutations(range(n)))
    at = [
        [(1 << value, int("".join(["1" if p[cell] == value else "0" for p in everyone]), 2)) for value in range(n)]
        for cell in range(n)
    ]
    within = []
    for cell in at:
        allowed = [0]
        for _, has in cell:
            allowed += [mask | has for mask in allowed]
        within.append(allowed)
    return within, at
