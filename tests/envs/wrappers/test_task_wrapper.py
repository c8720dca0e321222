"""What holds for every wrapper of tasks, over tasks of several kinds."""

from __future__ import annotations

import json
import pickle
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from palaestra.agents.scripted import OracleAgent
from palaestra.arena.replay import replay
from palaestra.arena.rollout import Job, rollout
from palaestra.envs import ChainArith, Countdown, make, make_task, sample_problem, split_of
from palaestra.envs.dialogue import Dialogue
from palaestra.envs.dialogues.bandit import Bandit
from palaestra.envs.task import Problem
from palaestra.envs.tasks.logic.linear_order import LinearOrder
from palaestra.envs.tasks.numbers.arithmetic import Arithmetic
from palaestra.envs.tasks.programs.write_function import WriteFunction
from palaestra.envs.wrappers import Distract, FormatReward, Rephrase, Stepwise, TokenBudget, ToolUse
from palaestra.envs.wrappers.task_wrapper import TaskWrapper

CASES: list[tuple[str, dict[str, Any]]] = [
    (f"palaestra/{wrapper}-v0", {"env": task.id, **knobs})
    for wrapper, tasks, knobs in (
        ("Rephrase", (Arithmetic, LinearOrder), {}),
        ("Distract", (Countdown, LinearOrder), {"rename": True}),
        ("Inverse", (ChainArith, Arithmetic), {}),
        ("TokenBudget", (ChainArith, LinearOrder), {"limit": 90}),
        ("FormatReward", (ChainArith, WriteFunction), {}),
        ("Stepwise", (Countdown, WriteFunction), {}),
        ("ToolUse", (ChainArith, WriteFunction), {}),
    )
    for task in tasks
]


@pytest.mark.parametrize(("id", "kwargs"), CASES)
def test_gymnasium_finds_nothing_to_warn_of(id: str, kwargs: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(make(id, **kwargs))
        env = gymnasium.make(id, **kwargs)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.unwrapped.step("1")


@pytest.mark.parametrize(("id", "kwargs"), CASES)
def test_the_oracle_is_right_and_its_episodes_replay_exactly(id: str, kwargs: dict[str, Any]) -> None:
    jobs = [Job(f"{level}", id, kwargs, level, "", {"difficulty": level}) for level in (1, 5, 10)]
    episodes = list(rollout(OracleAgent(), jobs))
    assert [episode.outcome["reasoner"].reward for episode in episodes] == [1.0] * 3
    assert [differences for _, differences in replay(episodes)] == [[], [], []]


@pytest.mark.parametrize(("id", "kwargs"), CASES)
def test_a_snapshot_goes_on_in_another_environment(id: str, kwargs: dict[str, Any]) -> None:
    env, other = make(id, **kwargs), make(id, **kwargs)
    problem = env.reset(seed=3, options={"difficulty": 4})[1]["problem"]
    if isinstance(env.task, Dialogue):
        action = env.task.next(problem, [], np.random.default_rng(0))
    else:
        action = env.task.solve(problem, np.random.default_rng(0))
    other.restore(pickle.loads(pickle.dumps(env.snapshot())))
    assert other.step(action) == env.step(action)
    assert other.reset() == env.reset()


@pytest.mark.parametrize(("id", "kwargs"), CASES)
def test_a_problem_stays_in_its_split_and_survives_json(id: str, kwargs: dict[str, Any]) -> None:
    task = make_task(id, **kwargs)
    assert isinstance(task, TaskWrapper)
    for seed, split in ((0, "train"), (1, "test"), (2, "test")):
        problem = sample_problem(task, seed, 3, split)
        if "Inverse" not in id:
            assert split_of(task.inner, task.bare(problem)) == split
        reference, meta = json.loads(json.dumps([problem.reference, dict(problem.meta)]))
        read = Problem(problem.prompt, reference, problem.difficulty, meta)
        response = task.solve(problem, np.random.default_rng(0))
        assert task.verify(read, response) == task.verify(problem, response)


def test_wrappers_nest_by_task_and_by_id() -> None:
    nested = Stepwise(Distract(Countdown(numbers=4), facts=2))
    problem = sample_problem(nested, 5, 3)
    knobs = {"env": "palaestra/Countdown-v0", "knobs": {"numbers": 4}, "facts": 2}
    assert sample_problem(make_task("palaestra/Stepwise-v0", env="palaestra/Distract-v0", knobs=knobs), 5, 3) == problem
    assert list(nested.demonstrate(problem, np.random.default_rng(0)))[-1][1].verdict.right


def test_a_nested_problem_is_reworded_within() -> None:
    task = TokenBudget(Distract(Arithmetic()), limit=200)
    problem = sample_problem(task, 1, 2)
    others = [task.reword(problem, k) for k in range(len(Arithmetic.wordings))]
    assert others[problem.meta["wording"]] == problem
    assert len({other.prompt for other in others}) == len(others)
    assert all(other.prompt.endswith("200 characters at most.") for other in others)
    assert Rephrase(task).wording is None


def test_what_cannot_be_wrapped_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Bandit-v0 has turns"):
        FormatReward(Bandit())
    with pytest.raises(ValueError, match="has its own already"):
        FormatReward(Countdown(), {"numbers": 4})
    with pytest.raises(ValueError, match="from 1 to 64"):
        ToolUse(turns=0)
    with pytest.raises(ValueError, match="cannot be restored into palaestra/Stepwise-v0 "):
        make("palaestra/Stepwise-v0").restore(make("palaestra/TokenBudget-v0").snapshot())
