"""The backward question: from the answer to what was given."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, SplitExhausted, Task

from .task_wrapper import TaskWrapper

MAX_DRAWS = 200  # before a task is said to have no backward questions


@register("palaestra/Inverse-v0")
@dataclass(frozen=True)
class Inverse(TaskWrapper):
    """Asks ``Task.invert`` of a task's problems, of those that have a backward question (whose answer is unique).

    A problem and its inverse are in the same split, so that no answer of the test problems is given away in training.
    """

    tags: ClassVar[tuple[str, ...]] = ("wrapper", "backward")

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "wordings", ())

    @property
    def ceiling(self) -> float:
        """The task's, but 0.14 at least: given numbers are often digits (a constant is right on one in eight)."""
        return max(self.inner.ceiling, 0.14)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        for _ in range(MAX_DRAWS):
            problem = self.inner.sample(rng, difficulty)
            if self.inner.invert(problem) is not None:
                return self.dress(problem)
        raise SplitExhausted(f"{self.inner.id} inverts no problem at difficulty {difficulty}")

    def dress(self, problem: Problem) -> Problem:
        backward = self.inner.invert(problem)
        assert backward is not None  # as ``sample`` has seen
        meta = {**backward.meta, "identity": self.inner.identity(problem)}
        return dataclasses.replace(backward, meta=meta)

    def bare(self, problem: Problem) -> Problem:
        return problem

    def identity(self, problem: Problem) -> str:
        """That of the problem which was inverted."""
        return str(problem.meta["identity"])

    def invert(self, problem: Problem) -> Problem | None:
        return None

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The oracle with slips: the task's own weak method is made for the forward question."""
        return Task.weak_solve(self, problem, rng)
