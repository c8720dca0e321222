"""Sudoku on boards of 4, 6 and 9."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict
from palaestra.verifiers import puzzles as verifiers

from .grids import boxed, judge, one_each, show, square
from .latin import cell_name, smallest
from .sudoku_grids import MINIMAL


class Level(NamedTuple):
    """box: rows and columns of one. clues: how many numbers are given, at least; minimal puzzles have up to 24."""

    box: tuple[int, int]
    clues: int


LEVELS = (
    Level((2, 2), 10),
    Level((2, 2), 7),
    Level((2, 3), 24),
    Level((2, 3), 16),
    Level((2, 3), 10),
    Level((3, 3), 45),
    Level((3, 3), 36),
    Level((3, 3), 31),
    Level((3, 3), 27),
    Level((3, 3), 24),
)


@register("palaestra/Sudoku-v0")
@dataclass(frozen=True)
class Sudoku(Task):
    """Fill the grid so that each row, column and box holds every number once.

    Difficulty raises the board from 4x4 over 6x6 to 9x9 and lowers how many numbers are given, at last to 24 of 81. A
    problem starts from one of 56 grids that come with minimal clues (``sudoku_grids``): its numbers, rows and columns
    within bands, and bands are put in random order (up to 10¹² ways), and further numbers are given in random cells.
    So the solution is the only one, but up to symmetry there are at most 24 solved grids of a size.
    """

    tags: ClassVar[tuple[str, ...]] = ("puzzles", "grids")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "Solve this sudoku. Every row, every column and every box of {height} rows and {width} columns holds the "
        "numbers 1 to {n}; a dot is an empty cell.\n\n{grid}\n\nAnswer in \\boxed{{}} with the full grid, one row a "
        "line, numbers separated by spaces.",
        "{grid}\n\nReplace each dot above by a number from 1 to {n} such that no number occurs twice in a line of "
        "the grid, across or down, or in one of the {n} blocks ({height} high, {width} wide) into which it divides. "
        "Give all {n} rows on separate lines in \\boxed{{}}.",
        "A {n} by {n} grid is cut into rectangles of {height} x {width} cells (rows x columns). Its rows, its "
        "columns and these rectangles are permutations of 1..{n}. Only these entries have "
        "survived:\n\n{grid}\n\nReconstruct the grid; write it in \\boxed{{}}, each row on its own line.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level, random = LEVELS[difficulty - 1], rng.random
        height, width = level.box
        n = height * width
        grids = MINIMAL[n]
        cells, clues = _rearranged(random, grids[int(random() * len(grids))], height, width)
        others = [cell for cell in range(n * n) if cell not in clues]
        while len(clues) < level.clues:
            clues.add(others.pop(int(random() * len(others))))
        givens = square([value if cell in clues else 0 for cell, value in enumerate(cells)], n)
        fields = {"n": str(n), "height": str(height), "width": str(width), "grid": show(givens)}
        reference = {"givens": givens, "box": [height, width], "solution": show(square(cells, n))}
        return self.ask(rng, reference, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        givens, (height, width) = problem.reference["givens"], problem.reference["box"]
        return judge(response, problem.reference["solution"], lambda: verifiers.Sudoku(givens, (height, width)))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Naked and hidden singles, as far as they go; then the rest."""
        masks, units = _candidates(problem)
        lines = []
        for cell, value, why in _singles(masks, units, hidden=True):
            lines.append(f"{cell_name(cell, len(units) // 3)} = {value} ({why})")
        solution = problem.reference["solution"].split()
        rest = [c for c, mask in enumerate(masks) if mask & (mask - 1)]
        if rest:
            found = ", ".join(f"{cell_name(c, len(units) // 3)} = {solution[c]}" for c in rest)
            lines.append(f"The only way to fill the other cells: {found}")
        return "\n".join([*lines, f"\\boxed{{{problem.reference['solution']}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Naked singles only, then the smallest candidate of each cell."""
        masks, units = _candidates(problem)
        for _ in _singles(masks, units, hidden=False):
            pass
        return boxed(smallest(masks, len(units) // 3))


def _rearranged(random: Callable[[], float], grid: str, height: int, width: int) -> tuple[list[int], set[int]]:
    """The cells of a grid under a random symmetry of sudoku, and where its clues are."""
    n = height * width
    rows = [band * height + i for band in one_each(random, width) for i in one_each(random, height)]
    columns = [stack * width + j for stack in one_each(random, height) for j in one_each(random, width)]
    numbers = one_each(random, n)
    if height == width and random() < 0.5:
        marks = [grid[j * n + i] for i in rows for j in columns]
    else:
        marks = [grid[i * n + j] for i in rows for j in columns]
    value = {mark: numbers[k] + 1 for k in range(n) for mark in ("123456789"[k], "abcdefghi"[k])}
    return [value[mark] for mark in marks], {cell for cell, mark in enumerate(marks) if mark.isdigit()}


def _candidates(problem: Problem) -> tuple[list[int], list[list[int]]]:
    """The candidates of each cell (bit v-1: number v) before anything is excluded, and the units."""
    givens, (height, width) = problem.reference["givens"], problem.reference["box"]
    masks = [1 << v - 1 if v else (1 << len(givens)) - 1 for row in givens for v in row]
    return masks, _units(height, width)


@cache
def _units(height: int, width: int) -> list[list[int]]:
    """The cells of each row, column and box."""
    n = height * width
    rows = [list(range(i * n, i * n + n)) for i in range(n)]
    columns = [list(range(j, n * n, n)) for j in range(n)]
    boxes = [
        [(top + i) * n + left + j for i in range(height) for j in range(width)]
        for top in range(0, n, height)
        for left in range(0, n, width)
    ]
    return rows + columns + boxes


def _singles(masks: list[int], units: Sequence[Sequence[int]], hidden: bool) -> Iterator[tuple[int, int, str]]:
    """Settle cells with one candidate, and with ``hidden`` also those alone in a unit with some number."""
    before: list[int] = []
    while masks != before:
        before = masks[:]
        for unit in units:
            for cell in unit:
                if not masks[cell] & (masks[cell] - 1):
                    for other in unit:
                        if other != cell and masks[other] & masks[cell]:
                            masks[other] &= ~masks[cell]
                            if masks[other] and not masks[other] & (masks[other] - 1):
                                yield other, masks[other].bit_length(), "nothing else is left for it"
        for k, unit in enumerate(units if hidden else ()):
            for v in range(len(unit)):
                places = [cell for cell in unit if masks[cell] >> v & 1]
                if len(places) == 1 and masks[places[0]] & (masks[places[0]] - 1):
                    masks[places[0]] = 1 << v
                    kind = ("row", "column", "box")[k // len(unit)]
                    yield places[0], v + 1, f"the only place in its {kind}"
