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
    Only where the prompt asks for neither box nor block is one kept above a line that was sent with it, for paragraphs.
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
        if _of_paragraphs(problem.prompt):
            wish += " An empty line above yours, in the same message, begins a new paragraph."
        return self.dressed(problem, f"{problem.prompt}\n{wish}", turns=self.lines)

    def begin(self, problem: Problem) -> State:
        return ""

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the text so far."""
        prompt = problem.reference["prompt"]
        line = next(iter(_lines(action, _of_paragraphs(prompt))), "")
        if not line:
            return Turn(state, state, self.exhausted(problem, state))
        text = f"{state}\n{line}" if state else line.lstrip("\n")
        if len(text) > MAX_TEXT:
            return Turn(state, state, wrong(f"the answer has more than {MAX_TEXT} characters"))
        ended = last_boxed(text) is not None if BOX in prompt else _fenced(text)
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
        return self._continued(problem, self.inner.solve(self.bare(problem), _fixed(problem)), state)

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        return self._continued(problem, self.inner.weak_solve(self.bare(problem), _fixed(problem)), state)

    def _continued(self, problem: Problem, solution: str, state: str) -> str:
        """The line that follows ``state``: of the solution (of its end, if it is too long), else of its answer."""
        paragraphs = _of_paragraphs(problem.reference["prompt"])
        lines, done = _lines(solution.lstrip("\n"), paragraphs), _lines(state, paragraphs)
        if len(lines) > self.lines or len("\n".join(lines)) > MAX_TEXT:
            lines = answer_lines(lines)
        if done != lines[: len(done)]:
            lines = answer_lines(lines)
            done = next(lines[:k] for k in range(len(lines), -1, -1) if done[len(done) - k :] == lines[:k])
        return lines[len(done)] if len(done) < len(lines) else ""


def _of_paragraphs(prompt: str) -> bool:
    """Whether the answer is the text itself, in which empty lines may matter."""
    return BOX not in prompt and FENCE not in prompt


def _lines(text: str, paragraphs: bool) -> list[str]:
    """The lines that hold something; of paragraphs, one below empty lines has a newline before it."""
    lines: list[str] = []
    gap = ""
    for line in text.splitlines():
        if line.strip():
            lines.append(gap + line.rstrip())
            gap = ""
        elif paragraphs:
            gap = "\n"
    return lines


def _fenced(text: str) -> bool:
    """Whether a fenced block has been closed on the last line."""
    fences = [line for line in text.splitlines() if line.lstrip().startswith(FENCE)]
    return len(fences) > 0 and len(fences) % 2 == 0


def _fixed(problem: Problem) -> np.random.Generator:
    """The same generator in every turn."""
    return np.random.default_rng(derive_seed("stepwise", problem.prompt))
