"""Verdicts on answers that are one number, written out: an expression of the same value is no answer."""

from __future__ import annotations

import re
from fractions import Fraction

from palaestra.verifiers import Verdict, last_boxed, right, wrong
from palaestra.verifiers.math.number import read_number

SHOWN_CHARS = 40  # of an answer, in evidence and reasons
NAMED = re.compile(r"\s*[a-z]\s*=", re.IGNORECASE)


def judge_number(response: str, expected: int | Fraction) -> Verdict:
    """Right when the last box holds ``expected``, alone or after ``x =``."""
    if response.endswith(f"\\boxed{{{expected}}}"):  # the usual right answer, at half the cost
        return right("the number asked for", answer=str(expected))
    number = boxed_number(response)
    if isinstance(number, Verdict):
        return number
    value, shown = number
    if value != expected:
        return wrong(f"expected {expected}, got {shown!a}", answer=shown)
    return right("the number asked for", answer=shown)


def boxed_number(response: str) -> tuple[int | Fraction, str] | Verdict:
    """The number in the last box and how it is written (cut at ``SHOWN_CHARS``), or the verdict when there is none."""
    text = last_boxed(response)
    if text is None:
        return wrong("no \\boxed answer")
    shown = text[:SHOWN_CHARS]
    named = NAMED.match(text)
    value = read_number((text[named.end() :] if named else text).strip(" $"))
    if value is None:
        return wrong(f"{shown!a} is not written as one number", answer=shown)
    return value, shown
