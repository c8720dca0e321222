"""Linear equations in whole numbers, with bounds: find any solution."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from ..algebra.unknowns import linear_form, nonzero, read_values

UNKNOWNS = "xyz"
WEAK_REACH = 4  # of the weak solver's search


class Level(NamedTuple):
    """coefficient: the largest. reach: unknowns are between -reach and reach."""

    unknowns: int
    coefficient: int
    reach: int


LEVELS = (
    Level(2, 9, 20),
    Level(2, 15, 30),
    Level(2, 30, 50),
    Level(2, 60, 90),
    Level(2, 120, 150),
    Level(2, 400, 400),
    Level(3, 200, 15),
    Level(3, 500, 20),
    Level(3, 1000, 25),
    Level(3, 2500, 40),
)


@register("palaestra/Diophantine-v0")
@dataclass(frozen=True)
class Diophantine(Task):
    """Whole numbers within bounds that satisfy a*x + b*y = c (from difficulty 7 on with a third unknown).

    Difficulty raises the coefficients from 9 to 2500. There is a solution, mostly there are several; an answer is right
    when its numbers are whole, within the bounds, and satisfy the equation.
    """

    tags: ClassVar[tuple[str, ...]] = ("numbers", "number theory", "witness")
    wordings: ClassVar[tuple[str, ...]] = (
        "Find integers {asked} from -{reach} to {reach} such that {equation}. Answer in \\boxed{{}} as {example}.",
        "The equation {equation} has solutions in whole numbers. Give one in which no unknown is below -{reach} or "
        "above {reach}, in the form \\boxed{{{example}}}.",
        "Unknowns: {asked}, integers with absolute value at most {reach}.\nCondition: {equation}.\n"
        "Any solution will do. Write it in \\boxed{{}} as {example}.",
    )
    ceiling = 0.03

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n, largest, reach = LEVELS[difficulty - 1]
        while True:
            uniforms = rng.random(2 * n).tolist()
            coefficients = [nonzero(u, largest) for u in uniforms[:n]]
            solution = [int(u * (2 * reach + 1)) - reach for u in uniforms[n:]]
            total = sum(c * v for c, v in zip(coefficients, solution, strict=True))
            if abs(coefficients[0]) > 1 < abs(coefficients[1]) and abs(total) > largest:
                break
        names = UNKNOWNS[:n]
        fields = {
            "equation": f"{linear_form(coefficients, names)} = {total}",
            "asked": "x and y" if n == 2 else "x, y and z",
            "example": ", ".join(f"{x}=..." for x in names),
            "reach": str(reach),
        }
        reference = {"coefficients": coefficients, "total": total, "reach": reach}
        return self.ask(rng, reference, difficulty, fields, {"solution": solution})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        coefficients, reach = problem.reference["coefficients"], problem.reference["reach"]
        names = UNKNOWNS[: len(coefficients)]
        values = read_values(text, names)
        if isinstance(values, str):
            return wrong(values, answer=text[:80])
        for name, value in zip(names, values, strict=True):
            if value.denominator != 1:
                return wrong(f"{name} is not whole", answer=text)
            if abs(value) > reach:
                return wrong(f"{name} is not from -{reach} to {reach}", answer=text)
        total = sum(c * v for c, v in zip(coefficients, values, strict=True))
        if total != problem.reference["total"]:
            return wrong(
                f"{linear_form(coefficients, names)} is {total} instead of {problem.reference['total']}", answer=text
            )
        return right("satisfies the equation, within the bounds", answer=text)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """An inverse of a modulo b gives one solution for x and y, its period those within the bounds."""
        coefficients, reach = problem.reference["coefficients"], problem.reference["reach"]
        solution, total = problem.meta["solution"], problem.reference["total"]
        a, b, *others = coefficients
        lines = []
        for name, c, value in zip("z", others, solution[2:], strict=False):
            total -= c * value
            lines.append(f"with {name} = {value}: {linear_form([a, b], UNKNOWNS)} = {total}")
        g = math.gcd(a, b)
        period = abs(b // g)
        inverse = pow(a // g, -1, period)
        first = total // g * inverse % period
        if g > 1:
            lines.append(f"{linear_form([a // g, b // g], UNKNOWNS)} = {total // g}")
        if period > 1:
            lines.append(f"{inverse} * ({a // g}) = 1 mod {period}, so x = {first} mod {period}")
        x = first - (first + reach) // period * period
        while abs((total - a * x) // b) > reach:
            x += period
        lines.append(f"x = {x} gives y = {(total - a * x) // b}")
        values = [x, (total - a * x) // b, *solution[2:]]
        answer = ", ".join(f"{name}={value}" for name, value in zip(UNKNOWNS, values, strict=False))
        return "\n".join([*lines, f"\\boxed{{{answer}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Tries small whole numbers for all unknowns but the last."""
        *coefficients, last = problem.reference["coefficients"]
        small = sorted(range(-WEAK_REACH, WEAK_REACH + 1), key=abs)
        for values in itertools.product(small, repeat=len(coefficients)):
            rest = problem.reference["total"] - sum(c * v for c, v in zip(coefficients, values, strict=True))
            if rest % last == 0 and abs(rest // last) <= problem.reference["reach"]:
                return f"\\boxed{{{', '.join(map(str, [*values, rest // last]))}}}"
        return "\\boxed{0, 0}"
