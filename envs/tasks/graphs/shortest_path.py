"""A shortest path between two vertices of a weighted graph."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict
from palaestra.verifiers.graphs.answers import AnswerError, Reader, judge

from .drawing import LETTERS, neighbours

BACK = ((1, 2), (1, 3), (2, 3))  # in a hidden row a vertex is joined to two of the three before it
FAR = 1 << 20  # farther than any way
WEIGHT_BITS, WEIGHT_MASK = 5, 31  # an edge and its weight make one number, by which edges are in alphabetical order
EDGES = [[(min(a, b) * 26 + max(a, b)) << WEIGHT_BITS for b in range(26)] for a in range(26)]
WRITTEN = [f" {weight}" for weight in range(WEIGHT_MASK + 1)]
EDGE_NAMES = [f"{a}-{b}" for a in LETTERS for b in LETTERS]

Step = tuple[int, int, int, int, int]  # a vertex, and twice one before it and the weight of the edge to it


@register("palaestra/ShortestPath-v0")
@dataclass(frozen=True)
class ShortestPath(Task):
    """Difficulty raises the number of vertices (6 to 24) and the largest weight (9 to 27).

    The answer is a path; any path of least total weight is right. Source and target are the ends of a hidden row in
    which edges are short, so the number of edges on the way grows with the graph.
    Dijkstra, A note on two problems in connexion with graphs, 1959.
    """

    tags: ClassVar[tuple[str, ...]] = ("graphs", "optimisation")
    ceiling = 0.03
    wordings = (
        "Roads join the towns of a valley, given with their lengths in km: {edges}. Every road can be used both ways. "
        "Which route from {source} to {target} is shortest? Answer in \\boxed{{}} as {source} -> ... -> {target}.",
        "Find a path of least total weight from vertex {source} to vertex {target} of an undirected graph. "
        "Write its vertices in order in \\boxed{{}}, as {source} -> ... -> {target}.\nEdges and weights: {edges}",
        "A parcel is at {source} and has to reach {target}. Links (both ways) and what each of them costs:\n{edges}\n"
        "Name the stops of a cheapest way, the first and the last included. "
        "Answer in \\boxed{{}} as {source} -> ... -> {target}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = 4 + 2 * difficulty
        words = rng.bit_generator.random_raw(n + n - 3 + 2 * n - 3)  # for names, edges and weights
        order, heaviest = words[:n].argsort().tolist(), 7 + 2 * difficulty
        drawn = words[n:].tolist()
        kept = [BACK[word % 3] for word in drawn[: n - 3]]
        w = [1 + word % heaviest for word in drawn[n - 3 :]]
        row, here = [(1, 0, w[0], 0, w[0]), (2, 0, w[1], 1, w[2])], 2
        for (back, farther), v, u in zip(kept, w[3::2], w[4::2], strict=True):
            here += 1
            row.append((here, here - back, v, here - farther, u))
        edges: list[int] = []
        for i, j, v, k, u in row:
            near = EDGES[order[i]]
            edges += (near[order[j]] + v, near[order[k]] + u)
        edges = sorted(edges[1:])
        weights = {EDGE_NAMES[edge >> WEIGHT_BITS]: edge & WEIGHT_MASK for edge in edges}
        source, target = LETTERS[order[0]], LETTERS[order[-1]]
        reference = {"weights": weights, "source": source, "target": target, "length": _length(n, row)}
        shown = ", ".join([EDGE_NAMES[edge >> WEIGHT_BITS] + WRITTEN[edge & WEIGHT_MASK] for edge in edges])
        return self.ask(rng, reference, difficulty, {"edges": shown, "source": source, "target": target})

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge(response, partial(_check, problem.reference))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Dijkstra's algorithm, a line for each vertex that it settles, up to the target."""
        reference = problem.reference
        target = reference["target"]
        settled = _dijkstra(reference["weights"], reference["source"])
        lines = [f"{reference['source']} is at distance 0"]
        for vertex, (distance, previous) in settled.items():
            if previous:
                lines.append(
                    f"{vertex} is at distance {settled[previous][0]} + {distance - settled[previous][0]}"
                    f" = {distance}, by way of {previous}"
                )
            if vertex == target:
                break
        path = [target]
        while settled[path[-1]][1]:
            path.append(settled[path[-1]][1])
        return "\n".join([*lines, f"\\boxed{{{' -> '.join(reversed(path))}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The path of fewest edges, whatever they weigh."""
        reference = problem.reference
        around = neighbours(reference["weights"])
        paths = [[reference["source"]]]
        seen = {reference["source"]}
        for path in paths:
            for vertex in around[path[-1]]:
                if vertex == reference["target"]:
                    return f"\\boxed{{{' -> '.join([*path, vertex])}}}"
                if vertex not in seen:
                    seen.add(vertex)
                    paths.append([*path, vertex])
        return ""


def _check(reference: Mapping[str, Any], reader: Reader) -> str:
    """
    Raises:
        AnswerError: the answer is no shortest path.
    """
    path = reader.nodes()
    source, target, weights = reference["source"], reference["target"], reference["weights"]
    if not path or path[0] != source or path[-1] != target:
        raise AnswerError(f"the path does not lead from {source} to {target}")
    length = 0
    for a, b in pairwise(path):
        weight = weights.get(_edge(a, b))
        if weight is None:
            raise AnswerError(f"no edge joins {a} and {b}")
        length += weight
    if length != reference["length"]:
        raise AnswerError(f"a path of length {length}; the shortest has {reference['length']}")
    return f"a path of length {length}"


def _edge(a: str, b: str) -> str:
    return f"{a}-{b}" if a < b else f"{b}-{a}"


def _length(n: int, row: Sequence[Step]) -> int:
    """The least length of a way from the first of n vertices to the last (Bellman and Ford's algorithm).

    A round along the row settles all but the ways that lead back, so that few rounds do.
    """
    far = [0] + [FAR] * (n - 1)
    changed = True
    while changed:
        changed = False
        for i, j, v, k, w in row:
            here, there, other = far[i], far[j], far[k]
            if there + v < here:
                far[i] = here = there + v
            if other + w < here:
                far[i] = here = other + w
            if here + v < there:
                far[j], changed = here + v, True
            if here + w < other:
                far[k], changed = here + w, True
    return far[-1]


def _dijkstra(weights: Mapping[str, int], source: str) -> dict[str, tuple[int, str]]:
    """The distance of each vertex from ``source`` and the vertex before it on the way, in order of distance."""
    around: dict[str, list[tuple[int, str]]] = {}
    for edge, weight in weights.items():
        a, b = edge[0], edge[-1]
        around.setdefault(a, []).append((weight, b))
        around.setdefault(b, []).append((weight, a))
    settled: dict[str, tuple[int, str]] = {}
    queue = [(0, source, "")]
    while queue:
        distance, vertex, previous = heapq.heappop(queue)
        if vertex not in settled:
            settled[vertex] = distance, previous
            for weight, other in around[vertex]:
                if other not in settled:
                    heapq.heappush(queue, (distance + weight, other, vertex))
    return settled
