"""Code, run in a sandbox and judged outside of it."""

from .cases import Call, Performance, Program, Property, Test
from .comparison import Comparison
from .shared import default_sandbox
from .source import Language, extract_source
from .verifier import CodeVerifier

__all__ = [
    "Call",
    "CodeVerifier",
    "Comparison",
    "Language",
    "Performance",
    "Program",
    "Property",
    "Test",
    "default_sandbox",
    "extract_source",
]
