"""Sudoku with boxes of any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..verdict import Verdict
from .answer import Grid, Rules, judge, read_grid
from .instance import freeze, integers
from .latin import distinct, given_rules, line_rules, square


@dataclass(frozen=True, slots=True)
class Sudoku:
    """Fill the grid so that each row, column and box holds every number from 1 to n.

    givens: n rows of n numbers, 0 where a cell is empty.
    box: rows and columns of a box; their product is n.
    partial: a wrong answer's score is the fraction of givens, rows, columns and boxes that are kept.

    The answer is the grid, read by ``answer.read_cells``. Any grid that keeps the rules is right, also where the givens
    allow several.

    Raises:
        ValueError: the givens are no n by n grid of numbers from 0 to n, or the box does not fit n.
    """

    givens: Sequence[Sequence[int]]
    box: tuple[int, int] = (3, 3)
    partial: bool = False

    def __post_init__(self) -> None:
        givens, box = square(self.givens), integers(self.box, "box", 1)
        if len(box) != 2 or box[0] * box[1] != len(givens):
            raise ValueError(f"a box of {'x'.join(map(str, box))} does not fit {len(givens)} numbers")
        freeze(self, givens=givens, box=box)

    def verify(self, response: str) -> Verdict:
        size = len(self.givens)
        return judge(response, lambda text: read_grid(text, size, size, 1, size), self._rules, self.partial)

    def _rules(self, grid: Grid) -> Rules:
        yield from given_rules(grid, self.givens)
        yield from line_rules(grid)
        height, width = self.box
        starts = [(i, j) for i in range(0, len(grid), height) for j in range(0, len(grid), width)]
        for number, (i, j) in enumerate(starts, 1):
            yield distinct(f"box {number}", [value for row in grid[i : i + height] for value in row[j : j + width]])
