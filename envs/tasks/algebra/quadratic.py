"""Quadratic equations with two real roots."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, isqrt
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import ParseError, TooLarge, Undefined, Verdict, last_boxed, parse_expression, right, wrong
from palaestra.verifiers.latex import unbraced
from palaestra.verifiers.math.number import read_number

from .quadratic_field import Surd, equal, is_root, value
from .unknowns import linear_form, nonzero

ANSWER_CHARS = 300  # a longer answer is none
SEPARATOR = re.compile(r"[,;]|\band\b|\bor\b|\\text\{ ?(?:and|or) ?\}|\\quad")
NAME = re.compile(r"\s*x(?:_\{?\d\}?)?\s*=", re.ASCII)
PLUS_MINUS = re.compile(r"\\pm|±|\+/-|\+-")
WEAK_REACH = 60  # the weak solver tries whole numbers from -60 to 60


class Level(NamedTuple):
    """rational: (p x - r)(q x - s) = 0 with p, q up to ``leading``, r up to ``near`` and s up to ``far``.
    Else a x^2 + b x + c = 0 with a up to ``leading``, b up to ``near`` and c up to ``far``, with irrational roots.
    moved: terms stand on both sides.
    """

    rational: bool
    leading: int
    near: int
    far: int
    moved: bool


LEVELS = (
    Level(True, 1, 12, 60, False),
    Level(True, 1, 40, 40, True),
    Level(True, 3, 20, 20, False),
    Level(True, 6, 20, 30, True),
    Level(True, 12, 40, 40, True),
    Level(False, 1, 20, 50, False),
    Level(False, 4, 20, 50, False),
    Level(False, 9, 40, 60, True),
    Level(False, 30, 90, 90, True),
    Level(False, 99, 400, 400, True),
)


@register("palaestra/Quadratic-v0")
@dataclass(frozen=True)
class Quadratic(Task):
    """Both roots of a quadratic equation: whole (difficulty 1, 2), fractions (3 to 5), with square roots (6 to 10).

    The coefficients grow, and terms move to both sides. An answer is right when it gives two different numbers that
    satisfy the equation exactly, in any form: reduced or not, together as ``p \\pm q`` or apart.
    """

    tags: ClassVar[tuple[str, ...]] = ("algebra", "polynomials")
    wordings: ClassVar[tuple[str, ...]] = (
        "Solve {equation} for x. Give both solutions, exactly, in \\boxed{{}}, separated by a comma.",
        "Which two real numbers x satisfy the equation\n\n{equation}?\n\n"
        "Answer in \\boxed{{}} with exact values, such as \\boxed{{1/2, -3}} or \\boxed{{2 + sqrt(5), 2 - sqrt(5)}}.",
        "The equation {equation} has two real roots. Find them. Decimals are not accepted unless they are exact. "
        "Put the roots in \\boxed{{}} with a comma between them.",
    )
    ceiling = 0.01

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        while True:
            u, v, w, x, *shifts = rng.random(7).tolist()
            a, b, c = _rational(level, u, v, w, x) if level.rational else _irrational(level, u, v, w)
            discriminant = b * b - 4 * a * c
            if discriminant > 0 and (isqrt(discriminant) ** 2 == discriminant) is level.rational:
                break
        equation = f"{_polynomial(a, b, c)} = 0"
        if level.moved:
            d, e, f = (nonzero(shift, bound) for shift, bound in zip(shifts, (level.leading, 20, 20), strict=True))
            if d == -a:
                d = a  # the left side keeps its square
            equation = f"{_polynomial(a + d, b + e, c + f)} = {_polynomial(d, e, f)}"
        return self.ask(rng, {"coefficients": [a, b, c]}, difficulty, {"equation": equation})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        if len(text) > ANSWER_CHARS:
            return wrong(f"an answer of more than {ANSWER_CHARS} characters")
        a, b, c = problem.reference["coefficients"]
        d = b * b - 4 * a * c
        parts = _parts(text)
        if len(parts) != 2:
            return wrong(f"gives {len(parts)} instead of two numbers", answer=text[:80])
        roots = []
        for part in parts:
            try:
                root = _read(part, d)
            except (ParseError, Undefined, TooLarge) as error:
                return wrong(f"{part[:40]!a} is no root: {error}"[:120], answer=text[:80])
            if not is_root(root, (a, b, c), d):
                return wrong(f"{part[:40]!a} does not satisfy the equation", answer=text[:80])
            roots.append(root)
        if equal(*roots):
            return wrong("gives the same root twice", answer=text[:80])
        return right("both roots", answer=text[:80])

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """By the formula, with the square root reduced."""
        a, b, c = problem.reference["coefficients"]
        discriminant = b * b - 4 * a * c
        outside, inside = _reduced_root(discriminant)
        lines = [f"{_polynomial(a, b, c)} = 0", f"discriminant ({b})^2 - 4 * {a} * ({c}) = {discriminant}"]
        if inside == 1:
            lines.append(f"sqrt({discriminant}) = {outside}")
            roots = [str(Fraction(-b + sign * outside, 2 * a)) for sign in (1, -1)]
        else:
            common = gcd(b, outside, 2 * a)
            p, q, r = -b // common, outside // common, 2 * a // common
            lines.append(f"sqrt({discriminant}) = {outside} * sqrt({inside})")
            roots = [f"({p} {sign} {'' if q == 1 else f'{q} * '}sqrt({inside}))" for sign in "+-"]
            roots = [f"{root}/{r}" if r > 1 else root[1:-1] for root in roots]
        return "\n".join([*lines, *(f"x = {root}" for root in roots), f"\\boxed{{{', '.join(roots)}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Tries the whole numbers from -60 to 60."""
        a, b, c = problem.reference["coefficients"]
        tries = range(-WEAK_REACH, WEAK_REACH + 1)
        return f"\\boxed{{{', '.join(str(x) for x in tries if a * x * x + b * x + c == 0)}}}"


def _rational(level: Level, u: float, v: float, w: float, x: float) -> tuple[int, int, int]:
    """The coefficients of (p x - r)(q x - s)."""
    p, q = 1 + int(u * level.leading), 1 + int(v * level.leading)
    r, s = nonzero(w, level.near), nonzero(x, level.far)
    return p * q, -(p * s + q * r), r * s


def _irrational(level: Level, u: float, v: float, w: float) -> tuple[int, int, int]:
    return 1 + int(u * level.leading), nonzero(v, level.near), nonzero(w, level.far)


def _polynomial(a: int, b: int, c: int) -> str:
    return linear_form([a, b], ["x^2", "x"], c)


def _parts(text: str) -> list[str]:
    """The numbers that an answer lists; one with a plus-minus sign stands for two."""
    parts = []
    for part in SEPARATOR.split(unbraced(text.strip("$ "))):
        part = NAME.sub("", part, count=1).strip()
        if PLUS_MINUS.search(part):
            parts += [PLUS_MINUS.sub("+", part), PLUS_MINUS.sub("-", part)]
        elif part:
            parts.append(part)
    return parts


def _read(text: str, d: int) -> Surd:
    number = read_number(text)
    return value(parse_expression(text), d) if number is None else Surd(number.numerator, 0, number.denominator)


def _reduced_root(n: int) -> tuple[int, int]:
    """s and k with n = s^2 k and k without a square factor."""
    outside, factor = 1, 2
    while factor * factor <= n:
        while n % (factor * factor) == 0:
            n //= factor * factor
            outside *= factor
        factor += 1
    return outside, n
