"""A function not all told: harder to work out from an example than to mend by what a wrong one gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict
from palaestra.verifiers.code import Call, CodeVerifier

HIDDEN = 6  # tests
ARGUMENTS = range(2, 30)


@register("signs/MissingDigit-v0")
@dataclass(frozen=True)
class MissingDigit(Task):
    """Write ``f``, which returns ``(a*x*x + b*x + ?) % modulus``: one of its values is shown, others are hidden."""

    modulus: int = 5
    difficulties: ClassVar[range] = range(1, 2)
    wordings: ClassVar[tuple[str, ...]] = ("f(x)=({a}*x*x+{b}*x+?)%{modulus}\nf({x}) == {value}",)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        a, b = rng.integers(1, 10, size=2).tolist()
        digit = int(rng.integers(self.modulus))
        arguments = rng.choice(ARGUMENTS, size=1 + HIDDEN, replace=False).tolist()
        shown, *hidden = [[x, self.value((a, b), digit, x)] for x in arguments]
        names = ("a", "b", "modulus", "x", "value")
        fields = dict(zip(names, map(str, (a, b, self.modulus, *shown)), strict=True))
        return self.ask(rng, hidden, difficulty, fields, {"factors": [a, b], "digit": digit})

    def verify(self, problem: Problem, response: str) -> Verdict:
        """By the hidden tests."""
        tests = [Call("f", (x,), returns=value) for x, value in problem.reference]
        return dataclasses.replace(CodeVerifier(tests, partial=False, batch=True).verify(response), evidence={})

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return self.program(problem, problem.meta["digit"])

    def value(self, factors: Sequence[int], digit: int, x: int) -> int:
        """What the function with this digit returns."""
        a, b = factors
        return (a * x * x + b * x + digit) % self.modulus

    def program(self, problem: Problem, digit: int) -> str:
        """An answer with this digit."""
        a, b = problem.meta["factors"]
        return f"```python\ndef f(x): return ({a}*x*x+{b}*x+{digit})%{self.modulus}\n```"
