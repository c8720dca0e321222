"""Kakuro: sums over runs of white cells, no digit twice in a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..verdict import Verdict
from .answer import AnswerError, Rules, judge, place, read_cells
from .instance import MAX_SIDE, freeze, integers
from .latin import Cell, distinct

BLACK, WHITE = "#", "."
Run = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Kakuro:
    """Put a digit from 1 to 9 in each white cell so that each run has its sum and no digit twice.

    layout: rows of ``#`` (black) and ``.`` (white). A run is two or more white cells in a row,
        or one above another.
    across: the sums of the runs in rows, from the top and from the left.
    down: the sums of the runs in columns, from the left and from the top.
    partial: a wrong answer's score is the fraction of runs that are kept (sum and digits are one rule each).

    The answer is the grid with ``#`` where the layout has it, read by ``answer.read_cells``.

    Raises:
        ValueError: the layout is no rectangle of ``#`` and ``.``, sums and runs differ in number, or a sum is out of
            its run's reach.
    """

    layout: Sequence[str]
    across: Sequence[int]
    down: Sequence[int]
    partial: bool = False

    def __post_init__(self) -> None:
        layout = tuple(self.layout)
        if not 1 <= len(layout) <= MAX_SIDE or len({len(row) for row in layout}) > 1:
            raise ValueError(f"the layout has up to {MAX_SIDE} rows of one length")
        if not 1 <= len(layout[0]) <= MAX_SIDE or set("".join(layout)) - {BLACK, WHITE}:
            raise ValueError(f"the layout's rows are up to {MAX_SIDE} of {BLACK} and {WHITE}")
        freeze(self, layout=layout, across=integers(self.across, "across"), down=integers(self.down, "down"))
        for direction, sums, runs in self._directions():
            if len(sums) != len(runs):
                raise ValueError(f"the layout has {len(runs)} runs {direction}, not {len(sums)}")
            for total, run in zip(sums, runs, strict=True):
                if len(run) > 9 or not sum(range(1, len(run) + 1)) <= total <= sum(range(10 - len(run), 10)):
                    raise ValueError(f"{len(run)} different digits {direction} of {place(*run[0])} cannot make {total}")

    def verify(self, response: str) -> Verdict:
        return judge(response, self._read, self._rules, self.partial)

    def _read(self, text: str) -> dict[Cell, int]:
        grid = read_cells(text, len(self.layout), len(self.layout[0]))
        digits = {}
        for i, row in enumerate(grid):
            for j, symbol in enumerate(row):
                if self.layout[i][j] == WHITE and symbol in "123456789" and len(symbol) == 1:
                    digits[i, j] = int(symbol)
                elif not self.layout[i][j] == symbol == BLACK:
                    wanted = "a digit from 1 to 9" if self.layout[i][j] == WHITE else f"{BLACK} (black)"
                    raise AnswerError(f"{place(i, j)} is not {wanted}")
        return digits

    def _rules(self, digits: dict[Cell, int]) -> Rules:
        for direction, sums, runs in self._directions():
            for total, run in zip(sums, runs, strict=True):
                where = f"the run {direction} from {place(*run[0])}"
                made = sum(digits[c] for c in run)
                yield None if made == total else f"{where} makes {made}, not {total}"
                yield distinct(where, [digits[c] for c in run])

    def _directions(self) -> list[tuple[str, Sequence[int], list[Run]]]:
        height, width = len(self.layout), len(self.layout[0])
        rows = [[(i, j) for j in range(width)] for i in range(height)]
        columns = [[(i, j) for i in range(height)] for j in range(width)]
        return [("across", self.across, list(self._runs(rows))), ("down", self.down, list(self._runs(columns)))]

    def _runs(self, lines: list[list[Cell]]) -> Iterator[Run]:
        for line in lines:
            run: list[Cell] = []
            for i, j in [*line, (-1, -1)]:
                if i >= 0 and self.layout[i][j] == WHITE:
                    run.append((i, j))
                    continue
                if len(run) > 1:
                    yield tuple(run)
                run = []
