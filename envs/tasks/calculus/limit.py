"""Limits of rational functions where numerator and denominator vanish together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict

from .closed_form import RESULT, judge_number
from .polynomials import draw, multiply, slope, text, value


class Level(NamedTuple):
    """order: of the common zero. degree: of what is left of numerator and denominator. fractions: the zero is one."""

    order: int
    degree: int
    fractions: bool


LEVELS = (
    Level(1, 1, False),
    Level(1, 2, False),
    Level(1, 3, False),
    Level(1, 3, True),
    Level(2, 1, False),
    Level(2, 2, False),
    Level(2, 3, True),
    Level(3, 2, False),
    Level(3, 3, False),
    Level(3, 3, True),
)


@register("palaestra/Limit-v0")
@dataclass(frozen=True)
class Limit(Task):
    """Find the limit of a quotient of polynomials at a common zero; the answer is its exact value, not 0,
    with at most twelve numbers.

    Difficulty raises the order of the zero (1 to 3) and the degree of what is left when its factors are cancelled; from
    4 on the zero may be a fraction.
    """

    ceiling = 0.05
    tags: ClassVar[tuple[str, ...]] = ("calculus",)
    wordings: ClassVar[tuple[str, ...]] = (
        "Compute \\lim_{{x \\to {point}}} \\frac{{{top}}}{{{bottom}}}. Answer with an exact number in \\boxed{{}}.",
        "Let p(x) = {top} and q(x) = {bottom}. To what number does p(x)/q(x) tend as x approaches {point}? Give it "
        "exactly in \\boxed{{}}.",
        "The function f(x) = \\frac{{{top}}}{{{bottom}}} is not defined at x = {point}. Which value there makes it "
        "continuous? Write an integer or a fraction in \\boxed{{}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        while True:
            uniforms = iter(rng.random(24).tolist())
            numerator = int(next(uniforms) * 11) - 5
            denominator = 2 + int(next(uniforms) * 2) if level.fractions else 1
            n, d = numerator // gcd(numerator, denominator), denominator // gcd(numerator, denominator)
            quotients = [draw(uniforms, level.degree, 9) for _ in range(2)]
            top, bottom = (_scaled(q, n, d) for q in quotients)
            if top and bottom:
                break
        for _ in range(level.order):
            quotients = [multiply(q, [-n, d]) for q in quotients]
        point = f"{n}/{d}" if d > 1 else str(n)
        fields = {"point": point, "top": text(quotients[0]), "bottom": text(quotients[1])}
        meta = {"top": quotients[0], "bottom": quotients[1], "point": point}
        return self.ask(rng, str(Fraction(top, bottom)), difficulty, fields, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_number(response, Fraction(problem.reference), RESULT)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Divides both by the factor that vanishes, until one of them does not."""
        top, bottom, point = problem.meta["top"], problem.meta["bottom"], Fraction(problem.meta["point"])
        factor = text([-point.numerator, point.denominator])
        lines = []
        while value(bottom, point) == 0:
            top, bottom = (_divided(p, point) for p in (top, bottom))
            lines.append(f"cancel {factor}: ({text(top)})/({text(bottom)})")
        a, b = value(top, point), value(bottom, point)
        return "\n".join([*lines, f"at {point}: ({a})/({b}) = {problem.reference}", f"\\boxed{{{problem.reference}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """De l'Hospital's rule, once."""
        top, bottom = (value(slope(problem.meta[key]), Fraction(problem.meta["point"])) for key in ("top", "bottom"))
        return f"\\boxed{{{Fraction(top) / bottom if bottom else 'undefined'}}}"


def _scaled(p: Sequence[int], n: int, d: int) -> int:
    """The value of ``p`` at ``n/d`` times d to the power of the degree."""
    total, power = 0, 1
    for c in reversed(p):
        total = total * n + c * power
        power *= d
    return total


def _divided(p: list[int], point: Fraction) -> list[int]:
    """``p`` by the factor ``d x - n`` that vanishes at ``n/d``: synthetic division, exact in whole numbers (Gauss)."""
    quotient = [0] * (len(p) - 1)
    carry = 0
    for k in range(len(p) - 1, 0, -1):
        carry = (p[k] + point.numerator * carry) // point.denominator
        quotient[k - 1] = carry
    return quotient
