"""Futoshiki: a Latin square with inequalities between neighbours (Tamaki Seto, 2001)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.draws import throws
from palaestra.verifiers import Verdict
from palaestra.verifiers import puzzles as verifiers

from .grids import boxed, judge, show, square
from .latin import cell_name, draw_square, eliminate, settle, smallest, sweep_singles, unsettled

SIZES = (4, 4, 4, 5, 5, 5, 6, 6, 7, 7)
SHARES = (0.8, 0.5, 0.3, 0.7, 0.5, 0.35, 0.6, 0.4, 0.55, 0.4)  # of neighbours that are compared
GIVEN = (0, 0, 1, 0, 1, 2, 2, 5, 5, 8)  # numbers given at once, before others one by one as long as they are needed
WEAK_SWEEPS = 3


@register("palaestra/Futoshiki-v0")
@dataclass(frozen=True)
class Futoshiki(Task):
    """Fill a grid so that rows and columns hold 1 to n and all inequalities between neighbouring cells hold.

    Difficulty raises n from 4 to 7 and, for each n, lowers the share of neighbours that are compared. Numbers are given
    in random cells until elimination (a line or an inequality at a time) leaves one solution, so it is the only one;
    puzzles that call for cases do not occur. The solution is the cyclic Latin square with its rows, columns and numbers
    in random order: for n = 6 and 7 a small part of all squares.
    """

    tags: ClassVar[tuple[str, ...]] = ("puzzles", "grids")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "Solve this {n}x{n} futoshiki: each row and each column holds the numbers 1 to {n}, and < > ^ v point to the "
        "smaller of the two numbers beside them. Dots are empty cells.\n\n{picture}\n\nAnswer in \\boxed{{}} with the "
        "{n} rows of numbers, one row a line, separated by spaces.",
        "Complete the grid\n{grid}\nso that no row and no column of the {n} holds a number twice (the numbers are 1 to "
        "{n}), with these conditions, where r1c2 is the cell in row 1 and column 2:\n{conditions}\n\nPut the full grid "
        "in \\boxed{{}}: {n} lines of {n} numbers.",
        "A Latin square with the numbers 1 to {n} obeys\n{conditions}\n(rRcC: row R, column C). Some of its cells "
        "are known; a dot stands for an unknown one.\n\n{grid}\n\nFind it. Write its rows on separate lines in "
        "\\boxed{{}}, the numbers separated by spaces.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n, share = SIZES[difficulty - 1], SHARES[difficulty - 1]
        cells = draw_square(rng, n)
        pairs = _neighbours(n)
        compared = [pair for pair, u in zip(pairs, rng.random(len(pairs)).tolist(), strict=True) if u < share]
        less = [(a, b) if cells[a] < cells[b] else (b, a) for a, b in compared]
        givens = _givens(rng, cells, n, less, GIVEN[difficulty - 1])
        fields = {
            "n": str(n),
            "grid": show(square(givens, n)),
            "picture": _picture(givens, n, less),
            "conditions": ", ".join([f"{cell_name(a, n)} < {cell_name(b, n)}" for a, b in less]) or "no condition",
        }
        rows = square(cells, n)
        reference = {"givens": square(givens, n), "less": [list(pair) for pair in less], "solution": show(rows)}
        return self.ask(rng, reference, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        givens, less = problem.reference["givens"], problem.reference["less"]
        n = len(givens)
        pairs = [(divmod(a, n), divmod(b, n)) for a, b in less]
        return judge(response, problem.reference["solution"], lambda: verifiers.Futoshiki(givens, pairs))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Sweeps of elimination: the cells that each settles."""
        masks, n, narrow = _read(problem)
        return "\n".join([*settle(masks, n, narrow), f"\\boxed{{{problem.reference['solution']}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """A few sweeps of naked singles and inequalities, then the smallest candidate of each cell."""
        masks, n, narrow = _read(problem)
        for _ in range(WEAK_SWEEPS):
            sweep_singles(masks, n, narrow)
        return boxed(smallest(masks, n))


@cache
def _neighbours(n: int) -> list[tuple[int, int]]:
    """Pairs of cells side by side, then pairs one above the other."""
    return [(i, i + 1) for i in range(n * n) if (i + 1) % n] + [(i, i + n) for i in range(n * n - n)]


def _givens(
    rng: np.random.Generator, cells: Sequence[int], n: int, less: Sequence[Sequence[int]], at_once: int
) -> list[int]:
    """Numbers to give, 0 elsewhere, with which elimination settles every cell."""
    givens, masks = [0] * (n * n), [(1 << n) - 1] * (n * n)
    for cell in throws(rng, at_once, n * n):
        givens[cell] = cells[cell]
        masks[cell] = 1 << cells[cell] - 1
    while not eliminate(masks, n, lambda m: _compare(m, less)):
        left = unsettled(masks)
        cell = left[rng.bit_generator.random_raw() % len(left)]
        givens[cell] = cells[cell]
        masks[cell] = 1 << cells[cell] - 1
    return givens


def _compare(masks: list[int], less: Sequence[Sequence[int]]) -> None:
    """Take out what is too large for the smaller cell of a pair, or too small for the larger."""
    for a, b in less:
        masks[a] &= (1 << masks[b].bit_length() - 1) - 1
        masks[b] &= -((masks[a] & -masks[a]) << 1)


def _read(problem: Problem) -> tuple[list[int], int, Callable[[list[int]], None]]:
    """The candidates given, the size, and what the inequalities take out."""
    givens, less = problem.reference["givens"], problem.reference["less"]
    masks = [1 << v - 1 if v else (1 << len(givens)) - 1 for row in givens for v in row]
    return masks, len(givens), lambda m: _compare(m, less)


def _picture(givens: Sequence[int], n: int, less: Sequence[Sequence[int]]) -> str:
    """The grid with signs between its cells; each points to the smaller number."""
    beside, below = [" "] * (n * n), [" "] * (n * n)
    for a, b in less:
        if a < b:
            if b - a == 1:
                beside[a] = "<"
            else:
                below[a] = "^"
        elif a - b == 1:
            beside[b] = ">"
        else:
            below[b] = "v"
    lines = []
    for start in range(0, n * n, n):
        row = zip(givens[start : start + n], beside[start : start + n], strict=True)
        lines.append(" ".join([f"{v or '.'} {sign}" for v, sign in row]).rstrip())
        lines.append("   ".join(below[start : start + n]).rstrip())
    return "\n".join(lines[:-1])
