"""Nim: take objects from piles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import ClassVar, NamedTuple

import numpy as np

from .game import Game
from .registration import register_game

MAX_PILES = 10
MAX_SIZE = 50
ACTION = re.compile(r"take ([1-9][0-9]?) from pile ([1-9][0-9]?)")


class Piles(NamedTuple):
    sizes: tuple[int, ...]
    turn: int = 0


@register_game("palaestra/Nim-v0")
@dataclass(frozen=True)
class Nim(Game[Piles, tuple[int, int]]):
    """Two players take objects from one pile a turn; the last object loses (misere) or wins.

    piles: how many objects each has. drawn: each pile is drawn from 1 to its number in ``piles``, so that games differ.
    An action is the pile, counted from 0, and how many objects are taken from it.
    """

    tags: ClassVar[tuple[str, ...]] = ("games", "board")
    piles: tuple[int, ...] = (1, 3, 5, 7)
    misere: bool = True
    drawn: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.piles) <= MAX_PILES or not all(1 <= size <= MAX_SIZE for size in self.piles):
            raise ValueError(f"piles are 1 to {MAX_PILES} numbers from 1 to {MAX_SIZE}, not {self.piles}")

    @property
    def max_length(self) -> int:
        return sum(self.piles)

    @property
    def rules(self) -> str:
        return (
            "Nim. Two players take turns; in a turn a player takes one or more objects from one pile. Who takes the "
            f"last object of all {'loses' if self.misere else 'wins'}. An action reads like: take 2 from pile 1."
        )

    def initial(self, rng: np.random.Generator) -> Piles:
        if not self.drawn:
            return Piles(self.piles)
        return Piles(tuple(1 + int(u * size) for u, size in zip(rng.random(len(self.piles)), self.piles, strict=True)))

    def deals(self) -> list[tuple[float, Piles]]:
        every = list(product(*(range(1, size + 1) for size in self.piles))) if self.drawn else [self.piles]
        return [(1 / len(every), Piles(sizes)) for sizes in every]

    def player(self, state: Piles) -> int:
        return state.turn

    def legal(self, state: Piles) -> tuple[tuple[int, int], ...]:
        return _takes(state.sizes)

    def act(self, state: Piles, action: tuple[int, int]) -> Piles:
        sizes = list(state.sizes)
        sizes[action[0]] -= action[1]
        return Piles(tuple(sizes), 1 - state.turn)

    def terminal(self, state: Piles) -> bool:
        return not any(state.sizes)

    def returns(self, state: Piles) -> tuple[float, ...]:
        # The one whose turn it would be did not take the last object.
        return (1.0, -1.0) if (state.turn == 0) == self.misere else (-1.0, 1.0)

    def show(self, state: Piles) -> str:
        return "\n".join([f"pile {k}: {size}" for k, size in enumerate(state.sizes, 1)])

    def action_text(self, action: tuple[int, int]) -> str:
        return f"take {action[1]} from pile {action[0] + 1}"

    def read(self, text: str) -> tuple[int, int] | None:
        match = ACTION.fullmatch(text)
        if match is None or int(match[2]) > len(self.piles):
            return None
        return int(match[2]) - 1, int(match[1])

    def why(self, state: Piles, action: tuple[int, int]) -> str:
        return f"pile {action[0] + 1} holds {state.sizes[action[0]]}"


@lru_cache(maxsize=1 << 12)
def _takes(sizes: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((pile, count) for pile, size in enumerate(sizes) for count in range(1, size + 1))
