"""Which of several points lie inside a polygon?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from .polygons import contains, draw_polygon, listed, twice_area

LABELS = "ABCDEFGH"
ANSWER_CHARS = 200  # a longer answer is none
TRIES = 6  # draws of a point on the side that a coin chose
FILLER = re.compile(r"\\(?:text|mathrm|left|right|[,;{} ])|[\s,;.{}()\[\]$]|\band\b")
NONE = ("none", "\\emptyset", "\\varnothing", "{}", "\\{\\}", "\\text{none}", "[]")


@register("palaestra/PointInPolygon-v0")
@dataclass(frozen=True)
class PointInPolygon(Task):
    """Difficulty raises how many corners the polygon has (3 to 12) and how many points there are (6 to 8).

    The answer lists the points inside, in any order, or says none; it is right when every point is placed rightly. No
    point lies on the boundary.
    """

    ceiling = 0.05
    tags: ClassVar[tuple[str, ...]] = ("geometry", "polygons")
    wordings: ClassVar[tuple[str, ...]] = (
        "The corners of a polygon, in order around it, are {corners}. Which of these points lie inside it: {points}? "
        "List their letters in \\boxed{{}}, or write \\boxed{{none}}.",
        "Points: {points}. A closed line runs straight through {corners} and back to its start. Name the points that "
        "it encloses, by letter, as in \\boxed{{A, B}}; if there are none, answer \\boxed{{none}}.",
        "A field is bounded by straight fences between posts at {corners}, in this order, and from the last post to "
        "the first. Animals stand at {points}. Which ones are in the field? Put their letters, or the word none, in "
        "\\boxed{{}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        span = 10 + 2 * difficulty
        while True:
            polygon = draw_polygon(rng, 2 + difficulty, span)
            if abs(twice_area(polygon)) > span * span // 2:
                break  # there is room for points
        xs, ys = zip(*polygon, strict=True)
        left, width, low, height = min(xs), max(xs) - min(xs) + 1, min(ys), max(ys) - min(ys) + 1
        count = 6 + difficulty // 4
        points: dict[tuple[int, int], bool] = {}
        while len(points) < count:
            uniforms = rng.random(2 * TRIES + 1).tolist()
            for k in range(TRIES):
                x, y = left + int(uniforms[2 * k] * width), low + int(uniforms[2 * k + 1] * height)
                inside = contains(polygon, x, y)
                if inside is not None and (x, y) not in points and (inside == (uniforms[-1] < 0.5) or k == TRIES - 1):
                    points[x, y] = inside
                    break
        answer = "".join(name for name, inside in zip(LABELS, points.values(), strict=False) if inside)
        named = ", ".join(f"{name} ({x}, {y})" for name, (x, y) in zip(LABELS, points, strict=False))
        meta = {"polygon": [list(corner) for corner in polygon], "points": [list(point) for point in points]}
        reference = {"inside": answer, "count": count}
        return self.ask(rng, reference, difficulty, {"corners": listed(polygon), "points": named}, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        inside, labels = problem.reference["inside"], LABELS[: problem.reference["count"]]
        if len(text) > ANSWER_CHARS:
            return wrong(f"an answer of more than {ANSWER_CHARS} characters")
        letters = "" if text.lower() in NONE else FILLER.sub("", text)
        if text.lower() not in NONE and not letters:
            return wrong("names no point and does not say none")
        for letter in letters:
            if letter not in labels:
                return wrong(f"{letter!a} is none of {', '.join(labels)}", answer=letters)
        for label in labels:
            if (label in letters) != (label in inside):
                return wrong(f"{label} is {'inside' if label in inside else 'outside'}", answer=letters)
        return right("every point is placed rightly", answer=letters)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """For each point, the edges that a ray to the right crosses."""
        polygon = problem.meta["polygon"]
        lines = []
        for name, (x, y) in zip(LABELS, problem.meta["points"], strict=False):
            crossed = []
            for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True):
                if (p[1] > y) != (q[1] > y) and (twice_area([p, q, (x, y)]) > 0) == (q[1] > p[1]):
                    crossed.append(f"({p[0]}, {p[1]})-({q[0]}, {q[1]})")
            place = "inside" if len(crossed) % 2 else "outside"
            lines.append(f"{name}: {len(crossed)} crossed, {', '.join(crossed) or 'no edge'}: {place}")
        return "\n".join([*lines, f"\\boxed{{{', '.join(problem.reference['inside']) or 'none'}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Takes the polygon for convex: a point is inside when it is on the same side of every edge."""
        polygon = problem.meta["polygon"]
        edges = list(zip(polygon, polygon[1:] + polygon[:1], strict=True))
        inside = [
            name
            for name, point in zip(LABELS, problem.meta["points"], strict=False)
            if len({twice_area([p, q, point]) > 0 for p, q in edges}) == 1
        ]
        return f"\\boxed{{{', '.join(inside) or 'none'}}}"
