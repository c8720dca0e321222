"""The prisoner's dilemma, played again and again by the same two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log1p
from typing import ClassVar, NamedTuple

import numpy as np

from .game import Game
from .registration import register_game

CHOICES = ("cooperate", "defect")
PAYOFFS = (((3.0, 3.0), (0.0, 5.0)), ((5.0, 0.0), (1.0, 1.0)))  # by the choices of player_0 and player_1
OPEN = -1  # player_0 has not chosen in this round
UNKNOWN = 2
UNTOLD = 0  # how many rounds there are, to a player


class Match(NamedTuple):
    """length: rounds that will be played; rounds: both choices, "c" or "d", two letters a round.

    pending: player_0's choice of a round in which player_1 has not chosen.
    """

    length: int
    rounds: str = ""
    pending: int = OPEN


@register_game("palaestra/IteratedPrisonersDilemma-v0")
@dataclass(frozen=True)
class IteratedPrisonersDilemma(Game[Match, int]):
    """Both players choose at the same time to cooperate or to defect; the return is the mean payoff of a round.

    rounds: the most there are, 1 to 200. stop: the chance that the match ends after a round, drawn beforehand and not
    told; 0 plays all rounds. R. Axelrod, "The Evolution of Cooperation", 1984. Actions are 0 (cooperate), 1 (defect).
    """

    tags: ClassVar[tuple[str, ...]] = ("games", "matrix", "hidden information", "general-sum")
    zero_sum: ClassVar[bool] = False
    hidden: ClassVar[bool] = True
    simultaneous: ClassVar[bool] = True
    lowest, highest = 0.0, 5.0
    rounds: int = 10
    stop: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.rounds <= 200:
            raise ValueError(f"rounds is from 1 to 200, not {self.rounds}")
        if not 0 <= self.stop < 1:
            raise ValueError(f"stop is from 0 to below 1, not {self.stop}")

    @property
    def max_length(self) -> int:
        return 2 * self.rounds

    @property
    def rules(self) -> str:
        length = f"There are {self.rounds} rounds."
        if self.stop:
            length = f"After each round the match ends with chance {self.stop:g}, at the latest after {self.rounds}."
        return (
            f"The iterated prisoner's dilemma. {length} In each round both players choose at the same time to "
            "cooperate or to defect: neither sees the other's choice before both have chosen. Both get 3 when both "
            "cooperate, 1 when both defect; else the one who defects gets 5 and the other 0. The return is the mean of "
            "a round. An action is cooperate or defect."
        )

    def initial(self, rng: np.random.Generator) -> Match:
        if not self.stop:
            return Match(self.rounds)
        return Match(min(self.rounds, 1 + int(log1p(-rng.random()) / log(1 - self.stop))))

    def player(self, state: Match) -> int:
        return 0 if state.pending == OPEN else 1

    def legal(self, state: Match) -> tuple[int, ...]:
        return (0, 1)

    def act(self, state: Match, action: int) -> Match:
        length, rounds, pending = state
        if pending == OPEN:
            return Match(length, rounds, action)
        return Match(length, rounds + "cd"[pending] + "cd"[action])

    def terminal(self, state: Match) -> bool:
        return len(state.rounds) == 2 * state.length and state.length > 0

    def returns(self, state: Match) -> tuple[float, ...]:
        return _means(state.rounds)

    def forfeit(self, state: Match, losers: Sequence[int]) -> tuple[float, ...]:
        """The loser gets the lowest return; the other one what both defecting in all rounds left would have given."""
        left = "dd" * (state.length - len(state.rounds) // 2)
        earned = _means(state.rounds + left)
        return tuple(self.lowest if k in losers else value for k, value in enumerate(earned))

    def show(self, state: Match) -> str:
        rounds = state.rounds
        lines = ["Rounds so far (c: cooperate, d: defect):"]
        lines.append(f"player_0 {rounds[::2] or '-'}")
        lines.append(f"player_1 {rounds[1::2] or '-'}")
        if state.pending not in (OPEN, UNKNOWN):
            lines.append(f"player_0 has chosen to {CHOICES[state.pending]}.")
        return "\n".join(lines)

    def action_text(self, action: int) -> str:
        return CHOICES[action]

    def read(self, text: str) -> int | None:
        return CHOICES.index(text) if text in CHOICES else None

    def seen(self, state: Match, player: int) -> Match:
        length, rounds, pending = state
        if self.stop and len(rounds) < 2 * length:
            length = UNTOLD
        return Match(length, rounds, UNKNOWN if player and pending != OPEN else pending)

    def resample(self, state: Match, player: int, rng: np.random.Generator) -> Match:
        length, rounds, pending = state
        if player and pending != OPEN:
            pending = int(rng.random() * 2)
        if self.stop and len(rounds) < 2 * length:
            played = len(rounds) // 2
            length = played + 1
            while length < self.rounds and rng.random() >= self.stop:
                length += 1
        return Match(length, rounds, pending)


def _means(rounds: str) -> tuple[float, float]:
    n = len(rounds) // 2
    paid = [PAYOFFS["cd".index(a)]["cd".index(b)] for a, b in zip(rounds[::2], rounds[1::2], strict=True)]
    return (sum(a for a, _ in paid) / n, sum(b for _, b in paid) / n)
