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
