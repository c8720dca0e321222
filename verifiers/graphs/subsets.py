"""Answers that are a set of nodes or of edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from math import lcm
from typing import Literal

from ..optional import require
from .answers import AnswerError, GraphVerifier, Reader, shown
from .graph import Graph, decimal

MAX_SEARCHED = 60  # nodes of a graph whose largest clique is computed


@dataclass(frozen=True, slots=True)
class VertexSetVerifier(GraphVerifier):
    """A vertex cover of at most ``size`` nodes, or an independent set or clique of at least ``size``.

    size: the optimum by default, which is computed.

    Raises:
        ValueError: the graph is directed; ``size`` cannot be reached; or it is left out for a graph of more than
            ``MAX_SEARCHED`` nodes. On such a graph ``size`` is the author's word.
    """

    graph: Graph
    kind: Literal["vertex cover", "independent set", "clique"]
    size: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("vertex cover", "independent set", "clique"):
            raise ValueError(f"kind is vertex cover, independent set or clique, not {self.kind!r}")
        if self.graph.directed:
            raise ValueError(f"a {self.kind} needs an undirected graph")
        if len(self.graph.nodes) > MAX_SEARCHED:
            if self.size is None:
                raise ValueError(f"give the size: the graph has more than {MAX_SEARCHED} nodes")
            return
        best = _optimum(self.graph, self.kind)
        if self.size is None:
            object.__setattr__(self, "size", best)
        elif (self.size < best) if self.kind == "vertex cover" else (self.size > best):
            raise ValueError(f"no {self.kind} has size {self.size}; the best has {best}")

    def _check(self, reader: Reader) -> str:
        nodes = reader.nodes()
        self.graph.distinct(nodes)
        chosen = {*nodes}
        if self.kind == "clique":
            for edge in combinations(nodes, 2):
                if edge not in self.graph.weights:
                    raise AnswerError(f"there is no edge {shown(edge)}")
        else:
            covered = self.kind == "vertex cover"
            for first, second, _ in self.graph.edges:
                if covered and not chosen & {first, second}:
                    raise AnswerError(f"the edge {first}-{second} is not covered")
                if not covered and {first, second} <= chosen:
                    raise AnswerError(f"there is an edge {first}-{second}")
        assert self.size is not None
        if len(nodes) > self.size if self.kind == "vertex cover" else len(nodes) < self.size:
            raise AnswerError(f"the {self.kind} has size {len(nodes)}; {self.size} is possible")
        return f"{self.kind} of size {len(nodes)}"


@dataclass(frozen=True, slots=True)
class MatchingVerifier(GraphVerifier):
    """Edges of which no two meet.

    best: ``"size"``, as many as can be; ``"weight"``, of the largest sum of weights; ``None``, any matching but none.

    Raises:
        ValueError: the graph is directed or has no edge.
    """

    graph: Graph
    best: Literal["size", "weight"] | None = "size"
    optimum: Fraction = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if self.graph.directed or not self.graph.edges:
            raise ValueError("a matching needs an undirected graph with an edge")
        optimum = Fraction(1)
        if self.best is not None:
            graph = require("networkx").Graph()
            # The library is exact on whole numbers.
            scale = lcm(*(weight.denominator for weight in self.graph.weights.values()))
            graph.add_weighted_edges_from(
                (first, second, 1 if self.best == "size" else int(weight * scale))
                for first, second, weight in self.graph.edges
            )
            optimum = self._worth([*require("networkx").max_weight_matching(graph)])
        object.__setattr__(self, "optimum", optimum)

    def _check(self, reader: Reader) -> str:
        edges = reader.edges()
        self.graph.distinct_edges(edges)
        met: set[str] = set()
        for edge in edges:
            if met & {*edge}:
                raise AnswerError(f"{min(met & {*edge})} is matched twice")
            met |= {*edge}
        worth = self._worth(edges)
        if worth < self.optimum:
            name = self.best or "size"
            raise AnswerError(f"a matching of {name} {decimal(worth)}; {decimal(self.optimum)} is possible")
        return f"a matching of {len(edges)} edges"

    def _worth(self, edges: list[tuple[str, str]]) -> Fraction:
        if self.best == "weight":
            return sum((self.graph.weights[edge] for edge in edges), Fraction(0))
        return Fraction(len(edges))


@dataclass(frozen=True, slots=True)
class SpanningTreeVerifier(GraphVerifier):
    """Edges that join all nodes without a cycle; of least weight when ``minimum``.

    Raises:
        ValueError: the graph is directed or not connected.
    """

    graph: Graph
    minimum: bool = True
    optimum: Fraction = field(init=False, compare=False)

    def __post_init__(self) -> None:
        networkx = require("networkx")
        graph = self.graph.to_networkx()
        if self.graph.directed or not networkx.is_connected(graph):
            raise ValueError("a spanning tree needs a connected undirected graph")
        tree = networkx.minimum_spanning_tree(graph)
        object.__setattr__(self, "optimum", Fraction(tree.size(weight="weight")))

    def _check(self, reader: Reader) -> str:
        edges = reader.edges()
        self.graph.distinct_edges(edges)
        group = {node: {node} for node in self.graph.nodes}
        for first, second in edges:
            if group[first] is group[second]:
                raise AnswerError(f"the edge {first}-{second} closes a cycle")
            joined = group[first] | group[second]
            group |= dict.fromkeys(joined, joined)
        if len(edges) < len(self.graph.nodes) - 1:
            raise AnswerError(f"{len(edges)} edges do not join {len(self.graph.nodes)} nodes")
        weight = sum((self.graph.weights[edge] for edge in edges), Fraction(0))
        if self.minimum and weight > self.optimum:
            raise AnswerError(f"a spanning tree of weight {decimal(weight)}; {decimal(self.optimum)} is possible")
        return f"a spanning tree of weight {decimal(weight)}"


def _optimum(graph: Graph, kind: str) -> int:
    """By the largest clique, of the complement for the others; a cover is what an independent set leaves."""
    networkx = require("networkx")
    searched = graph.to_networkx()
    if kind != "clique":
        searched = networkx.complement(searched)
    largest = len(networkx.max_weight_clique(searched, weight=None)[0])
    return len(graph.nodes) - largest if kind == "vertex cover" else largest
