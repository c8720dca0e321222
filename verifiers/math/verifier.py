r"""Math answers, decided exactly and without running a character of them.

An answer passes through, in this order: extraction (``extract``), the fast path for plain numbers (``number``), the
parser with its bounds (``reading``, ``expression``, ``units``), the comparison under a policy (``comparison``), and
what that leaves open through math-verify in a process of its own (``slow``). What the answer did wrong is WRONG: there
is none, it does not parse, it is past a bound, it has no value. UNDECIDED is left for two answers within every bound
that no method can tell apart or prove equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from ..extract import RULES, extract_answer, last_boxed
from ..optional import MissingLibrary
from ..quoting import quoted
from ..verdict import Verdict, right, undecided, wrong
from .budget import OutOfBudget, budget
from .comparison import Comparison
from .dates import read_moment
from .equality import equal
from .evaluation import Irrational, TooLarge, Undefined, evaluate
from .last_resort import is_foreign, may_ask
from .number import read_number
from .policy import DEFAULT, MathPolicy
from .reading import read_tokens, without_delimiters
from .regions import check_ends, infinite
from .relations import check_relation
from .tokens import tokenize
from .tree import Node, Number, ParseError, Symbol, constant
from .units import Quantity, mentions_unit, read_quantity, require_library
from .values import Named, Relation, Value, nodes

MAX_SHOWN = 80  # characters of an answer quoted in a verdict
MAX_REMEMBERED = 1000  # characters of a text whose reading is kept
PROBE = Number(Fraction(1, 7))  # what a gold is compared with once, to see that it can be


class GoldError(ValueError):
    """The reference answer cannot be read, or no answer could be compared with it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer's text and what it says: a value, an amount with a unit, both, or (with the ``problem``) neither.

    name: the letter that the amount is said to be of, as in ``v = 5 m/s``.
    """

    text: str
    value: Value | None = None
    tokens: tuple[str, ...] = ()
    amount: Quantity | None = None
    name: str = ""
    problem: str = ""

    @property
    def understood(self) -> bool:
        return self.value is not None or self.amount is not None


@dataclass(frozen=True, slots=True)
class Gold:
    """A reference answer, read once.

    value: the number that it is, when it is one rational number and the only acceptable answer.
    options: each acceptable answer.
    """

    text: str
    value: Fraction | None
    options: tuple[Reading, ...]


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

    def verify_many(self, pairs: Sequence[tuple[str, str]], workers: int = 2) -> list[Verdict]:
        """The verdict of ``verify`` on each (response, gold), in order, with the work spread over processes.

        Raises:
            GoldError: see ``parse_gold``.
        """
        from .many import verify_many

        return verify_many(pairs, self.policy, workers)


@lru_cache(maxsize=4096)
def parse_gold(text: str, policy: MathPolicy = DEFAULT) -> Gold:
    """Read a reference answer.

    Raises:
        GoldError: it does not parse, has no value, or is past the bounds within which answers are compared.
        MissingLibrary: it has a unit, and pint is not installed.
    """
    texts = text.split(policy.separator) if policy.separator else [text]
    options = tuple(_checked(without_delimiters(part), policy) for part in texts)
    only = options[0].value
    if isinstance(only, Named) and only.how == "=" and policy.assignment:
        only = only.value
    value = None
    if len(options) == 1 and isinstance(only, Node):
        with suppress(Irrational, TooLarge):
            value = evaluate(only)
    return Gold(_shown(text), value, options)


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
        return _judge(text, Gold(str(gold), Fraction(gold), (Reading(str(gold), constant(gold)),)), DEFAULT)
    return _verdict(value == gold, text, gold)


def _checked(text: str, policy: MathPolicy) -> Reading:
    """A gold's reading, tried out."""
    reading = _read(text, policy)
    problem = reading.problem
    if reading.understood:
        problem = ""
        try:
            with budget():
                _try_out(reading, text)
        except (Undefined, TooLarge, OutOfBudget) as error:
            problem = str(error)
    elif policy.slow and is_foreign(text) and may_ask(text):
        from . import slow

        problem = "" if slow.decide(text, text) else problem
    if problem:
        raise GoldError(f"the gold answer {_shown(text)} cannot be used: {problem}")
    return reading


def _try_out(reading: Reading, seed: str) -> None:
    """Raises:
    Undefined, TooLarge: no answer could be compared with this one.
    MissingLibrary: its unit is not a currency, and pint is not installed.
    """
    if reading.amount is not None:
        require_library(reading.amount)
        parts = [amount for amount, _ in reading.amount.terms]
    else:
        parts = [node for node in nodes(reading.value) if not infinite(node)] if reading.value is not None else []
    for node in parts:
        if not isinstance(node, Symbol):
            equal(node, PROBE, seed)
    if reading.value is not None:
        check_ends(reading.value)
    if isinstance(reading.value, Relation):
        check_relation(reading.value)


def _read(text: str, policy: MathPolicy) -> Reading:
    """Short texts are remembered: of many answers to one problem, and of guesses, most are the same few."""
    return _remembered(text, policy) if len(text) <= MAX_REMEMBERED else _read_anew(text, policy)


def _read_anew(text: str, policy: MathPolicy) -> Reading:
    value = amount = None
    name = problem = ""
    tokens: list[str] = []
    try:
        moment = read_moment(text, policy.dates)
        if moment is not None:
            return Reading(text, moment)
        tokens = tokenize(text)
        tokens = tokens[:-1] if tokens[-1:] == ["."] else tokens
        with budget():  # its own: whether a reading is remembered makes no difference to the verdict
            value = read_tokens(tokens, policy)
    except ParseError as error:
        problem = f"it does not parse: {error}"
    except (Undefined, TooLarge, OutOfBudget) as error:
        return Reading(text, problem=str(error))
    if policy.assignment and tokens[1:2] == ["="] and tokens[0].isalpha():
        name, tokens = tokens[0], tokens[2:]
    if mentions_unit(tokens):
        amount = read_quantity(tokens)
        amount = amount if amount is not None and amount.sure else None
    return Reading(text, value, tuple(tokens), amount, name, problem)


_remembered = lru_cache(maxsize=1024)(_read_anew)


def _judge(text: str, gold: Gold, policy: MathPolicy) -> Verdict:
    """Judge an extracted answer."""
    number = read_number(text)
    if number is not None and gold.value is not None:
        return _verdict(_close(number, gold.value, policy), text, gold.text)
    answer = _read(without_delimiters(text), policy)
    found: list[bool | None] = []
    reason = ""
    for option in gold.options:
        try:
            with budget():
                same = _same(answer, option, policy)
            if same is None:
                same, reason = _ask(answer, option, policy)
        except (Undefined, TooLarge, OutOfBudget) as error:
            same, reason = False, f"the answer has no value: {error}"
        except MissingLibrary as error:
            same, reason = None, str(error)
        if same:
            return _verdict(True, text, gold.text)
        found.append(same)
    shown = _shown(text)
    if None in found:
        return undecided(reason or f"no method tells {shown} from {gold.text}", answer=shown)
    if not answer.understood:
        return wrong(reason or f"the answer cannot be used: {answer.problem}", answer=shown)
    return wrong(reason, answer=shown) if reason else _verdict(False, text, gold.text)


def _same(answer: Reading, gold: Reading, policy: MathPolicy) -> bool | None:
    """Whether two answers are one; None when it cannot be told here."""
    if not gold.understood:
        return None
    if not answer.understood:
        return None if is_foreign(answer.text) else False
    comparison = Comparison(policy, f"{gold.text}|{answer.text}")
    if (answer.amount is not None or gold.amount is not None) and (answer.name in ("", gold.name) or not gold.name):
        x, y = (side.amount or read_quantity(list(side.tokens)) for side in (answer, gold))
        if x is not None and y is not None:
            return comparison.quantities(x, y)
    if answer.value is None or gold.value is None:
        return False
    return comparison.same(answer.value, gold.value)


def _ask(answer: Reading, gold: Reading, policy: MathPolicy) -> tuple[bool | None, str]:
    """What math-verify says, where it is to be trusted; and why, unless the two are the same."""
    if not (policy.slow and may_ask(answer.text, gold.text)):
        if answer.understood and gold.understood:
            return None, ""
        return False, f"the answer cannot be used: {answer.problem}" if answer.problem else ""
    from . import slow

    decision = slow.explain(answer.text, gold.text)
    return decision.same, "" if decision.same else decision.reason


def _close(value: int | Fraction, gold: Fraction, policy: MathPolicy) -> bool:
    if value == gold:
        return True
    if not (policy.tolerance or policy.relative_tolerance):
        return False
    size = max(abs(Fraction(value)), abs(gold))
    return abs(value - gold) <= max(policy.tolerance, policy.relative_tolerance * size)


def _verdict(same: bool, text: str, gold: object) -> Verdict:
    shown = text if len(text) <= MAX_SHOWN and text.isascii() and text.isprintable() else _shown(text)
    if same:
        return right(f"{shown} equals {gold}", answer=shown)
    return wrong(f"expected {gold}, got {shown}", answer=shown)


def _shown(text: str) -> str:
    """One printable ASCII line, which can be logged whatever the answer holds."""
    return quoted(text, MAX_SHOWN)
