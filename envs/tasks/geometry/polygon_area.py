"""The area of a polygon with integer corners."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.calculus.closed_form import judge_number
from palaestra.verifiers import Verdict

from .polygons import draw_polygon, listed, twice_area

LONGEST = 3  # numbers in an answer, as in 22 + 1/2: the formula takes more


@register("palaestra/PolygonArea-v0")
@dataclass(frozen=True)
class PolygonArea(Task):
    """Difficulty raises how many corners there are (3 to 12) and how far they lie from the origin.

    corners: how many, whatever the difficulty.

    The answer is the exact area, a multiple of 1/2, by the shoelace formula (Meister 1769).
    """

    corners: int | None = None
    ceiling = 0.03
    tags: ClassVar[tuple[str, ...]] = ("geometry", "polygons")
    wordings: ClassVar[tuple[str, ...]] = (
        "A polygon has its corners, in order around it, at {corners}. What is its area? Answer in \\boxed{{}}.",
        "Join these points in the given order by straight lines, and the last one to the first: {corners}. How large "
        "is the region enclosed? Give the exact number in \\boxed{{}}.",
        "A fence runs straight from post to post and closes at the last: {corners} (coordinates in metres). Find the "
        "fenced area in square metres, as a plain number in \\boxed{{}}.",
    )

    def __post_init__(self) -> None:
        if self.corners is not None and not 3 <= self.corners <= 20:
            raise ValueError(f"corners is None or from 3 to 20, not {self.corners}")

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        polygon = draw_polygon(rng, self.corners or 2 + difficulty, 10 + 2 * difficulty)
        area = Fraction(abs(twice_area(polygon)), 2)
        return self.ask(
            rng, str(area), difficulty, {"corners": listed(polygon)}, {"polygon": [list(point) for point in polygon]}
        )

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_number(response, Fraction(problem.reference), LONGEST)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        polygon = problem.meta["polygon"]
        lines, total = [], 0
        for (x, y), (u, v) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            total += x * v - u * y
            lines.append(f"({x})({v}) - ({u})({y}) = {x * v - u * y}, sum {total}")
        return "\n".join([*lines, f"|{total}|/2 = {problem.reference}", f"\\boxed{{{problem.reference}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Adds the triangles at the first corner, as if the polygon were convex."""
        first, *others = problem.meta["polygon"]
        triangles = [abs(twice_area([first, a, b])) for a, b in pairwise(others)]
        return f"\\boxed{{{Fraction(sum(triangles), 2)}}}"
