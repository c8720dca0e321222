"""An order of the vertices of a directed acyclic graph in which every edge leads forward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict
from palaestra.verifiers.graphs.answers import AnswerError, Reader, judge

from .drawing import LETTERS, shuffled_names


@register("palaestra/TopologicalOrder-v0")
@dataclass(frozen=True)
class TopologicalOrder(Task):
    """Difficulty raises the number of vertices (6 to 15) and of edges (8 to 26).

    The answer names every vertex once; any order in which each edge leads forward is right.
    Kahn, Topological sorting of large networks, 1962.
    """

    tags: ClassVar[tuple[str, ...]] = ("graphs", "planning")
    ceiling = 0.03
    wordings = (
        "A project has the steps {vertices}. X -> Y means that X must be finished before Y begins: {edges}. "
        "In which order can one person do the steps? Answer in \\boxed{{}} as a list of all of them.",
        "Give a topological order of the directed graph with vertices {vertices} and edges {edges}. "
        "Answer in \\boxed{{}} with the vertices in order, separated by commas.",
        "{edges}\nEach pair above says which of two courses has to be passed before the other may be taken (the first "
        "before the second). One course is taken at a time, and all of {vertices} are to be passed. "
        "List them in a possible order in \\boxed{{}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = 5 + difficulty
        m = 6 + 2 * difficulty
        uniforms = rng.random(n + 3 * m).tolist()
        names = shuffled_names(uniforms[:n])
        edges: dict[str, None] = {}
        for u in uniforms[n:]:
            if len(edges) >= m:
                break
            i, j = divmod(int(u * n * n), n)
            if i < j:
                edges[f"{names[i]} -> {names[j]}"] = None
            elif j < i:
                edges[f"{names[j]} -> {names[i]}"] = None
        shown = sorted(edges)
        fields = {"vertices": ", ".join(LETTERS[:n]), "edges": ", ".join(shown)}
        return self.ask(rng, {"vertices": n, "edges": shown}, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge(response, partial(_check, problem.reference))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Kahn's algorithm: what needs nothing that is still to come is next, the first in the alphabet."""
        before = _before(problem)
        order: list[str] = []
        lines = []
        while len(order) < len(before):
            vertex = next(v for v, needed in before.items() if v not in order and needed.issubset(order))
            needed = ", ".join(sorted(before[vertex]))
            lines.append(f"{vertex} needs {needed}, all done" if needed else f"{vertex} needs nothing")
            order.append(vertex)
        return "\n".join([*lines, f"\\boxed{{{', '.join(order)}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Those first that need the fewest others, directly."""
        before = _before(problem)
        return f"\\boxed{{{', '.join(sorted(before, key=lambda vertex: len(before[vertex])))}}}"


def _check(reference: Mapping[str, Any], reader: Reader) -> str:
    """
    Raises:
        AnswerError: the answer is no topological order.
    """
    place = {}
    for position, vertex in enumerate(reader.nodes()):
        if vertex in place:
            raise AnswerError(f"{vertex} stands twice")
        place[vertex] = position
    vertices = LETTERS[: reference["vertices"]]
    for vertex in vertices:
        if vertex not in place:
            raise AnswerError(f"{vertex} is missing")
    if len(place) > len(vertices):
        raise AnswerError("names something that is no vertex")
    for edge in reference["edges"]:
        if place[edge[0]] > place[edge[-1]]:
            raise AnswerError(f"{edge[-1]} stands before {edge[0]}")
    return "every edge leads forward"


def _before(problem: Problem) -> dict[str, set[str]]:
    """Of each vertex, those with an edge to it."""
    before: dict[str, set[str]] = {vertex: set() for vertex in LETTERS[: problem.reference["vertices"]]}
    for edge in problem.reference["edges"]:
        before[edge[-1]].add(edge[0])
    return before
