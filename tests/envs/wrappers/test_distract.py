from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from palaestra.envs import Problem, sample_problem
from palaestra.envs.tasks.countdown import Countdown
from palaestra.envs.tasks.logic.linear_order import LinearOrder
from palaestra.envs.wrappers import Distract
from palaestra.envs.wrappers.distract import BYSTANDERS, OTHERS, PEOPLE


def facts_in(prompt: str) -> int:
    return sum(name in prompt for name in BYSTANDERS)


@pytest.mark.parametrize("facts", [0, 1, 3, 12])
def test_the_prompt_holds_the_problem_unchanged_among_so_many_facts(facts: int) -> None:
    task = Distract(Countdown(), facts=facts)
    for seed in range(20):
        problem = sample_problem(task, seed, 3)
        bare = task.bare(problem)
        assert bare.prompt in problem.prompt.split("\n\n")
        assert facts_in(problem.prompt) == facts
        assert bare == task.bare(sample_problem(Distract(Countdown(), facts=2, variant=7), seed, 3))


def test_facts_stand_before_and_after_and_differ_by_variant() -> None:
    task = Distract(Countdown())
    problems = [sample_problem(task, seed, 3) for seed in range(20)]
    assert {problem.prompt.startswith(task.bare(problem).prompt) for problem in problems} == {True, False}
    assert sample_problem(Distract(Countdown(), variant=1), 0, 3).prompt != problems[0].prompt


def test_people_are_renamed_in_order_and_answers_judged_in_the_new_names() -> None:
    task = Distract(LinearOrder(), facts=0, rename=True)
    for seed in range(10):
        problem = sample_problem(task, seed, 5)
        bare = task.bare(problem)
        names = problem.reference["names"]
        old = [name for name in names if name in PEOPLE]
        assert len(old) >= 2
        assert not any(name in problem.prompt.split() for name in old)
        assert [names[name] for name in sorted(old)] == sorted(names[name] for name in old)
        assert all(names[name] in OTHERS and names[name] in problem.prompt for name in old)
        solution = task.solve(problem, np.random.default_rng(0))
        assert task.verify(problem, solution).right
        assert not task.inner.verify(bare, solution).right
        assert not task.verify(problem, task.inner.solve(bare, np.random.default_rng(0))).right


class Apples(Countdown):
    """Asks about one of the bystanders."""

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        problem = super().sample(rng, difficulty)
        return dataclasses.replace(problem, prompt=f"Agnes has {rng.integers(9)} apples. {problem.prompt}")


def test_no_fact_is_about_whom_the_problem_speaks_of() -> None:
    for seed in range(20):
        assert sample_problem(Distract(Apples(), facts=12), seed, 3).prompt.count("Agnes") == 1


def test_too_many_facts_are_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 12, not 13"):
        Distract(facts=13)
