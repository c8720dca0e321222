"""Goal-conditioned dialogues: every state achieves some goal, so a failure is a success at another problem."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .dialogue import Dialogue, State
from .task import Problem

Goals: TypeAlias = npt.NDArray[np.int64]


class GoalDialogue(Dialogue):
    """A dialogue that is won when the achieved goal is the desired one.

    Goals are texts, in ``info`` as "achieved_goal" and "desired_goal" at every turn, in the log as the episode's
    ``Goal``, and in the prompt; ``encode`` makes numbers of them for ``compute_reward`` (the contract of
    Gymnasium-Robotics' GoalEnv: Plappert et al., arXiv:1802.09464). Hindsight (Andrychowicz et al., arXiv:1707.01495)
    asks what the problem would have been: ``with_goal`` rewrites the goal wherever the prompt states it.
    """

    @abstractmethod
    def achieved(self, problem: Problem, state: State) -> str:
        """The goal that a state achieves."""

    def desired(self, problem: Problem) -> str:
        """The goal to be achieved: the reference's."""
        return str(problem.reference["goal"])

    def with_goal(self, problem: Problem, goal: str) -> Problem:
        """The same problem with another goal. The oracle may not know a way to it."""
        fields = {**problem.meta["fields"], "goal": goal}
        reference = {**problem.reference, "goal": type(problem.reference["goal"])(goal)}
        asked = replace(problem, reference=reference, meta={**problem.meta, "fields": fields})
        return self.reword(asked, problem.meta["wording"])

    @abstractmethod
    def encode(self, goals: Sequence[str]) -> Goals:
        """Goals as rows of integers."""

    def compute_reward(self, achieved: Goals, desired: Goals, info: Any = None) -> npt.NDArray[np.float64]:
        """1 where all numbers of a goal (the last axis) agree, else 0; pure, for any leading shape, broadcast."""
        reached: npt.NDArray[np.bool_] = np.all(np.asarray(achieved) == np.asarray(desired), axis=-1)
        return np.asarray(reached, dtype=np.float64)

    def facts(self, problem: Problem, state: State) -> Mapping[str, Any]:
        return {"achieved_goal": self.achieved(problem, state), "desired_goal": self.desired(problem)}
