r"""Judging a number, or a function of x, in closed form: exactly, since the question itself with a tiny number put in
for x comes as near to the answer as one likes.

Integrals, limits and derivatives in an answer are refused: an engine that worked them out would pay for the question
itself in the box.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from palaestra.verifiers import (
    MathPolicy,
    MathVerifier,
    Node,
    Number,
    Operation,
    ParseError,
    TooLarge,
    Undefined,
    Verdict,
    evaluate,
    last_boxed,
    parse_expression,
    right,
    wrong,
)
from palaestra.verifiers.math.number import read_number
from palaestra.verifiers.math.reading import without_delimiters
from palaestra.verifiers.math.tree import UNKNOWN_BASE, operations, symbols

from .functions import Unproved, degree, same_function

ANSWER_CHARS = 2000  # a longer answer is none
RESULT = 12  # numbers that a result is written with, at most: the rules of numerical integration take more
VERIFIER = MathVerifier(MathPolicy(slow=False))
NAME = re.compile(r"(?:[fy]'?(?:\(x\))?|\\frac\{d[fy]\}\{dx\})\s*=\s*", re.ASCII)  # what may stand before a function
# Of a number: floor and the like are left out, since they would make an approximation exact.
ARITHMETIC = frozenset(("+", "-", "*", "/", "^", "%", "sqrt", "root", "!", "binom", "abs"))
KNOWN = frozenset(("x", "e", "pi", UNKNOWN_BASE))  # all that a derivative or an antiderivative may hold


def judge_number(response: str, gold: int | Fraction, longest: int | None = None) -> Verdict:
    """Whether the answer has the value of ``gold``, by exact arithmetic with whole numbers, powers and their kin.

    longest: how many numbers it may be written with; more of them are the calculation that was asked for.
    """
    answer = last_boxed(response)
    if answer is None:
        return wrong("no \\boxed answer")
    number = read_number(answer)
    if number is not None:
        return (
            right(f"it is {gold}", answer=answer) if number == gold else wrong(f"expected {gold}, got {answer}"[:120])
        )
    try:
        node = parse_expression(without_delimiters(answer.rpartition("=")[2]))
        if unknown := operations(node) - ARITHMETIC:
            return wrong(f"{min(unknown)} is left in the answer")
        value = evaluate(node)
    except (ParseError, Undefined, TooLarge) as error:
        return wrong(f"no exact value: {error}"[:120])
    if value != gold:
        return wrong(f"expected {gold}, got another number")
    if longest is not None and _numbers(node) > longest:
        return wrong(f"written with more than {longest} numbers: work it out")
    return VERIFIER.verify(response, str(gold))  # what stands before an equals sign


def judge_function(response: str, gold: str) -> Verdict:
    """Whether the answer is proved to be the same function of x as ``gold``, and no calculation of a polynomial."""
    answer = last_boxed(response)
    if answer is None:
        return wrong("no \\boxed answer")
    if len(answer) > ANSWER_CHARS:
        return wrong(f"an answer of more than {ANSWER_CHARS} characters")
    answer = answer[match.end() :] if (match := NAME.match(answer)) else answer
    if answer == gold:
        return right("the function asked for", answer=answer)
    try:
        node = _parsed(answer)
        if strange := symbols(node) - KNOWN:  # most text without an answer: words are products of letters
            return wrong(f"no function of x alone: it holds {min(strange)}")
        longest = _longest(gold)
        if longest is not None and _numbers(node) > longest:
            return wrong(f"written with more than {longest} numbers: work it out")
        same = same_function(node, _parsed(gold), f"{answer}|{gold}")
    except ParseError as error:
        return wrong(f"no function of x: {error}"[:120])
    except (Unproved, Undefined, TooLarge) as error:
        return wrong(f"not shown to be {gold}: {error}"[:200])
    return right(f"equals {gold}", answer=answer) if same else wrong(f"expected {gold}, got another function"[:200])


_parsed = lru_cache(maxsize=512)(parse_expression)


@lru_cache(maxsize=512)
def _longest(gold: str) -> int | None:
    """How many numbers an answer may hold: of a polynomial, thrice those of the gold, or two for each of its powers.

    A polynomial's derivative is an exact combination of its values at x + 1, x - 1, ..., written without a thought.
    """
    node = _parsed(gold)
    highest = degree(node)
    return None if highest is None else max(3 * _numbers(node) + 3, 2 * highest + 2)


def _numbers(node: Node) -> int:
    """How many numbers an expression is written with."""
    return sum(map(_numbers, node.args)) if isinstance(node, Operation) else isinstance(node, Number)
