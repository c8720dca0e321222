"""Lengths in triangles, with exact square roots."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import gcd, isqrt
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.draws import below
from palaestra.verifiers import MathPolicy, MathVerifier, Verdict, last_boxed, right, wrong
from palaestra.verifiers.math.number import read_number

VERIFIER = MathVerifier(MathPolicy(slow=False))
RADICAL = re.compile(r"(\d{0,9}) ?\\sqrt\{(\d{1,12})\}(?:/(\d{1,9}))?", re.ASCII)
OVER = re.compile(r"\\[dt]?frac\{(\d{0,9}) ?\\sqrt\{(\d{1,12})\}\}\{(\d{1,9})\}", re.ASCII)
LONGEST = 60  # side
PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59)


class Case(NamedTuple):
    """A question about the numbers a, b, c that it gives.

    square: of the answer, its numerator and denominator. three: all numbers are sides of ABC.
    """

    given: str
    asked: str
    square: Callable[[int, int, int], tuple[int, int]]
    formula: str
    three: bool = False


def heron(a: int, b: int, c: int) -> int:
    """Sixteen times the square of the area (Heron of Alexandria, Metrica)."""
    return (a + b + c) * (-a + b + c) * (a - b + c) * (a + b - c)


RIGHT_ANGLE = "triangle ABC has a right angle at C, BC = {a} and AC = {b}"
SIDES = "triangle ABC has the sides BC = {a}, CA = {b} and AB = {c}"
CASES = (  # by difficulty
    Case(RIGHT_ANGLE, "the length of AB", lambda a, b, c: (a * a + b * b, 1), "BC^2 + AC^2"),
    Case(
        "triangle ABC has a right angle at C, BC = {a} and AB = {c}",
        "the length of AC",
        lambda a, b, c: (c * c - a * a, 1),
        "AB^2 - BC^2",
    ),
    Case(
        RIGHT_ANGLE,
        "the distance from C to the line AB",
        lambda a, b, c: (a * a * b * b, a * a + b * b),
        "BC^2*AC^2/AB^2",
    ),
    Case(
        RIGHT_ANGLE + "; triangle DEF is similar to it, with D, E, F in the places of A, B, C, and DE = {c}",
        "the length of EF",
        lambda a, b, c: (a * a * c * c, a * a + b * b),
        "(BC*DE/AB)^2",
    ),
    Case(
        "triangle ABC has BC = {a}, CA = {b} and an angle of {angle} degrees at C",
        "the length of AB",
        lambda a, b, c: (a * a + b * b + (a * b if c % 2 else -a * b), 1),
        "BC^2 + CA^2 - 2*BC*CA*cos C",
    ),
    Case(
        SIDES,
        "the length of the median from C to the midpoint of AB",
        lambda a, b, c: (2 * a * a + 2 * b * b - c * c, 4),
        "(2BC^2 + 2CA^2 - AB^2)/4",
        three=True,
    ),
    Case(
        SIDES,
        "the distance from C to the line AB",
        lambda a, b, c: (heron(a, b, c), 4 * c * c),
        "(2*area/AB)^2",
        three=True,
    ),
    Case(
        SIDES,
        "the radius of the circle through A, B and C",
        lambda a, b, c: ((a * b * c) ** 2, heron(a, b, c)),
        "(BC*CA*AB/(4*area))^2",
        three=True,
    ),
    Case(
        SIDES,
        "the length of the angle bisector from C to the side AB",
        lambda a, b, c: (a * b * ((a + b) ** 2 - c * c), (a + b) ** 2),
        "BC*CA*(1 - (AB/(BC + CA))^2)",
        three=True,
    ),
    Case(
        SIDES,
        "the distance between the centre of the circle through A, B and C and the centre of the inscribed circle",
        lambda a, b, c: (a * b * c * (a * b * c * (a + b + c) - heron(a, b, c)), heron(a, b, c) * (a + b + c)),
        "R^2 - 2Rr",
        three=True,
    ),
)


@register("palaestra/TriangleGeometry-v0")
@dataclass(frozen=True)
class TriangleGeometry(Task):
    """Difficulty 1 to 4: right triangles and triangles similar to them; 5: the law of cosines; then, from three sides,
    a median, an altitude, the circumradius, a bisector and the distance of the two centres (Euler 1765).

    The answer is a length, mostly with a square root; any exact expression of it is right, a decimal is not.
    """

    ceiling = 0.01
    tags: ClassVar[tuple[str, ...]] = ("geometry", "triangles")
    wordings: ClassVar[tuple[str, ...]] = (
        "In the plane, {given}. What is {asked}? Give the exact value, with \\sqrt{{}} where it is needed, in "
        "\\boxed{{}}.",
        "Find {asked}, if {given}. Answer exactly (no decimals) in \\boxed{{}}.",
        "Given: {given}. Wanted: {asked}, as an exact number such as \\frac{{5\\sqrt{{2}}}}{{3}}. Put it in "
        "\\boxed{{}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        case = CASES[difficulty - 1]
        top = 0
        while top <= 0:
            a, b, c = _sides(rng, case.three)
            top, bottom = case.square(a, b, c)
        divisor = gcd(top, bottom)
        top, bottom = top // divisor, bottom // divisor
        fields = {
            "given": case.given.format(a=a, b=b, c=c, angle=120 if c % 2 else 60),
            "asked": case.asked,
        }
        reference = {"square": f"{top}/{bottom}", "length": written(top, bottom)}
        return self.ask(rng, reference, difficulty, fields, {"sides": [a, b, c]})

    def verify(self, problem: Problem, response: str) -> Verdict:
        length = problem.reference["length"]
        if response.endswith(f"\\boxed{{{length}}}"):  # the usual right answer, at a tenth of the cost
            return right("the length asked for", answer=length)
        answer = last_boxed(response)
        if answer is None:
            return wrong("no \\boxed answer")
        square = Fraction(problem.reference["square"])
        number = read_number(answer)
        found: Fraction | None = None
        if number is not None:
            found = Fraction(number * number if number > 0 else -1)
        elif match := RADICAL.fullmatch(answer) or OVER.fullmatch(answer):
            times, radicand, over = int(match[1] or 1), int(match[2]), int(match[3] or 1)
            found = Fraction(times * times * radicand, over * over) if over else None
        if found is None:
            return VERIFIER.verify(response, length)
        if found == square:
            return right("the length asked for", answer=answer[:80])
        return wrong(f"expected {length}, got {answer[:80]}", answer=answer[:80])

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        a, b, c = problem.meta["sides"]
        case = CASES[problem.difficulty - 1]
        square, length = problem.reference["square"].removesuffix("/1"), problem.reference["length"]
        lines = [f"16*area^2 = {heron(a, b, c)}"] if case.three else []
        lines += [f"the square is {case.formula} = {square}", f"\\boxed{{{length}}}"]
        return "\n".join(lines)

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Pythagoras with the first two numbers, whatever the triangle."""
        a, b, _ = problem.meta["sides"]
        return f"\\boxed{{\\sqrt{{{a * a + b * b}}}}}"


@lru_cache(maxsize=1 << 12)
def written(top: int, bottom: int) -> str:
    r"""The root of top/bottom, in lowest terms, as ``\frac{a\sqrt{b}}{c}``, ``b`` without small square factors."""
    root, radicand = 1, top * bottom
    whole = isqrt(radicand)
    if whole * whole == radicand:
        root, radicand = whole, 1
    else:
        for prime in PRIMES:
            while radicand % (prime * prime) == 0:
                radicand //= prime * prime
                root *= prime
    divisor = gcd(root, bottom)
    root, bottom = root // divisor, bottom // divisor
    if radicand == 1:
        return f"{root}/{bottom}" if bottom > 1 else str(root)
    length = f"{root if root > 1 else ''}\\sqrt{{{radicand}}}"
    return f"\\frac{{{length}}}{{{bottom}}}" if bottom > 1 else length


def _sides(rng: np.random.Generator, three: bool) -> tuple[int, int, int]:
    """Three lengths; ``three``: they are the sides of a triangle."""
    a, b, part = below(rng, LONGEST - 1, LONGEST - 1, 1 << 20)
    a, b = a + 2, b + 2
    low, choices = (abs(a - b), 2 * min(a, b) - 1) if three else (a, LONGEST)
    return a, b, low + 1 + (part * choices >> 20)
