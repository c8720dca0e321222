"""Shortest paths on a grid that avoid blocked crossings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import comb
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.calculus.closed_form import judge_number
from palaestra.verifiers import Verdict


@register("palaestra/LatticePaths-v0")
@dataclass(frozen=True)
class LatticePaths(Task):
    """Difficulty raises the size of the grid and how many of its crossings are blocked (1 to 10).

    blocked: how many crossings are blocked, whatever the difficulty.

    The answer is the exact number of paths from the lower left corner to the upper right one that go right or up at
    each step and pass no blocked crossing; at least one path is left.
    """

    blocked: int | None = None
    tags: ClassVar[tuple[str, ...]] = ("probability", "combinatorics", "counting")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "A robot walks from (0, 0) to ({width}, {height}). Each step adds 1 to x or adds 1 to y. It must not visit "
        "{points}. How many paths are there? Answer in \\boxed{{}}.",
        "Streets form a grid of {width} blocks from west to east and {height} blocks from south to north. Crossings "
        "are numbered (east, north) from (0, 0). These are closed: {points}. In how many ways can one drive from "
        "(0, 0) to ({width}, {height}), only east or north and through no closed crossing? Answer in \\boxed{{}}.",
        "In the map below each character is a point, and # is a blocked one. Starting at the lower left point, move to "
        "the next point on the right or the next one above, again and again, up to the upper right point. How many "
        "different routes avoid every blocked point?\n{map}\nGive the number as \\boxed{{number}}.",
    )

    def __post_init__(self) -> None:
        if self.blocked is not None and not 1 <= self.blocked <= 15:
            raise ValueError(f"blocked is None or from 1 to 15, not {self.blocked}")

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        blocked = difficulty if self.blocked is None else self.blocked
        while True:
            uniforms = rng.random(2 + blocked).tolist()
            width, height = (3 + difficulty // 2 + int(u * 7) for u in uniforms[:2])
            inner = (width + 1) * (height + 1) - 2  # points but for the two corners, numbered from 1
            closed = {1 + int(u * inner) for u in uniforms[2:]}
            if len(closed) == blocked:
                points = [(k % (width + 1), k // (width + 1)) for k in sorted(closed)]
                answer = count_paths(width, height, points)[-1][-1]
                if answer:
                    break
        fields = {
            "width": str(width),
            "height": str(height),
            "points": ", ".join(f"({x}, {y})" for x, y in points),
            "map": _map(width, height, closed),
        }
        data = {"width": width, "height": height, "points": [list(point) for point in points]}
        return self.ask(rng, answer, difficulty, fields, data)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_number(response, problem.reference)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The number of paths to every point, row by row from the bottom."""
        data = problem.meta
        table = count_paths(data["width"], data["height"], [(x, y) for x, y in data["points"]])
        lines = [f"y={y}: {' '.join(map(str, row))}" for y, row in enumerate(table)]
        return "\n".join([*lines, f"\\boxed{{{table[-1][-1]}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Subtracts the paths through each blocked point, as if none went through two."""
        width, height = problem.meta["width"], problem.meta["height"]
        total = comb(width + height, width)
        for x, y in problem.meta["points"]:
            total -= comb(x + y, x) * comb(width - x + height - y, width - x)
        return f"\\boxed{{{total}}}"


def count_paths(width: int, height: int, blocked: Collection[tuple[int, int]]) -> list[list[int]]:
    """How many paths lead to each point, as rows from the bottom: the sum of those to its left and below."""
    row = [1] + [0] * width
    table = []
    barred = set(blocked)
    for y in range(height + 1):
        here = 0
        new = []
        for x, below in enumerate(row):
            here = 0 if (x, y) in barred else here + below
            new.append(here)
        row = new
        table.append(row)
    return table


def _map(width: int, height: int, closed: Collection[int]) -> str:
    """Rows from the top, ``#`` for a blocked point."""
    cells = ["."] * ((width + 1) * (height + 1))
    for k in closed:
        cells[k] = "#"
    rows = ["".join(cells[k : k + width + 1]) for k in range(0, len(cells), width + 1)]
    return "\n".join(reversed(rows))
