"""Magic squares with empty cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict
from palaestra.verifiers import puzzles as verifiers

from .grids import boxed, judge, one_each, show

SIZES = ((4, 4), (4, 5), (4, 6), (4, 7), (4, 8), (5, 9), (5, 11), (5, 13), (5, 15), (5, 17))  # side, empty cells
DOUBLED = (0, 2, 3, 1)  # multiplication by the element 2 of the field with 4 elements
SYMMETRIES = {  # orders of rows and columns that keep both diagonals
    4: ((0, 1, 2, 3), (1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0), (0, 2, 1, 3), (1, 3, 0, 2), (2, 0, 3, 1), (3, 1, 2, 0)),
    5: ((0, 1, 2, 3, 4), (1, 0, 2, 4, 3), (4, 1, 2, 3, 0), (0, 3, 2, 1, 4), (4, 3, 2, 1, 0), (3, 4, 2, 0, 1)),
}


@register("palaestra/MagicSquare-v0")
@dataclass(frozen=True)
class MagicSquare(Task):
    """Fill the empty cells of a magic square of the numbers 1 to n², each once; any completion is right.

    Difficulty raises n from 4 to 5 and the number of empty cells, from 4 to 17. Squares are sums of two orthogonal
    Latin squares whose diagonals are Latin too (Euler 1776), with their numbers in random order and rows and columns
    rearranged: some thousands for n = 4 and 10⁵ for n = 5, not all magic squares; which cells are empty varies freely.
    """

    tags: ClassVar[tuple[str, ...]] = ("puzzles", "grids", "arithmetic")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "Complete this magic square with the numbers from 1 to {largest}, each used once, so that every row, every "
        "column and both diagonals have the sum {total}. A dot is an empty cell.\n\n{grid}\n\nAnswer in \\boxed{{}} "
        "with all {n} rows, one row a line, numbers separated by spaces.",
        "{grid}\n\nIn the {n} by {n} grid above, {empty} numbers are missing: {missing}. Put each of them in one of "
        "the dots so that all rows, columns and the two diagonals add up to the same. Write the full grid in "
        "\\boxed{{}}, a line for each row.",
        "A square array holds 1, 2, ..., {largest} once each; its {n} rows, its {n} columns and its two long "
        "diagonals all have one sum. Restore the entries that are lost (dots):\n\n{grid}\n\nGive the array in "
        "\\boxed{{}}: {n} lines of {n} numbers.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        (n, count), random = SIZES[difficulty - 1], rng.random
        rows = _square(random, n)
        cells = list(range(n * n))
        empty = {cells.pop(int(random() * len(cells))) for _ in range(count)}
        givens = [[0 if i * n + j in empty else value for j, value in enumerate(row)] for i, row in enumerate(rows)]
        fields = {
            "n": str(n),
            "largest": str(n * n),
            "total": str(n * (n * n + 1) // 2),
            "grid": show(givens),
            "empty": str(count),
            "missing": ", ".join(map(str, sorted(rows[c // n][c % n] for c in empty))),
        }
        return self.ask(rng, {"givens": givens, "solution": show(rows)}, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge(
            response, problem.reference["solution"], lambda: verifiers.MagicSquare(problem.reference["givens"])
        )

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The empty cells of each row, and its sum."""
        solution, lines = problem.reference["solution"], []
        for i, (row, given) in enumerate(zip(solution.split("\n"), problem.reference["givens"], strict=True), 1):
            found = [value for value, known in zip(row.split(), given, strict=True) if not known]
            lines.append(
                f"Row {i}: {row.replace(' ', ' + ')} is the sum, with {', '.join(found) or 'nothing'} filled in"
            )
        return "\n".join([*lines, f"\\boxed{{{solution}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Completes rows and columns with a single empty cell while there are any; then takes what is left in order."""
        rows = [list(row) for row in problem.reference["givens"]]
        n = len(rows)
        total = n * (n * n + 1) // 2
        for _ in range(n):
            for i in range(n):
                for j in range(n):
                    if not rows[i][j]:
                        column = [row[j] for row in rows]
                        line = rows[i] if rows[i].count(0) == 1 else column
                        rows[i][j] = total - sum(line) if line.count(0) == 1 else 0
        left = sorted(set(range(1, n * n + 1)) - {value for row in rows for value in row})
        filled = [[value or (left.pop() if left else 1) for value in row] for row in rows]
        return boxed(filled)


def _square(random: Callable[[], float], n: int) -> list[list[int]]:
    """A magic square: n times one Latin square plus another, orthogonal one, from 1."""
    high, low, orders = one_each(random, n), one_each(random, n), SYMMETRIES[n]
    order = orders[int(random() * len(orders))]
    return [[n * high[_add(i, j, 2, n)] + low[_add(i, j, 3, n)] + 1 for j in order] for i in order]


def _add(i: int, j: int, factor: int, n: int) -> int:
    """i + factor*j, modulo 5 or in the field with 4 elements, whose sum is the exclusive or."""
    if n == 5:
        return (i + factor * j) % 5
    return i ^ DOUBLED[j] ^ (j if factor == 3 else 0)
