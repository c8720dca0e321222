"""Definite integrals of polynomials, as exact fractions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from math import lcm
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict

from .closed_form import RESULT, judge_number
from .polynomials import draw, multiply, text, value


class Level(NamedTuple):
    """degrees: of the factors of the integrand. bars: its absolute value is integrated, and its roots are integers."""

    degrees: tuple[int, ...]
    fractions: bool = False
    bars: bool = False


LEVELS = (
    Level((2,)),
    Level((3,)),
    Level((1, 2)),
    Level((4,)),
    Level((2, 3)),
    Level((3, 3)),
    Level((2, 2, 3)),
    Level((2, 2, 3), fractions=True),
    Level((1, 1), bars=True),
    Level((1, 1, 1), fractions=True, bars=True),
)


@register("palaestra/DefiniteIntegral-v0")
@dataclass(frozen=True)
class DefiniteIntegral(Task):
    """Integrate a polynomial between two bounds; the answer is the exact value, not 0, with at most
    twelve numbers.

    Difficulty raises the degree, writes the integrand as a product (3, 5 to 8), takes bounds that are fractions (8, 10)
    and at last the absolute value of a polynomial with integer roots, whose integral is cut there.
    """

    ceiling = 0.03
    tags: ClassVar[tuple[str, ...]] = ("calculus",)
    wordings: ClassVar[tuple[str, ...]] = (
        "Compute \\int_{{{low}}}^{{{high}}} {f} \\, dx. Answer with an exact fraction in \\boxed{{}}.",
        "Let f(x) = {f}. What is the integral of f from x = {low} to x = {high}, exactly? Put it in \\boxed{{}}.",
        "The velocity of a particle at time x is {f}. By how much does its position change between the times {low} and "
        "{high}? Give an exact fraction, \\boxed{{p/q}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        while True:
            uniforms = iter(rng.random(40).tolist())
            low: int | Fraction = int(next(uniforms) * 6) - 3
            high: int | Fraction = low + 1 + int(next(uniforms) * 4)
            if level.fractions:
                low, high = low - Fraction(1, 2 + int(next(uniforms) * 3)), high + Fraction(1, 2)
            if level.bars:
                factors, roots = _with_roots(uniforms, level, low, high)
                shown = f"\\left|{text(factors[0])}\\right|"
            else:
                factors, roots = [draw(uniforms, degree, 6) for degree in level.degrees], []
                shown = "".join(f"({text(p)})" for p in factors)
            integrand = reduce(multiply, factors)
            cuts = [low, *roots, high]
            answer = sum(map(abs, pieces(integrand, cuts))) if level.bars else pieces(integrand, cuts)[0]
            if answer and len(cuts) > len(level.degrees) * level.bars:
                break
        fields = {"f": shown, "low": str(low), "high": str(high)}
        meta = {"integrand": integrand, "cuts": [str(c) for c in cuts], "bars": level.bars}
        return self.ask(rng, str(answer), difficulty, fields, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_number(response, Fraction(problem.reference), RESULT)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        integrand, cuts = problem.meta["integrand"], [Fraction(c) for c in problem.meta["cuts"]]
        antiderivative = [Fraction(0), *(Fraction(c, k + 1) for k, c in enumerate(integrand))]
        lines = [f"f(x) = {text(integrand)}" + (", up to its sign" if problem.meta["bars"] else "")]
        lines.append(f"F(x) = {text(antiderivative)}")
        lines += [f"F({cut}) = {value(antiderivative, cut)}" for cut in cuts]
        if problem.meta["bars"]:
            lines.append(f"{' + '.join(str(abs(part)) for part in pieces(integrand, cuts))} = {problem.reference}")
        return "\n".join([*lines, f"\\boxed{{{problem.reference}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Simpson's rule on the whole interval, which is exact up to degree 3."""
        low, high = Fraction(problem.meta["cuts"][0]), Fraction(problem.meta["cuts"][-1])
        heights = [Fraction(value(problem.meta["integrand"], x)) for x in (low, (low + high) / 2, high)]
        a, b, c = map(abs, heights) if problem.meta["bars"] else heights
        return f"\\boxed{{{(high - low) * (a + 4 * b + c) / 6}}}"


def pieces(integrand: Sequence[int], cuts: Sequence[int | Fraction]) -> list[Fraction]:
    """The integrals from each of the cuts to the next one."""
    common = lcm(*range(1, len(integrand) + 1))
    scaled = [0, *(c * (common // (k + 1)) for k, c in enumerate(integrand))]
    values = [value(scaled, cut) for cut in cuts]
    return [Fraction(b - a, common) for a, b in pairwise(values)]


def _with_roots(
    uniforms: Iterator[float], level: Level, low: int | Fraction, high: int | Fraction
) -> tuple[list[list[int]], list[int]]:
    """A polynomial with integer roots, and those between the bounds."""
    p = [1 + int(next(uniforms) * 4)]
    roots = set()
    for _ in level.degrees:
        root = int(next(uniforms) * 9) - 4
        roots.add(root)
        p = multiply(p, [-root, 1])
    return [p], sorted(r for r in roots if low < r < high)
