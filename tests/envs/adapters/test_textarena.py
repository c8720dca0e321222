"""TextArena's own games behind PettingZoo's interface."""

from __future__ import annotations

import contextlib
import io
import pickle
import random
import warnings

import gymnasium
import numpy as np
import pytest
from pettingzoo.test import api_test, seed_test

from palaestra.envs.adapters.textarena import TextArenaEnv, Unplayable, make, names
from palaestra.envs.catalog import card, check, matching
from palaestra.envs.registration import UnknownEnvironment

GAMES = ("TicTacToe-v0", "KuhnPoker-v0", "2048-v0", "SecretMafia-v0")


def transcript(env: TextArenaEnv, seed: int, steps: int = 12) -> list[str]:
    """What every player is told in a game of fixed answers."""
    env.reset(seed=seed)
    told = []
    for k in range(steps):
        if any(env.terminations.values()):
            break
        env.step(f"[{k % 9}] [up] [bet]")
        told += [str(env.observe(agent)) for agent in env.possible_agents]
    return told


@pytest.mark.parametrize("game", GAMES)
def test_the_official_tests_pass(game: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of spaces that are neither boxes nor discrete
        api_test(make(game), num_cycles=20)
        seed_test(lambda: make(game), num_cycles=20)


def test_returns_come_from_the_games_close() -> None:
    env = make("textarena/TicTacToe-v0")
    env.reset(seed=0)
    for cell in (0, 4, 1, 5, 2):
        assert not any(env.terminations.values())
        env.step(f"I mark [{cell}].")
    assert env.rewards == {"player_0": 1.0, "player_1": -1.0}
    assert all(env.terminations.values())
    assert env.infos["player_1"]["turn_count"] == 2
    for _ in range(2):
        env.step(None)
    assert env.agents == []
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
        env.step(None)


@pytest.mark.parametrize("game", GAMES)
def test_a_seed_is_a_game_whatever_is_played_in_between(game: str) -> None:
    alone = transcript(make(game), 5)
    env, other = make(game), make("2048-v0")
    env.reset(seed=5)
    told = []
    for k in range(12):
        if any(env.terminations.values()):
            break
        random.seed(k)
        np.random.seed(k)
        other.reset(seed=k)
        env.step(f"[{k % 9}] [up] [bet]")
        told += [str(env.observe(agent)) for agent in env.possible_agents]
    assert told == alone == transcript(env, 5)


def test_other_seeds_are_other_games() -> None:
    env = make("2048-v0")
    assert transcript(env, 1, 1) != transcript(env, 2, 1)
    env.reset(seed=1)
    env.reset()
    first = env.observe("player_0")
    env.reset()
    assert env.observe("player_0") != first


def test_the_callers_generators_are_left_alone() -> None:
    random.seed(1)
    np.random.seed(1)
    before, legacy = random.getstate(), np.random.get_state(legacy=False)["state"]["key"]
    transcript(make("2048-v0"), 3)
    assert random.getstate() == before
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], legacy)


def test_a_restored_environment_goes_on_as_the_first() -> None:
    env, twin = make("2048-v0"), make("2048-v0")
    env.reset(seed=2)
    for move in ("[up]", "[left]", "[down]"):
        env.step(move)
    state = pickle.loads(pickle.dumps(env.snapshot()))
    twin.restore(state)
    for move in ("[up]", "[right]", "[down]", "[left]", "[up]"):
        env.step(move)
        twin.step(move)
        assert env.observe("player_0") == twin.observe("player_0")
    with pytest.raises(ValueError, match="snapshot of 2048-v0"):
        make("TicTacToe-v0").restore(state)
    with pytest.raises(ValueError, match="a NoneType cannot be restored"):
        twin.restore(None)  # type: ignore[arg-type]  # the error is the point


def test_a_game_whose_code_fails_is_truncated_with_the_reason() -> None:
    env = make("CharacterConclave-v0", num_players=3)
    env.reset(seed=0)
    env.step("hello")
    assert all(env.truncations.values())
    assert not any(env.rewards.values())
    assert "TypeError" in env.infos["player_0"]["fault"]


def test_rewards_that_are_no_numbers_are_a_fault_of_the_game() -> None:
    env = make("Countdown-v0")
    env.reset(seed=0)
    while not any(env.terminations.values()) and not any(env.truncations.values()):
        env.step("no move")
    assert "could not convert string to float" in env.infos["player_0"]["fault"]


def test_the_kit_passes_what_keeps_the_rules_and_names_what_does_not_start() -> None:
    assert check("textarena/TicTacToe-v0", range(2)).ok
    report = check("textarena/UsedCarNegotiation-v0", range(2))
    assert [(row.name, row.passed) for row in report.rows] == [("can be made", False)]
    assert "does not start: FileNotFoundError" in report.rows[0].detail
    assert "textarena/TicTacToe-v0" in matching("textarena/TicTac*")


def test_the_kit_catches_a_game_that_draws_from_the_callers_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextArenaEnv, "_own_generators", lambda self: contextlib.nullcontext())
    failed = {row.name for row in check("textarena/2048-v0", range(2)).rows if not row.passed}
    assert failed == {"same seed, interleaved", "snapshot and restore, every step"}


def test_a_card_shows_what_the_first_player_is_told() -> None:
    found = card("textarena/TicTacToe-v0")
    assert found.kind == "game"
    assert "Tic Tac Toe" in found.prompt


def test_games_that_do_not_start_say_why() -> None:
    with pytest.raises(Unplayable, match="UsedCarNegotiation-v0 does not start: FileNotFoundError"):
        make("UsedCarNegotiation-v0")
    with pytest.raises(UnknownEnvironment, match="nearest: TicTacToe-v0"):
        make("textarena/TicTacTo-v0")
    with pytest.raises(Unplayable, match="does not start"):
        make("TicTacToe-v0", num_players=5)
    assert "TicTacToe-v0" in names()
    assert not any(name.endswith("-raw") for name in names())


def test_bad_input_is_refused() -> None:
    env = make("TicTacToe-v0")
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.observe("player_0")
    for seed in (-1, 1.5):
        with pytest.raises(ValueError, match="a seed is an integer"):
            env.reset(seed=seed)  # type: ignore[arg-type]  # the wrong type is the test
    env.reset(seed=0)
    with pytest.raises(TypeError, match="an action is a string"):
        env.step(1)  # type: ignore[arg-type]  # the wrong type is the test
    with pytest.raises(ValueError, match="no agent 'nobody'"):
        env.observe("nobody")
