from __future__ import annotations

import pytest

from palaestra.envs import ChainArith, Countdown, sample_problem, split_of
from palaestra.envs.task import SplitExhausted
from palaestra.envs.wrappers import Inverse


def test_it_asks_for_what_was_given() -> None:
    task = Inverse(ChainArith(wording=0))
    for seed in range(20):
        problem = sample_problem(task, seed, 3)
        values = problem.meta["values"]
        assert "What is a?" in problem.prompt
        assert f"d={values['d']}" in problem.prompt
        assert task.verify(problem, f"\\boxed{{{values['a']}}}").right
        assert task.verify(problem, f"\\boxed{{{values['a'] + 1}}}").reason.startswith(f"expected {values['a']}")


def test_the_split_is_that_of_the_forward_problem() -> None:
    task = Inverse(ChainArith(wording=0))
    problem = sample_problem(task, 4, 3, "test")
    values = problem.meta["values"]
    forward = problem.prompt.replace(f"; d={values['d']}. What is a?", ". What is d?")
    forward = f"a={values['a']}; {forward}"
    assert task.identity(problem) == forward
    assert split_of(task, problem) == "test"


def test_a_task_without_backward_questions_is_named() -> None:
    with pytest.raises(SplitExhausted, match=r"Countdown-v0 inverts no problem at difficulty 2"):
        sample_problem(Inverse(Countdown()), 0, 2)
