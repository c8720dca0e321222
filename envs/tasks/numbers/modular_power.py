"""Powers modulo a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict

from .single_number import judge_number

WEAK_PRODUCTS = 8  # multiplications that the weak solver does


class Level(NamedTuple):
    """The largest base, exponent and modulus."""

    base: int
    exponent: int
    modulus: int


LEVELS = (
    Level(99, 4, 120),
    Level(99, 8, 130),
    Level(99, 12, 140),
    Level(99, 20, 150),
    Level(99, 40, 200),
    Level(100, 100, 300),
    Level(200, 300, 500),
    Level(500, 1000, 1000),
    Level(1000, 10_000, 3000),
    Level(10_000, 1_000_000, 10_000),
)


@register("palaestra/ModularPower-v0")
@dataclass(frozen=True)
class ModularPower(Task):
    """The remainder of a power.

    Difficulty raises the exponent (up to 4 at first, 10^6 at last), the base and the modulus (120, 10^4). Remainders 0
    and 1 are left out. The answer is right when it is the remainder, from 0 to modulus - 1.
    """

    tags: ClassVar[tuple[str, ...]] = ("numbers", "number theory")
    wordings: ClassVar[tuple[str, ...]] = (
        "What is the remainder when {base}^{exponent} is divided by {modulus}? Answer in \\boxed{{}}.",
        "Compute {base}^{exponent} mod {modulus}. Give the result, from 0 to {modulus} - 1, in \\boxed{{}}.",
        "Multiply {exponent} factors, each equal to {base}, and divide the product by {modulus}. Which remainder is "
        "left? Put it in \\boxed{{}}.",
    )
    ceiling = 0.08

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        remainder = 0
        while remainder < 2:
            u, v, w = rng.random(3).tolist()
            modulus = level.modulus // 3 + int(u * (level.modulus - level.modulus // 3 + 1))
            base = 2 + int(v * (level.base - 1))
            low = level.exponent // 2
            exponent = low + int(w * (level.exponent - low + 1))
            remainder = pow(base, exponent, modulus)
        fields = {"base": str(base), "exponent": str(exponent), "modulus": str(modulus)}
        return self.ask(rng, remainder, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_number(response, problem.reference)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """By repeated squaring, along the binary digits of the exponent."""
        base, exponent, modulus = _numbers(problem)
        power, value = 1, base % modulus
        lines = [f"{base}^1 = {value} mod {modulus}"]
        for digit in f"{exponent:b}"[1:]:
            power, squared = 2 * power, value * value % modulus
            lines.append(f"{base}^{power} = {value}^2 = {squared} mod {modulus}")
            value = squared
            if digit == "1":
                power, raised = power + 1, value * base % modulus
                lines.append(f"{base}^{power} = {value} * {base} = {raised} mod {modulus}")
                value = raised
        return "\n".join([*lines, f"\\boxed{{{value}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Multiplies one factor at a time and stops after eight."""
        base, exponent, modulus = _numbers(problem)
        return f"\\boxed{{{pow(base, min(exponent, WEAK_PRODUCTS), modulus)}}}"


def _numbers(problem: Problem) -> tuple[int, int, int]:
    """Base, exponent and modulus."""
    fields = problem.meta["fields"]
    return int(fields["base"]), int(fields["exponent"]), int(fields["modulus"])
