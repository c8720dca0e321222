"""A minimum spanning tree of a weighted graph."""

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

from .drawing import connected_edges, named, shuffled_names


@register("palaestra/SpanningTree-v0")
@dataclass(frozen=True)
class SpanningTree(Task):
    """Difficulty raises the number of vertices (5 to 14), of edges (8 to 26) and the largest weight (11 to 29).

    The answer is a list of edges; any spanning tree of least total weight is right.
    Kruskal, On the shortest spanning subtree of a graph and the traveling salesman problem, 1956.
    """

    tags: ClassVar[tuple[str, ...]] = ("graphs", "optimisation")
    ceiling = 0.03
    wordings = (
        "Cables can be laid between these pairs of houses, at these prices: {edges}. Which cables join all the houses "
        "at the least total price? List them in \\boxed{{}} as pairs: A-B, C-D, ...",
        "Give a minimum spanning tree of an undirected weighted graph. Answer in \\boxed{{}} with its edges, written "
        "as A-B, C-D, ...\nEdges and weights: {edges}",
        "{edges}\nAbove are the edges of a graph, each with its weight. Choose edges that connect every vertex with "
        "every other one, directly or through others, so that the chosen weights have the least sum. "
        "Answer in \\boxed{{}} as A-B, C-D, ...",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = 4 + difficulty
        m = 2 * n - 2
        uniforms = rng.random(2 * n + 3 * m + 8).tolist()
        names = shuffled_names(uniforms[:n])
        edges = named(connected_edges(iter(uniforms[n + m :]), n, m, n), names)
        largest = 9 + 2 * difficulty
        weights = {edge: 1 + int(u * largest) for edge, u in zip(edges, uniforms[n:], strict=False)}
        tree = _kruskal(weights)
        reference = {"weights": weights, "vertices": n, "weight": sum([weights[edge] for edge in tree])}
        shown = ", ".join([f"{edge} {weight}" for edge, weight in weights.items()])
        return self.ask(rng, reference, difficulty, {"edges": shown})

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge(response, partial(_check, problem.reference))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Kruskal's algorithm, a line for each edge that it takes."""
        weights = problem.reference["weights"]
        lines, total = [], 0
        for edge in _kruskal(weights):
            total += weights[edge]
            lines.append(f"take {edge} ({weights[edge]}), total {total}")
        return "\n".join([*lines, f"\\boxed{{{', '.join(_kruskal(weights))}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The n-1 cheapest edges, whether or not they close a cycle."""
        weights = problem.reference["weights"]
        cheapest = sorted(weights, key=weights.__getitem__)
        return f"\\boxed{{{', '.join(cheapest[: problem.reference['vertices'] - 1])}}}"


def _check(reference: Mapping[str, Any], reader: Reader) -> str:
    """
    Raises:
        AnswerError: the answer is no minimum spanning tree.
    """
    weights, n = reference["weights"], reference["vertices"]
    total, chosen = 0, []
    for a, b in reader.edges():
        edge = f"{a}-{b}" if a < b else f"{b}-{a}"
        if edge not in weights:
            raise AnswerError(f"{edge} is no edge")
        total += weights[edge]
        chosen.append(edge)
    tree = _without_cycles(chosen)
    if len(tree) < len(chosen):
        closing = next((edge for edge, kept in zip(chosen, tree, strict=False) if edge != kept), chosen[len(tree)])
        raise AnswerError(f"the edge {closing} closes a cycle")
    if len(tree) < n - 1:
        raise AnswerError(f"{len(tree)} edges do not join {n} vertices")
    if total != reference["weight"]:
        raise AnswerError(f"a spanning tree of weight {total}; {reference['weight']} is possible")
    return f"a spanning tree of weight {total}"


def _kruskal(weights: Mapping[str, int]) -> list[str]:
    return _without_cycles(sorted(weights, key=weights.__getitem__))


def _without_cycles(edges: Iterable[str]) -> list[str]:
    """The edges in turn, but those that close a cycle with the ones before them."""
    part: dict[str, str] = {}  # of each vertex: all vertices that the taken edges join it to
    taken = []
    for edge in edges:
        a, b = part.get(edge[0], edge[0]), part.get(edge[2], edge[2])
        if a != b:
            taken.append(edge)
            joined = a + b
            for vertex in joined:
                part[vertex] = joined
    return taken
