"""Graph problems: answers are held against the rules of the problem, never against one stored solution."""

from .assignments import ColouringVerifier, FlowValueVerifier, FlowVerifier, IsomorphismVerifier
from .graph import Graph
from .subsets import MatchingVerifier, SpanningTreeVerifier, VertexSetVerifier
from .walks import EulerianVerifier, HamiltonianVerifier, PathVerifier, TopologicalOrderVerifier, TourVerifier

__all__ = [
    "ColouringVerifier",
    "EulerianVerifier",
    "FlowValueVerifier",
    "FlowVerifier",
    "Graph",
    "HamiltonianVerifier",
    "IsomorphismVerifier",
    "MatchingVerifier",
    "PathVerifier",
    "SpanningTreeVerifier",
    "TopologicalOrderVerifier",
    "TourVerifier",
    "VertexSetVerifier",
]
