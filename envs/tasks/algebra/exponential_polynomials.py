"""Sums of c n^k r^n with rational c and r, which the solutions of linear recurrences are; equal only term by term."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

from palaestra.verifiers import Node, Number, Symbol, TooLarge, Undefined

MAX_BITS = 512  # of a numerator or denominator
MAX_TERMS = 32
MAX_EXPONENT = 24  # k, and a and b in r^(a n + b)

Rational: TypeAlias = int | Fraction
ExponentialPolynomial: TypeAlias = dict[tuple[Rational, int], Rational]  # (r, k): c, which is not zero


def value(node: Node, variable: str = "n") -> ExponentialPolynomial:
    """What an expression in one variable is.

    Raises:
        Undefined: it is no such sum, or divides by zero.
        TooLarge: it is past a bound on the way.
    """
    if isinstance(node, Number):
        number = node.value
        return {(1, 0): number.numerator if number.denominator == 1 else number} if number else {}
    if isinstance(node, Symbol):
        if node.name != variable:
            raise Undefined(f"{node.name[:20]} is not {variable}")
        return {(1, 1): 1}
    first, *others = (value(arg, variable) for arg in node.args)
    if node.op == "-":
        return {term: -c for term, c in first.items()}
    if node.op not in ("+", "*", "/", "^"):
        raise Undefined(f"{node.op} in a formula")
    for other in others:
        if node.op == "+":
            first = _sum(first, other)
        elif node.op == "*":
            first = _product(first, other)
        else:
            first = _product(first, _inverse(other)) if node.op == "/" else _power(first, other)
    return first


def _sum(x: ExponentialPolynomial, y: ExponentialPolynomial) -> ExponentialPolynomial:
    total = dict(x)
    for term, c in y.items():
        total[term] = total.get(term, 0) + c
    return _checked(total)


def _product(x: ExponentialPolynomial, y: ExponentialPolynomial) -> ExponentialPolynomial:
    product: ExponentialPolynomial = {}
    for (r, k), c in x.items():
        for (s, m), d in y.items():
            term = r * s, k + m
            product[term] = product.get(term, 0) + c * d
    return _checked(product)


def _inverse(x: ExponentialPolynomial) -> ExponentialPolynomial:
    if len(x) != 1:
        raise Undefined("a quotient by a sum, or by zero")
    (((r, k), c),) = x.items()
    if k:
        raise Undefined("a quotient by the variable")
    return {(Fraction(1, r), 0): Fraction(1, c)}


def _power(base: ExponentialPolynomial, exponent: ExponentialPolynomial) -> ExponentialPolynomial:
    """A number to the power a n + b, or any base to a whole power."""
    slope: Rational = exponent.get((1, 1), 0)
    offset: Rational = exponent.get((1, 0), 0)
    if exponent.keys() - {(1, 0), (1, 1)} or slope.denominator != 1 or offset.denominator != 1:
        raise Undefined("an exponent other than a n + b with whole a and b")
    if max(slope, -slope, offset, -offset) > MAX_EXPONENT:
        raise TooLarge(f"an exponent above {MAX_EXPONENT}")
    if slope:
        if base.keys() != {(1, 0)}:
            raise Undefined("a power with the variable in base and exponent, or of zero")
        number = base[1, 0]
        return _checked({(_whole_power(number, slope.numerator), 0): _whole_power(number, offset.numerator)})
    power: ExponentialPolynomial = {(1, 0): 1}
    for _ in range(abs(offset.numerator)):
        power = _product(power, base)
    return power if offset >= 0 else _inverse(power)


def _whole_power(number: Rational, exponent: int) -> Rational:
    return number**exponent if exponent >= 0 else Fraction(1, number) ** -exponent


def _checked(x: ExponentialPolynomial) -> ExponentialPolynomial:
    """Without the terms that are zero."""
    if len(x) > MAX_TERMS:
        raise TooLarge(f"more than {MAX_TERMS} terms")
    for (r, k), c in x.items():
        if k > MAX_EXPONENT:
            raise TooLarge(f"an exponent above {MAX_EXPONENT}")
        for number in (r, c):
            if number.numerator.bit_length() > MAX_BITS or number.denominator.bit_length() > MAX_BITS:
                raise TooLarge(f"a number of more than {MAX_BITS} bits")
    return {term: c for term, c in x.items() if c}
