"""Polynomials in x as lists of coefficients, the constant first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction


def multiply(p: Sequence[int], q: Sequence[int]) -> list[int]:
    product = [0] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            product[i + j] += a * b
    return product


def value(p: Sequence[int | Fraction], x: int | Fraction) -> int | Fraction:
    """Horner's rule."""
    total: int | Fraction = 0
    for c in reversed(p):
        total = total * x + c
    return total


def slope(p: Sequence[int]) -> list[int]:
    """The derivative."""
    return [k * c for k, c in enumerate(p)][1:] or [0]


def text(p: Sequence[int | Fraction]) -> str:
    r"""``3x^{2} - x + \frac{1}{2}``, the highest power first."""
    out = ""
    for k in range(len(p) - 1, -1, -1):
        c = p[k]
        if c == 0:
            continue
        size: int | Fraction = c if c > 0 else -c
        if size == 1 and k:
            number = ""
        else:
            number = str(size) if size.denominator == 1 else f"\\frac{{{size.numerator}}}{{{size.denominator}}}"
        power = "" if k == 0 else "x" if k == 1 else f"x^{{{k}}}"
        sign = ("-" if c < 0 else "") if not out else (" - " if c < 0 else " + ")
        out += f"{sign}{number}{power}"
    return out or "0"


def draw(uniforms: Iterator[float], degree: int, bound: int) -> list[int]:
    """Coefficients from -bound to bound; the first and the last are not zero."""
    p = [int(next(uniforms) * (2 * bound + 1)) - bound for _ in range(degree + 1)]
    for k in (0, degree):
        p[k] = p[k] or 1 + int(next(uniforms) * bound)
    return p
