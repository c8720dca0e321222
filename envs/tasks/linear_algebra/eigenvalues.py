"""Integer eigenvalues of integer matrices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import MathPolicy, MathVerifier, Verdict, last_boxed, right, wrong

from .matrices import Matrix, draw, latex, listed, read_vector, tabled, worked_out

VERIFIER = MathVerifier(MathPolicy(slow=False, order="any", brackets="any"))
LEVELS = (  # size, largest eigenvalue, elementary similarities
    (2, 9, 1),
    (2, 12, 2),
    (2, 20, 3),
    (3, 6, 2),
    (3, 9, 3),
    (3, 12, 5),
    (4, 6, 3),
    (4, 9, 5),
    (4, 12, 7),
    (5, 9, 8),
)


@register("palaestra/Eigenvalues-v0")
@dataclass(frozen=True)
class Eigenvalues(Task):
    """Difficulty raises the size of the matrix (2 to 5) and how far it is from a triangular one.

    The answer lists all eigenvalues, which are integers, each as often as its multiplicity, in any order. The matrix is
    made from a triangular one by similarities that add a multiple of a row to another.
    """

    tags: ClassVar[tuple[str, ...]] = ("linear_algebra", "matrices")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "Find all eigenvalues of the matrix with the rows {listed}, with multiplicity. Answer with a list in "
        "\\boxed{{}}.",
        "Let A = {latex}. Its characteristic polynomial has integer roots only. List them, each as often as it occurs, "
        "separated by commas, in \\boxed{{}}.",
        "{tabled}\nFor which numbers t does this matrix minus t times the identity have no inverse? Repeat a number "
        "according to its algebraic multiplicity: \\boxed{{t1, t2, ...}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n, bound, similarities = LEVELS[difficulty - 1]
        uniforms = iter(rng.random(n * n + n + 3 * similarities).tolist())
        values = [int(next(uniforms) * (2 * bound + 1)) - bound for _ in range(n)]
        matrix = draw(uniforms, n, n, 3)
        for i, row in enumerate(matrix):
            row[:i] = [0] * i
            row[i] = values[i]
        for k in range(similarities):
            i, c = int(next(uniforms) * n), (-2, -1, 1, 2)[int(next(uniforms) * 4)]
            j = int(next(uniforms) * (n - 1))
            if k == 0:
                i, j = n - 1, 0  # no triangular matrix is left
            _similar(matrix, i, j if j < i else j + 1, c)
        fields = {"listed": listed(matrix), "latex": latex(matrix), "tabled": tabled(matrix)}
        return self.ask(rng, {"eigenvalues": sorted(values)}, difficulty, fields, {"matrix": matrix})

    def verify(self, problem: Problem, response: str) -> Verdict:
        answer = last_boxed(response)
        if answer is None:
            return wrong("no \\boxed answer")
        values = problem.reference["eigenvalues"]
        found = read_vector(answer)
        if isinstance(found, str):
            if not worked_out(answer, len(values)):
                return wrong("the numbers are not worked out", answer=answer[:200])
            return VERIFIER.verify(response, ", ".join(map(str, values)))
        if sorted(found) == values:
            return right("these are the eigenvalues", answer=answer[:200])
        if len(found) != len(values):
            return wrong(f"{len(found)} numbers instead of {len(values)}", answer=answer[:200])
        extra = next(iter(Counter(found) - Counter(values)))
        times = values.count(int(extra)) if extra.denominator == 1 else 0
        return wrong(f"{str(extra)[:20]} is an eigenvalue of multiplicity {times}", answer=answer[:200])

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The characteristic polynomial (Faddeev-LeVerrier), divided by a linear factor for each root."""
        values = problem.reference["eigenvalues"]
        polynomial = characteristic(problem.meta["matrix"])
        lines = [f"characteristic polynomial, from the highest power: {', '.join(map(str, polynomial))}"]
        for value in values:
            quotient, carry = [], 0
            for c in polynomial[:-1]:
                carry = carry * value + c
                quotient.append(carry)
            polynomial = quotient
            lines.append(f"root {value}, quotient: {', '.join(map(str, polynomial))}")
        return "\n".join([*lines, f"\\boxed{{{', '.join(map(str, values))}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Solves the quadratic of the first two rows and columns, and takes the rest from the diagonal."""
        matrix = problem.meta["matrix"]
        (a, b), (c, d) = matrix[0][:2], matrix[1][:2]
        root = isqrt(max((a - d) ** 2 + 4 * b * c, 0))
        values = [Fraction(a + d - root, 2), Fraction(a + d + root, 2), *(row[i] for i, row in enumerate(matrix))]
        return f"\\boxed{{{', '.join(map(str, values[:2] + values[4:]))}}}"


def characteristic(matrix: Sequence[Sequence[int]]) -> list[int]:
    """Coefficients of det(t - A) from the highest power, by the Faddeev-LeVerrier recursion."""
    n = len(matrix)
    coefficients = [1]
    m = [[0] * n for _ in range(n)]
    for k in range(1, n + 1):
        for i in range(n):
            m[i][i] += coefficients[-1]
        m = [[sum(matrix[i][h] * m[h][j] for h in range(n)) for j in range(n)] for i in range(n)]
        coefficients.append(-sum(m[i][i] for i in range(n)) // k)
    return coefficients


def _similar(matrix: Matrix, i: int, j: int, c: int) -> None:
    """Adds ``c`` times row j to row i and takes ``c`` times column i from column j, which keeps the eigenvalues."""
    matrix[i] = [x + c * y for x, y in zip(matrix[i], matrix[j], strict=True)]
    for row in matrix:
        row[j] -= c * row[i]
