"""Regular expressions: matched by RE2 in linear time, compared by their automata."""

from .syntax import RegularExpressionError
from .verifier import EquivalenceVerifier, ExamplesVerifier

__all__ = ["EquivalenceVerifier", "ExamplesVerifier", "RegularExpressionError"]
