"""Unknowns by name: linear forms in them as text, and answers that give their values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from palaestra.verifiers.math.number import read_number

ANSWER_CHARS = 200  # a longer answer is none
SEPARATOR = re.compile(r"[,;]|\band\b|\\\\|\\quad")


def read_values(text: str, names: Sequence[str]) -> list[Fraction] | str:
    """The value of each name in an answer such as ``x=1, y=-2/3`` or ``1, -2/3``, or why there are none."""
    if len(text) > ANSWER_CHARS:
        return f"an answer of more than {ANSWER_CHARS} characters"
    count, known = len(names), tuple(names)
    bare = text.replace(" ", "").strip("$()")
    parts = [part for part in SEPARATOR.split(text.strip("$() ")) if part.strip()] if count > 1 else [bare]
    values: dict[str, Fraction] = {}
    for position, part in enumerate(parts):
        name, equals, number = part.replace(" ", "").rpartition("=")
        if not equals:
            name = names[position] if position < count and len(parts) == count else ""
        if name not in known:
            return f"{part.strip()[:40]!r} names none of {', '.join(names)}"
        if name in values:
            return f"gives {name} twice"
        value = read_number(number)
        if value is None:
            return f"{number[:40]!r} is no number"
        values[name] = Fraction(value)
    if len(values) < count:
        return f"gives no {next(x for x in names if x not in values)}"
    return [values[x] for x in names]


def linear_form(coefficients: Sequence[int], names: Sequence[str], constant: int = 0) -> str:
    """``3x - y + 4``; terms that are zero are left out."""
    text = ""
    for number, name in [*zip(coefficients, names, strict=False), (constant, "")]:
        if number != 0:
            size = "" if abs(number) == 1 and name else str(abs(number))
            sign = "-" if number < 0 else "+"
            text += f" {sign} {size}{name}" if text else f"{'-' if number < 0 else ''}{size}{name}"
    return text or "0"


def nonzero(uniform: float, bound: int) -> int:
    """A whole number from -bound to bound but 0."""
    value = int(uniform * 2 * bound) - bound
    return value if value < 0 else value + 1
