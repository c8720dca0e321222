"""Every game keeps the kit's rules, and the kit notices games that do not."""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from palaestra.envs.games import Game, Illegal, Taboo, game_ids, make_game, register_game, registration
from palaestra.envs.games.game import BrokenRules, Unresampled
from palaestra.envs.games.kuhn_poker import Deal, KuhnPoker
from palaestra.envs.games.nim import Nim, Piles
from palaestra.envs.games.random_games import same_elsewhere, whole_game
from palaestra.envs.games.taboo import Talk
from palaestra.envs.games.testing import CHECKS, check_game
from palaestra.envs.games.tic_tac_toe import Board, TicTacToe
from palaestra.envs.subject import NotApplicable

OWN = game_ids()
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((id, {}) for id in OWN),
    ("palaestra/TicTacToe-v0", {"size": 4, "in_row": 3}),
    ("palaestra/ConnectFour-v0", {"rows": 4, "columns": 5, "in_row": 3}),
    ("palaestra/Nim-v0", {"piles": [4, 6], "drawn": True, "misere": False}),
    ("palaestra/Othello-v0", {"size": 4}),
    ("palaestra/KuhnPoker-v0", {"cards": 7}),
    ("palaestra/LeducPoker-v0", {"ranks": 5}),
    ("palaestra/LiarsDice-v0", {"dice": 2, "seats": 3, "sides": 4}),
    ("palaestra/RockPaperScissors-v0", {"rounds": 3}),
    ("palaestra/IteratedPrisonersDilemma-v0", {"rounds": 20, "stop": 0.2}),
    ("palaestra/Negotiation-v0", {"kinds": 2, "rounds": 2}),
    ("palaestra/Taboo-v0", {"turns": 2, "words": ["red", "green", "blue"]}),
    ("palaestra/Taboo-v0", {"turns": 3, "world": "test"}),
    ("palaestra/ProposerSolver-v0", {"attempts": 2, "families": ["palaestra/Countdown-v0"], "reward": "hard"}),
    ("palaestra/Debate-v0", {"family": "palaestra/LinearEquations-v0", "difficulty": 1, "rounds": 3}),
]
PROCESSES = "same seed, other processes"  # tried for all games at once below


@pytest.mark.parametrize(("id", "knobs"), VARIANTS)
def test_every_game_keeps_the_rules(id: str, knobs: dict[str, Any]) -> None:
    game = make_game(id, **knobs).game
    for name, check in CHECKS.items():
        if name == PROCESSES:
            continue
        if name == "hidden parts do not show" and not game.hidden:
            with pytest.raises(NotApplicable, match="nothing is hidden"):
                check(game, [0, 1])
        else:
            check(game, [0, 1])


def test_every_game_is_the_same_in_other_processes() -> None:
    same_elsewhere([make_game(id, **knobs).game for id, knobs in VARIANTS], range(2))


def test_the_report_is_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(CHECKS, PROCESSES)
    report = check_game("palaestra/KuhnPoker-v0", seeds=range(2))
    assert report.ok
    assert str(report).startswith("palaestra/KuhnPoker-v0: ok\npass  declarations")


class Leaky(KuhnPoker):
    """Shows both cards."""

    def seen(self, state: Deal, player: int) -> Deal:
        return state


class Closed(TicTacToe):
    """Says that it hides something."""

    hidden = True  # type: ignore[misc]  # a ClassVar of the base


class Unending(TicTacToe):
    """Is never over, and nobody runs out of squares."""

    def act(self, state: Board, action: int) -> Board:
        return state

    def terminal(self, state: Board) -> bool:
        return False


class Moody(TicTacToe):
    """Draws from the global generator."""

    def show(self, state: Board) -> str:
        return super().show(state) + f"\nIt is {random.randint(10, 10**9)} o'clock."


class Endless(Nim):
    """Has more actions than it says."""

    @property
    def max_length(self) -> int:
        return 3


class Generous(TicTacToe):
    """Pays both."""

    def returns(self, state: Board) -> tuple[float, ...]:
        return (1.0, 1.0)


class Lax(TicTacToe):
    """Takes the first digit of anything."""

    def read(self, text: str) -> int | None:
        digits = [c for c in text if c in "123456789"]
        return int(digits[0]) - 1 if digits else None


class Deaf(Nim):
    """Does not read what it writes."""

    def read(self, text: str) -> None:
        return None


class Mute(TicTacToe):
    """Never ends a refusal's reason in one line."""

    def why(self, state: Board, action: int) -> str:
        return "no\nno"

    def read(self, text: str) -> int | None:
        return super().read(text) if text != "-1" else 10


@dataclass(frozen=True)
class Bag:
    sizes: list[int]
    turn: int = 0

    def __hash__(self) -> int:
        return hash(tuple(self.sizes))


class Mutating(Nim):
    """Changes the state in place."""

    def initial(self, rng: np.random.Generator) -> Any:
        return Bag(list(self.piles))

    def legal(self, state: Any) -> tuple[tuple[int, int], ...]:
        return super().legal(Piles(tuple(state.sizes)))

    def act(self, state: Any, action: tuple[int, int]) -> Any:
        state.sizes[action[0]] -= action[1]
        return Bag(state.sizes, 1 - state.turn)


class Telling(Taboo):
    """Refuses the secret word, by which it tells it."""

    def accept(self, state: Talk, text: str) -> str | Illegal:
        return Illegal("not that word") if state.word and state.word in text else super().accept(state, text)


class Growing(Taboo):
    """Makes another action of its own action."""

    def accept(self, state: Talk, text: str) -> str | Illegal:
        said = super().accept(state, text)
        return said if isinstance(said, Illegal) else f"{said}!"


class Raw(Taboo):
    """Takes whatever is written."""

    def parse(self, state: Talk, text: str) -> str | Illegal:
        return text or Illegal("the answer is empty")


BROKEN = [
    (Leaky, "hidden parts do not show"),
    (Closed, "hidden parts do not show"),
    (Moody, "same seed, another instance"),
    (Endless, "games end, returns in range"),
    (Generous, "games end, returns in range"),
    (Lax, "legal actions are accepted, in one way"),
    (Deaf, "legal actions are accepted, in one way"),
    (Mute, "garbage is refused with a reason"),
    (Mutating, "states are immutable"),
    (Telling, "garbage is refused with a reason"),
    (Growing, "legal actions are accepted, in one way"),
    (Raw, "garbage is refused with a reason"),
]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "_games", dict(registration._games))


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(("cls", "name"), BROKEN)
def test_a_broken_game_is_noticed(cls: type[Game[Any, Any]], name: str) -> None:
    register_game(f"palaestra/{cls.__name__}-v0")(cls)
    with pytest.raises(AssertionError):
        CHECKS[name](make_game(f"palaestra/{cls.__name__}-v0").game, [0, 1])


def test_a_game_without_an_end_fails_and_is_not_played_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registration._games, "tests/Unending-v0", Unending)
    monkeypatch.setattr("palaestra.envs.games.testing.MOST_MOVES", 20)
    (row,) = check_game("tests/Unending-v0").rows
    assert (row.name, row.passed) == ("games end", False)
    assert "20 legal moves did not end the game of seed 0" in row.detail


TURNS = [
    ("player", 2, "player gives a seat, an integer from 0 to 1, not 2"),
    ("player", -1, "player gives a seat, an integer from 0 to 1, not -1"),
    ("player", None, "player gives a seat, an integer from 0 to 1, not None"),
    ("player", [0], r"player gives a seat, an integer from 0 to 1, not \[0\]"),
    ("legal", (), r"legal gives one action or more, hashable, each once, wherever terminal is false, not \(\)"),
    ("legal", [1, 1], r"legal gives .* each once, .* not \(1, 1\)"),
    ("legal", None, "legal gives one action or more, .* not None"),
    ("legal", [[1]], r"legal gives .* hashable, .* not \[\[1\]\]"),
]


@pytest.mark.parametrize(("method", "gives", "told"), TURNS)
@pytest.mark.parametrize("moves", [0, 1])
def test_a_turn_that_is_nobodys_or_without_actions_is_told(
    method: str, gives: Any, told: str, moves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first state on, or after the first move."""
    whole = getattr(TicTacToe, method)

    class Lost(TicTacToe):
        pass

    def broken(self: Lost, state: Board) -> Any:
        return gives if len(state.cells) - state.cells.count(".") >= moves else whole(self, state)

    monkeypatch.setattr(Lost, method, broken)
    monkeypatch.setattr(Lost, "id", "tests/Lost-v0")
    monkeypatch.setitem(registration._games, "tests/Lost-v0", Lost)
    (row,) = check_game("tests/Lost-v0").rows
    assert (row.name, row.passed) == ("every turn has a player and actions", False)
    assert re.fullmatch(f"tests/Lost-v0: {told}", row.detail)
    with pytest.raises(BrokenRules, match=f"^tests/Lost-v0: {told}$"):
        whole_game(make_game("tests/Lost-v0"), 0)


def test_a_return_beyond_the_declared_ones_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KuhnPoker, "returns", lambda self, state: (5.0, -5.0))
    with pytest.raises(ValueError, match=r"^returns are from -2 \(lowest\) to 2 \(highest\), as declared, not 5$"):
        whole_game(make_game("palaestra/KuhnPoker-v0"), 0)


def test_a_game_that_is_over_when_it_is_dealt_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dealt(TicTacToe):
        def terminal(self, state: Board) -> bool:
            return True

    monkeypatch.setattr(Dealt, "id", "tests/Dealt-v0")
    monkeypatch.setitem(registration._games, "tests/Dealt-v0", Dealt)
    (row,) = check_game("tests/Dealt-v0").rows
    assert row.passed is False
    assert row.detail == "tests/Dealt-v0: initial gives a state with a turn to take, and terminal is true of it"


def test_a_hidden_part_that_cannot_be_drawn_again_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def resample(*given: object) -> Deal:
        raise Unresampled("none fits")

    monkeypatch.setattr(KuhnPoker, "resample", resample)
    with pytest.raises(NotApplicable, match="none fits"):
        CHECKS["hidden parts do not show"](KuhnPoker(), [0])


@pytest.mark.parametrize("returns", [(1.0,), (math.nan, 0.0)])
def test_returns_that_are_none_are_told(returns: tuple[float, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    env = make_game("palaestra/KuhnPoker-v0")
    monkeypatch.setattr(KuhnPoker, "returns", lambda self, state: returns)
    env.reset(seed=0)
    env.step(env.infos[env.agent_selection]["legal_actions"][0])
    with pytest.raises(ValueError, match="palaestra/KuhnPoker-v0: returns gives a finite number to each of 2 players"):
        env.step(env.infos[env.agent_selection]["legal_actions"][0])
