"""Latin squares: random ones, and elimination of candidates in rows and columns."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from palaestra.envs.tasks.draws import shuffled

from .candidates import all_different
from .grids import square


def draw_square(rng: np.random.Generator, n: int) -> list[int]:
    """The n² cells of a Latin square of 1 to n: the cyclic one with rows, columns and numbers in random order."""
    rows, columns, numbers = (shuffled(rng, range(n)) for _ in range(3))
    return [numbers[(i + j) % n] + 1 for i in rows for j in columns]


def eliminate(masks: list[int], n: int, narrow: Callable[[list[int]], None]) -> bool:
    """``sweep`` until nothing changes; whether every cell is then settled."""
    solved = n * ((1 << n) - 1)  # the sum of the masks when each line holds each number once, and only then
    before: list[int] = []
    while masks != before:
        before = masks[:]
        sweep(masks, n, narrow)
        if sum(masks) == solved:
            return True
    return False


def sweep(masks: list[int], n: int, narrow: Callable[[list[int]], None]) -> None:
    """Take out candidates (bit v-1: number v) once by ``narrow``, a puzzle's other rules, and once by rows and columns.

    The square must exist: a contradiction is not looked for.
    """
    narrow(masks)
    for line in _lines(n):
        cells = tuple(masks[line])
        masks[line] = all_different(cells) or cells


def sweep_singles(masks: list[int], n: int, narrow: Callable[[list[int]], None]) -> None:
    """A weaker sweep: ``narrow``, and no number that is settled elsewhere in its line."""
    narrow(masks)
    for cell, mask in enumerate(masks):
        if mask & (mask - 1) == 0:
            i, j = divmod(cell, n)
            for other in [*range(i * n, i * n + n), *range(j, n * n, n)]:
                if other != cell:
                    masks[other] &= ~mask


def settle(masks: list[int], n: int, narrow: Callable[[list[int]], None]) -> list[str]:
    """A worked elimination: for each sweep the cells that it settles."""
    lines: list[str] = []
    before: list[int] = []
    while masks != before:
        before, left = masks[:], unsettled(masks)
        sweep(masks, n, narrow)
        settled = [f"{cell_name(c, n)} = {masks[c].bit_length()}" for c in left if not masks[c] & (masks[c] - 1)]
        lines += [", ".join(settled)] if settled else []
    return lines


def smallest(masks: list[int], n: int) -> list[list[int]]:
    """The rows of a grid with the smallest candidate of each cell; 0 where there is none."""
    return square([(mask & -mask).bit_length() for mask in masks], n)


@cache
def _lines(n: int) -> list[slice]:
    """The rows and columns."""
    rows = [slice(i * n, i * n + n) for i in range(n)]
    return rows + [slice(j, None, n) for j in range(n)]


@cache
def cell_name(cell: int, n: int) -> str:
    """``r1c2`` for row 1, column 2."""
    return f"r{cell // n + 1}c{cell % n + 1}"


def unsettled(masks: list[int]) -> list[int]:
    """The cells with more than one candidate."""
    return [cell for cell, mask in enumerate(masks) if mask & (mask - 1)]
