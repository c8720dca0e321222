r"""Answers set as models set them: ``\boxed{\text{...}}`` is judged as what it holds, in every family."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from palaestra.envs.registration import make_task, task_ids
from palaestra.envs.task import sample_problem
from palaestra.verifiers import last_boxed

FAMILIES = [id for id in task_ids() if id.startswith("palaestra/") and id != "palaestra/Dataset-v0"]
WAYS: list[Callable[[str], str]] = [
    lambda answer: rf"\text{{{answer}}}",
    lambda answer: rf"\textbf{{ {answer} }}",
    lambda answer: f"$ {answer} $",
    lambda answer: rf"$\mathrm{{{answer}}}$",
    lambda answer: answer.replace(", ", r",\ "),
]


@pytest.mark.parametrize("id", FAMILIES)
def test_a_right_answer_may_be_set_as_text_or_formula(id: str) -> None:
    task = make_task(id)
    problem = sample_problem(task, 0, 2)
    said = task.solve(problem, np.random.default_rng(0))
    answer = last_boxed(said)
    assert (answer is None) == (r"\boxed" not in problem.prompt)
    for way in WAYS if answer is not None else []:
        assert task.verify(problem, rf"\boxed{{{way(answer)}}}").right, way(answer)


@pytest.mark.parametrize("name", ["Automaton", "LongestIncreasing", "Quadratic", "Reachability", "SubsetSum"])
@pytest.mark.parametrize("braces", [r"\{%s\}", r"\left\{ %s \right\}", r"$\{%s\}$"])
def test_what_is_asked_for_as_a_list_may_stand_in_the_braces_of_a_set(name: str, braces: str) -> None:
    task = make_task(f"palaestra/{name}-v0")
    problem = sample_problem(task, 0, 4)
    answer = last_boxed(task.solve(problem, np.random.default_rng(0)))
    assert task.verify(problem, rf"\boxed{{{braces % answer}}}").right


def test_an_input_of_a_program_may_have_a_comma_between_its_thousands() -> None:
    task = make_task("palaestra/InvertProgram-v0")
    problem = sample_problem(task, 0, 10)
    found = problem.meta["input"]
    assert found > 999
    assert task.verify(problem, rf"\boxed{{{found:,}}}").right
    assert not task.verify(problem, rf"\boxed{{{found}.5}}").right
