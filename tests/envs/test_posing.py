"""Problems that are proposed as a text: what is read as one, what is refused, and that none is held out."""

from __future__ import annotations

import numpy as np
import pytest

from palaestra.envs.registration import make_any
from palaestra.envs.task import Task, Unposed, posed, sample_problem, split_of
from palaestra.envs.tasks import Arithmetic
from palaestra.envs.tasks.chain_arith import ChainArith

TASKS = [ChainArith(), ChainArith(modulus=10, operators="+*", wording=0), ChainArith(modulus=6, operators="+-")]


@pytest.mark.parametrize("task", TASKS, ids=str)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_problem_is_read_back_from_its_notation(task: ChainArith, split: str) -> None:
    for seed in range(300):
        problem = sample_problem(task, seed, 1 + seed % 4, split)
        again = posed(task, task.notation(problem), split)
        assert (again.reference, again.difficulty) == (problem.reference, problem.difficulty)
        assert task.identity(again) == task.identity(problem)
        assert split_of(task, again) == split
        assert task.verify(again, task.solve(again, np.random.default_rng(0))).right


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no chain"),
        ("a=3", "no chain"),
        ("a=3; b=4+1", "b is not made from a"),
        ("a=3; c=a+1", "b is not made from a"),
        ("a=3; b=a+1; c=a+1", "c is not made from b"),
        ("a=3; b=a-1", "operator"),
        ("a=3; b=a+c", "a name that is not there"),
        ("a=3; b=a*a", "product"),
        ("a=3; b=a*5", "product"),
        ("a=3; b=a+a", "b does not determine a"),
        ("a=11; b=a+1", "a is below 10"),
        ("a=3; b=a+1\n", "ok"),
        ("a=٣; b=a+1", "no chain"),
    ],
)
def test_what_the_task_would_not_draw_is_refused_with_the_reason(text: str, why: str) -> None:
    task = ChainArith(modulus=10, operators="+*", wording=0)
    if why == "ok":
        assert task.pose(text).reference == 4
    else:
        with pytest.raises(Unposed, match=why):
            task.pose(text)


def test_without_a_modulus_numbers_stay_natural() -> None:
    with pytest.raises(Unposed, match="b is negative"):
        ChainArith().pose("a=3; b=a-5")


def test_an_environment_asks_a_proposed_problem_and_never_one_of_the_other_split() -> None:
    env = make_any("palaestra/ChainArith-v0", split="train", modulus=10, operators="+")
    task: Task = env.unwrapped.task
    own, other = (task.notation(sample_problem(task, 5, 2, split)) for split in ("train", "test"))
    observation, info = env.reset(seed=1, options={"problem": own, "difficulty": 2})
    assert own in observation
    assert info["difficulty"] == 2
    assert env.step(f"\\boxed{{{info['problem'].reference}}}")[1] == 1
    with pytest.raises(Unposed, match="not of the train split"):
        env.reset(seed=1, options={"problem": other})
    with pytest.raises(Unposed, match="level 1 was asked for, and the problem is of level 2"):
        env.reset(seed=1, options={"problem": own, "difficulty": 1})


def test_a_seeded_reset_begins_its_stream_whether_or_not_a_problem_is_proposed() -> None:
    text = ChainArith().notation(sample_problem(ChainArith(), 5, 2))
    envs = [make_any("palaestra/ChainArith-v0") for _ in range(2)]
    for env, used in zip(envs, (0, 3), strict=True):
        for _ in range(used):
            env.reset()
        env.reset(seed=7, options={"problem": text})
    one, two = ([env.reset()[1]["seed"] for _ in range(3)] for env in envs)
    assert one == two
    envs[0].reset(seed=8, options={"problem": text})
    assert envs[0].reset()[1]["seed"] not in one


def test_a_task_without_a_notation_says_what_to_define() -> None:
    with pytest.raises(Unposed, match="define pose"):
        posed(Arithmetic(), "1+1")
