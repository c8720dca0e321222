"""The same problem in other words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task

from .task_wrapper import TaskWrapper


@register("palaestra/Rephrase-v0")
@dataclass(frozen=True)
class Rephrase(TaskWrapper):
    """A task's problems in another wording than it would use itself, or all in the same one.

    wording: which of the task's ``wordings``, from 0; None draws another one for each problem.

    The problem of a seed does not depend on ``wording``: by how much success differs from one to the next, over the
    same seeds, is how much a reasoner hangs on words.

    Raises:
        ValueError: the task has no such wording, or but one.
    """

    env: str | Task = "palaestra/GcdLcm-v0"
    wording: int | None = None
    tags: ClassVar[tuple[str, ...]] = ("wrapper", "robustness")

    def __post_init__(self) -> None:
        super().__post_init__()
        count = len(self.wordings)
        if count < 2:
            raise ValueError(f"{self.inner.id} is worded in one way only")
        if self.wording is not None and self.wording not in range(count):
            raise ValueError(f"wording is None or from 0 to {count - 1}, not {self.wording!r}")

    def dress(self, problem: Problem) -> Problem:
        return self.inner.reword(problem, self._other(problem) if self.wording is None else self.wording)

    def bare(self, problem: Problem) -> Problem:
        return problem

    def reword(self, problem: Problem, wording: int) -> Problem:
        """In the wording that is asked for."""
        return self.inner.reword(problem, wording)

    def invert(self, problem: Problem) -> Problem | None:
        """The backward question as the task itself words it."""
        return self.inner.invert(problem)

    def _other(self, problem: Problem) -> int:
        used: int = problem.meta["wording"]
        count = len(self.wordings)
        return (used + 1 + self.draw(problem) % (count - 1)) % count
