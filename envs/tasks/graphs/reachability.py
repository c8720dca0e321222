"""All vertices of a directed graph that can be reached from one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict
from palaestra.verifiers.graphs.answers import AnswerError, Reader, judge

from .drawing import shuffled_names

HURRIED = 3  # steps from the source that the weak solver looks at


@register("palaestra/Reachability-v0")
@dataclass(frozen=True)
class Reachability(Task):
    """Difficulty raises the number of vertices (8 to 26) and the length of the ways among them.

    The answer is the set of vertices to which a directed path leads from the source. Vertices stand in a hidden row
    that is cut once: from the first part no edge leads to the second, so what looks near may be out of reach.
    """

    tags: ClassVar[tuple[str, ...]] = ("graphs", "search")
    ceiling = 0.03
    wordings = (
        "One-way streets lead from square to square: {edges}. To which squares can one drive from {source}? "
        "List all of them except {source} itself in \\boxed{{}}, separated by commas.",
        "A directed graph has the edges {edges}. Find every vertex other than {source} that is reachable from "
        "{source} along edges in their direction. Answer in \\boxed{{}} with a list.",
        "{edges}\nX -> Y above means that X tells Y every secret that X hears. Now {source} hears one. "
        "Who else will know it in the end? Answer in \\boxed{{}} with their letters, separated by commas.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = 6 + 2 * difficulty
        uniforms = rng.random(4 * n + 1).tolist()
        names = shuffled_names(uniforms[:n])
        inside = 4 + difficulty // 2 + int(uniforms[-1] * (difficulty + 2))  # the vertices of the first part
        edges: dict[tuple[int, int], None] = {}
        for i in range(1, n):
            u, v, w = uniforms[n + 3 * i : n + 3 * i + 3]
            if i != inside:
                edges[i - 1 if u < 0.6 or i in (1, inside + 1) else i - 2, i] = None
            if v < 0.6:
                j = int(w * i)
                edges[i, j] = None
        shown = sorted([f"{names[i]} -> {names[j]}" for i, j in edges])
        reference = {"edges": shown, "source": names[0], "reachable": sorted(names[1:inside])}
        return self.ask(rng, reference, difficulty, {"edges": ", ".join(shown), "source": names[0]})

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge(response, partial(_check, problem.reference))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Breadth first, a line for each number of edges."""
        rounds = _rounds(problem.reference)
        lines = [f"after {k} more: {', '.join(reached)}" for k, reached in enumerate(rounds)]
        return "\n".join([f"start at {problem.reference['source']}", *lines[1:], _boxed(rounds)])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Only what is a few edges away."""
        return _boxed(_rounds(problem.reference)[: HURRIED + 1])


def _check(reference: Mapping[str, Any], reader: Reader) -> str:
    """
    Raises:
        AnswerError: the answer is not the set of vertices in reach.
    """
    given = {*reader.nodes()} - {reference["source"]}
    reachable = reference["reachable"]
    for vertex in reachable:
        if vertex not in given:
            raise AnswerError(f"{vertex} can be reached")
    for vertex in sorted(given.difference(reachable)):
        raise AnswerError(f"{vertex} cannot be reached")
    return f"{len(reachable)} vertices can be reached"


def _rounds(reference: Mapping[str, Any]) -> list[list[str]]:
    """The source, then the vertices that are first reached by one edge, by two, ..."""
    after: dict[str, list[str]] = {}
    for edge in reference["edges"]:
        after.setdefault(edge[0], []).append(edge[-1])
    seen = {reference["source"]}
    rounds = [[reference["source"]]]
    while rounds[-1]:
        reached = []
        for vertex in rounds[-1]:
            for other in after.get(vertex, []):
                if other not in seen:
                    seen.add(other)
                    reached.append(other)
        rounds.append(reached)
    return rounds[:-1]


def _boxed(rounds: Iterable[Iterable[str]]) -> str:
    """All but the source."""
    return f"\\boxed{{{', '.join(vertex for reached in list(rounds)[1:] for vertex in reached)}}}"
