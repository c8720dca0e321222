"""The n queens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..verdict import Verdict
from .answer import AnswerError, Rules, judge, place, read_cells, read_integers
from .instance import MAX_SIDE, freeze, integer
from .latin import Cell, cell

QUEEN, EMPTY = "Q", "._"


@dataclass(frozen=True, slots=True)
class NQueens:
    """Place n queens on an n by n board so that none attacks another.

    given: squares (row, column) from 0 that hold a queen already.
    partial: a wrong answer's score is the fraction of givens, rows, columns and diagonals with queens that are kept.

    The answer is the board, ``Q`` for a queen and ``.`` or ``_`` for an empty square, read by ``answer.read_cells``;
    or n numbers: the column (from 1) of the queen in each row.

    Raises:
        ValueError: a given square is off the board, or a size is below 1.
    """

    size: int
    given: Sequence[Cell] = ()
    partial: bool = False

    def __post_init__(self) -> None:
        integer(self.size, "size", 1, MAX_SIDE)
        freeze(self, given=tuple(cell(position, self.size) for position in self.given))

    def verify(self, response: str) -> Verdict:
        return judge(response, self._read, self._rules, self.partial)

    def _read(self, text: str) -> frozenset[Cell]:
        if QUEEN not in text:
            columns = read_integers(text)
            if len(columns) != self.size:
                raise AnswerError(f"{len(columns)} columns are given instead of {self.size}")
            if outside := [column for column in columns if not 1 <= column <= self.size]:
                raise AnswerError(f"column {outside[0]} is not from 1 to {self.size}")
            return frozenset((i, column - 1) for i, column in enumerate(columns))
        queens = set()
        for i, row in enumerate(read_cells(text, self.size, self.size)):
            for j, symbol in enumerate(row):
                if symbol == QUEEN:
                    queens.add((i, j))
                elif symbol not in (*EMPTY,):
                    raise AnswerError(f"{place(i, j)} is neither {QUEEN} nor {EMPTY[0]}")
        return frozenset(queens)

    def _rules(self, queens: frozenset[Cell]) -> Rules:
        for i, j in self.given:
            yield None if (i, j) in queens else f"the given queen at {place(i, j)} is missing"
        rows = Counter(i for i, _ in queens)
        for i in range(self.size):
            yield None if rows[i] == 1 else f"row {i + 1} has {rows[i]} queens"
        for line, of in LINES.items():
            for _, times in sorted(Counter(of(queen) for queen in queens).items()):
                yield None if times == 1 else f"{times} queens share a {line}"


LINES: dict[str, Callable[[Cell], int]] = {
    "column": lambda queen: queen[1],
    "diagonal that falls to the right": lambda queen: queen[0] - queen[1],
    "diagonal that rises to the right": lambda queen: queen[0] + queen[1],
}
