"""Greatest common divisor and least common multiple."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from ..algebra.unknowns import read_values

WEAK_TRIES = 50
NAMES = ("gcd", "lcm")
LEVELS = (  # of each difficulty: how many numbers, the largest common factor, the largest other factor
    (2, 16, 25),
    (2, 25, 50),
    (2, 40, 100),
    (2, 60, 150),
    (3, 25, 40),
    (3, 35, 70),
    (3, 60, 150),
    (4, 40, 80),
    (4, 60, 150),
    (5, 60, 200),
)


@register("palaestra/GcdLcm-v0")
@dataclass(frozen=True)
class GcdLcm(Task):
    """Both the gcd and the lcm of 2 (difficulty 1 to 4), 3 (5 to 7), 4 or 5 numbers that difficulty makes larger.

    The numbers are multiples of a common factor, so the gcd is seldom 1. The answer is right when both are.
    """

    tags: ClassVar[tuple[str, ...]] = ("numbers", "number theory")
    wordings: ClassVar[tuple[str, ...]] = (
        "Find the greatest common divisor and the least common multiple of {numbers}. "
        "Answer in \\boxed{{}} as gcd=..., lcm=...",
        "Which is the largest whole number that divides each of {numbers}, and which is the smallest positive one that "
        "each of them divides? Give the first as gcd and the second as lcm: \\boxed{{gcd=..., lcm=...}}.",
        "Numbers: {numbers}.\nCompute their gcd and their lcm, in this order, and write the two in \\boxed{{}}, "
        "separated by a comma.",
    )
    ceiling = 0.01

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count, common, other = LEVELS[difficulty - 1]
        numbers: list[int] = []
        while len(set(numbers)) < count:
            rest, factor = divmod(rng.bit_generator.random_raw(), common - 1)
            numbers = []
            for _ in range(count):
                rest, cofactor = divmod(rest, other - 1)
                numbers.append((2 + factor) * (2 + cofactor))
        head, _, last = str(numbers)[1:-1].rpartition(", ")
        return self.ask(rng, {"numbers": numbers}, difficulty, {"numbers": f"{head} and {last}"})

    def verify(self, problem: Problem, response: str) -> Verdict:
        numbers = problem.reference["numbers"]
        both = math.gcd(*numbers), math.lcm(*numbers)
        answer = f"gcd={both[0]}, lcm={both[1]}"
        if response.endswith(f"\\boxed{{{answer}}}"):  # the usual right answer, at half the cost
            return right("the gcd and the lcm", answer=answer)
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        values = read_values(text, NAMES)
        if isinstance(values, str):
            return wrong(values, answer=text[:80])
        for name, value, expected in zip(NAMES, values, both, strict=True):
            if value != expected:
                return wrong(f"the {name} is {expected}, not {value}"[:120], answer=text)
        return right("the gcd and the lcm", answer=text)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Euclid's algorithm from number to number; the lcm of two is their product by their gcd."""
        numbers, lines = problem.reference["numbers"], []
        gcd = lcm = numbers[0]
        for number in numbers[1:]:
            lines += _euclid(max(gcd, number), min(gcd, number))
            gcd = math.gcd(gcd, number)
        for number in numbers[1:]:
            lines.append(f"lcm({lcm}, {number}) = {lcm} * {number} / {math.gcd(lcm, number)}")
            lcm = math.lcm(lcm, number)
        return "\n".join([*lines, f"\\boxed{{gcd={gcd}, lcm={lcm}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Tries divisors up to 50 and the first 50 multiples of the largest number; else takes the product."""
        numbers = problem.reference["numbers"]
        tries = range(1, WEAK_TRIES + 1)
        gcd = max(k for k in tries if all(n % k == 0 for n in numbers))
        multiples = (k * max(numbers) for k in tries)
        lcm = next((m for m in multiples if all(m % n == 0 for n in numbers)), math.prod(numbers))
        return f"\\boxed{{gcd={gcd}, lcm={lcm}}}"


def _euclid(a: int, b: int) -> list[str]:
    lines = []
    while b:
        lines.append(f"{a} = {a // b} * {b} + {a % b}")
        a, b = b, a % b
    return lines
