"""The least number with given remainders (Sunzi Suanjing, 3rd to 5th century: things whose number is unknown)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, right, wrong

from .single_number import boxed_number

WEAK_TRIALS = 250


class Level(NamedTuple):
    """conditions: how many. largest: modulus. coprime: whether the moduli are, pair by pair."""

    conditions: int
    largest: int
    coprime: bool


LEVELS = (
    Level(2, 16, True),
    Level(2, 25, True),
    Level(2, 50, True),
    Level(3, 16, True),
    Level(3, 25, True),
    Level(3, 50, False),
    Level(4, 20, True),
    Level(4, 30, True),
    Level(4, 60, False),
    Level(5, 40, True),
)


@register("palaestra/ChineseRemainder-v0")
@dataclass(frozen=True)
class ChineseRemainder(Task):
    """The smallest natural number that leaves 2 to 5 given remainders.

    Difficulty raises their number and the moduli, which are up to 16 at first, up to 60 later. At difficulty 6 and 9
    the moduli may share factors; the remainders then agree. The answer is right when it leaves every remainder and is
    below the least common multiple of the moduli.
    """

    tags: ClassVar[tuple[str, ...]] = ("numbers", "number theory")
    wordings: ClassVar[tuple[str, ...]] = (
        "Find the smallest non-negative integer x with {congruences}. Answer in \\boxed{{}}.",
        "I have a number of coins. {rows} What is the smallest number of coins that I can have? Answer in \\boxed{{}}.",
        "Which is the least natural number (0 included) whose remainders are these?\n{table}\n"
        "Put the number in \\boxed{{}}.",
    )
    ceiling = 0.03

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        moduli: list[int] = []
        while len(moduli) < level.conditions:
            moduli = _moduli(rng.random(8 * level.conditions).tolist(), level)
        x = int(rng.random() * math.lcm(*moduli))
        conditions = [[modulus, x % modulus] for modulus in moduli]
        fields = {
            "congruences": ", ".join(f"x mod {m} = {r}" for m, r in conditions),
            "rows": " ".join(f"In rows of {m}, {_left_over(r)} left over." for m, r in conditions),
            "table": "\n".join(f"divided by {m}: remainder {r}" for m, r in conditions),
        }
        return self.ask(rng, {"conditions": conditions}, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        number = boxed_number(response)
        if isinstance(number, Verdict):
            return number
        x, shown = number
        if x < 0 or x.denominator != 1:
            return wrong(f"{shown!a} is no natural number", answer=shown)
        conditions = problem.reference["conditions"]
        for modulus, remainder in conditions:
            if x % modulus != remainder:
                return wrong(f"leaves {x % modulus} instead of {remainder} when divided by {modulus}", answer=shown)
        if x >= math.lcm(*(modulus for modulus, _ in conditions)):
            return wrong("is not the smallest", answer=shown)
        return right("the smallest with these remainders", answer=shown)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """One condition after another: x = r mod m and x = s mod n give x mod lcm(m, n)."""
        (m, r), *others = problem.reference["conditions"]
        lines = [f"x = {r} mod {m}"]
        for n, s in others:
            g = math.gcd(m, n)
            k = (s - r) // g * pow(m // g, -1, n // g) % (n // g)
            lines.append(f"x = {r} + {m} * {k} = {r + m * k} leaves {s} when divided by {n}")
            r, m = r + m * k, math.lcm(m, n)
            lines.append(f"x = {r} mod {m}")
        return "\n".join([*lines, f"\\boxed{{{r}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Tries the numbers below 250, and settles for the one with the most remainders right."""
        conditions = problem.reference["conditions"]
        best = max(range(WEAK_TRIALS), key=lambda x: sum(x % m == r for m, r in conditions))
        return f"\\boxed{{{best}}}"


def _moduli(uniforms: list[float], level: Level) -> list[int]:
    """Different moduli, fewer than wanted when the uniforms run out."""
    moduli: list[int] = []
    product = 1
    for u in uniforms:
        modulus = 3 + int(u * (level.largest - 2))
        if modulus not in moduli and not (level.coprime and math.gcd(modulus, product) > 1):
            moduli.append(modulus)
            product *= modulus
            if len(moduli) == level.conditions:
                break
    return moduli


def _left_over(count: int) -> str:
    return "none is" if count == 0 else "one is" if count == 1 else f"{count} are"
