"""A graph as plain data: JSON-able, checked when it is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import isfinite
from typing import Any, TypeAlias

from ..optional import require
from .answers import NAME, AnswerError, shown

Node: TypeAlias = str
Edge: TypeAlias = tuple[Node, Node]
Weight: TypeAlias = int | float | Fraction

MAX_NODES = 2_000
MAX_EDGES = 20_000


@dataclass(frozen=True, slots=True)
class Graph:
    """Simple, directed or not.

    edges: pairs of names, or triples with a weight, 1 by default: a length, a cost or a capacity. A float is the
        decimal number that it prints as, so that sums are exact.
    nodes: needed only for those without an edge.
    weights: the edges as pairs with their weights; an undirected edge is in it both ways.

    Raises:
        ValueError: a name is not of letters, digits and ``_``; an edge is a loop or stands twice; a weight is not
            finite; there are none or too many.
    """

    edges: Sequence[Sequence[Any]]
    nodes: Sequence[Any] = ()
    directed: bool = False
    weights: dict[Edge, Fraction] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        edges = tuple(_edge(edge) for edge in self.edges)
        nodes = tuple(dict.fromkeys([*map(str, self.nodes), *(node for edge in edges for node in edge[:2])]))
        if bad := [node for node in nodes if not NAME.fullmatch(node)]:
            raise ValueError(f"a node is called by letters, digits and _, not {bad[0]!r}")
        if not 1 <= len(nodes) <= MAX_NODES or len(edges) > MAX_EDGES:
            raise ValueError(f"a graph has 1 to {MAX_NODES} nodes and at most {MAX_EDGES} edges")
        weights: dict[Edge, Fraction] = {}
        for first, second, weight in edges:
            if first == second or (first, second) in weights:
                raise ValueError(f"the edge {first}-{second} is a loop or stands twice")
            weights[first, second] = weight
            if not self.directed:
                weights[second, first] = weight
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "nodes", nodes)
        object.__setattr__(self, "weights", weights)

    def to_networkx(self) -> Any:
        networkx = require("networkx")
        graph = networkx.DiGraph() if self.directed else networkx.Graph()
        graph.add_nodes_from(self.nodes)
        graph.add_weighted_edges_from(self.edges)
        return graph

    def own(self, nodes: Iterable[Node]) -> None:
        """
        Raises:
            AnswerError: one of ``nodes`` is not of this graph.
        """
        known = {*self.nodes}
        for node in nodes:
            if node not in known:
                raise AnswerError(f"{node} is no node")

    def distinct(self, nodes: Sequence[Node]) -> None:
        """
        Raises:
            AnswerError: one of ``nodes`` is not of this graph, or stands twice.
        """
        self.own(nodes)
        seen = set()
        for node in nodes:
            if node in seen:
                raise AnswerError(f"{node} stands twice")
            seen.add(node)

    def distinct_edges(self, edges: Sequence[Edge]) -> None:
        """
        Raises:
            AnswerError: one of ``edges`` is not of this graph, or stands twice.
        """
        seen: set[Edge] = set()
        for edge in edges:
            if edge not in self.weights:
                raise AnswerError(f"{shown(edge)} is no edge")
            if edge in seen:
                raise AnswerError(f"the edge {shown(edge)} stands twice")
            seen |= {edge} if self.directed else {edge, edge[::-1]}

    def length(self, walk: Sequence[Node]) -> Fraction:
        """The weight of a walk.

        Raises:
            AnswerError: two nodes in turn have no edge.
        """
        self.own(walk)
        total = Fraction(0)
        for edge in pairwise(walk):
            if edge not in self.weights:
                raise AnswerError(f"there is no edge from {edge[0]} to {edge[1]}")
            total += self.weights[edge]
        return total


def need_node(graph: Graph, *names: str) -> None:
    """
    Raises:
        ValueError: the graph has no node of one of the names, or they are the same.
    """
    for name in names:
        if name not in graph.nodes:
            raise ValueError(f"the graph has no node {name!r}")
    if len({*names}) < len(names):
        raise ValueError(f"{names[0]!r} is given twice")


def exact(weight: Weight) -> Fraction:
    """
    Raises:
        ValueError: not a finite number.
    """
    if isinstance(weight, bool) or not isinstance(weight, int | float | Fraction) or not isfinite(weight):
        raise ValueError(f"a weight is a finite number, not {weight!r}")
    return Fraction(str(weight)) if isinstance(weight, float) else Fraction(weight)


def decimal(value: Fraction) -> str:
    """A number in a reason."""
    return str(value) if value.denominator == 1 else f"{float(value):g}"


def _edge(edge: Sequence[Any]) -> tuple[str, str, Fraction]:
    if len(edge) not in (2, 3):
        raise ValueError(f"an edge is a pair of nodes, perhaps with a weight, not {edge!r}")
    return str(edge[0]), str(edge[1]), exact(edge[2] if len(edge) == 3 else 1)
