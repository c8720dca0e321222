"""Moves on a grid, written as letters: U is up, towards the first row."""

from __future__ import annotations

DIRECTIONS = {"U": (-1, 0), "D": (1, 0), "L": (0, -1), "R": (0, 1)}  # rows down, columns to the right
_LETTERS = str.maketrans("", "", "UDLR")
_FILLER = str.maketrans("", "", " \n\t,;->$")


def read_directions(text: str, limit: int) -> str | None:
    """The letters U, D, L, R of an answer, between which may stand spaces, commas or arrows; None when it is no such.

    An answer of more than ``limit`` characters is none.
    """
    if len(text) > limit:
        return None
    moves = text.translate(_FILLER).upper()
    return moves if moves and not moves.translate(_LETTERS) else None
