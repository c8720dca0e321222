"""Kuhn poker: one card each, one bet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import ClassVar, NamedTuple

import numpy as np

from .game import Game
from .registration import register_game

MAX_CARDS = 13
UNKNOWN = 0
ACTIONS = ("pass", "bet")
ENDS = frozenset({"pp", "pbp", "pbb", "bp", "bb"})


class Deal(NamedTuple):
    """cards: of the players, 1 is the lowest, 0 unknown; history: a letter an action, p or b."""

    cards: tuple[int, int]
    history: str = ""


@register_game("palaestra/KuhnPoker-v0")
@dataclass(frozen=True)
class KuhnPoker(Game[Deal, int]):
    """Two players with one card each bet or pass; the higher card wins the pot unless a bet is passed.

    cards: in the deck, 3 to 13; with 3 the value for the first player is -1/18.
    H. W. Kuhn, "A simplified two-person poker", 1950. Actions are 0 (pass) and 1 (bet).
    """

    tags: ClassVar[tuple[str, ...]] = ("games", "cards", "hidden information")
    hidden: ClassVar[bool] = True
    lowest, highest, max_length = -2.0, 2.0, 3
    cards: int = 3

    def __post_init__(self) -> None:
        if not 3 <= self.cards <= MAX_CARDS:
            raise ValueError(f"cards is from 3 to {MAX_CARDS}, not {self.cards}")

    @property
    def rules(self) -> str:
        return (
            f"Kuhn poker with {self.cards} cards, numbered from 1 (lowest) to {self.cards} (highest), one of each. "
            "Each of two players pays 1 chip into the pot and gets a card that only this player sees. In turn they "
            "pass or bet 1 chip; player_0 begins. Pass after a bet gives the pot to the one who bet; bet after a bet, "
            "or two passes, end the game, and the higher card takes the pot. The return is the chips won or lost. An "
            "action is pass or bet."
        )

    def initial(self, rng: np.random.Generator) -> Deal:
        return _deals(self.cards)[int(rng.random() * (self.cards * (self.cards - 1)))]

    def deals(self) -> list[tuple[float, Deal]]:
        every = _deals(self.cards)
        return [(1 / len(every), deal) for deal in every]

    def player(self, state: Deal) -> int:
        return len(state.history) & 1

    def legal(self, state: Deal) -> tuple[int, ...]:
        return (0, 1)

    def act(self, state: Deal, action: int) -> Deal:
        return Deal(state.cards, state.history + "pb"[action])

    def terminal(self, state: Deal) -> bool:
        return state.history in ENDS

    def returns(self, state: Deal) -> tuple[float, ...]:
        mine, yours = state.cards
        history = state.history
        if history == "bp":
            won = 1.0
        elif history == "pbp":
            won = -1.0
        else:
            won = 2.0 if history.endswith("bb") else 1.0
            if mine < yours:
                won = -won
        return (won, -won)

    def show(self, state: Deal) -> str:
        first, second = (str(card) if card else "unknown" for card in state.cards)
        told = ", ".join([f"player_{k & 1} {'bets' if a == 'b' else 'passes'}" for k, a in enumerate(state.history)])
        return f"Cards: player_0 {first}, player_1 {second}.\nSo far: {told or 'nothing'}."

    def action_text(self, action: int) -> str:
        return ACTIONS[action]

    def read(self, text: str) -> int | None:
        return ACTIONS.index(text) if text in ACTIONS else None

    def seen(self, state: Deal, player: int) -> Deal:
        if state.history in ENDS and state.history[-1] == state.history[-2]:  # cards are laid open
            return state
        cards = (state.cards[0], UNKNOWN) if player == 0 else (UNKNOWN, state.cards[1])
        return Deal(cards, state.history)

    def resample(self, state: Deal, player: int, rng: np.random.Generator) -> Deal:
        if self.seen(state, player) == state:
            return state
        others = [deal for deal in _deals(self.cards) if deal.cards[player] == state.cards[player]]
        return Deal(others[int(rng.random() * len(others))].cards, state.history)


@cache
def _deals(cards: int) -> tuple[Deal, ...]:
    return tuple(Deal(pair) for pair in permutations(range(1, cards + 1), 2))
