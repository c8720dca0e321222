"""Answers that are a sequence of nodes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from ..optional import require
from .answers import AnswerError, GraphVerifier, Reader, shown
from .graph import Graph, Weight, decimal, exact, need_node


@dataclass(frozen=True, slots=True)
class PathVerifier(GraphVerifier):
    """A simple path from ``source`` to ``target``; of least weight when ``shortest``.

    Raises:
        ValueError: a node is not in the graph, there is no path, or ``shortest`` with a cycle of negative weight.
    """

    graph: Graph
    source: str
    target: str
    shortest: bool = True
    optimum: Fraction = field(init=False, compare=False)

    def __post_init__(self) -> None:
        need_node(self.graph, self.source, self.target)
        networkx = require("networkx")
        graph = self.graph.to_networkx()
        if not networkx.has_path(graph, self.source, self.target):
            raise ValueError(f"there is no path from {self.source} to {self.target}")
        optimum = Fraction(0)
        if self.shortest:
            try:
                method = "dijkstra" if min(self.graph.weights.values()) >= 0 else "bellman-ford"
                optimum = networkx.shortest_path_length(graph, self.source, self.target, "weight", method)
            except networkx.NetworkXUnbounded as error:
                raise ValueError("there is no shortest path: a cycle has a negative weight") from error
        object.__setattr__(self, "optimum", Fraction(optimum))

    def _check(self, reader: Reader) -> str:
        path = reader.nodes()
        self.graph.distinct(path)
        _ends(path, self.source, self.target)
        length = self.graph.length(path)
        if self.shortest and length != self.optimum:
            raise AnswerError(f"a path of length {decimal(length)}; the shortest has {decimal(self.optimum)}")
        return f"a path of length {decimal(length)}"


@dataclass(frozen=True, slots=True)
class HamiltonianVerifier(GraphVerifier):
    """A path through every node once; back to its first node when ``cycle``, which may be written again at the end.

    Whether one exists is for the author to know: no quick method tells.

    Raises:
        ValueError: ``cycle`` with too few nodes for one.
    """

    graph: Graph
    cycle: bool = False

    def __post_init__(self) -> None:
        if self.cycle:
            need_cycle(self.graph)

    def _check(self, reader: Reader) -> str:
        walk = closed(reader.nodes()) if self.cycle else reader.nodes()
        visits_all(self.graph, walk[:-1] if self.cycle else walk)
        self.graph.length(walk)
        return "a Hamiltonian cycle" if self.cycle else "a Hamiltonian path"


@dataclass(frozen=True, slots=True)
class TourVerifier(GraphVerifier):
    """A Hamiltonian cycle of weight ``at_most``: a travelling salesman's tour, as good as the best that is known.

    Raises:
        ValueError: ``at_most`` is not a finite number, or there are too few nodes for a cycle.
    """

    graph: Graph
    at_most: Weight

    def __post_init__(self) -> None:
        need_cycle(self.graph)
        object.__setattr__(self, "at_most", exact(self.at_most))

    def _check(self, reader: Reader) -> str:
        walk = closed(reader.nodes())
        visits_all(self.graph, walk[:-1])
        length = self.graph.length(walk)
        if length > self.at_most:
            raise AnswerError(f"a tour of length {decimal(length)}; {decimal(exact(self.at_most))} is possible")
        return f"a tour of length {decimal(length)}"


@dataclass(frozen=True, slots=True)
class EulerianVerifier(GraphVerifier):
    """A walk along every edge once; from a node back to itself when ``cycle``.

    Raises:
        ValueError: the graph has none.
    """

    graph: Graph
    cycle: bool = False

    def __post_init__(self) -> None:
        networkx = require("networkx")
        graph = self.graph.to_networkx()
        graph.remove_nodes_from([*networkx.isolates(graph)])
        exists = networkx.is_eulerian if self.cycle else networkx.has_eulerian_path
        if not self.graph.edges or not exists(graph):
            raise ValueError(f"the graph has no Eulerian {'cycle' if self.cycle else 'path'}")

    def _check(self, reader: Reader) -> str:
        walk = reader.nodes()
        self.graph.length(walk)
        if self.cycle and walk[:1] != walk[-1:]:
            raise AnswerError(f"the walk starts at {walk[0]} and ends at {walk[-1]}")
        steps = [edge if self.graph.directed else tuple(sorted(edge)) for edge in pairwise(walk)]
        if repeated := [edge for edge, times in Counter(steps).items() if times > 1]:
            raise AnswerError(f"the edge {shown(repeated[0])} is walked twice")
        if len(steps) < len(self.graph.edges):
            raise AnswerError(f"{len(self.graph.edges) - len(steps)} edges are not walked")
        return "an Eulerian cycle" if self.cycle else "an Eulerian path"


@dataclass(frozen=True, slots=True)
class TopologicalOrderVerifier(GraphVerifier):
    """All nodes of a directed graph, each before those that its edges lead to.

    Raises:
        ValueError: the graph is not directed, or has a cycle.
    """

    graph: Graph

    def __post_init__(self) -> None:
        if not self.graph.directed or not require("networkx").is_directed_acyclic_graph(self.graph.to_networkx()):
            raise ValueError("a topological order needs a directed graph without a cycle")

    def _check(self, reader: Reader) -> str:
        order = reader.nodes()
        visits_all(self.graph, order)
        place = {node: position for position, node in enumerate(order)}
        for first, second, _ in self.graph.edges:
            if place[first] > place[second]:
                raise AnswerError(f"{second} stands before {first}")
        return "a topological order"


def need_cycle(graph: Graph) -> None:
    """
    Raises:
        ValueError: the graph has too few nodes for a cycle.
    """
    if len(graph.nodes) < (2 if graph.directed else 3):
        raise ValueError("the graph has too few nodes for a cycle")


def closed(walk: list[str]) -> list[str]:
    """A cycle with its first node at the end too, however it is written."""
    return walk if len(walk) > 1 and walk[0] == walk[-1] else [*walk, *walk[:1]]


def visits_all(graph: Graph, nodes: list[str]) -> None:
    """
    Raises:
        AnswerError: not every node of the graph once.
    """
    graph.distinct(nodes)
    if missing := {*graph.nodes} - {*nodes}:
        raise AnswerError(f"{next(node for node in graph.nodes if node in missing)} is missing")


def _ends(path: list[str], source: str, target: str) -> None:
    if not path or path[0] != source or path[-1] != target:
        raise AnswerError(f"the path does not lead from {source} to {target}")
