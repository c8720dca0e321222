"""What decides: verdicts by execution. Knows nothing of environments or models."""

from .evaluation import Irrational, TooLarge, Undefined, evaluate
from .expression import Node, Number, Operation, ParseError, Symbol, parse_expression
from .extract import RULES, Extraction, Rule, extract_answer, last_boxed
from .math import Gold, GoldError, MathPolicy, MathVerifier, parse_gold, verify_number
from .verdict import Status, Verdict, right, undecided, wrong

__all__ = [
    "RULES",
    "Extraction",
    "Gold",
    "GoldError",
    "Irrational",
    "MathPolicy",
    "MathVerifier",
    "Node",
    "Number",
    "Operation",
    "ParseError",
    "Rule",
    "Status",
    "Symbol",
    "TooLarge",
    "Undefined",
    "Verdict",
    "evaluate",
    "extract_answer",
    "last_boxed",
    "parse_expression",
    "parse_gold",
    "right",
    "undecided",
    "verify_number",
    "wrong",
]
