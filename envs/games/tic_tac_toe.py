"""Tic-tac-toe on a square board of any size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np

from .game import Game
from .registration import register_game

MARKS = "xo"
EMPTY = "."
SHOWN = "; an empty cell shows its number"


class Board(NamedTuple):
    """cells: row by row, each "x", "o" or "."; winner: of the player, -1 while there is none."""

    cells: str
    turn: int = 0
    winner: int = -1


@register_game("palaestra/TicTacToe-v0")
@dataclass(frozen=True)
class TicTacToe(Game[Board, int]):
    """Two players mark empty cells in turn; the first with a row of marks wins.

    size: cells along a side, 2 to 9; a larger board makes a longer game.
    in_row: marks that win; a full side when None. threats: below the board stands at which empty cells a mark of each
    player would win, so that a small model need not find them. listed: the board is told as the cells that each player
    has and those that are empty, not drawn; a small model learns it sooner, since each cell has a name wherever it
    stands. Actions are cells, counted from 0 row by row as in OpenSpiel.
    """

    tags: ClassVar[tuple[str, ...]] = ("games", "board")
    size: int = 3
    in_row: int | None = None
    threats: bool = False
    listed: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.size <= 9:
            raise ValueError(f"size is from 2 to 9, not {self.size}")
        if self.in_row is not None and not 2 <= self.in_row <= self.size:
            raise ValueError(f"in_row is None or from 2 to {self.size}, not {self.in_row}")

    @property
    def max_length(self) -> int:
        return self.size * self.size

    @property
    def rules(self) -> str:
        n = self.size
        return (
            f"Tic-tac-toe on a board of {n} by {n} cells. The players x and o take turns to mark an empty cell; x "
            f"begins. Who first has {self.in_row or n} marks in a row, column or diagonal wins; a full board is a "
            f"draw. The cells are numbered from 1 to {n * n}, row by row{'' if self.listed else SHOWN}. An action is "
            "the number of an empty cell."
        )

    def role(self, player: int) -> str:
        return MARKS[player]

    def initial(self, rng: np.random.Generator) -> Board:
        return Board(EMPTY * self.size**2)

    def deals(self) -> list[tuple[float, Board]]:
        return [(1.0, Board(EMPTY * self.size**2))]

    def player(self, state: Board) -> int:
        return state.turn

    def legal(self, state: Board) -> list[int]:
        return [cell for cell, mark in enumerate(state.cells) if mark == EMPTY]

    def act(self, state: Board, action: int) -> Board:
        cells, turn, _ = state
        mark = MARKS[turn]
        cells = cells[:action] + mark + cells[action + 1 :]
        for line in _lines(self.size, self.in_row or self.size)[action]:
            for cell in line:
                if cells[cell] != mark:
                    break
            else:
                return Board(cells, 1 - turn, turn)
        return Board(cells, 1 - turn)

    def terminal(self, state: Board) -> bool:
        return state.winner >= 0 or EMPTY not in state.cells

    def returns(self, state: Board) -> tuple[float, ...]:
        return ((1.0, -1.0), (-1.0, 1.0), (0.0, 0.0))[state.winner]

    def show(self, state: Board) -> str:
        lines = self._lists(state.cells) if self.listed else self._drawing(state.cells)
        if self.threats:
            lines += [f"{mark} wins at {' '.join(self._wins(state.cells, mark)) or '-'}" for mark in MARKS]
        return "\n".join(lines)

    def _drawing(self, cells: str) -> list[str]:
        n = self.size
        texts = [number if mark == EMPTY else mark for number, mark in zip(_cells(n), cells, strict=True)]
        if n > 3:
            texts = [text.rjust(2) for text in texts]
        return [" ".join(texts[row : row + n]) for row in range(0, n * n, n)]

    def _lists(self, cells: str) -> list[str]:
        numbers = _cells(self.size)
        held = {mark: [number for number, cell in numbers.items() if cells[cell] == mark] for mark in MARKS + EMPTY}
        return [f"{'empty' if mark == EMPTY else mark} {' '.join(found) or '-'}" for mark, found in held.items()]

    def _wins(self, cells: str, mark: str) -> list[str]:
        """The empty cells where this mark would win."""
        through = _lines(self.size, self.in_row or self.size)
        empty = (cell for cell, other in enumerate(cells) if other == EMPTY)
        return [str(cell + 1) for cell in empty if any(all(cells[at] == mark for at in line) for line in through[cell])]

    def action_text(self, action: int) -> str:
        return str(action + 1)

    def read(self, text: str) -> int | None:
        return _cells(self.size).get(text)

    def why(self, state: Board, action: int) -> str:
        return f"cell {action + 1} is taken by {state.cells[action]}"


@cache
def _cells(size: int) -> dict[str, int]:
    return {str(cell + 1): cell for cell in range(size * size)}


@cache
def _lines(size: int, in_row: int) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """For each cell, the lines of ``in_row`` cells that go through it, without the cell itself."""
    through: list[list[tuple[int, ...]]] = [[] for _ in range(size * size)]
    for row in range(size):
        for column in range(size):
            for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
                last_row, last_column = row + down * (in_row - 1), column + right * (in_row - 1)
                if last_row < size and 0 <= last_column < size:
                    line = [(row + k * down) * size + column + k * right for k in range(in_row)]
                    for cell in line:
                        through[cell].append(tuple(other for other in line if other != cell))
    return tuple(map(tuple, through))
