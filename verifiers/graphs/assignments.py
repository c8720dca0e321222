"""Answers that give each node or edge a value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..optional import require
from .answers import AnswerError, GraphVerifier, Reader, shown
from .graph import Graph, decimal, need_node

MAX_COLOURS = 2_000


@dataclass(frozen=True, slots=True)
class ColouringVerifier(GraphVerifier):
    """A colour, any name, for every node, so that no edge joins two of one; at most ``colours`` different ones.

    given: the colours of nodes that have one beforehand.

    Whether that many are enough is for the author to know: no quick method tells.

    Raises:
        ValueError: ``colours`` is below 1, or a colour is given to what is no node of the graph.
    """

    graph: Graph
    colours: int
    given: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not 1 <= self.colours <= MAX_COLOURS:
            raise ValueError(f"colours is from 1 to {MAX_COLOURS}, not {self.colours}")
        need_node(self.graph, *self.given)

    def _check(self, reader: Reader) -> str:
        colour = reader.node_mapping()
        covers(self.graph, colour)
        for node, wanted in self.given.items():
            if colour[node] != wanted:
                raise AnswerError(f"{node} is {colour[node]}, but {wanted} is given")
        for first, second, _ in self.graph.edges:
            if colour[first] == colour[second]:
                raise AnswerError(f"{first} and {second} are joined and both {colour[first]}")
        used = len({*colour.values()})
        if used > self.colours:
            raise AnswerError(f"{used} colours are used; at most {self.colours} may be")
        return f"a colouring in {used} colours"


@dataclass(frozen=True, slots=True)
class IsomorphismVerifier(GraphVerifier):
    """A node of ``second`` for each of ``first``, each once, under which edges are edges; weights do not count.

    Raises:
        ValueError: the graphs are not isomorphic.
    """

    first: Graph
    second: Graph

    def __post_init__(self) -> None:
        same_kind = self.first.directed == self.second.directed
        if not same_kind or not require("networkx").is_isomorphic(self.first.to_networkx(), self.second.to_networkx()):
            raise ValueError("the graphs are not isomorphic")

    def _check(self, reader: Reader) -> str:
        image = reader.node_mapping()
        covers(self.first, image)
        self.second.distinct([*image.values()])
        for a, b, _ in self.first.edges:  # as many edges as the second graph has, so that none of its is left over
            if (image[a], image[b]) not in self.second.weights:
                raise AnswerError(f"{a}-{b} is an edge, and {image[a]}-{image[b]} is not")
        return "an isomorphism"


@dataclass(frozen=True, slots=True)
class FlowVerifier(GraphVerifier):
    """A flow on each edge from ``source`` to ``sink``, within capacities (weights), of the largest value.

    Edges that the answer leaves out carry nothing.

    Raises:
        ValueError: the graph is not directed, has no such nodes, or a capacity is negative.
    """

    graph: Graph
    source: str
    sink: str
    optimum: Fraction = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "optimum", max_flow(self.graph, self.source, self.sink))

    def _check(self, reader: Reader) -> str:
        flow = reader.edge_mapping()
        balance: defaultdict[str, Fraction] = defaultdict(Fraction)
        for edge, amount in flow.items():
            if edge not in self.graph.weights:
                raise AnswerError(f"{shown(edge)} is no edge")
            if not 0 <= amount <= self.graph.weights[edge]:
                capacity = decimal(self.graph.weights[edge])
                raise AnswerError(f"{shown(edge)} carries {decimal(amount)}; its capacity is {capacity}")
            balance[edge[0]] -= amount
            balance[edge[1]] += amount
        for node, surplus in balance.items():
            if surplus and node not in (self.source, self.sink):
                raise AnswerError(f"{node} receives {decimal(surplus)} more than it sends")
        if balance[self.sink] != self.optimum:
            value = decimal(balance[self.sink])
            raise AnswerError(f"a flow of value {value}; {decimal(self.optimum)} is possible")
        return f"a flow of value {decimal(self.optimum)}"


@dataclass(frozen=True, slots=True)
class FlowValueVerifier(FlowVerifier):
    """The value of a maximum flow alone, a number."""

    def _check(self, reader: Reader) -> str:
        value = reader.number()
        if value != self.optimum:
            raise AnswerError(f"expected {decimal(self.optimum)}, got {decimal(value)}")
        return f"the maximum flow is {decimal(value)}"


def max_flow(graph: Graph, source: str, sink: str) -> Fraction:
    """
    Raises:
        ValueError: the graph is not directed, has no such nodes, or a capacity is negative.
    """
    need_node(graph, source, sink)
    if not graph.directed or min(graph.weights.values(), default=Fraction(0)) < 0:
        raise ValueError("a flow needs a directed graph without negative capacities")
    networkx = require("networkx")
    value: Any = networkx.maximum_flow_value(
        graph.to_networkx(), source, sink, capacity="weight", flow_func=networkx.algorithms.flow.edmonds_karp
    )
    return Fraction(value)


def covers(graph: Graph, given: dict[str, str]) -> None:
    """
    Raises:
        AnswerError: not a value for each node of the graph, and for nothing else.
    """
    graph.own(given)
    if missing := [node for node in graph.nodes if node not in given]:
        raise AnswerError(f"{missing[0]} has no value")
