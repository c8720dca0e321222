"""Math answers, decided exactly, without running a character of them."""

from .evaluation import Irrational, TooLarge, Undefined, evaluate
from .expression import parse_expression
from .policy import MathPolicy
from .tree import Node, Number, Operation, ParseError, Symbol
from .verifier import Gold, GoldError, MathVerifier, parse_gold, verify_number

__all__ = [
    "Gold",
    "GoldError",
    "Irrational",
    "MathPolicy",
    "MathVerifier",
    "Node",
    "Number",
    "Operation",
    "ParseError",
    "Symbol",
    "TooLarge",
    "Undefined",
    "evaluate",
    "parse_expression",
    "parse_gold",
    "verify_number",
]
