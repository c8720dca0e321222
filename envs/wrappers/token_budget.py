"""Answers of a limited length."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers import LengthRamp, Verdict, wrong

from .task_wrapper import TaskWrapper, answer_lines

Count = Callable[[str], int]


@register("palaestra/TokenBudget-v0")
@dataclass(frozen=True)
class TokenBudget(TaskWrapper):
    """A task's problems with a limit on the length of the answer, which the prompt names.

    limit: the longest answer allowed, in what ``count`` counts: "characters", "words", or tokens by a function of a
    text, given itself or, so that a log can be replayed, as "module:function". over: what becomes of a longer answer.
    "wrong": it is wrong; "cut": its score falls in a line to 0 at twice the limit, its status stays.

    Raises:
        ValueError: a limit below 1, or an unknown ``over`` or ``count``.
    """

    limit: int = 600
    over: str = "wrong"
    count: str | Count = "characters"
    tags: ClassVar[tuple[str, ...]] = ("wrapper", "length")
    _ramp: ClassVar[LengthRamp]  # set on the instance; no knob

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.limit < 1:
            raise ValueError(f"limit is at least 1, not {self.limit!r}")
        if self.over not in ("wrong", "cut"):
            raise ValueError(f"over is 'wrong' or 'cut', not {self.over!r}")
        count = _counter(self.count) if isinstance(self.count, str) else self.count
        object.__setattr__(self, "_ramp", LengthRamp(self.limit, 2 * self.limit, count))

    def dress(self, problem: Problem) -> Problem:
        unit = self.count if self.count in COUNTERS else "tokens"
        return self.dressed(problem, f"{problem.prompt}\nYour whole answer may have {self.limit} {unit} at most.")

    def verify(self, problem: Problem, response: str) -> Verdict:
        """The task's verdict, with ``length`` in its evidence when the answer is too long."""
        length = self._ramp(response)
        if length.right:
            return super().verify(problem, response)
        if self.over == "wrong":
            return wrong(length.reason, **length.evidence)
        verdict = super().verify(problem, response)
        return dataclasses.replace(
            verdict,
            score=verdict.score * length.score,
            reason=f"{verdict.reason}; {length.reason}",
            evidence={**verdict.evidence, **length.evidence},
        )

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The task's solution, or where that is too long its answer alone."""
        return self._brief(super().solve(problem, rng))

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return self._brief(super().weak_solve(problem, rng))

    def _brief(self, solution: str) -> str:
        return solution if self._ramp(solution).right else "\n".join(answer_lines(solution.split("\n")))


def count_words(text: str) -> int:
    """Runs of characters between white space."""
    return len(text.split())


COUNTERS: dict[object, Count] = {"characters": len, "words": count_words}


@cache
def _counter(name: str) -> Count:
    if name in COUNTERS:
        return COUNTERS[name]
    module, _, function = name.partition(":")
    try:
        found: Count = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"count is {', '.join(map(repr, COUNTERS))} or 'module:function', not {name!r}: {error}"
        ) from error
    return found
