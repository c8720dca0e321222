"""The exact rational value of an expression, or a refusal before the work grows large."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import TypeAlias

from .tree import Node, Number, Symbol

MAX_BITS = 2**14  # numerator or denominator of any value on the way, about 4900 decimal digits
MAX_FACTORIAL = 1000
MAX_ROOT = 100  # index of a root

Rational: TypeAlias = int | Fraction


class Undefined(ArithmeticError):
    """The expression has no rational value: division by zero, an irrational root, a symbol without a value."""


class Irrational(Undefined):
    """The value is a real or complex number that is not rational, or depends on a symbol without a value."""


class TooLarge(ArithmeticError):
    """A value on the way is past a bound."""


def evaluate(node: Node, values: Mapping[str, Fraction] = MappingProxyType({})) -> Fraction:
    """The exact rational value of an expression, with a value for each symbol.

    Raises:
        Undefined: division by zero, ``0^0``, an irrational power or root, a symbol without a value.
        TooLarge: a value on the way is past ``MAX_BITS``, ``MAX_FACTORIAL`` or ``MAX_ROOT``; it is not computed.
    """
    return Fraction(_value(node, values))


def _value(node: Node, values: Mapping[str, Fraction]) -> Rational:
    """``evaluate`` with whole numbers as ``int``, whose arithmetic is many times faster."""
    if isinstance(node, Number):
        value = node.value
        return value.numerator if value.denominator == 1 else value
    if isinstance(node, Symbol):
        if node.name not in values:
            raise Irrational(f"{node.name} has no value")
        return values[node.name]
    if node.op not in OPERATIONS:
        raise Irrational(f"a value of {node.op}")
    return OPERATIONS[node.op](*[_value(arg, values) for arg in node.args])


def _bounded(value: Rational) -> Rational:
    if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise TooLarge(f"a value of more than {MAX_BITS} bits")
    return value


def _add(*args: Rational) -> Rational:
    total = args[0]
    for arg in args[1:]:
        total = _bounded(total + arg)
    return total


def _multiply(*args: Rational) -> Rational:
    total = args[0]
    for arg in args[1:]:
        total = _bounded(total * arg)
    return total


def _divide(a: Rational, b: Rational) -> Rational:
    if not b:
        raise Undefined("division by zero")
    return _bounded(Fraction(a, b))


def _power(base: Rational, exponent: Rational) -> Rational:
    if not base and exponent <= 0:
        raise Undefined("division by zero" if exponent else "0^0")
    if exponent.denominator != 1:
        base = _root(base, exponent.denominator)
    power = exponent.numerator
    if abs(base) == 1:
        return base if power % 2 else 1
    bits = max(base.numerator.bit_length(), base.denominator.bit_length()) - 1
    if base and bits * abs(power) > MAX_BITS:
        raise TooLarge(f"a power of more than {MAX_BITS} bits")
    return base**power if power >= 0 else Fraction(base) ** power


def _root(radicand: Rational, index: Rational = 2) -> Rational:
    if index.denominator != 1 or index < 1:
        raise Undefined("the index of a root is a positive integer")
    if index > MAX_ROOT:
        raise TooLarge(f"a root of index above {MAX_ROOT}")
    degree = index.numerator
    if radicand < 0 and degree % 2 == 0:
        raise Irrational("an even root of a negative number")
    top, bottom = integer_root(abs(radicand.numerator), degree), integer_root(radicand.denominator, degree)
    if top**degree != abs(radicand.numerator) or bottom**degree != radicand.denominator:
        raise Irrational("an irrational root")
    return Fraction(top if radicand >= 0 else -top, bottom)


def integer_root(n: int, degree: int) -> int:
    """The integer part of the root of ``n >= 0``, by Newton's iteration from above."""
    if degree == 2:
        return math.isqrt(n)
    if n == 0 or degree == 1:
        return n
    guess = 1 << -(-n.bit_length() // degree)
    while True:
        lower = ((degree - 1) * guess + n // guess ** (degree - 1)) // degree
        if lower >= guess:
            return guess
        guess = lower


def _factorial(n: Rational) -> Rational:
    if n.denominator != 1 or n < 0:
        raise Undefined("a factorial of what is not a natural number")
    if n > MAX_FACTORIAL:
        raise TooLarge(f"a factorial above {MAX_FACTORIAL}!")
    return math.factorial(n.numerator)


def _integers(args: tuple[Rational, ...], name: str) -> list[int]:
    if any(arg.denominator != 1 for arg in args):
        raise Undefined(f"{name} of what is not an integer")
    return [arg.numerator for arg in args]


def _binomial(*args: Rational) -> Rational:
    n, k = _integers(args, "a binomial coefficient")
    if n < 0 or k < 0:
        raise Undefined("a binomial coefficient of a negative number")
    if n > MAX_FACTORIAL and min(k, n - k) > 0:
        raise TooLarge(f"a binomial coefficient above {MAX_FACTORIAL}")
    return math.comb(n, k)


OPERATIONS: dict[str, Callable[..., Rational]] = {
    "+": _add,
    "*": _multiply,
    "-": operator.neg,
    "/": _divide,
    "^": _power,
    "sqrt": _root,
    "root": _root,
    "!": _factorial,
    "%": lambda value: Fraction(value, 100),
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "max": max,
    "min": min,
    "gcd": lambda *args: math.gcd(*_integers(args, "gcd")),
    "lcm": lambda *args: _bounded(math.lcm(*_integers(args, "lcm"))),
    "binom": _binomial,
}
