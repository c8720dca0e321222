"""Determinants of whole-number matrices."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.calculus.closed_form import judge_number
from palaestra.verifiers import Verdict

from .matrices import determinant, draw, elimination, latex, listed, tabled

LEVELS = ((2, 9), (2, 20), (3, 4), (3, 9), (3, 15), (4, 4), (4, 9), (5, 3), (5, 6), (6, 6))  # size, largest entry
LONGEST = 3  # numbers in an answer: the product rule of two rows takes four


@register("palaestra/Determinant-v0")
@dataclass(frozen=True)
class Determinant(Task):
    """Difficulty raises the size of the matrix (2 to 6) and of its entries.

    size: of the matrix, whatever the difficulty.

    The answer is the determinant, an integer other than 0; its expansion is none.
    """

    size: int | None = None
    ceiling = 0.04
    tags: ClassVar[tuple[str, ...]] = ("linear_algebra", "matrices")
    wordings: ClassVar[tuple[str, ...]] = (
        "What is the determinant of the matrix {listed}, given by its rows? Answer in \\boxed{{}}.",
        "Evaluate \\det {latex}. Put the integer in \\boxed{{}}.",
        "A square matrix, a row a line:\n{tabled}\nCompute its determinant. Answer with a number: \\boxed{{number}}.",
    )

    def __post_init__(self) -> None:
        if self.size is not None and not 2 <= self.size <= 8:
            raise ValueError(f"size is None or from 2 to 8, not {self.size}")

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        size, bound = LEVELS[difficulty - 1]
        n = self.size or size
        while True:
            matrix = draw(iter(rng.random(n * n).tolist()), n, n, bound)
            answer = determinant(matrix)
            if answer:
                break
        fields = {"listed": listed(matrix), "latex": latex(matrix), "tabled": tabled(matrix)}
        return self.ask(rng, answer, difficulty, fields, {"matrix": matrix})

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_number(response, problem.reference, LONGEST)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Fraction-free elimination; the last entry is the determinant."""
        lines = [listed(rows) for rows in elimination(problem.meta["matrix"])]
        return "\n".join([*lines, f"\\boxed{{{problem.reference}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Sarrus' rule, which holds for three rows only, beyond two."""
        matrix = problem.meta["matrix"]
        n = len(matrix)
        if n == 2:
            return f"\\boxed{{{matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0]}}}"
        down = sum(prod(matrix[i][(k + i) % n] for i in range(n)) for k in range(n))
        up = sum(prod(matrix[i][(k - i) % n] for i in range(n)) for k in range(n))
        return f"\\boxed{{{down - up}}}"
