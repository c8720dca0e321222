r"""Boxes in the complex plane that certainly hold the value of an expression.

Conventions: an odd root of a negative real number is real; any other power and the logarithm take the principal value,
with the cut along the negative real axis. In real mode what is not real has no value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from typing import TypeAlias

from . import enclosure
from .enclosure import Blurred, Interval
from .evaluation import MAX_BITS, MAX_ROOT, Irrational, TooLarge, Undefined, evaluate
from .tokens import TRIGONOMETRIC
from .tree import Node, Number, Symbol

Box: TypeAlias = tuple[Interval, Interval]  # real and imaginary part
Values: TypeAlias = Mapping[str, Fraction]
NONE: Interval = (0, 0)
HALF = Fraction(1, 2)
EXACT = frozenset(("!", "binom", "gcd", "lcm"))
STEPS = frozenset(("floor", "ceil"))


class Boxes:
    """Enclosures of expressions at one precision. Blurred means that more bits may help."""

    def __init__(self, values: Values, precision: int, real: bool) -> None:
        self.values = values
        self.p = precision
        self.real = real
        self.one: Interval = (1 << precision, 1 << precision)

    def of(self, node: Node) -> Box:
        if isinstance(node, Number):
            return self.fraction(node.value)
        if isinstance(node, Symbol):
            return self.symbol(node.name)
        if node.op in EXACT or node.op in STEPS:
            try:
                return self.fraction(evaluate(node, self.values))
            except Irrational:
                if node.op in EXACT:
                    raise
        if node.op == "^":
            return self.power(*node.args)
        if node.op == "sqrt":
            return self.root(self.of(node.args[0]), 2)
        if node.op == "root":
            index = evaluate(node.args[1], self.values)
            if index.denominator != 1 or index < 1:
                raise Undefined("the index of a root is a positive integer")
            return self.root(self.of(node.args[0]), index.numerator)
        args = [self.of(arg) for arg in node.args]
        if node.op in ("+", "*", "/"):
            return reduce({"+": _add, "*": self.times, "/": self.over}[node.op], args)
        return self.function(node.op, args)

    def fraction(self, value: Fraction) -> Box:
        return enclosure.rational(value.numerator, value.denominator, self.p), NONE

    def symbol(self, name: str) -> Box:
        if name in self.values:
            return self.fraction(self.values[name])
        if name == "pi":
            return enclosure.pi(self.p), NONE
        if name == "e":
            return enclosure.exp(self.one, self.p), NONE
        if name == "i":
            return NONE, self.one
        raise Irrational(f"{name} has no value")

    def function(self, name: str, args: list[Box]) -> Box:
        z = args[0]
        if name == "-":
            return _negative(z)
        if name == "%":
            return self.over(z, self.fraction(Fraction(100)))
        if name == "deg":
            return self.times(z, self.over(self.symbol("pi"), self.fraction(Fraction(180))))
        if name == "exp":
            return self.exp(z)
        if name == "ln":
            return self.log(z)
        if name == "log":
            return self.over(self.log(z), self.log(args[1]))
        if name == "abs":
            return self.size(z), NONE
        if name in TRIGONOMETRIC:
            return self.trigonometric(name, z)
        if name in ("sinh", "cosh", "tanh"):
            return self.hyperbolic(name, z)
        if any(imaginary != NONE for _, imaginary in args):
            raise Undefined(f"{name} of a number that is not real")
        return REAL[name](self.p, *[real for real, _ in args]), NONE

    def times(self, a: Box, b: Box) -> Box:
        real = enclosure.multiply(a[0], b[0], self.p)
        if max(-real[0], real[1]) >> self.p > 1 << MAX_BITS:
            raise TooLarge(f"a value of more than {MAX_BITS} bits")
        if a[1] == b[1] == NONE:
            return real, NONE
        cross = enclosure.multiply(a[1], b[1], self.p)
        left, right = (enclosure.multiply(a[k], b[1 - k], self.p) for k in (0, 1))
        return (real[0] - cross[1], real[1] - cross[0]), (left[0] + right[0], left[1] + right[1])

    def over(self, a: Box, b: Box) -> Box:
        if b[1] == NONE:
            real = enclosure.divide(a[0], b[0], self.p)
            return real, NONE if a[1] == NONE else enclosure.divide(a[1], b[0], self.p)
        squares = [enclosure.multiply(part, part, self.p) for part in b]
        norm = (max(squares[0][0], 0) + max(squares[1][0], 0), squares[0][1] + squares[1][1])
        return self.over(self.times(a, (b[0], (-b[1][1], -b[1][0]))), (norm, NONE))

    def size(self, z: Box) -> Interval:
        if z[1] == NONE:
            low, high = z[0]
            return (low, high) if low >= 0 else (-high, -low) if high <= 0 else (0, max(-low, high))
        parts = [self.size((part, NONE)) for part in z]
        squares = [enclosure.multiply(part, part, self.p) for part in parts]
        return enclosure.square_root((squares[0][0] + squares[1][0], squares[0][1] + squares[1][1]), self.p)

    def exp(self, z: Box) -> Box:
        size = enclosure.exp(z[0], self.p)
        if z[1] == NONE:
            return size, NONE
        cosine, sine = enclosure.cos_sin(z[1], self.p)
        return self.times((size, NONE), (cosine, sine))

    def log(self, z: Box) -> Box:
        (low, high), (down, up) = z
        if z == (NONE, NONE):
            raise Undefined("the logarithm of zero")
        if z[1] == NONE:
            if high < 0:
                self.complex_only("the logarithm of a negative number")
                return enclosure.log((-high, -low), self.p), enclosure.pi(self.p)
            return enclosure.log(z[0], self.p), NONE
        size = enclosure.log(self.size(z), self.p)
        if low > 0:
            return size, enclosure.arctan(enclosure.divide(z[1], z[0], self.p), self.p)
        if down <= 0 <= up:
            raise Blurred
        tilt = enclosure.arctan(enclosure.divide(z[0], z[1], self.p), self.p)
        quarter = [end >> 1 if down > 0 else -(end >> 1) for end in enclosure.pi(self.p)]
        return size, (min(quarter) - tilt[1] - 1, max(quarter) - tilt[0] + 1)

    def complex_only(self, what: str) -> None:
        if self.real:
            raise Undefined(what)

    def root(self, z: Box, degree: int) -> Box:
        (low, high), imaginary = z
        if degree > MAX_ROOT:
            raise TooLarge(f"a root of index above {MAX_ROOT}")
        if degree == 1 or z == (NONE, NONE):
            return z
        if imaginary != NONE:
            return self.exp(self.over(self.log(z), self.fraction(Fraction(degree))))
        if degree % 2:
            return (self.end(low, degree)[0], self.end(high, degree)[1]), NONE
        if high < 0:
            self.complex_only("an even root of a negative number")
            turn = self.over(self.symbol("pi"), self.fraction(Fraction(degree)))
            return self.times(self.root(((-high, -low), NONE), degree), self.exp((NONE, turn[0])))
        if low < 0 and degree > 2:
            raise Blurred
        below = NONE if low >= 0 or self.real else (0, self.end(-low, degree)[1])
        return (self.end(max(low, 0), degree)[0], self.end(high, degree)[1]), below

    def end(self, x: int, degree: int) -> Interval:
        """The real root of one end of an interval."""
        if x == 0:
            return NONE
        if x < 0:
            low, high = self.end(-x, degree)
            return -high, -low
        if degree == 2:
            return enclosure.square_root((x, x), self.p)
        low, high = enclosure.log((x, x), self.p)
        return enclosure.exp((low // degree, -(-high // degree)), self.p)

    def power(self, base: Node, exponent: Node) -> Box:
        if base == Symbol("e") and "e" not in self.values:
            return self.exp(self.of(exponent))
        z = self.of(base)
        try:
            power = evaluate(exponent, self.values)
        except Irrational:
            power = None
        if power is not None and power.denominator <= MAX_ROOT and abs(power.numerator) <= MAX_BITS:
            return self.whole_power(self.root(z, power.denominator), power.numerator)
        y = self.of(exponent)
        if z == (NONE, NONE) and y[0][0] > 0 and y[1] == NONE:
            return z
        return self.exp(self.times(y, self.log(z)))

    def whole_power(self, z: Box, power: int) -> Box:
        if power == 0 and self.size(z)[0] <= 0:
            if z == (NONE, NONE):
                raise Undefined("0^0")
            raise Blurred
        bits = max(abs(end) for part in z for end in part).bit_length() - self.p
        if bits * abs(power) > MAX_BITS:
            raise TooLarge(f"a power of more than {MAX_BITS} bits")
        result: Box = (self.one, NONE)
        for bit in f"{abs(power):b}":
            result = self.times(result, result)
            if bit == "1":
                result = self.times(result, z)
        return self.over((self.one, NONE), result) if power < 0 else result

    def trigonometric(self, name: str, z: Box) -> Box:
        cosine, sine = enclosure.cos_sin(z[0], self.p)
        parts: dict[str, Box] = {"cos": (cosine, NONE), "sin": (sine, NONE)}
        if z[1] != NONE:  # cos(x+iy) = cos x cosh y - i sin x sinh y; sin(x+iy) = sin x cosh y + i cos x sinh y
            wide, steep = self.hyperbolic("cosh", (z[1], NONE)), (NONE, self.hyperbolic("sinh", (z[1], NONE))[0])
            parts = {
                "cos": _add(self.times(wide, parts["cos"]), _negative(self.times(steep, parts["sin"]))),
                "sin": _add(self.times(wide, parts["sin"]), self.times(steep, parts["cos"])),
            }
        one: Box = (self.one, NONE)
        over = {"tan": ("sin", "cos"), "cot": ("cos", "sin"), "sec": ("", "cos"), "csc": ("", "sin")}
        if name in over:
            top, bottom = over[name]
            return self.over(parts.get(top, one), parts[bottom])
        return parts[name]

    def hyperbolic(self, name: str, z: Box) -> Box:
        up, down = self.exp(z), self.exp(_negative(z))
        if name == "tanh":
            return self.over(_add(up, _negative(down)), _add(up, down))
        return self.times(_add(up, down if name == "cosh" else _negative(down)), self.fraction(HALF))


def _add(a: Box, b: Box) -> Box:
    return (a[0][0] + b[0][0], a[0][1] + b[0][1]), (a[1][0] + b[1][0], a[1][1] + b[1][1])


def _negative(z: Box) -> Box:
    return (-z[0][1], -z[0][0]), (-z[1][1], -z[1][0])


def _arcsin(p: int, x: Interval) -> Interval:
    """arcsin x = 2 arctan(x / (1 + sqrt(1 - x^2)))."""
    one = 1 << p
    if x[0] > one or x[1] < -one:
        raise Undefined("an arcsine outside [-1, 1]")
    x = max(x[0], -one), min(x[1], one)
    square = (0, max(x[0] ** 2, x[1] ** 2)) if x[0] <= 0 <= x[1] else sorted((x[0] ** 2, x[1] ** 2))
    root = enclosure.square_root((one - (-(-square[1] >> p)), one - (square[0] >> p)), p)
    low, high = enclosure.arctan(enclosure.divide(x, (one + root[0], one + root[1]), p), p)
    return 2 * low, 2 * high


def _arccos(p: int, x: Interval) -> Interval:
    low, high = _arcsin(p, x)
    quarter = enclosure.pi(p + 1)
    return (quarter[0] >> 2) - high, (quarter[1] >> 2) + 1 - low


def _floor(p: int, x: Interval) -> Interval:
    if x[0] >> p != x[1] >> p:
        raise Blurred
    return x[0] >> p << p, x[0] >> p << p


def _ceil(p: int, x: Interval) -> Interval:
    low, high = _floor(p, (-x[1], -x[0]))
    return -high, -low


REAL: dict[str, Callable[..., Interval]] = {
    "arcsin": _arcsin,
    "arccos": _arccos,
    "arctan": lambda p, x: enclosure.arctan(x, p),
    "floor": _floor,
    "ceil": _ceil,
    "max": lambda p, *xs: (max(x[0] for x in xs), max(x[1] for x in xs)),
    "min": lambda p, *xs: (min(x[0] for x in xs), min(x[1] for x in xs)),
}
