"""Magic squares of the numbers 1 to n squared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..verdict import Verdict
from .answer import Grid, Rules, judge, read_grid
from .instance import MAX_SIDE, freeze, integer_grid
from .latin import distinct, given_rules


@dataclass(frozen=True, slots=True)
class MagicSquare:
    """Fill the grid with 1 to n squared, each once, so that rows, columns and both diagonals have one sum.

    givens: n rows of n numbers, 0 where a cell is empty.
    partial: a wrong answer's score is the fraction of givens and lines that are kept, "each once" being one rule.

    The answer is the grid, read by ``answer.read_cells``. The sum is n(n^2+1)/2, as all numbers add up to n times that.

    Raises:
        ValueError: the givens are no n by n grid of numbers from 0 to n squared.
    """

    givens: Sequence[Sequence[int]]
    partial: bool = False

    def __post_init__(self) -> None:
        size = len(self.givens)
        if not 1 <= size <= MAX_SIDE:
            raise ValueError(f"the givens have from 1 to {MAX_SIDE} rows, not {size}")
        freeze(self, givens=integer_grid(self.givens, size, size, 0, size**2, "the givens"))

    def verify(self, response: str) -> Verdict:
        size = len(self.givens)
        return judge(response, lambda text: read_grid(text, size, size, 1, size**2), self._rules, self.partial)

    def _rules(self, grid: Grid) -> Rules:
        size = len(grid)
        yield from given_rules(grid, self.givens)
        yield distinct("the grid", [value for row in grid for value in row])
        lines = [(f"row {i + 1}", grid[i]) for i in range(size)]
        lines += [(f"column {j + 1}", tuple(row[j] for row in grid)) for j in range(size)]
        lines.append(("the diagonal from the top left", tuple(grid[i][i] for i in range(size))))
        lines.append(("the diagonal from the top right", tuple(grid[i][-1 - i] for i in range(size))))
        target = size * (size**2 + 1) // 2
        for name, line in lines:
            yield None if sum(line) == target else f"{name} has sum {sum(line)}, not {target}"
