"""A task made of another task: what all wrappers of tasks share."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.dialogue import Dialogue
from palaestra.envs.registration import make_task
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict

BOX, FENCE = "\\boxed{", "```"


@dataclass(frozen=True)
class TaskWrapper(Task):
    """The problems of another task, put, answered or judged in another way: subclass it with ``dress``.

    env: the other task's id, or the task itself, which may be a wrapper too. knobs: what an id is made with.

    A wrapper is a task, so it has an id, seeds, splits, snapshots and an oracle as every task has, and is made, logged,
    replayed, audited and trained on by the same code: ``make("palaestra/Distract-v0", env="palaestra/Countdown-v0",
    knobs={"numbers": 4})``. Its draws are a hash of the problem and so the same in every replay. A problem stays in the
    split it belongs to in the other task.

    Raises:
        ValueError: the other task has turns, or knobs are given beside a task.
    """

    env: str | Task = "palaestra/ChainArith-v0"
    knobs: Mapping[str, Any] = field(default_factory=dict)
    inner: ClassVar[Task]  # set on the instance; no knob

    def __post_init__(self) -> None:
        if isinstance(self.env, Task) and self.knobs:
            raise ValueError("knobs are for an id: a task has its own already")
        inner = self.env if isinstance(self.env, Task) else make_task(self.env, **self.knobs)
        if isinstance(inner, Dialogue):
            raise ValueError(f"{type(self).__name__} wraps tasks that take one answer; {inner.id} has turns")
        object.__setattr__(self, "inner", inner)
        object.__setattr__(self, "difficulties", inner.difficulties)
        object.__setattr__(self, "wordings", inner.wordings)
        object.__setattr__(self, "max_prompt_chars", inner.max_prompt_chars)

    @abstractmethod
    def dress(self, problem: Problem) -> Problem:
        """The problem as this wrapper puts it: a pure function, mostly by ``dressed``."""

    def dressed(self, problem: Problem, prompt: str, **details: Any) -> Problem:
        """The problem with another prompt; its own is kept in the reference, beside ``details``."""
        reference = {"prompt": problem.prompt, "reference": problem.reference, **details}
        return dataclasses.replace(problem, prompt=prompt, reference=reference)

    def bare(self, problem: Problem) -> Problem:
        """The other task's problem, of which ``problem`` was made."""
        kept = problem.reference
        return dataclasses.replace(problem, prompt=kept["prompt"], reference=kept["reference"])

    def draw(self, problem: Problem, *key: int | str) -> int:
        """A random number of 63 bits for a bare problem: a hash of its identity, whatever its words."""
        return derive_seed(type(self).__name__, self.inner.identity(problem), *key)

    @property
    def stream(self) -> str:
        return self.inner.stream

    @property
    def ceiling(self) -> float:
        return self.inner.ceiling

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        return self.dress(self.inner.sample(rng, difficulty))

    def verify(self, problem: Problem, response: str) -> Verdict:
        return self.inner.verify(self.bare(problem), response)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return self.inner.solve(self.bare(problem), rng)

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return self.inner.weak_solve(self.bare(problem), rng)

    def steps(self, problem: Problem, response: str) -> list[Verdict]:
        return self.inner.steps(self.bare(problem), response)

    def invert(self, problem: Problem) -> Problem | None:
        backward = self.inner.invert(self.bare(problem))
        return None if backward is None else self.dress(backward)

    def identity(self, problem: Problem) -> str:
        return self.inner.identity(self.bare(problem))

    def reword(self, problem: Problem, wording: int) -> Problem:
        return self.dress(self.inner.reword(self.bare(problem), wording))


def answer_lines(solution: list[str]) -> list[str]:
    """The end of a solution that holds its answer: from the last box on, else from the first fence, else all."""
    boxes = [k for k, line in enumerate(solution) if BOX in line]
    fences = [k for k, line in enumerate(solution) if line.startswith(FENCE)]
    return solution[boxes[-1] if boxes else fences[0] if fences else 0 :]
