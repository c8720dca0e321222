"""KenKen: a Latin square whose cages reach their targets by one operation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ..verdict import Verdict
from .answer import Grid, Rules, judge, place, read_grid
from .instance import MAX_SIDE, freeze, integer
from .latin import Cell, cell, line_rules

CageOperation = Literal["+", "-", "*", "/", "="]


@dataclass(frozen=True, slots=True)
class Cage:
    """Cells (row, column) from 0 whose numbers make ``target``.

    ``+`` and ``*`` take all of them; ``-`` and ``/`` the larger and the smaller of two; ``=`` is a single given cell.
    """

    operation: CageOperation
    target: int
    cells: Sequence[Cell]

    def value(self, numbers: Sequence[int]) -> float:
        """What the operation makes of the cells' numbers; a quotient that is not whole makes no target."""
        match self.operation:
            case "+":
                return sum(numbers)
            case "*":
                return math.prod(numbers)
            case "-":
                return max(numbers) - min(numbers)
            case "/":
                return math.nan if max(numbers) % min(numbers) else max(numbers) // min(numbers)
            case "=":
                return numbers[0]


@dataclass(frozen=True, slots=True)
class KenKen:
    """Fill a grid of this size so that rows and columns hold 1 to n and each cage makes its target.

    partial: a wrong answer's score is the fraction of rows, columns and cages that are kept.

    The answer is the grid, read by ``answer.read_cells``.

    Raises:
        ValueError: the cages do not cover each cell once, or a cage has an unknown operation or too few or many cells.
    """

    size: int
    cages: Sequence[Cage]
    partial: bool = False

    def __post_init__(self) -> None:
        integer(self.size, "size", 1, MAX_SIDE)
        cages = tuple(_checked(cage, self.size) for cage in self.cages)
        owned = [c for cage in cages for c in cage.cells]
        if twice := [c for c, times in Counter(owned).items() if times > 1]:
            raise ValueError(f"{place(*twice[0])} is in two cages")
        if len(owned) != self.size**2:
            free = next((i, j) for i in range(self.size) for j in range(self.size) if (i, j) not in owned)
            raise ValueError(f"{place(*free)} is in no cage")
        freeze(self, cages=cages)

    def verify(self, response: str) -> Verdict:
        size = self.size
        return judge(response, lambda text: read_grid(text, size, size, 1, size), self._rules, self.partial)

    def _rules(self, grid: Grid) -> Rules:
        yield from line_rules(grid)
        for cage in self.cages:
            numbers = [grid[i][j] for i, j in cage.cells]
            kept = cage.value(numbers) == cage.target
            where = f"the cage at {place(*cage.cells[0])} ({cage.target}{cage.operation})"
            yield None if kept else f"{where} holds {', '.join(map(str, numbers))}"


def _checked(cage: Cage, size: int) -> Cage:
    if cage.operation not in get_args(CageOperation):
        raise ValueError(f"a cage's operation is one of + - * / =, not {cage.operation!r}")
    cells = tuple(cell(position, size) for position in cage.cells)
    needed = {"-": 2, "/": 2, "=": 1}.get(cage.operation, max(len(cells), 1))
    if len(cells) != needed:
        raise ValueError(f"a cage with {cage.operation} has {needed} cells, not {len(cells)}")
    return Cage(cage.operation, integer(cage.target, "a cage's target", 0), cells)
