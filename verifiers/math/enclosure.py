"""Intervals that certainly hold the value of an elementary function: fixed-point integers, rounded outwards.

An end x at precision p stands for x / 2^p. Each series is summed with guard bits; the bounds on its rounding error are
in the comments. Unlike mpmath's, the arithmetic here has no shared state, so that it is the same in every thread.
Argument reduction and series are the textbook ones: Brent and Zimmermann, Modern Computer Arithmetic (2010), chapter 4.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias

from .evaluation import TooLarge, Undefined

MAX_EXPONENT = 3000  # of e
MAX_ANGLE_BITS = 1024  # of the integer part of an angle
GUARD = 24  # bits that cover the rounding errors of at most 2^16 steps, each of 1 unit, with room to spare
CACHED_BITS = 256  # constants are kept at multiples of this precision

Interval: TypeAlias = tuple[int, int]  # in units of 2^-precision


class Blurred(ArithmeticError):
    """The interval is too wide for the next step: try again with more bits."""


def rational(top: int, bottom: int, p: int) -> Interval:
    return (top << p) // bottom, -(-(top << p) // bottom)


def multiply(a: Interval, b: Interval, p: int) -> Interval:
    products = (a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])
    return min(products) >> p, -(-max(products) >> p)


def divide(a: Interval, b: Interval, p: int) -> Interval:
    """Raises:
    Undefined: the divisor is zero.
    Blurred: the divisor may be zero.
    """
    if b == (0, 0):
        raise Undefined("division by zero")
    if b[0] <= 0 <= b[1]:
        raise Blurred
    one = 1 << 2 * p
    return multiply(a, (one // b[1], -(-one // b[0])), p)


def square_root(x: Interval, p: int) -> Interval:
    """The root of what part of ``x`` is not negative."""
    return math.isqrt(max(x[0], 0) << p), math.isqrt(max(x[1], 0) << p) + 1


def exp(x: Interval, p: int) -> Interval:
    return _exp(x[0], p)[0], _exp(x[1], p)[1]


def log(x: Interval, p: int) -> Interval:
    """Raises Blurred unless ``x`` is certainly positive."""
    if x[0] <= 0:
        raise Blurred
    return _log(x[0], p)[0], _log(x[1], p)[1]


def arctan(x: Interval, p: int) -> Interval:
    return _arctan(x[0], p)[0], _arctan(x[1], p)[1]


def cos_sin(x: Interval, p: int) -> tuple[Interval, Interval]:
    """The cosine and the sine: those of the middle, each with a slope of at most 1."""
    middle = (x[0] + x[1]) >> 1
    radius = x[1] - middle + 1
    one = 1 << p
    ends = [(max(low - radius, -one), min(high + radius, one)) for low, high in _cos_sin(middle, p)]
    return ends[0], ends[1]


def pi(p: int) -> Interval:
    below = _constant("pi", p)
    return below, below + 1


def _exp(x: int, p: int) -> Interval:
    if x >> p > MAX_EXPONENT:
        raise TooLarge(f"e to a power above {MAX_EXPONENT}")
    k = x // _constant("ln 2", p)
    if k < -p - 2:
        return 0, 1
    halvings = math.isqrt(p + max(k, 0)) // 2
    # The error of r is below |k| + 2 units of 2^-w, that of the series one unit a term; each squaring doubles the
    # relative error, so that the total ends below 2^(halvings + 20) units, and GUARD makes that less than one of 2^-p.
    w = p + max(k, 0) + halvings + GUARD
    r = ((x << (w - p)) - k * _constant("ln 2", w)) >> halvings
    term = total = 1 << w
    n = 1
    while term and term != -1:
        term = (term * r >> w) // n
        total += term
        n += 1
    for _ in range(halvings):
        total = total * total >> w
    return _rounded(total, halvings + 20, w - p - k)


def _log(x: int, p: int) -> Interval:
    k = x.bit_length() - p
    roots = max(math.isqrt(p) // 4, 2)
    # Each root halves the error before it and adds one unit of 2^-w; doubling it back gives 2^roots units, and k units
    # come with the constant.
    w = p + roots + GUARD
    m = x << (w - p - k) if w >= p + k else x >> (p + k - w)
    for _ in range(roots):
        m = math.isqrt(m << w)
    one = 1 << w
    total = _series(((m - one) << w) // (m + one), w, sign=1) << (roots + 1)
    return _rounded(total + k * _constant("ln 2", w), roots + 20, w - p)


def _arctan(x: int, p: int) -> Interval:
    halvings = max(math.isqrt(p) // 4, 2)
    w = p + halvings + GUARD
    one = 1 << w
    size = abs(x) << (w - p)
    turned = size > one
    if turned:
        size = (one << w) // size
    for _ in range(halvings):  # arctan z = 2 arctan(z / (1 + sqrt(1 + z^2)))
        size = (size << w) // (one + math.isqrt((one << w) + size * size))
    total = _series(size, w, sign=-1) << halvings
    if turned:
        total = (_constant("pi", w) >> 1) - total
    return _rounded(total if x >= 0 else -total, halvings + 18, w - p)


def _cos_sin(x: int, p: int) -> tuple[Interval, Interval]:
    whole = max(abs(x).bit_length() - p, 0)
    if whole > MAX_ANGLE_BITS:
        raise TooLarge(f"an angle of more than {MAX_ANGLE_BITS} bits")
    halvings = math.isqrt(p + whole) // 2
    w = p + whole + halvings + GUARD  # whole turns multiply the error of pi by less than 2^whole
    turn = 2 * _constant("pi", w)
    r = ((x << (w - p)) % turn) >> halvings
    real, imaginary, term, n = 1 << w, 0, 1 << w, 1
    while term and term != -1:  # e^(ir), term by term
        term = (term * r >> w) // n
        imaginary += term if n % 4 == 1 else -term
        n += 1
        term = (term * r >> w) // n
        real += term if n % 4 == 0 else -term
        n += 1
    for _ in range(halvings):
        real, imaginary = (real * real - imaginary * imaginary) >> w, real * imaginary >> (w - 1)
    bits = whole + halvings + 20
    return _rounded(real, bits, w - p), _rounded(imaginary, bits, w - p)


def _series(z: int, w: int, sign: int) -> int:
    """arctanh z (sign 1) or arctan z (sign -1) for a small z."""
    square = z * z >> w
    power = total = z
    n = 1
    while power and power != -1:
        power = sign * (power * square >> w)
        n += 2
        total += power // n
    return total


def _rounded(total: int, error_bits: int, shift: int) -> Interval:
    """``total`` give or take 2^error_bits, with ``shift`` fewer bits after the point."""
    error = 1 << error_bits
    if shift <= 0:
        return (total - error) << -shift, (total + error) << -shift
    return (total - error) >> shift, -(-(total + error) >> shift)


def _constant(name: str, p: int) -> int:
    """A constant times 2^p, rounded down or one less."""
    stored = -(-p // CACHED_BITS) * CACHED_BITS
    return _stored(name, stored) >> (stored - p)


@lru_cache(maxsize=256)
def _stored(name: str, p: int) -> int:
    w = p + 16
    one = 1 << w
    if name == "pi":  # Machin 1706
        total = 16 * _series(one // 5, w, -1) - 4 * _series(one // 239, w, -1)
    else:
        total = 18 * _series(one // 26, w, 1) - 2 * _series(one // 4801, w, 1) + 8 * _series(one // 8749, w, 1)
    return (total >> 16) - 1
