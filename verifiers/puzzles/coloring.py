"""Colouring the nodes of a graph, or the countries of a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..quoting import quoted
from ..verdict import Verdict
from .answer import AnswerError, Rules, judge, read_assignment
from .instance import freeze, known, name, names


@dataclass(frozen=True, slots=True)
class GraphColoring:
    """Give each node one of the colours so that no edge joins two of one colour.

    nodes, colors: plain words or numbers. edges: pairs of nodes. given: colours that are fixed.
    partial: a wrong answer's score is the fraction of edges and givens that are kept.

    The answer assigns every node its colour (``answer.read_assignment``).

    Raises:
        ValueError: an edge or a given names no node or colour of the puzzle, or an edge joins a node to itself.
    """

    nodes: Sequence[str | int]
    edges: Sequence[tuple[str | int, str | int]]
    colors: Sequence[str | int]
    given: Mapping[str, str] = field(default_factory=dict)
    partial: bool = False

    def __post_init__(self) -> None:
        nodes, colors = names(self.nodes, "nodes"), names(self.colors, "colors")
        if not nodes or not colors:
            raise ValueError("nodes and colors hold one or more names")
        edges = tuple((name(a, "an edge"), name(b, "an edge")) for a, b in self.edges)
        for edge in edges:
            for node in edge:
                known(node, nodes, f"the edge {edge}")
            if edge[0] == edge[1]:
                raise ValueError(f"an edge joins {edge[0]} to itself")
        for node, color in self.given.items():
            known(node, nodes, "given")
            known(color, colors, "given")
        freeze(self, nodes=nodes, colors=colors, edges=edges, given=dict(self.given))

    def verify(self, response: str) -> Verdict:
        return judge(response, self._read, self._rules, self.partial)

    def _read(self, text: str) -> dict[str, str]:
        coloring = read_assignment(text, tuple(map(str, self.nodes)))
        for node, color in coloring.items():
            if color not in self.colors:
                raise AnswerError(f"{node} has '{quoted(color)}', which is none of the colours")
        return coloring

    def _rules(self, coloring: dict[str, str]) -> Rules:
        for node, color in self.given.items():
            yield None if coloring[node] == color else f"{node} is {coloring[node]}, but {color} is given"
        for a, b in self.edges:
            color = coloring[str(a)]
            yield f"{a} and {b} are joined and both {color}" if color == coloring[str(b)] else None
