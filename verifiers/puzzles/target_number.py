"""The 24 game and Countdown: reach a number with given ones and the four operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ..math import Node, Number, ParseError, Symbol, TooLarge, Undefined, evaluate, parse_expression
from ..quoting import quoted
from ..verdict import Verdict
from .answer import AnswerError, Rules, judge, read_integer
from .instance import freeze, integer, integers

MAX_EXPRESSION = 1000  # characters
SHORT_BITS = 100  # of a value that is written out in a verdict
OPERATIONS = frozenset("+-*/")


@dataclass(frozen=True, slots=True)
class TargetNumber:
    """Make the target from the numbers, each used at most as often as it is given, with + - * / and parentheses.

    use_all: every number is used, as in the 24 game; otherwise some may be left, as in Countdown.

    The answer is the expression, perhaps followed by ``= target``. Division is exact; a minus sign may stand
    before a number or parentheses.

    Raises:
        ValueError: there are no numbers, or one of them is negative.
    """

    numbers: Sequence[int]
    target: int = 24
    use_all: bool = True

    def __post_init__(self) -> None:
        numbers = integers(self.numbers, "numbers", 0)
        integer(self.target, "target")
        if not numbers:
            raise ValueError("numbers hold one or more")
        freeze(self, numbers=numbers)

    def verify(self, response: str) -> Verdict:
        return judge(response, self._read, self._rules)

    def _read(self, text: str) -> tuple[Fraction, Counter[int]]:
        if len(text) > MAX_EXPRESSION:
            raise AnswerError(f"the expression is longer than {MAX_EXPRESSION} characters")
        expression, equals, claimed = text.partition("=")
        if equals and read_integer(claimed.strip()) != self.target:
            raise AnswerError(f"the answer says that it makes {int(claimed)}, not {self.target}")
        try:
            node = parse_expression(expression)
            used = Counter(_numbers(node))
            return evaluate(node), used
        except (ParseError, Undefined, TooLarge) as error:
            raise AnswerError(f"the expression has no value: {quoted(str(error))}") from error

    def _rules(self, answer: tuple[Fraction, Counter[int]]) -> Rules:
        value, used = answer
        given = Counter(self.numbers)
        extra, unused = used - given, given - used
        yield f"{min(extra)} is used more often than it is given" if extra else None
        yield f"{min(unused)} is not used" if self.use_all and unused else None
        short = max(value.numerator.bit_length(), value.denominator.bit_length()) <= SHORT_BITS
        made = value if short else "a long number"
        yield None if value == self.target else f"the expression makes {made}, not {self.target}"


def _numbers(node: Node) -> Iterator[int]:
    """The whole numbers of an expression of nothing else and the four operations."""
    if isinstance(node, Symbol):
        raise ParseError(f"{node.name} is no number")
    if not isinstance(node, Number):
        if node.op not in OPERATIONS:
            raise ParseError(f"{node.op} is none of + - * /")
        for arg in node.args:
            yield from _numbers(arg)
    elif node.value.denominator != 1:
        raise ParseError(f"{node.value} is not whole")
    else:
        yield node.value.numerator
