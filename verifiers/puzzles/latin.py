"""Latin squares, and Futoshiki: a Latin square with inequalities between cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..verdict import Verdict
from .answer import Grid, Rules, judge, place, read_grid
from .instance import MAX_SIDE, freeze, integer_grid, integers

Cell = tuple[int, int]
TIMES = dict(enumerate(("two", "three", "four", "five", "six", "seven", "eight", "nine"), 2))


@dataclass(frozen=True, slots=True)
class LatinSquare:
    """Fill an n by n grid so that each row and column holds every number from 1 to n.

    givens: the grid, 0 where a cell is empty.
    partial: a wrong answer's score is the fraction of lines and givens that are kept.

    The answer is the grid, read by ``answer.read_cells``.

    Raises:
        ValueError: the givens are no square grid of numbers from 0 to n.
    """

    givens: Sequence[Sequence[int]]
    partial: bool = False

    def __post_init__(self) -> None:
        freeze(self, givens=square(self.givens))

    def verify(self, response: str) -> Verdict:
        size = len(self.givens)
        return judge(response, lambda text: read_grid(text, size, size, 1, size), self._rules, self.partial)

    def _rules(self, grid: Grid) -> Rules:
        yield from given_rules(grid, self.givens)
        yield from line_rules(grid)


@dataclass(frozen=True, slots=True)
class Futoshiki:
    """A Latin square in which each of ``less``, a pair of cells (row, column) from 0, has the smaller number first.

    Raises:
        ValueError: the givens are no square grid of numbers from 0 to n, or a pair leaves the grid or repeats a cell.
    """

    givens: Sequence[Sequence[int]]
    less: Sequence[tuple[Cell, Cell]]
    partial: bool = False

    def __post_init__(self) -> None:
        givens = square(self.givens)
        pairs = tuple((cell(a, len(givens)), cell(b, len(givens))) for a, b in self.less)
        if same := [a for a, b in pairs if a == b]:
            raise ValueError(f"{place(*same[0])} is less than itself")
        freeze(self, givens=givens, less=pairs)

    def verify(self, response: str) -> Verdict:
        size = len(self.givens)
        return judge(response, lambda text: read_grid(text, size, size, 1, size), self._rules, self.partial)

    def _rules(self, grid: Grid) -> Rules:
        yield from given_rules(grid, self.givens)
        yield from line_rules(grid)
        for (i, j), (k, m) in self.less:
            less, more = grid[i][j], grid[k][m]
            yield None if less < more else f"{place(i, j)} is {less}, not less than the {more} of {place(k, m)}"


def square(givens: Sequence[Sequence[int]]) -> Grid:
    """Checked givens of a puzzle with the numbers 1 to n on an n by n grid."""
    size = len(givens)
    if not 1 <= size <= MAX_SIDE:
        raise ValueError(f"the givens have from 1 to {MAX_SIDE} rows, not {size}")
    return integer_grid(givens, size, size, 0, size, "the givens")


def cell(position: Sequence[int], size: int) -> Cell:
    """A checked (row, column) of an n by n grid."""
    row, column = integers(position, "a cell (row, column)", 0, size - 1)
    return row, column


def given_rules(grid: Grid, givens: Sequence[Sequence[int]]) -> Iterator[str | None]:
    """One rule a given cell: it keeps its number."""
    for i, row in enumerate(givens):
        for j, given in enumerate(row):
            if given:
                yield None if grid[i][j] == given else f"{place(i, j)} is {grid[i][j]}, but {given} is given"


def line_rules(grid: Grid) -> Iterator[str | None]:
    """One rule a row and column: no number twice."""
    for number, row in enumerate(grid, 1):
        yield distinct(f"row {number}", row)
    for number, column in enumerate(zip(*grid, strict=True), 1):
        yield distinct(f"column {number}", column)


def distinct(line: str, values: Iterable[int]) -> str | None:
    """How a line breaks the rule that it holds no number twice; None when it does not."""
    value, times = Counter(values).most_common(1)[0]
    return None if times == 1 else f"{line} has {TIMES.get(times, times)} {value}s"
