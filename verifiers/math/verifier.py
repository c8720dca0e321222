r"""Math answers: integers, fractions, decimals and expressions, decided exactly.

An answer passes through, in this order: extraction (``extract``), the fast path for plain numbers (``number``), the
parser with its bounds (``expression``), and the methods of ``equality``. What the answer did wrong is WRONG: there is
none, it does not parse, it is past a bound, it has no value. UNDECIDED is left for two expressions within every bound
that no method can tell apart or prove equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from ..extract import RULES, Rule, extract_answer, last_boxed
from ..verdict import Verdict, right, undecided, wrong
from .equality import equal
from .evaluation import Irrational, TooLarge, Undefined, evaluate
from .expression import MAX_LENGTH, Node, Number, Operation, ParseError, Symbol, parse_expression, symbols
from .number import read_number

MAX_SHOWN = 80  # characters of an answer quoted in a verdict


class GoldError(ValueError):
    """The reference answer cannot be read, or no answer could be compared with it."""


@dataclass(frozen=True, slots=True)
class MathPolicy:
    r"""What counts as the answer, and as the same answer. The defaults accept one reading only.

    rules: where the answer is looked for; the first rule that finds one wins. Add ``"whole"`` to take a response
        without a mark as the answer: ``"42"``.
    assignment: accept ``x = 5`` where the gold is ``5``. The name must be that of a gold ``x = 5``, if it has one.
        Any other equation, ``1=5`` or ``2+3=5``, is refused whatever the gold.
    percent: ``"fraction"`` reads ``50\%`` as 1/2, ``"number"`` as 50; never both.
    tolerance: the largest difference between two rational numbers that still counts as equal:
        ``Fraction(1, 1000)`` accepts 0.333 for 1/3. Numbers with roots are always compared exactly.
    """

    rules: tuple[Rule, ...] = RULES
    assignment: bool = True
    percent: Literal["fraction", "number"] = "fraction"
    tolerance: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Gold:
    """A reference answer, read once. ``value`` is None unless it is a rational number; ``name`` is x in ``x = 5``."""

    text: str
    node: Node
    value: Fraction | None
    name: str | None = None


DEFAULT = MathPolicy()


@dataclass(frozen=True, slots=True)
class MathVerifier:
    """Compares a response with a gold answer under a policy; safe in any thread."""

    policy: MathPolicy = DEFAULT

    def verify(self, response: str, gold: str) -> Verdict:
        """Judge a response; raises on no response whatever.

        Raises:
            GoldError: see ``parse_gold``.
        """
        reference = parse_gold(gold, self.policy)
        extraction = extract_answer(response, self.policy.rules)
        return wrong("no answer found") if extraction is None else _judge(extraction.text, reference, self.policy)


@lru_cache(maxsize=4096)
def parse_gold(text: str, policy: MathPolicy = DEFAULT) -> Gold:
    """Read a reference answer.

    Raises:
        GoldError: it does not parse, has no real value, or is past the bounds within which answers are compared.
    """
    try:
        name, node = _read(text, policy)
        try:
            value = evaluate(node)
        except (Irrational, TooLarge):
            value = None
            equal(node, Number(Fraction(1, 7)), text)  # raises for what no answer could be compared with
    except (ParseError, Undefined, TooLarge) as error:
        raise GoldError(f"the gold answer {_shown(text)} cannot be used: {error}") from error
    return Gold(_shown(text), node, value, name)


def verify_number(response: str, gold: int | Fraction) -> Verdict:
    r"""Judge a response whose answer is a known number, as ``MathVerifier`` does by default but quicker.

    A plain number in the last ``\boxed{}`` takes the short way; anything else is judged in full.
    """
    text = last_boxed(response)
    if text is None:
        extraction = extract_answer(response, RULES[1:])
        if extraction is None:
            return wrong("no answer found")
        text = extraction.text
    value = read_number(text)
    if value is None:
        return _judge(text, Gold(str(gold), Number(Fraction(gold)), Fraction(gold)), DEFAULT)
    return _verdict(value == gold, text, gold)


def _judge(text: str, gold: Gold, policy: MathPolicy) -> Verdict:
    """Judge an extracted answer."""
    number = read_number(text)
    if number is not None and gold.value is not None:
        return _verdict(_close(number, gold.value, policy), text, gold.text)
    try:
        name, node = _read(text, policy)
        if name and gold.name and name != gold.name:
            return wrong(f"expected a value of {gold.name}, got one of {name}", answer=_shown(text))
        return _verdict(_same(node, gold, text, policy), text, gold.text)
    except ParseError as error:
        return wrong(f"the answer does not parse: {error}", answer=_shown(text))
    except (Undefined, TooLarge) as error:
        return wrong(f"the answer has no value: {error}", answer=_shown(text))


def _same(node: Node, gold: Gold, text: str, policy: MathPolicy) -> bool | None:
    if gold.value is not None and not symbols(node):
        try:
            return _close(evaluate(node), gold.value, policy)
        except (Irrational, TooLarge):
            pass
    return equal(node, gold.node, f"{gold.text}|{text}")


def _close(value: int | Fraction, gold: Fraction, policy: MathPolicy) -> bool:
    return value == gold or (policy.tolerance > 0 and abs(value - gold) <= policy.tolerance)


def _verdict(same: bool | None, text: str, gold: object) -> Verdict:
    shown = text if len(text) <= MAX_SHOWN and text.isascii() and text.isprintable() else _shown(text)
    if same:
        return right(f"{shown} equals {gold}", answer=shown)
    if same is None:
        return undecided(f"no method tells {shown} from {gold}", answer=shown)
    return wrong(f"expected {gold}, got {shown}", answer=shown)


def _shown(text: str) -> str:
    """One printable ASCII line, which can be logged whatever the answer holds."""
    clipped = text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."
    return clipped if clipped.isascii() and clipped.isprintable() else ascii(clipped)[1:-1]


_DELIMITED = re.compile(r"\$\$(.*)\$\$|\$(.*)\$|\\\((.*)\\\)|\\\[(.*)\\\]", re.DOTALL)


def _read(text: str, policy: MathPolicy) -> tuple[str | None, Node]:
    """The name that an answer gives a value to, if any, and the value."""
    if len(text) > MAX_LENGTH:
        raise ParseError(f"longer than {MAX_LENGTH} characters")
    text = text.strip()
    if match := _DELIMITED.fullmatch(text):
        text = match[match.lastindex or 0]
    left, equation, rest = text.partition("=")
    if not equation:
        return None, _percent(parse_expression(text), policy)
    name, node = parse_expression(left), _percent(parse_expression(rest), policy)
    if not (policy.assignment and isinstance(name, Symbol) and name.name not in symbols(node)):
        raise ParseError("an equation is not a value")
    return name.name, node


def _percent(node: Node, policy: MathPolicy) -> Node:
    if policy.percent == "fraction" or not isinstance(node, Operation):
        return node
    args = tuple(_percent(arg, policy) for arg in node.args)
    return args[0] if node.op == "%" else Operation(node.op, args)
