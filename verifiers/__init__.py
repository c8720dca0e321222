"""What decides: verdicts by execution. Knows nothing of environments or models.

The names of the math verifier are attributes too, and import it when they are asked for.
"""

from typing import TYPE_CHECKING

from .choice import ChoiceVerifier
from .compose import Check, all_of, first_decided, weighted
from .extract import RULES, Extraction, Rule, answer_span, extract_answer, last_boxed
from .judge import JudgeVerifier
from .lazily import lazily
from .shaping import LengthRamp, TagsInOrder, one_box, overlong
from .short_text import ShortTextVerifier, TextPolicy
from .verdict import Status, Verdict, right, undecided, wrong

if TYPE_CHECKING:
    from .math import (
        Gold,
        GoldError,
        Irrational,
        MathPolicy,
        MathVerifier,
        Node,
        Number,
        Operation,
        ParseError,
        Symbol,
        TooLarge,
        Undefined,
        evaluate,
        parse_expression,
        parse_gold,
        verify_number,
    )

# fmt: off
MATH = (
    "Gold", "GoldError", "Irrational", "MathPolicy", "MathVerifier", "Node", "Number", "Operation", "ParseError",
    "Symbol", "TooLarge", "Undefined", "evaluate", "parse_expression", "parse_gold", "verify_number",
)
# fmt: on

__all__ = [
    "RULES",
    "Check",
    "ChoiceVerifier",
    "Extraction",
    "Gold",
    "GoldError",
    "Irrational",
    "JudgeVerifier",
    "LengthRamp",
    "MathPolicy",
    "MathVerifier",
    "Node",
    "Number",
    "Operation",
    "ParseError",
    "Rule",
    "ShortTextVerifier",
    "Status",
    "Symbol",
    "TagsInOrder",
    "TextPolicy",
    "TooLarge",
    "Undefined",
    "Verdict",
    "all_of",
    "answer_span",
    "evaluate",
    "extract_answer",
    "first_decided",
    "last_boxed",
    "one_box",
    "overlong",
    "parse_expression",
    "parse_gold",
    "right",
    "undecided",
    "verify_number",
    "weighted",
    "wrong",
]

__getattr__ = lazily(__name__, dict.fromkeys(MATH, "math"))
