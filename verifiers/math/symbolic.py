"""Proofs by sympy for irrational and symbolic exponents, built from our tree and never from text.

sympy computes integer powers and expansions at once however large they are, so the tree is measured first: the bounds
keep each call well under two seconds. Nothing else in this package imports sympy.
"""

from __future__ import annotations

import math
from typing import Any

from .evaluation import Irrational, TooLarge, evaluate
from .expression import Node, Number, Operation, Symbol

MAX_OPERATIONS = 24  # of an expression
MAX_TERMS = 100  # of an expression once expanded
MAX_EXPONENT = 64.0  # size of an exponent, its terms counted without their signs and its symbols as MAX_VALUE
MAX_POWER = 6  # size of a rational exponent
MAX_LITERAL = 2**32  # numerator and denominator of a rational number
MAX_VALUE = 1.5  # values of the symbols lie between 1 and this
DIGITS = 30
SIGNIFICANT = 1e-15  # a relative difference that is no rounding error at ``DIGITS`` digits


def decide(answer: Node, gold: Node) -> bool | None:
    """Whether two expressions are equal with every symbol a positive real.

    None when sympy cannot tell, or when the gold is past a bound.

    Raises:
        TooLarge: the answer is past a bound.
        Undefined: division by zero, an even root of a negative number.
    """
    try:
        y = _build(gold)
    except TooLarge:
        return None
    x = _build(answer)
    try:
        return _compare(x, y)
    except (ArithmeticError, TypeError, ValueError, NotImplementedError):  # sympy met what it cannot compute
        return None


def _compare(x: Any, y: Any) -> bool | None:
    """Refuted at one point in ``DIGITS`` digits, or proved by expansion."""
    import sympy

    free = sorted(x.free_symbols | y.free_symbols, key=str)
    point = {symbol: sympy.Float(1 + (MAX_VALUE - 1) / (index + 1.1), DIGITS) for index, symbol in enumerate(free)}
    u, v = sympy.N(x.subs(point), DIGITS), sympy.N(y.subs(point), DIGITS)
    if u.is_real and v.is_real and abs(u - v) > SIGNIFICANT * max(abs(u), abs(v)):
        return False
    difference = sympy.expand(x - y)
    return True if difference == 0 or sympy.expand(sympy.powsimp(difference)) == 0 else None


def _build(node: Node) -> Any:
    """The sympy expression of a tree, which is measured first."""
    if _operations(node) > MAX_OPERATIONS:
        raise TooLarge(f"more than {MAX_OPERATIONS} operations with such exponents")
    _terms(node)
    _check_exponents(node)
    return _convert(node)


def _operations(node: Node) -> int:
    return 1 + sum(map(_operations, node.args)) if isinstance(node, Operation) else 0


def _terms(node: Node) -> int:
    """A bound on the terms of an expression once its products and integer powers are expanded."""
    if not isinstance(node, Operation):
        return 1
    terms = [_terms(arg) for arg in node.args]
    count = sum(terms) if node.op == "+" else math.prod(terms)
    if node.op == "^" and terms[0] > 1:
        count = terms[0] ** MAX_POWER * terms[1]
    if count > MAX_TERMS:
        raise TooLarge(f"more than {MAX_TERMS} terms")
    return count


def _check_exponents(node: Node) -> None:
    if isinstance(node, Operation):
        for arg in node.args:
            _check_exponents(arg)
        if node.op == "^" and _size(node.args[1]) > MAX_EXPONENT:
            raise TooLarge(f"an exponent above {MAX_EXPONENT}")


def _size(node: Node) -> float:
    """A bound on the integers that appear when a node is expanded, whatever cancels."""
    if isinstance(node, Symbol):
        return math.pi if node.name == "pi" else MAX_VALUE
    if isinstance(node, Number):
        return float(min(max(abs(node.value.numerator), node.value.denominator), MAX_LITERAL))
    sizes = [_size(arg) for arg in node.args]
    if node.op == "+":
        return sum(sizes)
    if node.op in ("*", "/"):
        return math.prod(sizes)
    if node.op == "^":
        return float(sizes[0] ** sizes[1]) if sizes[1] <= MAX_EXPONENT and sizes[0] < MAX_LITERAL else math.inf
    return math.inf if node.op == "!" else sizes[0]


def _convert(node: Node) -> Any:
    """The sympy expression of a tree."""
    import sympy

    if isinstance(node, Symbol):
        return sympy.pi if node.name == "pi" else sympy.Symbol(node.name, positive=True)
    try:
        value = evaluate(node)
    except Irrational:
        pass
    else:
        if max(abs(value.numerator), value.denominator) > MAX_LITERAL:
            raise TooLarge("a number too large for sympy")
        return sympy.Rational(value.numerator, value.denominator)
    args = [_convert(arg) for arg in node.args] if isinstance(node, Operation) else []
    match node:
        case Operation("+"):
            return sympy.Add(*args)
        case Operation("*"):
            return sympy.Mul(*args)
        case Operation("-"):
            return -args[0]
        case Operation("/"):
            return args[0] / args[1]
        case Operation("%"):
            return args[0] / 100
        case Operation("sqrt"):
            return sympy.sqrt(args[0])
        case Operation("root"):
            return _power(args[0], 1 / args[1])
        case Operation("^"):
            return _power(args[0], args[1])
    raise TooLarge("a factorial of an expression with symbols")


def _power(base: Any, exponent: Any) -> Any:
    if exponent.is_Rational and max(abs(exponent.p), exponent.q) > MAX_POWER:
        raise TooLarge(f"a power above {MAX_POWER}")
    return base**exponent
