"""Nonograms: the lengths of the filled runs in each row and column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ..verdict import Verdict
from .answer import AnswerError, Rules, judge, place, read_cells
from .instance import MAX_SIDE, freeze, integers

FILLED = frozenset("#1X\u2588")
EMPTY = frozenset("._0")


@dataclass(frozen=True, slots=True)
class Nonogram:
    """Fill cells so that each line holds runs of filled cells of just these lengths, in this order.

    rows: the lengths of each row, from the left; none (or a single 0) for an empty row. columns: the same from the top.
    partial: a wrong answer's score is the fraction of rows and columns that are kept.

    The answer is the grid: ``#``, ``1``, ``X`` or a full block is filled; ``.``, ``_`` or ``0`` is empty.

    Raises:
        ValueError: a line's runs do not fit in it, or rows and columns fill different numbers of cells.
    """

    rows: Sequence[Sequence[int]]
    columns: Sequence[Sequence[int]]
    partial: bool = False

    def __post_init__(self) -> None:
        rows, columns = _clues(self.rows, "row"), _clues(self.columns, "column")
        for what, clues, length in (("row", rows, len(columns)), ("column", columns, len(rows))):
            for number, clue in enumerate(clues, 1):
                if sum(clue) + max(len(clue) - 1, 0) > length:
                    raise ValueError(f"the runs of {what} {number} do not fit in {length} cells")
        if (across := sum(map(sum, rows))) != (down := sum(map(sum, columns))):
            raise ValueError(f"the rows fill {across} cells and the columns {down}")
        freeze(self, rows=rows, columns=columns)

    def verify(self, response: str) -> Verdict:
        return judge(response, self._read, self._rules, self.partial)

    def _read(self, text: str) -> list[list[bool]]:
        cells = read_cells(text, len(self.rows), len(self.columns))
        for i, row in enumerate(cells):
            for j, symbol in enumerate(row):
                if symbol not in FILLED and symbol not in EMPTY:
                    raise AnswerError(f"{place(i, j)} is neither # nor .")
        return [[symbol in FILLED for symbol in row] for row in cells]

    def _rules(self, grid: list[list[bool]]) -> Rules:
        columns = list(zip(*grid, strict=True))
        for what, lines, clues in (("row", grid, self.rows), ("column", columns, self.columns)):
            for number, (line, clue) in enumerate(zip(lines, clues, strict=True), 1):
                runs = tuple(len(list(run)) for filled, run in groupby(line) if filled)
                yield None if runs == clue else f"{what} {number} has runs {_listed(runs)} instead of {_listed(clue)}"


def _clues(clues: Sequence[Sequence[int]], what: str) -> tuple[tuple[int, ...], ...]:
    if not 1 <= len(clues) <= MAX_SIDE:
        raise ValueError(f"there are from 1 to {MAX_SIDE} {what}s, not {len(clues)}")
    return tuple(() if list(clue) == [0] else integers(clue, f"{what} {i}", 1) for i, clue in enumerate(clues, 1))


def _listed(runs: Sequence[int]) -> str:
    return " ".join(map(str, runs)) or "none"
