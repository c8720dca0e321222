"""What the conformance checks are put to, and what several of them need."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from .audit import PROBLEMS, Audit, audit, levels
from .task import Problem, sample_problem

COSTLY_PROBLEMS = 60  # a level, on which cheats are tried where that takes long
FEW = 3  # seeds, of the levels between


class NotApplicable(Exception):
    """The check does not apply to this task; the message says why."""


class Subject:
    """What the checks are put to: a task, and what several of them need, drawn when it is first asked for."""

    def __init__(self, task: Any, seeds: Sequence[int]) -> None:
        self.task = task
        self.seeds = list(seeds)
        self.cases = [(seed, level) for level in levels(task) for seed in seeds]

    @cached_property
    def problems(self) -> list[Problem]:
        """Those of all seeds at the lowest, middle and highest difficulty."""
        return [sample_problem(self.task, seed, level) for seed, level in self.cases]

    @cached_property
    def at_every_level(self) -> list[Problem]:
        """The same, and those of the first seeds at all other difficulties."""
        between = (level for level in self.task.difficulties if level not in levels(self.task))
        others = (sample_problem(self.task, seed, level) for level in between for seed in self.seeds[:FEW])
        return [*self.problems, *others]

    @cached_property
    def audit(self) -> Audit:
        """What all cheats and attacks earn."""
        count = COSTLY_PROBLEMS if self.task.costly else PROBLEMS
        return audit(self.task, count)
