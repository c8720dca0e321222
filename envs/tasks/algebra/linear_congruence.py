"""Linear equations modulo a number, written as operations on x to be undone one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import gcd
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.draws import throws
from palaestra.verifiers import Verdict, last_boxed, right, undecided, wrong
from palaestra.verifiers.math.number import read_number

LARGEST_MODULUS = 10**6
OVERLOOKED = 0.15  # of the operations, by the weak solver
SHOWN = 40  # characters of an answer or a line in verdicts


@register("palaestra/LinearCongruence-v0")
@dataclass(frozen=True)
class LinearCongruence(Task):
    """Difficulty d asks for the x that d operations, additions and multiplications in turn, lead to a given residue.

    modulus: 5 or more, with a unit among 2 to 9. Factors are units, so there is one solution modulo the modulus, and
    any integer congruent to it is right.
    """

    modulus: int = 97
    tags: ClassVar[tuple[str, ...]] = ("algebra", "modular")
    wordings: ClassVar[tuple[str, ...]] = (
        "Modulo {modulus}: {equation}. What is x? Answer in \\boxed{{}}.",
        "Find the x from 0 to {largest} with {equation} (mod {modulus}). Answer in \\boxed{{}}.",
        "{equation}, counted modulo {modulus}. Solve for x and write it in \\boxed{{}}.",
    )

    def __post_init__(self) -> None:
        if not 5 <= self.modulus <= LARGEST_MODULUS or not _units(self.modulus):
            raise ValueError(
                f"modulus is from 5 to {LARGEST_MODULUS} and prime to a number from 2 to 9, not {self.modulus}"
            )

    @property
    def ceiling(self) -> float:
        """A constant is right once in ``modulus``."""
        return max(0.05, 1.6 / self.modulus)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        m, units = self.modulus, _units(self.modulus)
        x, kind, *draws = throws(rng, 2 + 2 * difficulty, 1 << 20)
        value = x = x % m
        expression, lines = "x", []
        for k in range(difficulty):
            if (kind + k) % 2:
                factor = units[draws[2 * k] % len(units)]
                inner, before, undone = expression, value, f"/{factor}"
                expression = f"{factor}x" if expression == "x" else f"{factor}({expression})"
                value = value * factor % m
            else:
                sign = 1 - 2 * (draws[2 * k] & 1)
                term = 1 + draws[2 * k + 1] % min(9, m - 1)
                inner, before, undone = expression, value, f"{'-' if sign > 0 else '+'}{term}"
                expression = f"{expression}{'+' if sign > 0 else '-'}{term}"
                value = (value + sign * term) % m
            lines.append(f"{inner}={value}{undone}={before}")
        fields = {"equation": f"{expression}={value}", "modulus": str(m), "largest": str(m - 1)}
        return self.ask(rng, x, difficulty, fields, {"lines": lines[::-1]})

    def verify(self, problem: Problem, response: str) -> Verdict:
        """The last box holds an integer congruent to the solution, perhaps after ``x=``."""
        expected: int = problem.reference
        if response.endswith(f"\\boxed{{{expected}}}"):  # the usual right answer, at a third of the cost
            return right("solves the congruence", answer=str(expected))
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        name, equals, number = text.rpartition("=")
        value = read_number(number.strip())
        if (equals and name.strip() != "x") or value is None or value.denominator != 1:
            return wrong(f"{text[:SHOWN]!a} is no integer", answer=text[:SHOWN])
        if (value - expected) % self.modulus:
            return wrong(f"does not solve it: x is {expected} modulo {self.modulus}", answer=text[:SHOWN])
        return right("solves the congruence", answer=text[:SHOWN])

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The equation after each operation is undone, with how: ``x-6=42/7=6``."""
        return "\n".join([*problem.meta["lines"], f"\\boxed{{{problem.reference}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Overlooks some operations, and is then wrong."""
        overlooks = rng.random() >= (1 - OVERLOOKED) ** problem.difficulty
        return f"\\boxed{{{(problem.reference + overlooks) % self.modulus}}}"

    def steps(self, problem: Problem, response: str) -> list[Verdict]:
        """A line is right when it is the equation after operations are undone, and wrong when it ends otherwise."""
        known = {line.split("=")[0]: line.split("=")[-1] for line in problem.meta["lines"]}
        verdicts = []
        for line in filter(None, map(str.strip, response.splitlines())):
            left, _, rest = line.replace(" ", "").partition("=")
            if line.startswith("\\boxed"):
                verdicts.append(self.verify(problem, line))
            elif left not in known:
                verdicts.append(undecided("no equation of the solution", line=line[:SHOWN]))
            elif rest.rpartition("=")[2] == known[left]:
                verdicts.append(right("holds", line=line[:SHOWN]))
            else:
                verdicts.append(wrong(f"{left[:SHOWN]} is {known[left]}", line=line[:SHOWN]))
        return verdicts


@cache
def _units(modulus: int) -> tuple[int, ...]:
    return tuple(c for c in range(2, 10) if gcd(c, modulus) == 1)
