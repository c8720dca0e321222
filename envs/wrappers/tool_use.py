"""A Python interpreter for any task."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.dialogue import LONGEST, Dialogue, State, Turn
from palaestra.envs.dialogues.python_tool import PythonTool
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers.code import extract_source

from .task_wrapper import TaskWrapper

FINAL = re.compile(r"^ {0,3}Final answer:", re.MULTILINE | re.IGNORECASE)
INTERPRETER = PythonTool()  # whose turns run blocks of code, whatever the problem


@register("palaestra/ToolUse-v0")
@dataclass(frozen=True)
class ToolUse(Dialogue, TaskWrapper):
    """A task's problems with a Python interpreter between turns, that of ``palaestra/PythonTool-v0``.

    turns: messages at most, the answer included, from 1 to 64.

    A message with a ``python`` block has its last block run in the sandbox and is told what that prints; names live on.
    A message without one, or the part of a message after a line that begins with "Final answer:", is the answer, which
    the task judges. The state is the text of the blocks, which are all run again each turn, so an episode is replayed
    by its messages, as far as its programs depend on nothing else.

    Raises:
        ValueError: that many turns are not to be had.
    """

    turns: int = 6
    tags: ClassVar[tuple[str, ...]] = ("wrapper", "tools", "python", "dialogue")
    costly = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.turns <= LONGEST:
            raise ValueError(f"turns is from 1 to {LONGEST}, not {self.turns!r}")

    def dress(self, problem: Problem) -> Problem:
        wish = (
            "You may use Python: a message with a code block that begins with ```python has it run and shows what it "
            "prints; names are kept. A message without a block is your answer; an answer that holds a block itself is "
            f"written after a line 'Final answer:'. You have {self.turns} messages, the answer included."
        )
        return self.dressed(problem, f"{problem.prompt}\n{wish}", turns=self.turns)

    def begin(self, problem: Problem) -> State:
        return INTERPRETER.begin(problem)

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the interpreter's."""
        finals = list(FINAL.finditer(action))
        if not finals and extract_source(action) is not None:
            return INTERPRETER.turn(problem, state, action)
        answer = action[finals[-1].end() :] if finals else action
        return Turn("", state, self.inner.verify(self.bare(problem), answer))

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Answers at once: what a tool is good for differs from task to task."""
        return _final(self.inner.solve(self.bare(problem), rng))

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        return _final(self.inner.weak_solve(self.bare(problem), rng))


def _final(answer: str) -> str:
    return answer if extract_source(answer) is None else f"Final answer:\n{answer}"
