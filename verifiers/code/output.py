"""Whether what a program printed is what was expected."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Literal, TypeAlias

OutputRule: TypeAlias = Literal["exact", "lines", "tokens", "floats"]

_NUMBER = re.compile(r"[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,4})?", re.ASCII)


def same_output(printed: str, expected: str, rule: OutputRule, tolerance: float = 0.0) -> bool:
    """Compare two outputs.

    exact: character by character. lines: but for white space at the ends of lines and of the whole. tokens: but for the
    amount and kind of white space anywhere. floats: as tokens, and numbers may differ by ``tolerance``, or by it times
    the one expected.
    """
    return _RULES[rule](printed, expected, tolerance)


def _exact(printed: str, expected: str, tolerance: float) -> bool:
    return printed == expected


def _lines(printed: str, expected: str, tolerance: float) -> bool:
    return _stripped(printed) == _stripped(expected)


def _stripped(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def _tokens(printed: str, expected: str, tolerance: float) -> bool:
    return printed.split() == expected.split()


def _floats(printed: str, expected: str, tolerance: float) -> bool:
    tokens, golds = printed.split(), expected.split()
    return len(tokens) == len(golds) and all(map(_same_token, tokens, golds, [tolerance] * len(golds)))


def _same_token(token: str, gold: str, tolerance: float) -> bool:
    if token == gold:
        return True
    if not (_NUMBER.fullmatch(token) and _NUMBER.fullmatch(gold)):
        return False
    x, y = float(token), float(gold)
    return math.isfinite(x) and math.isfinite(y) and abs(x - y) <= tolerance * max(abs(y), 1.0)


_RULES: dict[OutputRule, Callable[[str, str, float], bool]] = {
    "exact": _exact,
    "lines": _lines,
    "tokens": _tokens,
    "floats": _floats,
}
