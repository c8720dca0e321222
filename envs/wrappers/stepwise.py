"""An answer that is built line by line, so that search can branch at every line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.dialogue import LONGEST, Dialogue, State, Turn
from palaestra.envs.registration import register
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem
from palaestra.verifiers import Verdict, last_boxed, wrong

from .task_wrapper import BOX, FENCE, TaskWrapper, answer_lines

MAX_TEXT = 12_000  # characters of all lines together


@register("palaestra/Stepwise-v0")
@dataclass(frozen=True)
class Stepwise(Dialogue, TaskWrapper):
    r"""A task's problems, answered line by line: an action is a line, and the answer so far is what is seen next.

    lines: at most, from 1 to 64. Of an action with several lines the first that holds something is taken.

    The episode ends with the line that closes a box (or a fenced block, where the prompt asks for no box), with an
    empty action, or with the last line there may be; then the task judges the whole text, which has no empty lines.
    ``info["steps"]`` holds the task's verdict on each line so far, where it judges lines. The state is the text, so
    ``snapshot`` and ``restore`` make a tree of it, and an episode is replayed by its lines.

    Raises:
        ValueError: that many lines are not to be had.
    """

    lines: int = 32
    tags: ClassVar[tuple[str, ...]] = ("wrapper", "stepwise", "dialogue")
    transparent: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.lines <= LONGEST:
            raise ValueError(f"lines is from 1 to {LONGEST}, not {self.lines!r}")

    def dress(self, problem: Problem) -> Problem:
        wish = (
            f"Write one line of your solution per message, {self.lines} lines at most; after each you see the solution "
            "so far. It ends with the line that completes the answer."
        )
        return self.dressed(problem, f"{problem.prompt}\n{wish}", turns=self.lines)

    def begin(self, problem: Problem) -> State:
        return ""

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the text so far."""
        line = next((line.rstrip() for line in action.splitlines() if line.strip()), "")
        if not line:
            return Turn(state, state, self.exhausted(problem, state))
        text = f"{state}\n{line}" if state else line
        if len(text) > MAX_TEXT:
            return Turn(state, state, wrong(f"the answer has more than {MAX_TEXT} characters"))
        boxed = BOX in problem.reference["prompt"]
        ended = last_boxed(text) is not None if boxed else _fenced(text)
        return Turn(text, text, self.exhausted(problem, text) if ended else None)

    def verify(self, problem: Problem, response: str) -> Verdict:
        """The task's verdict on a whole answer."""
        return self.inner.verify(self.bare(problem), response)

    def exhausted(self, problem: Problem, state: State) -> Verdict:
        """The task's verdict on the text."""
        return self.verify(problem, state)

    def facts(self, problem: Problem, state: State) -> Mapping[str, Any]:
        return {"steps": self.inner.steps(self.bare(problem), state)}

    def steps(self, problem: Problem, response: str) -> list[Verdict]:
        """None: a line alone cannot be judged without those before it; see ``info["steps"]``."""
        return []

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """The next line of one fixed solution; the answer, when the lines so far are not that solution's."""
        return _continued(self.inner.solve(self.bare(problem), _fixed(problem)), state, self.lines)

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        return _continued(self.inner.weak_solve(self.bare(problem), _fixed(problem)), state, self.lines)


def _continued(solution: str, state: str, limit: int) -> str:
    """The line that follows ``state``: of the solution (of its end, if it is too long), else of its answer."""
    lines = [line.rstrip() for line in solution.splitlines() if line.strip()]
    if len(lines) > limit:
        lines = answer_lines(lines)
    done = state.splitlines()
    if done != lines[: len(done)]:
        lines = answer_lines(lines)
        done = next(lines[:k] for k in range(len(lines), -1, -1) if done[len(done) - k :] == lines[:k])
    return lines[len(done)] if len(done) < len(lines) else ""


def _fenced(text: str) -> bool:
    """Whether a fenced block has been closed on the last line."""
    fences = [line for line in text.splitlines() if line.lstrip().startswith(FENCE)]
    return len(fences) > 0 and len(fences) % 2 == 0


def _fixed(problem: Problem) -> np.random.Generator:
    """The same generator in every turn."""
    return np.random.default_rng(derive_seed("stepwise", problem.prompt))
