"""An answer, and a second one that may put the first right (after SCoRe: arXiv:2409.12917)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.dialogue import Dialogue, State, Turn
from palaestra.envs.registration import register
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem
from palaestra.verifiers import Status, Verdict

from .task_wrapper import TaskWrapper

AGAIN = "Mend it."  # whether or not there is anything to mend


@register("palaestra/SecondLook-v0")
@dataclass(frozen=True)
class SecondLook(Dialogue, TaskWrapper):
    """A task's problems, answered twice: after the first answer the same is asked for again, right or wrong.

    bonus: α, what a change for the better pays, and one for the worse costs. both: the first answer counts, too.

    The verdict is that on the second answer. The reward is r2 + α (r2 - r1), and r1 beside where both count, r1 and r2
    the verdicts' scores: with neither knob it is r2. A first answer that cannot be judged ends the dialogue undecided.

    Raises:
        ValueError: a bonus below 0, or one that is not finite.
    """

    bonus: float = 0.0
    both: bool = False
    tags: ClassVar[tuple[str, ...]] = ("wrapper", "dialogue", "self-correction")
    transparent: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.bonus < math.inf:  # which pays nan where nothing changes
            raise ValueError(f"bonus is a finite number of 0 or more, not {self.bonus}")

    def dress(self, problem: Problem) -> Problem:
        return self.dressed(problem, problem.prompt, turns=2)

    def begin(self, problem: Problem) -> State:
        return None

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the first answer's score, None before it."""
        verdict = self.verify(problem, action)
        if verdict.status is Status.UNDECIDED:
            return Turn("", state, verdict)
        if state is None:
            return Turn(AGAIN, verdict.score)
        reward = verdict.score + self.bonus * (verdict.score - state) + (state if self.both else 0.0)
        return Turn("", state, verdict, reward)

    def verify(self, problem: Problem, response: str) -> Verdict:
        """The task's verdict on an answer, the first or the second."""
        return self.inner.verify(self.bare(problem), response)

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """The solution, both times."""
        return self.inner.solve(self.bare(problem), np.random.default_rng(derive_seed("second look", problem.prompt)))

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        return self.inner.weak_solve(self.bare(problem), rng)
