"""Linear equations: one unknown at first, systems of three with fractional solutions at last."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import (
    ParseError,
    TooLarge,
    Undefined,
    Verdict,
    evaluate,
    last_boxed,
    parse_expression,
    right,
    undecided,
    wrong,
)

from .algebra.elimination import equation, gauss_jordan
from .algebra.unknowns import linear_form, nonzero, read_values

UNKNOWNS = "xyz"
LINE_CHARS = 200  # a longer line is no step
WEAK_REACH = 12  # the weak solver tries whole numbers from -12 to 12
WEAK_TRIES = 600
OFFSETS = (Fraction(1), Fraction(17, 5), Fraction(101, 7))  # a point beside the solution, where only identities hold


class Level(NamedTuple):
    """two_sided: the unknown is on both sides. coefficient, solution: bounds. fractions: solutions may be fractions."""

    unknowns: int
    two_sided: bool
    coefficient: int
    solution: int
    fractions: bool


LEVELS = (
    Level(1, False, 1, 12, False),
    Level(1, False, 9, 12, False),
    Level(1, True, 9, 12, False),
    Level(1, True, 12, 12, True),
    Level(2, False, 4, 9, False),
    Level(2, False, 9, 12, False),
    Level(2, False, 9, 9, True),
    Level(3, False, 3, 6, False),
    Level(3, False, 9, 12, False),
    Level(3, False, 9, 9, True),
)


@register("palaestra/LinearEquations-v0")
@dataclass(frozen=True)
class LinearEquations(Task):
    """Find the unknowns; any answer that satisfies every equation, by exact substitution, is right.

    Difficulty 1 to 4: one unknown (from 4 on its value may be a fraction); 5 to 7: two; 8 to 10: three.
    The reference lists the equations as rows [coefficient of each unknown, right-hand side]; their determinant is
    not zero, so the solution is the only one.
    """

    tags: ClassVar[tuple[str, ...]] = ("algebra", "linear equations")
    wordings: ClassVar[tuple[str, ...]] = (
        "Solve for {asked}: {equations}. Answer in \\boxed{{}} as {example}.",
        "{equations}\n\nFor which {values} of {asked} is that true? Write {example} in \\boxed{{}}.",
        "You know that {equations}. Find {asked}, and give your answer in the form \\boxed{{{example}}}.",
    )
    ceiling = 0.09

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        n = level.unknowns
        while True:
            uniforms = iter(rng.random(2 * n + n * n + 2).tolist())
            solution = [_value(level, next(uniforms), next(uniforms)) for _ in range(n)]
            rows = [[_coefficient(next(uniforms), level.coefficient) for _ in range(n)] for _ in range(n)]
            if _determinant(rows) != 0:
                break
        equations = []
        for row in rows:
            total = sum((c * v for c, v in zip(row, solution, strict=True)), Fraction(0))
            equations.append([*(c * total.denominator for c in row), total.numerator])
        shown = [equation(row, UNKNOWNS) for row in equations]
        if n == 1:
            added = _coefficient(next(uniforms), 20)
            moved = _coefficient(next(uniforms), level.coefficient) if level.two_sided else 0
            a, c = equations[0]
            if level.two_sided and moved == -a:
                moved = a  # the left side keeps its unknown
            shown = [f"{linear_form([a + moved], UNKNOWNS, added)} = {linear_form([moved], UNKNOWNS, c + added)}"]
        fields = {
            "asked": ", ".join(UNKNOWNS[:n]),
            "values": "value" if n == 1 else "values",
            "equations": "; ".join(shown),
            "example": ", ".join(f"{x}=..." for x in UNKNOWNS[:n]),
        }
        return self.ask(rng, {"equations": equations}, difficulty, fields, {"solution": [str(v) for v in solution]})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        equations = problem.reference["equations"]
        values = read_values(text, UNKNOWNS[: len(equations)])
        if isinstance(values, str):
            return wrong(values, answer=text[:80])
        for row in equations:
            left = sum((c * v for c, v in zip(row, values, strict=False)), Fraction(0))
            if left != row[-1]:
                return wrong(f"{linear_form(row[:-1], UNKNOWNS)} is {left} instead of {row[-1]}"[:120], answer=text)
        return right("satisfies every equation", answer=text)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Gauss-Jordan elimination in whole numbers, each new equation on a line."""
        equations = problem.reference["equations"]
        given = [equation(row, UNKNOWNS) for row in equations] if len(equations) == 1 else []
        lines, values = gauss_jordan(equations, UNKNOWNS)
        answer = [f"{x}={v}" for x, v in zip(UNKNOWNS, values, strict=False)]
        return "\n".join([*given, *lines, *answer, f"\\boxed{{{', '.join(answer)}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Guesses: tries the first 600 combinations of small whole numbers."""
        equations = problem.reference["equations"]
        small = sorted(range(-WEAK_REACH, WEAK_REACH + 1), key=abs)
        for values in itertools.islice(itertools.product(small, repeat=len(equations)), WEAK_TRIES):
            if all(sum(c * v for c, v in zip(row, values, strict=False)) == row[-1] for row in equations):
                return f"\\boxed{{{', '.join(map(str, values))}}}"
        return ""

    def identity(self, problem: Problem) -> str:
        equations: str = problem.meta["fields"]["equations"]
        return equations

    def steps(self, problem: Problem, response: str) -> list[Verdict]:
        """A line is right when it is an equation in the unknowns that the solution satisfies."""
        return [self._step(problem, line.strip()) for line in response.splitlines() if line.strip()]

    def _step(self, problem: Problem, line: str) -> Verdict:
        if "\\boxed" in line:
            return self.verify(problem, line)
        left, equals, right_side = line[: LINE_CHARS + 1].partition("=")
        if not equals or len(line) > LINE_CHARS:
            return undecided("no equation", line=line[:40])
        values = [Fraction(v) for v in problem.meta["solution"]]
        try:
            sides = parse_expression(left), parse_expression(right_side)
            here = [evaluate(side, dict(zip(UNKNOWNS, values, strict=False))) for side in sides]
            beside = [v + offset for v, offset in zip(values, OFFSETS, strict=False)]
            there = [evaluate(side, dict(zip(UNKNOWNS, beside, strict=False))) for side in sides]
        except (ParseError, Undefined, TooLarge) as error:
            return undecided(f"no equation in the unknowns: {error}"[:120], line=line[:40])
        if here[0] != here[1]:
            return wrong("does not hold for the solution", line=line)
        if there[0] == there[1]:
            return undecided("holds for any values", line=line)
        return right("holds for the solution", line=line)


def _value(level: Level, u: float, v: float) -> Fraction:
    """A solution: a whole number up to the level's bound, or half the time a fraction of denominator 2 to 5."""
    whole = int(u * (2 * level.solution + 1)) - level.solution
    denominator = max(1, int(v * 8) - 2) if level.fractions else 1
    return Fraction(whole, denominator)


def _coefficient(uniform: float, bound: int) -> int:
    """A whole number from -bound to bound but 0, or 1 for the bound 1."""
    return 1 if bound == 1 else nonzero(uniform, bound)


def _determinant(m: Sequence[Sequence[int]]) -> int:
    if len(m) == 1:
        return m[0][0]
    if len(m) == 2:
        return m[0][0] * m[1][1] - m[0][1] * m[1][0]
    (a, b, c), (d, e, f), (g, h, i) = m
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
