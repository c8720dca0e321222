"""Numbers (p + q sqrt(d)) / r in whole p, q, r: what the roots of a quadratic equation of discriminant d are."""

from __future__ import annotations

from math import isqrt
from typing import NamedTuple

from palaestra.verifiers import Node, Number, Symbol, TooLarge, Undefined

MAX_BITS = 1000  # of p, q and r
MAX_EXPONENT = 8


class Surd(NamedTuple):
    """(p + q sqrt(d)) / r, not always in lowest terms; r is positive, q is 0 where d is a square."""

    p: int
    q: int
    r: int


def is_root(x: Surd, coefficients: tuple[int, int, int], d: int) -> bool:
    """Whether a x^2 + b x + c = 0, where b^2 - 4ac is d."""
    a, b, c = coefficients
    p, q, r = x
    return a * (p * p + q * q * d) + b * p * r + c * r * r == 0 and q * (2 * a * p + b * r) == 0


def equal(x: Surd, y: Surd) -> bool:
    return x.p * y.r == y.p * x.r and x.q * y.r == y.q * x.r


def value(node: Node, d: int) -> Surd:
    """The number that an expression in rational numbers and square roots is.

    Raises:
        Undefined: it has no value of the form (p + q sqrt(d)) / r.
        TooLarge: a number on the way has more than ``MAX_BITS`` bits.
    """
    if isinstance(node, Number):
        return _bounded(Surd(node.value.numerator, 0, node.value.denominator))
    if isinstance(node, Symbol):
        raise Undefined(f"{node.name[:20]} is no number")
    first, *others = (value(arg, d) for arg in node.args)
    if node.op == "-":
        return Surd(-first.p, -first.q, first.r)
    if node.op == "sqrt":
        return _root(first, d)
    if node.op == "^":
        return _power(first, others[0], d)
    if node.op not in ("+", "*", "/"):
        raise Undefined(f"{node.op} in a root")
    for other in others:
        if node.op == "+":
            first = _sum(first, other)
        else:
            first = _product(first, other if node.op == "*" else _inverse(other, d), d)
        _bounded(first)
    return first


def _sum(x: Surd, y: Surd) -> Surd:
    return Surd(x.p * y.r + y.p * x.r, x.q * y.r + y.q * x.r, x.r * y.r)


def _product(x: Surd, y: Surd, d: int) -> Surd:
    return Surd(x.p * y.p + x.q * y.q * d, x.p * y.q + x.q * y.p, x.r * y.r)


def _inverse(x: Surd, d: int) -> Surd:
    norm = x.p * x.p - x.q * x.q * d
    if norm == 0:
        raise Undefined("division by zero")
    sign = 1 if norm > 0 else -1
    return Surd(sign * x.p * x.r, -sign * x.q * x.r, sign * norm)


def _root(x: Surd, d: int) -> Surd:
    """sqrt(p / r) is sqrt(p r) / r when p r is a square, and sqrt(p r d) sqrt(d) / (r d) when p r d is one."""
    square = x.p * x.r
    if x.q or square < 0:
        raise Undefined("a root within a root, or of a negative number")
    root = isqrt(square)
    if root * root == square:
        return Surd(root, 0, x.r)
    root = isqrt(square * d)
    if root * root != square * d:
        raise Undefined("another square root than that of the discriminant")
    return Surd(0, root, x.r * d)


def _power(base: Surd, exponent: Surd, d: int) -> Surd:
    if exponent.q == 0 and 2 * exponent.p == exponent.r:
        return _root(base, d)
    count, rest = divmod(exponent.p, exponent.r)
    if exponent.q or rest or not 0 < count <= MAX_EXPONENT:
        raise Undefined("an exponent other than 1/2 and small whole numbers")
    power = base
    for _ in range(count - 1):
        power = _bounded(_product(power, base, d))
    return power


def _bounded(x: Surd) -> Surd:
    if max(x.p.bit_length(), x.q.bit_length(), x.r.bit_length()) > MAX_BITS:
        raise TooLarge(f"a number of more than {MAX_BITS} bits")
    return x
