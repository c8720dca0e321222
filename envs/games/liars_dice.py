"""Liar's dice: bid on dice that the others cannot see."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar, NamedTuple

import numpy as np

from .game import Game
from .registration import register_game

BID = re.compile(r"([1-9][0-9]?) ?x ?([1-9][0-9]?)")
LIAR = "liar"
MAX_DEALS = 1 << 14


class Cup(NamedTuple):
    """dice: of each player, sorted, empty when unknown; bids: their numbers, see ``LiarsDice``; called: by "liar"."""

    dice: tuple[tuple[int, ...], ...]
    bids: tuple[int, ...] = ()
    called: bool = False


@register_game("palaestra/LiarsDice-v0")
@dataclass(frozen=True)
class LiarsDice(Game[Cup, int]):
    """Each player rolls dice in secret; bids on all dice rise until one player calls the last bidder a liar.

    dice: of each player, 1 to 5; sides: of a die, 2 to 10; seats: players, 2 to 6.
    Action q * sides + f - 1, counted from q = 0, bids q + 1 dice of face f; the action above the highest bid is "liar".
    The highest face is wild: it counts as any face.
    """

    tags: ClassVar[tuple[str, ...]] = ("games", "dice", "hidden information")
    hidden: ClassVar[bool] = True
    dice: int = 1
    sides: int = 6
    seats: int = 2

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("dice", self.dice, 1, 5), ("sides", self.sides, 2, 10), ("seats", self.seats, 2, 6)
        ):  # fmt: skip
            if not low <= value <= high:
                raise ValueError(f"{name} is from {low} to {high}, not {value}")

    @property
    def players(self) -> tuple[str, ...]:
        return tuple(f"player_{k}" for k in range(self.seats))

    @property
    def max_length(self) -> int:
        return self._liar + 1

    @property
    def _liar(self) -> int:
        return self.seats * self.dice * self.sides

    def _cup(self, rolls: Sequence[int]) -> Cup:
        return Cup(tuple(tuple(sorted(rolls[k * self.dice : (k + 1) * self.dice])) for k in range(self.seats)))

    @property
    def rules(self) -> str:
        each = "one die" if self.dice == 1 else f"{self.dice} dice"
        return (
            f"Liar's dice for {self.seats} players with {each} each, of {self.sides} sides. Only the owner sees a die. "
            "In turn, player_0 first, a player bids on all dice on the table, such as 2x5: there are at least two "
            "fives. Each bid has a higher number of dice than the last one, or the same number and a higher face. A "
            f"die that shows {self.sides} is wild: it counts as any face. Instead of bidding a player may call the "
            "last bidder a liar. Then the dice are shown: if the bid holds, the bidder wins 1 and the caller loses 1, "
            "else the reverse. An action is a bid such as 2x5, or liar."
        )

    def initial(self, rng: np.random.Generator) -> Cup:
        return self._cup([1 + int(u * self.sides) for u in rng.random(self.seats * self.dice).tolist()])

    def deals(self) -> list[tuple[float, Cup]]:
        count = self.seats * self.dice
        if self.sides**count > MAX_DEALS:
            raise LookupError(f"{self.sides}**{count} rolls are too many to list")
        rolls = Counter(self._cup(roll) for roll in product(range(1, self.sides + 1), repeat=count))
        return [(times / self.sides**count, cup) for cup, times in rolls.items()]

    def player(self, state: Cup) -> int:
        return (len(state.bids) + state.called) % self.seats

    def legal(self, state: Cup) -> list[int]:
        liar = self._liar
        return list(range(state.bids[-1] + 1, liar + 1)) if state.bids else list(range(liar))

    def act(self, state: Cup, action: int) -> Cup:
        if action == self._liar:
            return Cup(state.dice, state.bids, True)
        return Cup(state.dice, (*state.bids, action), False)

    def terminal(self, state: Cup) -> bool:
        return state.called

    def returns(self, state: Cup) -> tuple[float, ...]:
        count, face = divmod(state.bids[-1], self.sides)
        shown = [die for dice in state.dice for die in dice]
        holds = shown.count(face + 1) + (shown.count(self.sides) if face + 1 < self.sides else 0) > count
        bidder = (len(state.bids) - 1) % self.seats
        returns = [0.0] * self.seats
        returns[bidder] = 1.0 if holds else -1.0
        returns[(bidder + 1) % self.seats] = -returns[bidder]
        return tuple(returns)

    def show(self, state: Cup) -> str:
        held = [f"player_{k} {' '.join(map(str, dice)) or 'unknown'}" for k, dice in enumerate(state.dice)]
        bids = [f"player_{k % self.seats} {self.action_text(bid)}" for k, bid in enumerate(state.bids)]
        lines = [f"Dice: {', '.join(held)}.", f"Bids: {', '.join(bids) or 'none'}."]
        if state.called:
            lines.append(f"player_{len(state.bids) % self.seats} calls the last bidder a liar.")
        return "\n".join(lines)

    def action_text(self, action: int) -> str:
        return LIAR if action == self._liar else f"{action // self.sides + 1}x{action % self.sides + 1}"

    def read(self, text: str) -> int | None:
        if text == LIAR:
            return self._liar
        match = BID.fullmatch(text)
        if match is None:
            return None
        count, face = int(match[1]), int(match[2])
        if count > self.seats * self.dice or face > self.sides:
            return None
        return (count - 1) * self.sides + face - 1

    def why(self, state: Cup, action: int) -> str:
        if not state.bids:
            return "there is no bid yet to call a liar for"
        return f"the bid {self.action_text(action)} is not higher than {self.action_text(state.bids[-1])}"

    def seen(self, state: Cup, player: int) -> Cup:
        if state.called:
            return state
        return Cup(tuple(dice if k == player else () for k, dice in enumerate(state.dice)), state.bids)

    def resample(self, state: Cup, player: int, rng: np.random.Generator) -> Cup:
        if state.called:
            return state
        rolls = self.initial(rng).dice
        return Cup(tuple(dice if k == player else rolls[k] for k, dice in enumerate(state.dice)), state.bids)
