"""Find an input for which a program returns a given value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong
from palaestra.verifiers.math.number import read_number

from .language import Line, ProgramError, call, line_text, nested, program_text

STATEMENTS = (2, 2, 3, 3, 4, 4, 5, 5, 6, 7)  # by difficulty
LARGEST = (60, 120, 250, 500, 1000, 2000, 4000, 10_000, 30_000, 100_000)  # input, by difficulty
STEPS = 500  # that a run may take
WEAK_TRIES = 50  # inputs that the weak solver tries

Pick = Callable[[int], int]  # a whole number from 0 below the one given


@register("palaestra/InvertProgram-v0")
@dataclass(frozen=True)
class InvertProgram(Task):
    """Difficulty raises how many statements f has (2 to 7) and how large its input may be (60 to 100,000).

    An answer is a whole number in the range; it is right when f, run by the interpreter of ``language``, returns the
    value for it. Any such input counts: there may be several.
    """

    tags: ClassVar[tuple[str, ...]] = ("programs", "inverse")
    ceiling = 0.05
    wordings: ClassVar[tuple[str, ...]] = (
        "For which whole number x from 1 to {largest} does f(x) return {value}?\n{program}\nOne such x is enough. "
        "Answer in \\boxed{{}}.",
        "{program}\nThis Python function was called with an integer between 1 and {largest} and returned {value}. Find "
        "an integer in this range for which it does. Answer in \\boxed{{}}.",
        "Answer in \\boxed{{}} with one number: an input of the function below, not less than 1 and not more than "
        "{largest}, whose output is {value}.\n{program}",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        largest, count = LARGEST[difficulty - 1], STATEMENTS[difficulty - 1]
        while True:
            pick = _picker(rng.random(3 + 4 * count).tolist())
            x = 1 + pick(largest)
            lines = _function(pick, count, largest)
            block = nested(lines)
            value = call(block, x, steps=STEPS)
            if call(block, 1, steps=STEPS) != value:
                break
        fields = {"program": program_text(lines), "value": str(value), "largest": str(largest)}
        reference = {"lines": lines, "value": value, "largest": largest}
        return self.ask(rng, reference, difficulty, fields, {"input": x})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        reference = problem.reference
        x = read_number(text.removeprefix("x").lstrip(" ").removeprefix("=").strip())
        if x is None or x.denominator != 1:
            return wrong(f"{text[:40]!a} is no whole number")
        x = int(x)  # 2,184 is read as a fraction
        if not 1 <= x <= reference["largest"]:
            return wrong(f"{text[:40]!a} is not from 1 to {reference['largest']}")
        try:
            found = call(nested(reference["lines"]), x, steps=STEPS)
        except ProgramError as error:
            return wrong(f"f({x}) fails: {error}")
        if found != reference["value"]:
            return wrong(f"f({x}) returns {found}, not {reference['value']}")
        return right(f"f({x}) returns {found}")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The input, and how y runs through the statements of the function."""
        x, lines = problem.meta["input"], problem.reference["lines"]
        trace = [f"x = {x}"]
        for k in range(2, len(lines)):
            if lines[k][0] == 1:
                y = call(nested([*lines[:k], [1, "return", "y"]]), x, steps=STEPS)
                trace.append(f"y = {y} before {line_text(lines[k])}")
        return "\n".join([*trace, f"\\boxed{{{x}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Try small inputs."""
        block, value = nested(problem.reference["lines"]), problem.reference["value"]
        for x in range(1, 1 + WEAK_TRIES):
            if call(block, x, steps=STEPS) == value:
                return f"\\boxed{{{x}}}"
        return ""


def _picker(uniforms: list[float]) -> Pick:
    draw = iter(uniforms)
    return lambda n: int(next(draw) * n)


def _function(pick: Pick, count: int, largest: int) -> list[Line]:
    """f(x): statements that lose little of what y holds, so that few inputs share a value."""
    lines: list[Line] = [[0, "def", "f", ["x"]], [1, "set", "y", ["+", ["*", "x", 2 + pick(8)], 1 + pick(20)]]]
    for _ in range(count):
        kind = pick(5)
        if kind == 0:
            lines.append([1, "set", "y", ["+", ["*", "y", 2 + pick(3)], ["%", "x", 3 + pick(7)]]])
        elif kind == 1:
            lines.append([1, "if", ["==", ["%", "y", 2 + pick(2)], 0]])
            lines.append([2, "add", "y", "//", 2])
            lines.append([1, "else"])
            lines.append([2, "set", "y", ["+", ["*", "y", 3], 1 + pick(9)]])
        elif kind == 2:
            lines.append([1, "for", "i", [2 + pick(3)]])
            lines.append([2, "set", "y", ["+", ["*", "y", 2], ["*", "i", 1 + pick(5)]]])
        elif kind == 3:
            lines.append(
                [1, "set", "y", ["%", ["+", ["*", "y", 3 + 2 * pick(5)], pick(50)], 3 * largest + pick(largest)]]
            )
        else:
            lines.append([1, "if", [">", "y", largest + pick(2 * largest)]])
            lines.append([2, "add", "y", "-", 1 + pick(largest)])
    return [*lines, [1, "return", "y"]]
