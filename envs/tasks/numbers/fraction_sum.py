"""Sums, differences, products and quotients of fractions, exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, right, wrong

from .expressions import Program, compute, hideable_leaf, pairs, solution, write
from .single_number import boxed_number

DIGITS = re.compile(r"\d+", re.ASCII)
WEAK_DENOMINATOR = 72  # the largest that the weak solver thinks of


class Level(NamedTuple):
    """terms: how many fractions. largest: of their denominators. operators: which occur."""

    terms: int
    largest: int
    operators: str


LEVELS = (
    Level(2, 12, "+-"),
    Level(2, 20, "+-*"),
    Level(2, 40, "+-*/"),
    Level(3, 12, "+-*"),
    Level(3, 18, "+-*/"),
    Level(3, 25, "+-*/"),
    Level(4, 15, "+-*/"),
    Level(4, 20, "+-*/"),
    Level(5, 20, "+-*/"),
    Level(6, 20, "+-*/"),
)


@register("palaestra/FractionSum-v0")
@dataclass(frozen=True)
class FractionSum(Task):
    """Two (difficulty 1) to six (difficulty 10) fractions, joined by + and -, from 2 on also *, from 3 on also /.

    The answer is the exact value, right when it is a whole number or a fraction in lowest terms. The backward question
    hides one of the fractions, which the value then determines.
    """

    tags: ClassVar[tuple[str, ...]] = ("numbers", "arithmetic", "fractions")
    wordings: ClassVar[tuple[str, ...]] = (
        "Calculate {expression} exactly. Answer in \\boxed{{}} with a fraction in lowest terms or a whole number.",
        "Write as a single fraction in lowest terms (or as a whole number, if it is one):\n\n{expression}\n\n"
        "Answer in \\boxed{{}}.",
        "In \\boxed{{}} give the exact value of the expression below, as a fully reduced fraction or a whole number.\n"
        "{expression}",
    )
    ceiling = 0.02

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count, largest, operators = LEVELS[difficulty - 1]
        while True:
            uniforms = iter(rng.random(5 * count).tolist())
            leaves = [_fraction(next(uniforms), next(uniforms), largest) for _ in range(count)]
            program: Program = [
                [operators[int(next(uniforms) * len(operators))], i, j] for i, j in pairs(count, uniforms)
            ]
            try:
                value = compute(leaves, program)[-1]
            except ZeroDivisionError:
                continue
            if value:
                break
        texts = list(map(str, leaves))
        fields = {"expression": write(texts, program)[-1]}
        return self.ask(rng, str(value), difficulty, fields, {"leaves": texts, "program": program})

    def verify(self, problem: Problem, response: str) -> Verdict:
        number = boxed_number(response)
        if isinstance(number, Verdict):
            return number
        value, shown = number
        if value != Fraction(problem.reference):
            return wrong(f"expected {problem.reference}, got {shown!a}", answer=shown)
        if "." in shown:
            return wrong(f"{shown!a} is a decimal", answer=shown)
        if ("/" in shown or "frac" in shown) and int(DIGITS.findall(shown)[-1]) != value.denominator:
            return wrong(f"{shown!a} is not in lowest terms", answer=shown)
        return right("the exact value", answer=shown)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return solution(problem)

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Calculates to three decimal places, then takes the simplest fraction close by."""
        value = compute(list(map(Fraction, problem.meta["leaves"])), problem.meta["program"])[-1]
        return f"\\boxed{{{Fraction(round(value * 1000), 1000).limit_denominator(WEAK_DENOMINATOR)}}}"

    def invert(self, problem: Problem) -> Problem | None:
        """Which fraction makes the expression have this value?"""
        if "hidden" in problem.meta:
            return None
        leaves, program = problem.meta["leaves"], problem.meta["program"]
        hidden = hideable_leaf(list(map(Fraction, leaves)), program)
        if hidden is None:
            return None
        text = write(["x" if k == hidden else leaf for k, leaf in enumerate(leaves)], program)[-1]
        prompt = (
            f"For which number x is {text} equal to {problem.reference}? "
            "Answer in \\boxed{} with a fraction in lowest terms."
        )
        meta = {"leaves": leaves, "program": program, "hidden": hidden}
        return Problem(prompt, leaves[hidden], problem.difficulty, meta)


def _fraction(u: float, v: float, largest: int) -> Fraction:
    """A fraction in lowest terms between 0 and 2, not whole, with a denominator up to ``largest``."""
    denominator = 2 + int(u * (largest - 1))
    numerator = 1 + int(v * (2 * denominator - 1))
    while gcd(numerator, denominator) > 1:
        numerator -= 1  # it ends at 1 at the latest
    return Fraction(numerator, denominator)
