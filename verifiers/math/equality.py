"""Are two expressions equal? From the cheapest exact method to the dearest, each in bounded time.

1. The same tree.
2. Rational numbers: exact evaluation.
3. Rational functions: identity modulo random primes (``identity``).
4. Real roots: intervals with a separation bound (``radicals``): exact for numbers. With symbols, at random rational
   points of every sign and many sizes: a difference refutes for certain, and what agrees at all of them is equal but
   for branches such as sqrt((x-a)^2) = x-a that part only where no point fell.
5. Irrational or symbolic exponents: integer points to refute, sympy to prove (``symbolic``).

Values are real numbers and ``e`` and ``i`` are plain letters: an even root of a negative number has no value.
"""

from __future__ import annotations

import math
import random
from fractions import Fraction

from .evaluation import Irrational, TooLarge, Undefined, evaluate
from .expression import Node, Operation, symbols
from .identity import identical
from .radicals import equal_reals

POINTS = 24  # random points at which two expressions with roots must agree
ATTEMPTS = 64  # draws of such a point; at some of them an expression has no real value
REFUTATIONS = 12  # draws of a point when agreement proves nothing
SCALES = ((4, 16), (5, 16), (6, 4), (8, 1), (20, 1))  # bits of the numerator, and the denominator, of a value
PI_BITS = 60


def equal(answer: Node, gold: Node, seed: str) -> bool | None:
    """Whether two expressions are equal; None when no method here can tell.

    The two differ in one thing: past a bound of sympy, the answer is too large and the gold is undecided.
    ``seed`` draws the random points: take it from both texts, so that the decision is reproducible.

    Raises:
        Undefined: one of them has no real value (division by zero, an even root of a negative number).
        TooLarge: one of them is past the bounds of the methods.
    """
    if answer == gold:
        return True
    names = sorted(symbols(answer) | symbols(gold))
    if not names:
        try:
            return evaluate(answer) == evaluate(gold)
        except (Irrational, TooLarge):
            pass
    rng = random.Random(seed)
    try:
        return identical(answer, gold, rng)
    except Irrational:
        pass
    powers = _exponent_symbols(answer) | _exponent_symbols(gold)
    decided = _at_points(answer, gold, names, powers, rng)
    if decided is None:
        from . import symbolic

        return symbolic.decide(answer, gold)
    return decided


def _at_points(a: Node, b: Node, names: list[str], powers: frozenset[str], rng: random.Random) -> bool | None:
    """Agreement at random points; with symbols in exponents (``powers``), at small ones, which only refute."""
    agreed = 0
    undefined: ArithmeticError | None = None
    numeric = names in ([], ["pi"])
    for _ in range(1 if numeric else REFUTATIONS if powers else ATTEMPTS):
        point = {name: _value(name, bool(powers), rng) for name in names}
        try:
            same = equal_reals(a, b, point)
        except Irrational:
            return None
        except (Undefined, TooLarge) as error:
            undefined = error
            continue
        if not same:
            return same
        agreed += 1
        if agreed == POINTS:
            break
    if powers:
        return None
    if undefined and not agreed:
        raise undefined
    return True if numeric or agreed == POINTS else None


def _value(name: str, small: bool, rng: random.Random) -> Fraction:
    """A random value: a positive digit, or one of any sign and size.

    That of pi is near pi: pi is transcendental, so what holds around it as an identity of roots holds at it.
    """
    if name == "pi":
        scale = 1 << PI_BITS
        return Fraction(round(math.pi * scale) + rng.getrandbits(30), scale)
    if small:
        return Fraction(rng.randint(1, 9))
    bits, denominator = rng.choice(SCALES)
    return Fraction(rng.choice((-1, 1)) * rng.getrandbits(bits), denominator)


def _exponent_symbols(node: Node) -> frozenset[str]:
    if not isinstance(node, Operation):
        return frozenset()
    found = frozenset().union(*map(_exponent_symbols, node.args))
    return found | symbols(node.args[1]) if node.op in ("^", "root") else found
