"""A game as a one-player environment."""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from palaestra.envs import UnknownEnvironment, make_task, sample_problem
from palaestra.envs.games import AgainstOpponent, game_class, game_ids, make_game, scripted
from palaestra.envs.games.debate import Dispute
from palaestra.envs.games.proposer_solver import ProposerSolver
from palaestra.envs.opponents import OPPONENTS
from palaestra.envs.registration import make_any
from palaestra.envs.task import split_of

IDS = sorted(id for id in gymnasium.registry if "-vs-" in id and id.startswith("palaestra/"))


def against(game: str = "TicTacToe", opponent: Any = "random", seat: int | None = 0, **knobs: Any) -> AgainstOpponent:
    return AgainstOpponent(make_game(f"palaestra/{game}-v0", **knobs), opponent, seat=seat)


def play(env: AgainstOpponent, seed: int | None) -> list[Any]:
    rng = random.Random(seed)
    log: list[Any] = [env.reset(seed=seed)]
    while not (len(log[-1]) == 5 and log[-1][2]):
        log.append(env.step(rng.choice(log[-1][-1]["legal_actions"])))
    return log


def test_every_game_has_an_id_against_every_scripted_player() -> None:
    own = [id for id in game_ids() if id.startswith("palaestra/")]  # adapters' games come and go with other tests
    assert len(IDS) >= 2 * len(own)
    assert {"palaestra/LeducPoker-vs-optimal-v0", "palaestra/IteratedPrisonersDilemma-vs-tit-for-tat-v0"} <= set(IDS)
    known = {f"palaestra/{name}-v0": players for name, players in OPPONENTS.items()}
    assert known == {id: tuple(scripted(game_class(id)())) for id in game_ids() if id in known}


def test_the_ids_are_known_before_games_are_imported() -> None:
    program = (
        "import sys, gymnasium, palaestra.envs as envs\n"
        "assert 'palaestra.envs.games' not in sys.modules\n"
        "print(gymnasium.make('palaestra/Nim-vs-optimal-v0').reset(seed=0)[1]['seat'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_the_spec_of_a_users_game_is_made_in_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "heaps.py").write_text(
        "from palaestra.envs.games import Nim, register_game\n"
        "@register_game('me/Heaps-v0')\n"
        "class Heaps(Nim):\n    pass\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    told = "import gymnasium, heaps; print(gymnasium.spec('me/Heaps-vs-random-v0').to_json())"
    made = "import sys, gymnasium; print(gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(sys.argv[1])))"
    spec = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout
    done = subprocess.run([sys.executable, "-c", made, spec], capture_output=True, text=True, check=True)
    assert "me/Heaps-vs-random-v0" in done.stdout


@pytest.mark.parametrize("id", [id for id in IDS if not id.endswith("vs-optimal-v0")])
def test_gymnasiums_own_check_passes_without_a_warning(id: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(gymnasium.make(id, render_mode="ansi", disable_env_checker=True).unwrapped, skip_render_check=False)
    assert [str(w.message) for w in caught] == []


@pytest.mark.parametrize("game", ["KuhnPoker", "LiarsDice", "TicTacToe", "RockPaperScissors"])
def test_a_seed_gives_the_same_game_in_any_environment(game: str) -> None:
    first, second = against(game, seat=None), against(game, seat=None)
    games = [play(first, seed) for seed in range(10)]
    assert games == [play(second, seed) for seed in reversed(range(10))][::-1]
    assert {log[0][1]["seat"] for log in games} == {0, 1}
    first.reset(seed=3)
    second.reset(seed=3)
    assert play(first, None)[0] == play(second, None)[0]


def test_the_opponent_moves_first_from_the_second_seat() -> None:
    observation, info = against(seat=1).reset(seed=0)
    assert "You are o. It is your turn." in observation
    assert len(info["legal_actions"]) == 8


def test_the_reward_is_the_verdicts_score() -> None:
    env = against(opponent=lambda game, view, rng: game.action_text(game.legal(view)[-1]))
    env.reset(seed=0)
    assert env.step("1")[1:4] == (0.0, False, False)
    env.step("2")
    _, reward, terminated, _, info = env.step("3")
    assert (reward, terminated) == (1.0, True)
    assert info["verdict"].right


def test_an_illegal_answer_is_explained_and_may_forfeit() -> None:
    env = against(illegal_retries=1)
    env.reset(seed=0)
    observation, reward, terminated, _, _ = env.step("ten")
    assert (reward, terminated) == (0.0, False)
    assert "refused: 'ten' is no action" in observation
    assert env.step("ten")[1:3] == (0.0, True)


def test_an_opponent_that_forfeits_loses() -> None:
    env = against(opponent=lambda game, view, rng: "I resign")
    env.reset(seed=0)
    assert env.step("1")[1:3] == (1.0, True)


@pytest.mark.parametrize("game", ["LeducPoker", "ConnectFour", "LiarsDice"])
def test_a_snapshot_continues_exactly(game: str) -> None:
    for seed in range(5):
        env, twin = against(game, "greedy", seat=None), against(game, "greedy", seat=None)
        _, info = env.reset(seed=seed)
        over = False
        while not over:
            twin.restore(pickle.loads(pickle.dumps(env.snapshot())))
            action = info["legal_actions"][-1]
            left = env.step(action)
            assert twin.step(action) == left
            over, info = left[2], left[4]


def test_a_snapshot_continues_with_the_same_games() -> None:
    env, twin = against(), against()
    env.reset(seed=3)
    twin.restore(pickle.loads(pickle.dumps(env.snapshot())))
    assert [twin.reset() for _ in range(3)] == [env.reset() for _ in range(3)]
    assert twin.np_random_seed == 3


def test_the_oracle_is_the_games_best_player_for_this_seat() -> None:
    rng = np.random.default_rng(0)
    for seat in (0, 1):
        env = against("Nim", "random", seat, piles=(3, 4, 5), misere=False)
        for seed in range(10):
            env.reset(seed=seed)
            reward, over = 0.0, False
            while not over:
                _, reward, over, _, _ = env.step(env.oracle(rng))
            assert reward == 1.0 or seat == 1  # the first player wins these piles; the second one may
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.oracle(rng)


def test_an_easier_opponent_makes_more_moves_at_random() -> None:
    seen: list[int] = []

    def strong(game: Any, view: Any, rng: Any) -> str:
        seen.append(1)
        return game.action_text(game.legal(view)[0])

    env = against("Nim", strong, piles=(9, 9))
    shares = []
    for level in (1, 5, 10):
        seen.clear()
        for seed in range(200):
            _, info = env.reset(seed=seed, options={"difficulty": level})
            env.step("take 1 from pile 1")
            assert info["difficulty"] == level
        shares.append(len(seen) / 200)
    assert shares == [pytest.approx(0.1, abs=0.07), pytest.approx(0.5, abs=0.1), 1.0]


def test_the_splits_deal_other_games() -> None:
    train, test = (AgainstOpponent(make_game("palaestra/LeducPoker-v0"), split=split) for split in ("train", "test"))
    assert [train.reset(seed=s)[0] for s in range(20)] != [test.reset(seed=s)[0] for s in range(20)]
    with pytest.raises(ValueError, match="the test split cannot be restored into the train split"):
        train.restore(test.snapshot())


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_debate_is_about_problems_of_its_split(split: str) -> None:
    env = make_any("palaestra/Debate-vs-greedy-v0", split=split).unwrapped
    assert isinstance(env, AgainstOpponent)
    task = make_task("palaestra/ChainArith-v0")
    for seed in range(20):
        env.reset(seed=seed)
        dispute = env.table.snapshot().state
        assert isinstance(dispute, Dispute)
        problem = sample_problem(task, dispute.seed, 3, split)
        assert problem.prompt in env.table.observe("player_0")


@pytest.mark.parametrize("split", ["train", "test"])
def test_problems_are_proposed_from_the_split_that_the_environment_is_made_with(split: str) -> None:
    env = make_any("palaestra/ProposerSolver-vs-random-v0", split=split, seat=1).unwrapped
    assert isinstance(env, AgainstOpponent)
    game = env.table.game
    assert isinstance(game, ProposerSolver)
    for seed in range(20):
        env.reset(seed=seed)
        assert split_of(*game.problem(env.table.snapshot().state)) == split


def test_a_debate_of_the_other_split_is_refused() -> None:
    with pytest.raises(ValueError, match="problems are of the train split, not of the test split"):
        AgainstOpponent(make_game("palaestra/Debate-v0"), split="test")


def test_a_game_without_an_opponent_names_the_ids_with_one() -> None:
    with pytest.raises(UnknownEnvironment, match="name an opponent, as palaestra/Nim-vs-random-v0"):
        make_any("palaestra/Nim-v0")


def test_bad_input_is_refused() -> None:
    env = against()
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step("1")
    env.restore(env.snapshot())
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step("1")
    env.reset(seed=0)
    with pytest.raises(TypeError, match="an action is a string"):
        env.step(1)  # type: ignore[arg-type]  # the error is the point
    with pytest.raises(ValueError, match="cannot be restored against random"):
        env.restore(against(opponent="greedy").snapshot())
    with pytest.raises(ValueError, match="has no player 'strong': there are random, greedy, optimal"):
        against(opponent="strong")
    with pytest.raises(ValueError, match="has difficulties 1 to 10, not 11"):
        env.reset(seed=0, options={"difficulty": 11})
    with pytest.raises(ValueError, match="split is one of train, test"):
        AgainstOpponent(make_game("palaestra/Nim-v0"), split="dev")
    with pytest.raises(ValueError, match="seat is None or from 0 to 1"):
        against(seat=2)
    with pytest.raises(ValueError, match="knows the option 'difficulty', not 'problem'"):
        env.reset(seed=0, options={"problem": "1 + 1"})
    with pytest.raises(ValueError, match="a seed is an integer of 0 or more, not True"):
        env.reset(seed=True)
    for odd in ({"difficulty": 2.0}, {"seat": 1.0}):
        with pytest.raises(ValueError, match=f"not {float(*odd.values())}"):
            AgainstOpponent(make_game("palaestra/Nim-v0"), **odd)  # type: ignore[arg-type]  # the error is the point
