"""Proposer and solver: which proposals are problems, and what both earn by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from palaestra.envs import UnknownEnvironment, make_task, sample_problem
from palaestra.envs.games import Illegal, ProposerSolver, make_game
from palaestra.envs.games.players import play_game, scripted
from palaestra.envs.games.proposer_solver import Match
from palaestra.verifiers import Verdict, undecided

GAME = ProposerSolver()
TASK = make_task("palaestra/ChainArith-v0")
PROBLEM = sample_problem(TASK, 42, 3)
RIGHT, WRONG = f"\\boxed{{{PROBLEM.reference}}}", f"\\boxed{{{PROBLEM.reference + 1}}}"


def played(*answers: str, game: ProposerSolver = GAME) -> Match:
    state = Match()
    for text in ("I propose \\boxed{chainarith 3 42}.", *answers):
        action = game.parse(state, text)
        assert not isinstance(action, Illegal), action
        state = game.act(state, action)
    return state


def test_the_solver_gets_the_problem_that_was_named() -> None:
    assert played() == Match("ChainArith 3 42")
    assert PROBLEM.prompt in GAME.show(played())
    assert "Attempt 1 of 4." in GAME.show(played())


@pytest.mark.parametrize(
    ("answers", "learnable", "hard"),
    [
        ([RIGHT] * 4, (0.0, 1.0), (0.0, 1.0)),
        ([WRONG] * 4, (0.0, 0.0), (0.0, 0.0)),
        ([RIGHT, WRONG, RIGHT, WRONG], (1.0, 0.5), (0.5, 0.5)),
        ([RIGHT, WRONG, WRONG, WRONG], (0.75, 0.25), (0.75, 0.25)),
    ],
)
def test_the_proposer_earns_most_by_what_is_solved_now_and_then(
    answers: list[str], learnable: tuple[float, ...], hard: tuple[float, ...]
) -> None:
    state = played(*answers)
    assert GAME.terminal(state)
    assert GAME.returns(state) == learnable
    assert ProposerSolver(reward="hard").returns(state) == hard


def test_an_undecided_attempt_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def verify(self: Any, problem: Any, response: str) -> Verdict:
        return undecided("no worker")

    states = played(RIGHT, WRONG)
    monkeypatch.setattr(type(TASK), "verify", verify)
    for _ in range(2):
        states = GAME.act(states, RIGHT)
    assert GAME.returns(states) == (1.0, 0.5)
    assert GAME.show(states).endswith("1, 0, undecided, undecided.")
    assert GAME.returns(Match("ChainArith 3 42", (-1.0,) * 4)) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the answer is empty"),
        ("\\boxed{ChainArith 3", "the box is never closed"),
        ("ChainArith", "'ChainArith' is not a family, a difficulty and a seed"),
        ("ChainArith 3 -1", "'ChainArith 3 -1' is not a family, a difficulty and a seed"),
        ("ChainArith 3 1e9", "'ChainArith 3 1e9' is not a family, a difficulty and a seed"),
        ("ChainArith 3 " + "9" * 5000, "is not a family, a difficulty and a seed"),
        ("ChainArith \u0663 1", "is not a family, a difficulty and a seed"),
        ("Sudoku 3 1", "no family Sudoku: there are ChainArith, Countdown, LinearEquations, KnightsAndKnaves"),
        ("ChainArith 11 1", "ChainArith has difficulties 1 to 10, not 11"),
    ],
)
def test_what_is_no_proposal_is_refused(text: str, reason: str) -> None:
    found = GAME.parse(Match(), text)
    assert isinstance(found, Illegal)
    assert reason in found


def test_nobody_is_told_how_earlier_attempts_went() -> None:
    good, bad = played(RIGHT), played(WRONG)
    assert good != bad
    for player in (0, 1):
        assert GAME.seen(good, player) == GAME.seen(bad, player)
        assert GAME.observe(good, player) == GAME.observe(bad, player)
    assert "Scores of the attempts: 1, 0, 1, 0." in GAME.observe(played(RIGHT, WRONG, RIGHT, WRONG), 0)


def test_problems_are_of_the_train_split() -> None:
    prompts = {GAME.problem(Match(f"ChainArith 1 {seed}"))[1].prompt for seed in range(50)}
    assert prompts == {sample_problem(TASK, seed, 1, "train").prompt for seed in range(50)}


def test_the_oracle_solves_all_and_a_hurried_solver_always_answers_the_same() -> None:
    players, rng = scripted(GAME), np.random.default_rng(0)
    assert play_game(GAME, (players["random"], players["optimal"]), rng) == (0.0, 1.0)
    hurried = [play_game(GAME, (players["random"], players["greedy"]), rng)[1] for _ in range(100)]
    assert set(hurried) == {0.0, 1.0}


def test_a_forfeit_leaves_both_with_nothing() -> None:
    env = make_game("palaestra/ProposerSolver-v0", illegal_retries=0)
    env.reset(seed=0)
    env.step("a hard one, please")
    assert env.rewards == {"player_0": 0.0, "player_1": 0.0}


def test_knobs_are_checked() -> None:
    assert "gets the share of attempts that fail" in ProposerSolver(reward="hard").rules
    with pytest.raises(UnknownEnvironment, match="no environment 'palaestra/None-v0'"):
        ProposerSolver(families=("palaestra/None-v0",))
    with pytest.raises(ValueError, match="families are one or more"):
        ProposerSolver(families=())
    with pytest.raises(ValueError, match="attempts is from 2"):
        ProposerSolver(attempts=1)
    with pytest.raises(ValueError, match="reward is 'learnable' or 'hard'"):
        ProposerSolver(reward="easy")
