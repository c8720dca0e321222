"""Nonograms: a picture from the lengths of its runs (Non Ishida, 1987)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict
from palaestra.verifiers import puzzles as verifiers

from .grids import judge

SIZES = ((4, 4), (4, 5), (5, 5), (5, 6), (6, 6), (6, 7), (7, 7), (8, 8), (9, 9), (10, 10))  # rows, columns
DENSITY = 0.6  # of filled cells
REPAIRS = 4  # of a picture with ambiguous cells, before another is drawn
CACHED = 1 << 15  # lines whose consequences are remembered

Known = tuple[int, int]  # of a line: the cells that are filled, and those that may be (a bit each, the first lowest)


@register("palaestra/Nonogram-v0")
@dataclass(frozen=True)
class Nonogram(Task):
    """Fill cells so that every row and column has runs of just the lengths given.

    Difficulty raises the size from 4x4 to 10x10. Pictures are drawn cell by cell; where going over the lines one at a
    time leaves cells open, these are filled and the puzzle tried again, so that the solution is always the only one and
    puzzles that call for cases do not occur. An answer is right when every line has its runs.
    """

    tags: ClassVar[tuple[str, ...]] = ("puzzles", "grids")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "Solve this nonogram with {height} rows and {width} columns. The lengths of the runs of filled cells, in "
        "order, are\n{rows}\n{columns}\n\nDraw the picture in \\boxed{{}}: {height} lines of {width} characters, # "
        "for filled and . for empty.",
        "In a grid {width} cells wide and {height} high some cells are black. Going through a line, write down how "
        "many black cells follow each other without a gap, for each such block; 0 means that there is none. From "
        "left to right this gives\n{rows}\nand from top to bottom\n{columns}\n\nWhich cells are black? Put the grid "
        "in \\boxed{{}}, one row a line, with # for black and . for white.",
        "Picture puzzle.\n\n{columns}\n\n{rows}\n\nEach line of numbers lists the lengths of the groups of adjacent "
        "1s in that column (downwards) or row (rightwards) of a {height} by {width} matrix of 0s and 1s, groups "
        "being separated by at least one 0. Give the matrix in \\boxed{{}}, one row a line.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        height, width = SIZES[difficulty - 1]
        rows = None
        while rows is None:
            uniforms = rng.random(height * width).tolist()
            rows = [sum(1 << j for j in range(width) if uniforms[i * width + j] < DENSITY) for i in range(height)]
            rows = _made_unique(rows, width)
        across, down = [_runs(row) for row in rows], [_runs(column) for column in _transposed(rows, width)]
        fields = {
            "height": str(height),
            "width": str(width),
            "rows": _listed("row", across),
            "columns": _listed("column", down),
        }
        reference = {
            "rows": [list(clue) for clue in across],
            "columns": [list(clue) for clue in down],
            "solution": _picture(rows, width),
        }
        return self.ask(rng, reference, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        rows, columns = problem.reference["rows"], problem.reference["columns"]
        return judge(response, problem.reference["solution"], lambda: verifiers.Nonogram(rows, columns))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Line after line with what is known of it then: # filled, . empty, ? open."""
        across, down = _clues(problem)
        lines: list[str] = []

        def write(name: str, known: Known, length: int) -> None:
            filled, possible = known
            cells = ("#" if filled >> k & 1 else "?" if possible >> k & 1 else "." for k in range(length))
            lines.append(f"{name}: {''.join(cells)}")

        _deduce(across, down, write)
        return "\n".join([*lines, f"\\boxed{{{problem.reference['solution']}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Goes over rows and columns once, and leaves open cells empty."""
        across, down = _clues(problem)
        rows, _ = _deduce(across, down, sweeps=1)
        return f"\\boxed{{{_picture([filled for filled, _ in rows], len(down))}}}"


def _made_unique(rows: list[int], width: int) -> list[int] | None:
    """A picture that its runs determine, made from ``rows`` by filling what they leave open; None if it takes long."""
    for _ in range(REPAIRS):
        across, down = [_runs(row) for row in rows], [_runs(column) for column in _transposed(rows, width)]
        found, settled = _deduce(across, down)
        if settled:
            return rows
        rows = [possible for _, possible in found]
    return None


def _deduce(
    across: Sequence[tuple[int, ...]],
    down: Sequence[tuple[int, ...]],
    tell: Callable[[str, Known, int], None] | None = None,
    sweeps: int = 1000,
) -> tuple[list[Known], bool]:
    """What follows of the rows from one line at a time, and whether that is all cells.

    ``tell`` is called with each line of which something new is found.
    """
    height, width = len(across), len(down)
    rows, columns = [(0, (1 << width) - 1)] * height, [(0, (1 << height) - 1)] * width
    for _ in range(sweeps):
        before = rows[:]
        for name, lines, crossing, clues in (("row", rows, columns, across), ("column", columns, rows, down)):
            for i, clue in enumerate(clues):
                filled, possible = lines[i]
                known = _consequences(clue, len(crossing), filled, possible)
                if known == lines[i]:
                    continue
                lines[i] = known
                if tell:
                    tell(f"{name} {i + 1}", known, len(crossing))
                changed, bit = (known[0] ^ filled) | (known[1] ^ possible), 1 << i
                while changed:
                    j = changed.bit_length() - 1
                    changed ^= 1 << j
                    here, may = crossing[j]
                    crossing[j] = (here | bit, may) if known[0] >> j & 1 else (here, may & ~bit)
        if rows == before:
            break
    return rows, all(filled == possible for filled, possible in rows)


@lru_cache(maxsize=CACHED)
def _consequences(clue: tuple[int, ...], length: int, filled: int, possible: int) -> Known:
    """What is filled in all lines that fit, and in some; the line itself must exist."""
    every, some = possible, 0
    for line in _lines(length)[clue]:
        if line & filled == filled and line | possible == possible:
            every &= line
            some |= line
    return every, some


@cache
def _lines(length: int) -> dict[tuple[int, ...], list[int]]:
    """All lines of a length by their runs."""
    by_runs: dict[tuple[int, ...], list[int]] = {}
    for line in range(1 << length):
        by_runs.setdefault(_runs(line), []).append(line)
    return by_runs


@lru_cache(maxsize=CACHED)
def _runs(line: int) -> tuple[int, ...]:
    runs = []
    while line:
        line >>= (line & -line).bit_length() - 1
        run = (~line & (line + 1)).bit_length() - 1
        runs.append(run)
        line >>= run
    return tuple(runs)


def _transposed(rows: Sequence[int], width: int) -> list[int]:
    return [sum([1 << i for i, row in enumerate(rows) if row >> j & 1]) for j in range(width)]


def _picture(rows: Sequence[int], width: int) -> str:
    return "\n".join(["".join(["#" if row >> j & 1 else "." for j in range(width)]) for row in rows])


def _listed(name: str, clues: Sequence[tuple[int, ...]]) -> str:
    return "\n".join([f"{name} {i}: {' '.join(map(str, clue)) or '0'}" for i, clue in enumerate(clues, 1)])


def _clues(problem: Problem) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    return [tuple(c) for c in problem.reference["rows"]], [tuple(c) for c in problem.reference["columns"]]
