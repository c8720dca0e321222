"""Graph problems: answers are held against the rules of the problem, never against one stored solution."""

from typing import TYPE_CHECKING

from ..lazily import lazily

if TYPE_CHECKING:
    from .assignments import ColouringVerifier as ColouringVerifier
    from .assignments import FlowValueVerifier as FlowValueVerifier
    from .assignments import FlowVerifier as FlowVerifier
    from .assignments import IsomorphismVerifier as IsomorphismVerifier
    from .graph import Graph as Graph
    from .subsets import MatchingVerifier as MatchingVerifier
    from .subsets import SpanningTreeVerifier as SpanningTreeVerifier
    from .subsets import VertexSetVerifier as VertexSetVerifier
    from .walks import EulerianVerifier as EulerianVerifier
    from .walks import HamiltonianVerifier as HamiltonianVerifier
    from .walks import PathVerifier as PathVerifier
    from .walks import TopologicalOrderVerifier as TopologicalOrderVerifier
    from .walks import TourVerifier as TourVerifier

MODULES = {
    "ColouringVerifier": "assignments",
    "EulerianVerifier": "walks",
    "FlowValueVerifier": "assignments",
    "FlowVerifier": "assignments",
    "Graph": "graph",
    "HamiltonianVerifier": "walks",
    "IsomorphismVerifier": "assignments",
    "MatchingVerifier": "subsets",
    "PathVerifier": "walks",
    "SpanningTreeVerifier": "subsets",
    "TopologicalOrderVerifier": "walks",
    "TourVerifier": "walks",
    "VertexSetVerifier": "subsets",
}
__all__ = list(MODULES)
if not TYPE_CHECKING:  # so that a wrong name is found
    __getattr__ = lazily(__name__, MODULES)
