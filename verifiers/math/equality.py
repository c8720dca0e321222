r"""Are two expressions equal? From the cheapest exact method to the dearest, each in bounded time.

1. The same tree.
2. Rational numbers: exact evaluation.
3. Rational functions, also with one of pi and e, and with i: identity modulo random primes (``identity``).
4. Real roots: intervals with a separation bound (``radicals``): exact for numbers. With symbols, at random rational
   points of every sign and many sizes, and at far ones by boxes: a difference refutes for certain, and what agrees at
   all of them is equal but for branches such as sqrt((x-a)^2) = x-a that part only where no point fell.
5. Anything else: boxes in the complex plane (``constants``), at random points when there are symbols, far ones and
   those beside ``corners`` too. A difference refutes for certain; agreement to 154 digits (29 at each point) is
   declared equality.

Symbols stand for real numbers. An expression with symbols and without ``i`` has no value where a part of it is not
real, and such points are passed over; numbers may be complex on the way.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from fractions import Fraction

from . import corners
from .budget import spend
from .constants import agree
from .evaluation import Irrational, TooLarge, Undefined, evaluate
from .identity import identical
from .radicals import equal_reals
from .tree import CONSTANTS, UNKNOWN_BASE, Node, operations, symbols

POINTS = 24  # random points at which two expressions with roots must agree
ATTEMPTS = 64  # draws of such a point; at some of them an expression has no real value
SCALES = ((4, 16), (5, 16), (6, 4), (8, 1), (20, 1))  # bits of the numerator, and the denominator, of a value
PI_BITS = 60
BOX_POINTS = 10  # the same with boxes
BOX_ATTEMPTS = 60
MAX_LARGE = 3  # points at which a value is past a bound, before any at which both are in reach
BOX_AGREEMENT = 96  # bits
BOX_PRECISIONS = (48, 160, 480)
INTEGERS = 30  # the largest integer tried for a symbol
DENOMINATOR_BITS = 20
ALGEBRAIC = frozenset(("+", "-", "*", "/", "%", "^", "sqrt", "root", "!"))


def equal(answer: Node, gold: Node, seed: str) -> bool | None:
    """Whether two expressions are equal, in either order; None when no method here can tell.

    ``seed`` draws the random points: take it from both texts, so that the decision is reproducible.

    Raises:
        Undefined: one of them has no value (division by zero, a real root of a negative number with symbols).
        TooLarge: one of them is past the bounds of the methods.
        OutOfBudget: within a ``budget``, which has no more left.
    """
    if answer == gold:
        return True
    spend(1)
    names = symbols(answer) | symbols(gold)
    if not names:
        try:
            return evaluate(answer) == evaluate(gold)
        except (Irrational, TooLarge):
            pass
    rng = random.Random(seed)
    same: bool | None
    try:
        same = identical(answer, gold, rng)
        if same or not {"pi", "e"} <= names:
            return same
    except Irrational:
        pass
    free = sorted(names - CONSTANTS)
    if operations(answer) | operations(gold) <= ALGEBRAIC and not names & {"e", "i"}:
        try:
            same = _at_points(answer, gold, sorted(names), rng)
            if same is not None:
                return same and not _part_far_off(answer, gold, free, True, rng)
        except Irrational:
            pass
        except Undefined:
            if free:
                raise
    return _by_boxes(answer, gold, free, "i" not in names, rng)


def _at_points(a: Node, b: Node, names: list[str], rng: random.Random) -> bool | None:
    """Agreement of expressions with roots at random points."""
    agreed = 0
    undefined: ArithmeticError | None = None
    numeric = names in ([], ["pi"])
    for _ in range(1 if numeric else ATTEMPTS):
        point = {name: _value(name, rng) for name in names}
        try:
            same = equal_reals(a, b, point)
        except Irrational:
            raise
        except (Undefined, TooLarge) as error:
            undefined = error
            continue
        if not same:
            return same
        agreed += 1
        if agreed == POINTS:
            break
    if undefined and not agreed:
        raise undefined
    return True if numeric or agreed == POINTS else None


def _value(name: str, rng: random.Random) -> Fraction:
    """A random value of any sign and size.

    That of pi is near pi: pi is transcendental, so what holds around it as an identity of roots holds at it.
    """
    if name == "pi":
        scale = 1 << PI_BITS
        return Fraction(round(math.pi * scale) + rng.getrandbits(30), scale)
    bits, denominator = rng.choice(SCALES)
    return Fraction(rng.choice((-1, 1)) * rng.getrandbits(bits), denominator)


def _by_boxes(a: Node, b: Node, names: list[str], real: bool, rng: random.Random) -> bool | None:
    """Agreement of any two expressions: as numbers, or at integers, positive and other rational points in turn."""
    if not names:
        return agree(a, b, {}, real=False)
    agreed = large = 0
    undefined: ArithmeticError | None = None
    for attempt in range(BOX_ATTEMPTS):
        point = {name: _box_value(name, attempt, rng) for name in names}
        try:
            same = agree(a, b, point, real, BOX_AGREEMENT, BOX_PRECISIONS)
        except (Undefined, TooLarge) as error:
            undefined = error
            large += isinstance(error, TooLarge)
            if large == MAX_LARGE and not agreed:
                break
            continue
        if same is False:
            return False
        agreed += same is True
        if agreed == BOX_POINTS:
            return not _part_far_off(a, b, names, real, rng)
    if undefined and not agreed:
        raise undefined
    return None


def _part_far_off(a: Node, b: Node, free: list[str], real: bool, rng: random.Random) -> bool:
    """Whether two expressions that agree near zero certainly differ at a point far off, or beside a bend."""
    return any(_part(a, b, far, real) for far in corners.points(a, b, free, rng)) if free else False


def _part(a: Node, b: Node, point: Mapping[str, Fraction], real: bool) -> bool:
    """Whether two expressions certainly differ at a point; no where one has no value or is past a bound."""
    try:
        return agree(a, b, point, real, BOX_AGREEMENT, BOX_PRECISIONS) is False
    except (Undefined, TooLarge):
        return False


def _box_value(name: str, attempt: int, rng: random.Random) -> Fraction:
    """A small value: one past the bounds of exponentials would tell nothing of them.

    A fraction is odd over even, so that no power to it is an odd root of a negative number, and over a denominator
    that no answer foresees: sin(64 pi x) is zero at every 64th.
    """
    if name == UNKNOWN_BASE:
        return Fraction(rng.randint(20, 90), 16)
    if attempt % 4 == 0:
        return Fraction(rng.randint(1, INTEGERS))
    top = rng.getrandbits(rng.choice((DENOMINATOR_BITS + 2, DENOMINATOR_BITS + 4))) | 1
    size = Fraction(top, 2 * (rng.getrandbits(DENOMINATOR_BITS) | 1 << (DENOMINATOR_BITS - 1) | 1))
    return size if attempt % 4 < 3 else -size
