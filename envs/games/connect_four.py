"""Connect four on a grid of any size, with bitboards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from .game import Game
from .registration import register_game

MARKS = "xo"
PICTURES = str.maketrans("012", ".xo")


class Grid(NamedTuple):
    """Stones as bits, column by column from the bottom, with one bit always empty above each column.

    mover: stones of the player whose turn it is; other: of the other one; over: that one has four in a row.
    """

    mover: int
    other: int
    turn: int = 0
    over: bool = False


@register_game("palaestra/ConnectFour-v0")
@dataclass(frozen=True)
class ConnectFour(Game[Grid, int]):
    """Two players drop stones into columns in turn; the first with a row of them wins.

    rows, columns: of the grid, 2 to 12 each. in_row: stones that win. Actions are columns, counted from 0.
    """

    tags: ClassVar[tuple[str, ...]] = ("games", "board")
    rows: int = 6
    columns: int = 7
    in_row: int = 4

    def __post_init__(self) -> None:
        if not (2 <= self.rows <= 12 and 2 <= self.columns <= 12):
            raise ValueError(f"rows and columns are from 2 to 12, not {self.rows} and {self.columns}")
        if not 2 <= self.in_row <= max(self.rows, self.columns):
            raise ValueError(f"in_row is from 2 to {max(self.rows, self.columns)}, not {self.in_row}")

    @property
    def max_length(self) -> int:
        return self.rows * self.columns

    @property
    def rules(self) -> str:
        return (
            f"Connect four on a grid of {self.rows} rows and {self.columns} columns. The players x and o take turns to "
            "drop a stone into a column that is not full; it falls to the lowest free cell; x begins. Who first has "
            f"{self.in_row} stones in a row, column or diagonal wins; a full grid is a draw. An action is the number "
            f"of a column, 1 to {self.columns}."
        )

    def role(self, player: int) -> str:
        return MARKS[player]

    def initial(self, rng: np.random.Generator) -> Grid:
        return Grid(0, 0)

    def deals(self) -> list[tuple[float, Grid]]:
        return [(1.0, Grid(0, 0))]

    def player(self, state: Grid) -> int:
        return state.turn

    def legal(self, state: Grid) -> list[int]:
        height, filled = self.rows + 1, state.mover | state.other
        return [column for column in range(self.columns) if not filled >> (column * height + self.rows - 1) & 1]

    def act(self, state: Grid, action: int) -> Grid:
        mover, other, turn, _ = state
        height, filled = self.rows + 1, mover | other
        column = (1 << height) - 1 << action * height
        mover |= filled + (1 << action * height) & ~filled & column  # adding 1 carries past the stones
        for step in (1, height, height - 1, height + 1):
            rows = mover
            for _ in range(self.in_row - 1):
                rows &= rows >> step
            if rows:
                return Grid(other, mover, 1 - turn, True)
        return Grid(other, mover, 1 - turn)

    def terminal(self, state: Grid) -> bool:
        if state.over:
            return True
        height = self.rows + 1
        return (state.mover | state.other).bit_count() == self.columns * (height - 1)

    def returns(self, state: Grid) -> tuple[float, ...]:
        if not state.over:
            return (0.0, 0.0)
        return (1.0, -1.0) if state.turn else (-1.0, 1.0)

    def show(self, state: Grid) -> str:
        x, o = (state.other, state.mover) if state.turn else (state.mover, state.other)
        height = self.rows + 1
        # The two binary texts, read as hexadecimal numbers, add up to a digit a cell: 1 is an x, 2 an o.
        cells = f"{int(f'{x:b}', 16) + 2 * int(f'{o:b}', 16):x}".zfill(height * self.columns)[::-1].translate(PICTURES)
        lines = [" ".join(cells[row::height]) for row in range(self.rows - 1, -1, -1)]
        return "\n".join([*lines, " ".join(map(str, range(1, self.columns + 1)))])

    def action_text(self, action: int) -> str:
        return str(action + 1)

    def read(self, text: str) -> int | None:
        number = int(text) if len(text) <= 2 and text.isascii() and text.isdecimal() and text[0] != "0" else 0
        return number - 1 if 1 <= number <= self.columns else None

    def why(self, state: Grid, action: int) -> str:
        return f"column {action + 1} is full"
