"""Queens: complete a placement so that none attacks another (Bezzel 1848)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict
from palaestra.verifiers import puzzles as verifiers

from .grids import judge

SIZES = ((8, 5), (8, 4), (9, 4), (10, 4), (10, 3), (11, 3), (12, 3), (12, 2), (13, 2), (14, 2))  # board, queens given
MAX_STEPS = 400  # of one search for a placement


@register("palaestra/NQueens-v0")
@dataclass(frozen=True)
class NQueens(Task):
    """Add queens to those given until n stand on an n by n board and none attacks another.

    Difficulty raises n from 8 to 14 and lowers how many are given, so that from 3 to 12 are missing. A placement is
    found by a search in random order and some of its queens are given; any completion is right. There are a few
    thousand problems at levels 1 and 2 (92 placements on the usual board), far more above.
    """

    tags: ClassVar[tuple[str, ...]] = ("puzzles", "search")
    ceiling = 0.05
    wordings: ClassVar[tuple[str, ...]] = (
        "On this {n}x{n} chessboard some queens (Q) stand already:\n\n{board}\n\nAdd queens until there are {n} and "
        "no two attack each other (in a row, a column or a diagonal). Answer in \\boxed{{}} with the column, from 1 "
        "to {n}, of the queen in each row, from the top row down, separated by spaces.",
        "Find {n} different numbers, a permutation of 1 to {n}, such that no two of them differ by as much as their "
        "places in the list do. Fixed are: {fixed}. Write the list in \\boxed{{}}, with spaces between the numbers.",
        "{n} queens are to stand on a board of {n} rows and {n} columns, none attacking another. {places}. Where do "
        "the others go? Draw the whole board in \\boxed{{}}: {n} lines of {n} characters, Q for a queen and . for an "
        "empty square.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        (n, count), random = SIZES[difficulty - 1], rng.random
        columns = None
        while columns is None:
            columns = _placement(random, n)
        rows = list(range(n))
        given = sorted(rows.pop(int(random() * len(rows))) for _ in range(count))
        queens = {row: columns[row] for row in given}
        fields = {
            "n": str(n),
            "board": "\n".join("".join("Q" if queens.get(i) == j else "." for j in range(n)) for i in range(n)),
            "fixed": ", ".join(f"number {i + 1} is {j + 1}" for i, j in queens.items()),
            "places": "Queens stand " + ", ".join(f"in row {i + 1}, column {j + 1}" for i, j in queens.items()),
        }
        reference = {"n": n, "given": [[i, j] for i, j in queens.items()], "solution": _listed(columns)}
        return self.ask(rng, reference, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        n, given = problem.reference["n"], problem.reference["given"]
        return judge(response, problem.reference["solution"], lambda: verifiers.NQueens(n, given))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The queens added row by row."""
        columns = problem.reference["solution"].split()
        lines = [f"Row {i}: column {column}" for i, column in enumerate(columns, 1)]
        return "\n".join([*lines, f"\\boxed{{{problem.reference['solution']}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The first column that is not attacked, row by row, and never back."""
        n, columns = problem.reference["n"], dict(problem.reference["given"])
        for row in range(n):
            if row not in columns:
                safe = (c for c in range(n) if all(c != d and abs(c - d) != abs(row - r) for r, d in columns.items()))
                columns[row] = next(safe, 0)
        return f"\\boxed{{{_listed([columns[row] for row in range(n)])}}}"


def _placement(random: Callable[[], float], n: int) -> list[int] | None:
    """Columns of n queens, row by row in random order with backtracking; None after ``MAX_STEPS``."""
    board = (1 << n) - 1
    columns: list[int] = []
    attacked = [(0, 0, 0)]  # before each row: columns, diagonals that fall to the right, diagonals that rise to it
    untried = [board]
    for _ in range(MAX_STEPS):
        free = untried[-1]
        if not free:
            untried.pop()
            attacked.pop()
            if not columns:
                return None
            columns.pop()
            continue
        for _ in range(int(random() * free.bit_count())):
            free &= free - 1
        queen = free & -free
        untried[-1] ^= queen
        columns.append(queen.bit_length() - 1)
        if len(columns) == n:
            return columns
        down, falling, rising = attacked[-1]
        attacked.append((down | queen, (falling | queen) << 1 & board, (rising | queen) >> 1))
        untried.append(board & ~(attacked[-1][0] | attacked[-1][1] | attacked[-1][2]))
    return None


def _listed(columns: Sequence[int]) -> str:
    return " ".join([str(column + 1) for column in columns])
