"""Modules without a model: functions, the ones here and any of the user's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from palaestra.arena.settings import SettingsError
from palaestra.envs.task import Problem, Task

Rule = Callable[..., Any]


def seeded(task: Task, level: int, rng: np.random.Generator) -> str:
    """The task's own problems, at levels that rise with success: nothing is written, so the seed draws one."""
    return ""


def hurried(task: Task, problem: Problem, rng: np.random.Generator) -> str:
    """The task's weak solver."""
    return task.weak_solve(problem, rng)


def verifier(task: Task, problem: Problem, answer: str) -> float:
    """The verdict, by execution."""
    return task.verify(problem, answer).score


def keep(task: Task, problem: Problem, answer: str) -> str:
    """Answers as they are; which of them are learned from, the verdict decides."""
    return answer


def first_box(task: Task, problem: Problem, answer: str) -> str:
    """An answer up to its first box, for models that go on behind it."""
    start = answer.find("\\boxed{")
    end = answer.find("}", start)
    return answer[: end + 1] if 0 <= start < end else answer


# The first of a slot is taken when a recipe names none. Each is called with the task and what PARAMETERS says.
RULES: dict[str, dict[str, Rule]] = {
    "creator": {"seeded": seeded},
    "reasoner": {"hurried": hurried},
    "evaluator": {"verifier": verifier},
    "post_processor": {"keep": keep, "first_box": first_box},
}
PARAMETERS = {
    "creator": "(task, level, rng) -> text of a problem",
    "reasoner": "(task, problem, rng) -> answer",
    "evaluator": "(task, problem, answer) -> score from 0 to 1",
    "post_processor": "(task, problem, answer) -> answer",
}


def find_rule(slot: str, name: str) -> Rule:
    """A rule by its name, or by "module:function", which is imported.

    Raises:
        SettingsError: there is none, or it is no function of three arguments.
    """
    if ":" not in name:
        return RULES[slot][name]
    module, _, function = name.partition(":")
    try:
        rule: Rule = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"modules.{slot}: {name} cannot be imported: {error}") from error
    if not callable(rule) or len(inspect.signature(rule).parameters) != 3:
        raise SettingsError(f"modules.{slot}: {name} is to be a function {PARAMETERS[slot]}")
    return rule
