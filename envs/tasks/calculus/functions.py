"""Are two functions of x the same? A proof by arithmetic, and no approximation, which numbers of any size could pass.

Both are computed at one random point modulo one random prime (Schwartz 1980), where exp(x), exp(x^2), exp(ix), ln 2 and
the like have random values of their own: what then agrees does so by the laws of exponents, angles and logarithms and
by arithmetic. A wrong "yes" has a chance of about the degree in 2^60. Nothing else holds among such functions of
polynomials with rational coefficients (Lindemann 1882, Ax 1971), so little that is right remains without a proof.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import lcm
from typing import NamedTuple, TypeAlias

from palaestra.verifiers import Node, Operation, Symbol, TooLarge, Undefined, evaluate
from palaestra.verifiers.math.identity import random_prime
from palaestra.verifiers.math.tree import symbols

MAX_DEGREE = 60  # of the argument of a function
MAX_BITS = 4096  # of its coefficients
FACTORS = (2, 3, 5, 7, 11, 13)  # ln of a product of these is the sum of theirs
E = Symbol("e")

Polynomial: TypeAlias = Mapping[tuple[int, int], Fraction]  # coefficients by the powers of x and of pi


class Unproved(ValueError):
    """An expression holds what no law here is about."""


def same_function(answer: Node, gold: Node, seed: str) -> bool:
    """Whether two expressions are proved to be one function of x, in the reals where both have a value.

    Raises:
        Unproved, Undefined, TooLarge: one of them has no value, or is beyond what is known here.
    """
    rng = random.Random(seed)
    place = Place(random_prime(rng, residue=1), seed, lcm(*_denominators(answer), *_denominators(gold)))
    try:
        return place.value(answer) == place.value(gold)
    except ZeroDivisionError:
        raise Undefined("division by zero") from None


class Place(NamedTuple):
    """Where functions are computed: a prime, random values drawn by ``seed``, and what all coefficients divide."""

    prime: int
    seed: str
    scale: int

    def value(self, node: Node) -> int:
        if isinstance(node, Symbol):
            return self.exp({(0, 0): Fraction(1)}) if node.name == "e" else self.drawn(node.name)
        if isinstance(node, Operation) and node.op in RULES:
            return RULES[node.op](self, *node.args) % self.prime
        return self.number(_constant(node))

    def number(self, value: Fraction) -> int:
        return value.numerator * self.power(value.denominator, -1) % self.prime

    def power(self, base: int, exponent: int) -> int:
        if exponent <= 0 and base % self.prime == 0:
            raise ZeroDivisionError
        return pow(base, exponent, self.prime)

    def drawn(self, name: str) -> int:
        """The random value of what is known by its name only."""
        return random.Random(f"{self.seed} {name}").randrange(2, self.prime)

    def exp(self, argument: Polynomial, turned: str = "") -> int:
        """exp of the argument, or of i times it (``turned``), as a product over its terms."""
        product = 1
        for (x, pi), coefficient in argument.items():
            if turned and (x, pi) == (0, 1):
                if coefficient.denominator > 2:
                    raise Unproved("an angle that is no multiple of a right one")
                factor = self.power(self.imaginary_unit(), int(2 * coefficient) % 4)
            else:
                factor = self.power(self.drawn(f"exp {turned} {x} {pi}"), int(coefficient * self.scale))
            product = product * factor % self.prime
        return product

    def imaginary_unit(self) -> int:
        """A root of -1: every second number gives one (Euler's criterion)."""
        rng = random.Random(f"{self.seed} i")
        while True:
            root = pow(rng.randrange(2, self.prime), self.prime // 4, self.prime)
            if root * root % self.prime == self.prime - 1:
                return root

    def ln(self, node: Node) -> int:
        """The logarithm, as a sum over what its argument is a product of."""
        if isinstance(node, Operation) and node.op in ("*", "/", "^", "exp", "abs"):
            a, *others = node.args
            if node.op == "exp" or (node.op == "^" and a == E):
                return self.value(node.args[-1])
            if node.op == "^":
                return self.number(_constant(others[0])) * self.ln(a)
            return self.ln(a) + (-1 if node.op == "/" else 1) * sum(map(self.ln, others))
        if isinstance(node, Symbol):
            return 1 if node == E else self.drawn(f"ln {node.name}")
        terms = _polynomial(node)
        lowest = min((x for x, _ in terms), default=0)
        size = abs(terms[max(terms)]) if terms else Fraction(0)
        rest = {(x - lowest, pi): coefficient / size for (x, pi), coefficient in sorted(terms.items())}
        logarithm = self.ln_of_number(size) + lowest * self.drawn("ln x")
        return logarithm if rest == {(0, 0): 1} else logarithm + self.drawn(f"ln {rest}")

    def ln_of_number(self, value: Fraction) -> int:
        if value <= 0:
            raise Undefined("the logarithm of 0")
        total = 0
        for sign, rest in ((1, value.numerator), (-1, value.denominator)):
            for factor in FACTORS:
                while rest % factor == 0:
                    rest //= factor
                    total += sign * self.drawn(f"ln {factor}")
            total += sign * self.drawn(f"ln {rest}") if rest > 1 else 0
        return total


def _exp(place: Place, argument: Node) -> int:
    return place.exp(_polynomial(argument))


def _power(place: Place, base: Node, exponent: Node) -> int:
    if base == E:
        return _exp(place, exponent)
    times = _constant(exponent)
    if times.denominator != 1:
        return place.number(_constant(Operation("^", (base, exponent))))
    return place.power(place.value(base), times.numerator)


def _half_sum(sign: int, turned: str) -> Callable[[Place, Node], int]:
    """cos, sin, cosh or sinh: half the sum or the difference of exp(u) and exp(-u), with i where it is ``turned``."""

    def value(place: Place, argument: Node) -> int:
        up = place.exp(_polynomial(argument), turned)
        below = 2 if sign > 0 or not turned else 2 * place.imaginary_unit()
        return (up + sign * place.power(up, -1)) * place.power(below, -1)

    return value


def _ratio(top: str, bottom: str) -> Callable[[Place, Node], int]:
    def value(place: Place, argument: Node) -> int:
        a = RULES[top](place, argument) if top else 1
        return a * place.power(RULES[bottom](place, argument) % place.prime, -1)

    return value


def _product(place: Place, *args: Node) -> int:
    total = 1
    for arg in args:
        total = total * place.value(arg) % place.prime
    return total


RULES: Mapping[str, Callable[..., int]] = {
    "+": lambda place, *args: sum(map(place.value, args)),
    "-": lambda place, a: -place.value(a),
    "*": _product,
    "/": lambda place, a, b: place.value(a) * place.power(place.value(b), -1),
    "^": _power,
    "exp": _exp,
    "ln": lambda place, a: place.ln(a),
    "log": lambda place, a, base: place.ln(a) * place.power(place.ln(base) % place.prime, -1),
    "cos": _half_sum(1, "i"),
    "sin": _half_sum(-1, "i"),
    "cosh": _half_sum(1, ""),
    "sinh": _half_sum(-1, ""),
    "tan": _ratio("sin", "cos"),
    "cot": _ratio("cos", "sin"),
    "tanh": _ratio("sinh", "cosh"),
    "sec": _ratio("", "cos"),
    "csc": _ratio("", "sin"),
}


def degree(node: Node) -> int | None:
    """Of a polynomial; None where the expression is none."""
    try:
        return max((x for x, _ in _polynomial(node)), default=0)
    except (Unproved, Undefined, TooLarge):
        return None


def _denominators(node: Node) -> list[int]:
    """Those of the coefficients in the arguments of exp, sin and the like."""
    if not isinstance(node, Operation):
        return []
    found = [denominator for arg in node.args for denominator in _denominators(arg)]
    if node.op in RULES.keys() - {"+", "-", "*", "/", "^", "ln", "log"} or (node.op == "^" and node.args[0] == E):
        found += [coefficient.denominator for coefficient in _polynomial(node.args[-1]).values()]
    return found


def _polynomial(node: Node) -> Polynomial:
    """A polynomial in x and pi with rational coefficients, none of them 0."""
    if isinstance(node, Symbol) and node.name in ("x", "pi"):
        return {(1, 0) if node.name == "x" else (0, 1): Fraction(1)}
    if not isinstance(node, Operation) or not symbols(node):
        value = _constant(node)
        return {(0, 0): value} if value else {}
    if node.op in ("+", "-"):
        return _sum([_polynomial(arg) for arg in node.args], 1 if node.op == "+" else -1)
    if node.op == "*":
        product: Polynomial = {(0, 0): Fraction(1)}
        for arg in node.args:
            product = _times(product, _polynomial(arg))
        return product
    if node.op == "/":
        return _times(_polynomial(node.args[0]), {(0, 0): 1 / _divisor(node.args[1])})
    if node.op == "^":
        base, times = _polynomial(node.args[0]), _constant(node.args[1])
        if times.denominator == 1 and 0 < times <= MAX_DEGREE:
            power = base
            for _ in range(int(times) - 1):
                power = _times(power, base)
            return power
    raise Unproved(f"{node.op} where a polynomial was expected")


def _sum(terms: list[Polynomial], sign: int) -> Polynomial:
    total: dict[tuple[int, int], Fraction] = {}
    for polynomial in terms:
        for key, coefficient in polynomial.items():
            total[key] = total.get(key, Fraction(0)) + sign * coefficient
    return _bounded(total)


def _times(a: Polynomial, b: Polynomial) -> Polynomial:
    total: dict[tuple[int, int], Fraction] = {}
    for (i, j), c in a.items():
        for (k, m), d in b.items():
            total[i + k, j + m] = total.get((i + k, j + m), Fraction(0)) + c * d
    return _bounded(total)


def _bounded(polynomial: Polynomial) -> Polynomial:
    for (x, pi), c in polynomial.items():
        if x + pi > MAX_DEGREE or max(c.numerator.bit_length(), c.denominator.bit_length()) > MAX_BITS:
            raise TooLarge(f"an argument of degree above {MAX_DEGREE} or with long coefficients")
    return {key: c for key, c in polynomial.items() if c}


def _divisor(node: Node) -> Fraction:
    value = _constant(node)
    if not value:
        raise Undefined("division by zero")
    return value


def _constant(node: Node) -> Fraction:
    if strange := symbols(node):
        raise Unproved(f"{min(strange)} where a number was expected")
    return evaluate(node)
