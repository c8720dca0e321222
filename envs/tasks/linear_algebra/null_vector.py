"""A vector other than zero that a matrix takes to zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import lcm
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from .matrices import Matrix, latex, listed, read_vector, reduced, tabled

LEVELS = (  # rows, columns, largest component of the hidden vector
    (2, 3, 2),
    (2, 3, 4),
    (3, 3, 4),
    (3, 3, 7),
    (3, 4, 4),
    (3, 4, 7),
    (4, 4, 7),
    (4, 5, 5),
    (4, 5, 9),
    (5, 5, 9),
)


@register("palaestra/NullVector-v0")
@dataclass(frozen=True)
class NullVector(Task):
    """Difficulty raises the size of the matrix and of the components of the vector that it is made from.

    Any vector of whole numbers or fractions, other than zero, whose product with every row is zero is right.
    """

    tags: ClassVar[tuple[str, ...]] = ("linear_algebra", "matrices", "witness")
    ceiling = 0.06
    wordings: ClassVar[tuple[str, ...]] = (
        "Find a vector v other than zero with A v = 0, where A has the rows {listed}. Answer as in "
        "\\boxed{{(1, 2, 3)}}, with whole numbers or fractions.",
        "The columns of {latex} are linearly dependent. Give coefficients, not all zero, of a combination of them that "
        "is zero: \\boxed{{(c1, c2, ...)}}, each an integer or a fraction.",
        "Each line below holds the coefficients of one homogeneous linear equation, all in the same {count} unknowns, "
        "with right-hand side 0:\n{tabled}\nGive any rational solution that is not all zeros, as a list of {count} "
        "numbers in \\boxed{{}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        rows, columns, bound = LEVELS[difficulty - 1]
        while True:
            uniforms = iter(rng.random((rows + 1) * columns + 3).tolist())
            hidden = [int(next(uniforms) * (2 * bound + 1)) - bound for _ in range(columns)]
            unit = int(next(uniforms) * columns)
            hidden[unit] = 1 if next(uniforms) < 0.5 else -1
            matrix = [_orthogonal(uniforms, hidden, unit) for _ in range(rows)]
            if hidden.count(0) < columns - 1 and all(map(any, matrix)) and len(reduced(matrix)[1]) == columns - 1:
                break
        fields = {"listed": listed(matrix), "latex": latex(matrix), "tabled": tabled(matrix), "count": str(columns)}
        return self.ask(rng, {"matrix": matrix}, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        answer = last_boxed(response)
        if answer is None:
            return wrong("no \\boxed answer")
        matrix = problem.reference["matrix"]
        vector = read_vector(answer)
        if isinstance(vector, str):
            return wrong(vector)
        if len(vector) != len(matrix[0]):
            return wrong(f"{len(vector)} numbers instead of {len(matrix[0])}", answer=answer[:200])
        if not any(vector):
            return wrong("this is the zero vector", answer=answer[:200])
        for i, row in enumerate(matrix):
            total = sum([a * x for a, x in zip(row, vector, strict=True)])
            if total:
                return wrong(f"row {i + 1} times the vector is {total}, not 0"[:120], answer=answer[:200])
        return right("every row times the vector is 0", answer=answer[:200])

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Reduces the matrix, then sets the unknown without a pivot so that the others are whole."""
        rows, pivots = reduced(problem.reference["matrix"])
        free = next(k for k in range(len(rows[0])) if k not in pivots)
        vector = [0] * len(rows[0])
        vector[free] = lcm(*(row[pivot] for row, pivot in zip(rows, pivots, strict=True)))
        for row, pivot in zip(rows, pivots, strict=True):
            vector[pivot] = -row[free] * vector[free] // row[pivot]
        lines = [f"reduced rows: {listed(rows)}", f"component {free + 1} is free: take {vector[free]}"]
        return "\n".join([*lines, f"\\boxed{{({', '.join(map(str, vector))})}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Tries the vectors with components from -2 to 2."""
        matrix = problem.reference["matrix"]
        for vector in product((0, 1, -1, 2, -2), repeat=len(matrix[0])):
            if any(vector) and _kills(matrix, vector):
                return f"\\boxed{{{vector}}}"
        return ""


def _orthogonal(uniforms: Iterator[float], vector: Sequence[int], unit: int) -> list[int]:
    """A row that the vector, whose component ``unit`` is 1 or -1, takes to zero."""
    row = [int(next(uniforms) * 11) - 5 for _ in vector]
    row[unit] = 0
    row[unit] = -vector[unit] * sum([a * x for a, x in zip(row, vector, strict=True)])
    return row


def _kills(matrix: Matrix, vector: Sequence[int]) -> bool:
    return all(sum(a * x for a, x in zip(row, vector, strict=True)) == 0 for row in matrix)
