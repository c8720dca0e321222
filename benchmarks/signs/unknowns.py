"""Unknowns that are guessed, each guess worked out: harder to find than to see that they were found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

NAMES = "abcde"


@register("signs/Unknowns-v0")
@dataclass(frozen=True)
class Unknowns(Task):
    """As many equations modulo a prime as the difficulty says, each with an unknown more than the one before."""

    modulus: int = 5
    difficulties: ClassVar[range] = range(1, len(NAMES) + 1)
    wordings: ClassVar[tuple[str, ...]] = ("Modulo {modulus}: {given}. {asked}? Answer in \\boxed{{}}.",)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        units = [factor for factor in range(2, 10) if factor % self.modulus]
        equations, given, roots = list[list[int]](), list[str](), list[int]()
        for name, before in zip(NAMES[:difficulty], ["", *NAMES], strict=False):
            factor, root = units[int(rng.integers(len(units)))], int(rng.integers(self.modulus))
            added = roots[-1] if before else int(rng.integers(1, 10))
            total = (factor * root + added) % self.modulus
            equations.append([factor, added, total])
            given.append(f"{factor}{name}+{before or added}={total}")
            roots.append(root)
        fields = {"modulus": str(self.modulus), "given": "; ".join(given), "asked": ",".join(NAMES[:difficulty])}
        return self.ask(rng, _listed(roots), difficulty, fields, {"equations": equations})

    def verify(self, problem: Problem, response: str) -> Verdict:
        return right("the roots") if last_boxed(response) == problem.reference else wrong("not the roots")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        def root(factor: int, added: int, total: int) -> int:
            return (total - added) * pow(factor, -1, self.modulus) % self.modulus

        return self.worked_out(problem, root)

    def worked_out(self, problem: Problem, guess: Callable[[int, int, int], int]) -> str:
        """A line for each unknown: a guess, what it makes of the equation, and that less what it should make."""
        said, roots = list[str](), list[int]()
        for name, (factor, first, total) in zip(NAMES, problem.meta["equations"], strict=False):
            added = roots[-1] if roots else first
            roots.append(guess(factor, added, total))
            product = factor * roots[-1] % self.modulus
            made = (product + added) % self.modulus
            said.append(f"{name}={roots[-1]}: {product}+{added}={made}-{total}={(made - total) % self.modulus}")
        return "\n".join([*said, f"\\boxed{{{_listed(roots)}}}"])


def _listed(roots: Sequence[int]) -> str:
    return ",".join(map(str, roots))
