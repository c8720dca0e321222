"""A proper colouring of the vertices of a graph in three colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict
from palaestra.verifiers.graphs.answers import AnswerError, Reader, judge

from ..draws import shuffled
from .drawing import LETTERS, neighbours

COLOURS = 3


@register("palaestra/GraphColouring-v0")
@dataclass(frozen=True)
class GraphColouring(Task):
    """Difficulty raises the number of vertices (7 to 16) and of edges (12 to 35).

    The answer gives each vertex one of three colours; any proper colouring is right. Edges are drawn between the
    classes (of one size) of a hidden colouring, about 2.2 a vertex, near the density at which three colours are
    hardest to find.
    """

    tags: ClassVar[tuple[str, ...]] = ("graphs", "constraints")
    ceiling = 0.03
    wordings = (
        "Colour the vertices {vertices} of a graph with the colours 1, 2 and 3 so that no edge joins two vertices of "
        "the same colour. The edges are {edges}. Answer in \\boxed{{}} as A: 1, B: 2, ...",
        "Each of the exams {vertices} takes place in slot 1, 2 or 3. Some student takes both exams of each of these "
        "pairs, so they need different slots: {edges}. Give a timetable in \\boxed{{}} as A: 1, B: 2, ...",
        "{edges}\nThe pairs above are radio stations that disturb each other on one frequency. There are three "
        "frequencies: 1, 2, 3. Which one does each of {vertices} get, so that nobody is disturbed? "
        "Answer in \\boxed{{}} as A: 1, B: 2, ...",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = 6 + difficulty
        m = 2 * n - 2 + difficulty // 2
        edges: list[str] = []
        while len(set("".join(edges))) <= n:  # some vertex is left alone; "-" is in the set too
            colouring = dict(zip(LETTERS, shuffled(rng, ([1, 2, 3] * n)[:n]), strict=False))
            edges = [edge for edge in shuffled(rng, _pairs(n)) if colouring[edge[0]] != colouring[edge[2]]][:m]
        edges.sort()
        fields = {"vertices": ", ".join(LETTERS[:n]), "edges": ", ".join(edges)}
        return self.ask(rng, {"vertices": n, "edges": edges}, difficulty, fields, {"colouring": colouring})

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge(response, partial(_check, problem.reference))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Each vertex with its colour and the neighbours that rule out others, then the answer."""
        colouring = problem.meta["colouring"]
        around = neighbours(problem.reference["edges"])
        lines = []
        for vertex in LETTERS[: problem.reference["vertices"]]:
            others = ", ".join(f"{other} {colouring[other]}" for other in around.get(vertex, []))
            lines.append(f"{vertex} {colouring[vertex]}, beside {others or 'none'}")
        return "\n".join([*lines, _boxed(colouring)])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Vertices in alphabetical order, each in the first colour that is free, without going back."""
        around = neighbours(problem.reference["edges"])
        colouring: dict[str, int] = {}
        for vertex in LETTERS[: problem.reference["vertices"]]:
            taken = {colouring.get(other) for other in around.get(vertex, [])}
            colouring[vertex] = next((colour for colour in range(1, COLOURS + 1) if colour not in taken), 1)
        return _boxed(colouring)


@cache
def _pairs(n: int) -> list[str]:
    """All that may be edges, as ``A-B``."""
    return [f"{a}-{b}" for a, b in combinations(LETTERS[:n], 2)]


def _check(reference: Mapping[str, Any], reader: Reader) -> str:
    """
    Raises:
        AnswerError: the answer is no colouring in three colours.
    """
    colouring = reader.node_mapping()
    vertices = LETTERS[: reference["vertices"]]
    for vertex in vertices:
        if vertex not in colouring:
            raise AnswerError(f"{vertex} has no colour")
    if len(colouring) > len(vertices):
        raise AnswerError("colours something that is no vertex")
    for edge in reference["edges"]:
        a, b = edge[0], edge[-1]
        if colouring[a] == colouring[b]:
            raise AnswerError(f"{a} and {b} are joined and both have colour {colouring[a]}")
    used = len({*colouring.values()})
    if used > COLOURS:
        raise AnswerError(f"{used} colours are used; there are {COLOURS}")
    return f"a colouring in {used} colours"


def _boxed(colouring: Mapping[str, int]) -> str:
    return f"\\boxed{{{', '.join(f'{vertex}: {colour}' for vertex, colour in sorted(colouring.items()))}}}"
