"""Are two real expressions with roots equal? Decided by intervals, made exact by a separation bound.

Every expression here is U / L with algebraic integers U and L. Bounds u and l on their conjugates, and the degree D of
the field they lie in, give |U / L| >= 1 / (l u^(D - 1)) unless it is zero (Burnikel, Funke, Mehlhorn, Schirra and
Schmitt, A separation bound for real algebraic expressions, 2001). An interval narrower than that settles the sign.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import TypeAlias

from .budget import spend
from .evaluation import MAX_BITS, MAX_ROOT, TooLarge, Undefined, evaluate, integer_root
from .tree import Node, Number, Operation, Symbol

MAX_PRECISION = 2**13  # bits after the point
MAX_ROOT_BITS = 2**15  # bits of a scaled radicand
HALF = Fraction(1, 2)

Interval: TypeAlias = tuple[int, int]  # in units of 2^-precision
Values: TypeAlias = Mapping[str, Fraction]


class _Blurred(ArithmeticError):
    """The interval is too wide for the next step."""


def equal_reals(a: Node, b: Node, values: Values) -> bool | None:
    """Whether a = b with these values of the symbols; None when that takes more than ``MAX_PRECISION`` bits.

    Raises:
        Undefined: no real value: division by zero, an even root of a negative number.
        Irrational: an irrational exponent.
        TooLarge: a power or root past the bounds of ``evaluate``.
    """
    difference = Operation("+", (a, Operation("-", (b,))))
    separation = _separation(difference, values)
    precisions = [64, 256] if separation > 256 else [64]
    if separation <= MAX_PRECISION:
        precisions += [separation + 64, 2 * separation + 256]
    for precision in precisions:
        spend(4 + precision // 64)
        try:
            low, high = _Intervals(values, precision).of(difference)
        except _Blurred:
            continue
        if low > 0 or high < 0:
            return False
        if _is_zero((low, high), precision, separation):
            return True
    return None


def _is_zero(a: Interval, precision: int, separation: int) -> bool:
    return precision > separation and max(-a[0], a[1]) < 1 << (precision - separation)


def _separation(node: Node, values: Values) -> int:
    """Bits s such that the value of ``node`` is zero or at least 2^-s."""
    degrees: dict[tuple[Node, int], int] = {}
    up, low = _conjugate_bits(node, values, degrees)
    degree = math.prod(degrees.values())
    return math.ceil(1.001 * (low + (degree - 1) * up)) + 2 if degree <= MAX_PRECISION else 2 * MAX_PRECISION


def _conjugate_bits(node: Node, values: Values, degrees: dict[tuple[Node, int], int]) -> tuple[float, float]:
    """log2 of u and l, and the degree of each different root on the way."""
    if isinstance(node, Number | Symbol) or node.op == "!":
        value = evaluate(node, values)
        return math.log2(max(abs(value.numerator), 1)), math.log2(value.denominator)
    up, low = _conjugate_bits(node.args[0], values, degrees)
    if node.op == "%":
        return up, low + math.log2(100)
    if node.op in ("sqrt", "root", "^"):
        exponent = _exponent(node, values)
        degree, power = exponent.denominator, exponent.numerator
        if degree > 1:
            degrees[node.args[0], degree] = degree
            up, low = (
                ((up + (degree - 1) * low) / degree, low) if up >= low else (up, ((degree - 1) * up + low) / degree)
            )
        return (up * power, low * power) if power >= 0 else (-low * power, -up * power)
    for arg in node.args[1:]:
        up2, low2 = _conjugate_bits(arg, values, degrees)
        if node.op == "+":
            up, low = max(up + low2, low + up2) + 1, low + low2
        elif node.op == "*":
            up, low = up + up2, low + low2
        else:
            up, low = up + low2, low + up2
    return up, low


def _exponent(node: Operation, values: Values) -> Fraction:
    """The exponent of a power, or of a root written as one."""
    if node.op == "sqrt":
        return HALF
    exponent = evaluate(node.args[1], values)
    degree = exponent.denominator if node.op == "^" else exponent
    if degree > MAX_ROOT or abs(exponent.numerator) > MAX_BITS:
        raise TooLarge(f"a root of index above {MAX_ROOT} or a power above {MAX_BITS}")
    if node.op == "^":
        return exponent
    if exponent.denominator != 1 or exponent < 1:
        raise Undefined("the index of a root is a positive integer")
    return 1 / exponent


class _Intervals:
    """Interval arithmetic on integers, each in units of 2^-precision; every end is rounded outwards."""

    def __init__(self, values: Values, precision: int) -> None:
        self.values = values
        self.precision = precision
        self.roots: dict[tuple[Node, int], Interval] = {}

    def of(self, node: Node) -> Interval:
        if isinstance(node, Number | Symbol) or node.op == "!":
            value = evaluate(node, self.values)
            top = value.numerator << self.precision
            return top // value.denominator, -(-top // value.denominator)
        if node.op in ("sqrt", "root", "^"):
            return self.power(node)
        low, high = self.of(node.args[0])
        if node.op == "-":
            return -high, -low
        if node.op == "%":
            return low // 100, -(-high // 100)
        for arg in node.args[1:]:
            other = self.of(arg)
            if node.op == "+":
                low, high = low + other[0], high + other[1]
            else:
                if node.op == "/":
                    other = self.inverse(self.nonzero(arg, other))
                low, high = self.times((low, high), other)
        return low, high

    def times(self, a: Interval, b: Interval) -> Interval:
        products = (a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])
        return min(products) >> self.precision, -(-max(products) >> self.precision)

    def inverse(self, a: Interval) -> Interval:
        if a[0] <= 0 <= a[1]:
            raise _Blurred
        one = 1 << 2 * self.precision
        return one // a[1], -(-one // a[0])

    def nonzero(self, node: Node, a: Interval) -> Interval:
        """The interval of a divisor, once it excludes zero."""
        if a[0] <= 0 <= a[1]:
            if _is_zero(a, self.precision, _separation(node, self.values)):
                raise Undefined("division by zero")
            raise _Blurred
        return a

    def power(self, node: Operation) -> Interval:
        exponent = _exponent(node, self.values)
        base, power = self.root(node.args[0], exponent.denominator), abs(exponent.numerator)
        bits = max(abs(base[0]), abs(base[1])).bit_length() - self.precision
        if bits * power > MAX_BITS:
            raise TooLarge(f"a power of more than {MAX_BITS} bits")
        if exponent <= 0:
            self.nonzero(node.args[0], base)
        result = base if power else (1 << self.precision, 1 << self.precision)
        for bit in f"{power:b}"[1:]:
            result = self.times(result, result)
            if bit == "1":
                result = self.times(result, base)
        return self.inverse(result) if exponent < 0 else result

    def root(self, radicand: Node, degree: int) -> Interval:
        if degree == 1:
            return self.of(radicand)
        if (radicand, degree) not in self.roots:
            low, high = self.of(radicand)
            if degree % 2 == 0 and high < 0:
                raise Undefined("an even root of a negative number")
            self.roots[radicand, degree] = self.end(low, degree, up=False), self.end(high, degree, up=True)
        return self.roots[radicand, degree]

    def end(self, x: int, degree: int, up: bool) -> int:
        """The root of one end of an interval, rounded down or up."""
        scaled = abs(x) << self.precision * (degree - 1)
        if scaled.bit_length() > MAX_ROOT_BITS:
            raise _Blurred
        root = integer_root(scaled, degree)
        exact = root**degree == scaled
        if x >= 0:
            return root + (up and not exact)
        return -root - (not up and not exact)
