"""Rock, paper, scissors, once or more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from .game import Game
from .registration import register_game

CHOICES = ("rock", "paper", "scissors")
OPEN = -1  # player_0 has not chosen in this round
UNKNOWN = 3


class Throws(NamedTuple):
    """rounds: both choices of each; pending: player_0's choice of a round in which player_1 has not chosen."""

    rounds: tuple[tuple[int, int], ...] = ()
    pending: int = OPEN


@register_game("palaestra/RockPaperScissors-v0")
@dataclass(frozen=True)
class RockPaperScissors(Game[Throws, int]):
    """Both players choose at the same time; the return is wins less losses over rounds.

    rounds: 1 to 100. Actions are 0 (rock), 1 (paper) and 2 (scissors).
    """

    tags: ClassVar[tuple[str, ...]] = ("games", "matrix", "hidden information")
    hidden: ClassVar[bool] = True
    simultaneous: ClassVar[bool] = True
    rounds: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.rounds <= 100:
            raise ValueError(f"rounds is from 1 to 100, not {self.rounds}")

    @property
    def max_length(self) -> int:
        return 2 * self.rounds

    @property
    def rules(self) -> str:
        often = "once" if self.rounds == 1 else f"{self.rounds} times"
        return (
            f"Rock, paper, scissors, played {often}. Both players choose at the same time: neither sees the other's "
            "choice of the round before both have chosen. Rock beats scissors, scissors beat paper, paper beats rock. "
            "The return is the rounds won less the rounds lost, divided by the rounds. An action is rock, paper or "
            "scissors."
        )

    def initial(self, rng: np.random.Generator) -> Throws:
        return Throws()

    def deals(self) -> list[tuple[float, Throws]]:
        return [(1.0, Throws())]

    def player(self, state: Throws) -> int:
        return 0 if state.pending == OPEN else 1

    def legal(self, state: Throws) -> tuple[int, ...]:
        return (0, 1, 2)

    def act(self, state: Throws, action: int) -> Throws:
        rounds, pending = state
        return Throws(rounds, action) if pending == OPEN else Throws((*rounds, (pending, action)))

    def terminal(self, state: Throws) -> bool:
        return len(state.rounds) == self.rounds

    def returns(self, state: Throws) -> tuple[float, ...]:
        wins = [(mine - yours) % 3 for mine, yours in state.rounds]
        won = (wins.count(1) - wins.count(2)) / self.rounds
        return (won, 0.0 - won)  # not -0.0

    def show(self, state: Throws) -> str:
        lines = [f"Round {k} of {self.rounds}: player_0 {CHOICES[a]}, player_1 {CHOICES[b]}."
                 for k, (a, b) in enumerate(state.rounds, 1)]  # fmt: skip
        if state.pending not in (OPEN, UNKNOWN):
            lines.append(f"Round {len(lines) + 1} of {self.rounds}: player_0 {CHOICES[state.pending]}.")
        elif len(lines) < self.rounds:
            lines.append(f"Round {len(lines) + 1} of {self.rounds} is open.")
        return "\n".join(lines)

    def action_text(self, action: int) -> str:
        return CHOICES[action]

    def read(self, text: str) -> int | None:
        return CHOICES.index(text) if text in CHOICES else None

    def seen(self, state: Throws, player: int) -> Throws:
        return state if player == 0 or state.pending == OPEN else Throws(state.rounds, UNKNOWN)

    def resample(self, state: Throws, player: int, rng: np.random.Generator) -> Throws:
        return state if player == 0 or state.pending == OPEN else Throws(state.rounds, int(rng.random() * 3))
