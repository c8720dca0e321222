"""Othello on a square board of even size, with bitboards."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np

from .game import Game
from .registration import register_game

MARKS = "xo"
COLUMNS = "abcdefghij"
PICTURES = str.maketrans("012", ".xo")


class Discs(NamedTuple):
    """Discs as bits, row by row from the upper left. passes: how many turns were passed just now; two end the game."""

    mover: int
    other: int
    turn: int = 0
    passes: int = 0


@register_game("palaestra/Othello-v0")
@dataclass(frozen=True)
class Othello(Game[Discs, int]):
    """Two players place discs that turn over the other's discs between them and theirs; more discs at the end win.

    size: cells along a side: 4, 6, 8 or 10. Actions are cells, counted from 0 row by row, and size² for a pass.
    """

    tags: ClassVar[tuple[str, ...]] = ("games", "board")
    size: int = 8

    def __post_init__(self) -> None:
        if self.size not in (4, 6, 8, 10):
            raise ValueError(f"size is 4, 6, 8 or 10, not {self.size}")

    @property
    def max_length(self) -> int:
        return 2 * self.size**2  # a pass after every disc

    @property
    def rules(self) -> str:
        n = self.size
        return (
            f"Othello on a board of {n} by {n} cells. The players x and o place discs in turn; x begins. A disc must "
            "enclose discs of the other player in a straight line (row, column or diagonal) between itself and another "
            "own disc; all enclosed discs become the player's own. Who cannot do that passes; when neither can, the "
            "game ends, and who has more discs wins. An action is a cell, column letter first, such as d3, or pass "
            "when there is no cell."
        )

    def role(self, player: int) -> str:
        return MARKS[player]

    def initial(self, rng: np.random.Generator) -> Discs:
        n, half = self.size, self.size // 2
        o = 1 << (half - 1) * n + half - 1 | 1 << half * n + half
        x = 1 << (half - 1) * n + half | 1 << half * n + half - 1
        return _settle(Discs(x, o), n)

    def deals(self) -> list[tuple[float, Discs]]:
        return [(1.0, self.initial(np.random.default_rng(0)))]

    def player(self, state: Discs) -> int:
        return state.turn

    def legal(self, state: Discs) -> list[int]:
        cells = moves(state.mover, state.other, self.size)
        if not cells:
            return [self.size**2]
        found = []
        while cells:
            low = cells & -cells
            found.append(low.bit_length() - 1)
            cells ^= low
        return found

    def act(self, state: Discs, action: int) -> Discs:
        mover, other, turn, passes = state
        if action == self.size**2:
            return Discs(other, mover, 1 - turn, passes + 1)
        turned = flips(mover, other, 1 << action, self.size)
        return _settle(Discs(other & ~turned, mover | turned | 1 << action, 1 - turn), self.size)

    def terminal(self, state: Discs) -> bool:
        return state.passes == 2

    def returns(self, state: Discs) -> tuple[float, ...]:
        lead = state.mover.bit_count() - state.other.bit_count()
        if state.turn:
            lead = -lead
        return (1.0, -1.0) if lead > 0 else (-1.0, 1.0) if lead < 0 else (0.0, 0.0)

    def show(self, state: Discs) -> str:
        n = self.size
        x, o = (state.other, state.mover) if state.turn else (state.mover, state.other)
        # The two binary texts, read as hexadecimal numbers, add up to a digit a cell: 1 is an x, 2 an o.
        cells = f"{int(f'{x:b}', 16) + 2 * int(f'{o:b}', 16):x}".zfill(n * n)[::-1].translate(PICTURES)
        lines = [f"{row + 1:2} {' '.join(cells[row * n : row * n + n])}" for row in range(n)]
        head = "   " + " ".join(COLUMNS[:n])
        return "\n".join([head, *lines, f"Discs: x {x.bit_count()}, o {o.bit_count()}."])

    def action_text(self, action: int) -> str:
        return _texts(self.size)[action]

    def read(self, text: str) -> int | None:
        return _readings(self.size).get(text)

    def why(self, state: Discs, action: int) -> str:
        if action == self.size**2:
            return "a player who can place a disc does not pass"
        if (state.mover | state.other) >> action & 1:
            return f"{self.action_text(action)} is taken"
        return f"a disc on {self.action_text(action)} encloses none of the other player's"


def moves(mover: int, other: int, size: int) -> int:
    """The empty cells where the mover encloses discs."""
    found = 0
    free = ~(mover | other)
    for step, inner, board in _directions(size):
        inside = other & inner
        if step > 0:
            run = mover << step & inside
            for _ in range(size - 3):
                run |= run << step & inside
            found |= run << step & board
        else:
            run = mover >> -step & inside
            for _ in range(size - 3):
                run |= run >> -step & inside
            found |= run >> -step & board
    return found & free


def flips(mover: int, other: int, disc: int, size: int) -> int:
    """The other player's discs that a disc of the mover encloses."""
    turned = 0
    for step, inner, _ in _directions(size):
        run, cell = 0, disc
        inside = other & inner
        while True:
            cell = cell << step if step > 0 else cell >> -step
            if not cell & inside:
                break
            run |= cell
        if run and cell & mover:
            turned |= run
    return turned


@cache
def _directions(size: int) -> tuple[tuple[int, int, int], ...]:
    """(step in bits, cells that may be enclosed in that direction, the board).

    Sideways and diagonal lines enclose no disc in the first or last column, so no line runs round the edge.
    """
    board = (1 << size * size) - 1
    inner_columns = sum(((1 << size - 1) - 2) << row * size for row in range(size))
    steps = ((1, inner_columns), (size, board), (size + 1, inner_columns), (size - 1, inner_columns))
    return tuple((sign * step, inner, board) for step, inner in steps for sign in (1, -1))


@cache
def _texts(size: int) -> tuple[str, ...]:
    return (*(f"{COLUMNS[cell % size]}{cell // size + 1}" for cell in range(size * size)), "pass")


@cache
def _readings(size: int) -> dict[str, int]:
    return {text: action for action, text in enumerate(_texts(size))}


def _settle(state: Discs, size: int) -> Discs:
    """Count two passes when neither player can place a disc, so that nobody is asked to pass for nothing."""
    mover, other, turn, _ = state
    if moves(mover, other, size) or moves(other, mover, size):
        return state
    return Discs(mover, other, turn, 2)
