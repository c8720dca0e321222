"""Are two rational expressions the same function? Decided at random points modulo random primes."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

from .evaluation import TooLarge, Undefined, evaluate
from .tree import Node, Number, Operation, Symbol, symbols

TRIALS = 3
ATTEMPTS = 8  # draws of a point at which no denominator vanishes
PRIME_BITS = 61
MERSENNE = 2**61 - 1  # the prime that refutes most: drawing one takes longer than all the rest
MAX_HEIGHT = 2**32  # bits that the numerator and denominator could reach at a point, never computed
WITNESSES = (2, 325, 9375, 28178, 450775, 9780504, 1795265022)
SMALL_PRIMES = math.prod(p for p in range(3, 200, 2) if all(p % q for q in range(3, 15, 2) if q < p))


def identical(a: Node, b: Node, rng: random.Random) -> bool:
    """Whether two expressions without irrational roots or symbolic exponents are one rational function.

    False is certain: equal functions agree modulo every prime that divides no denominator. True errs with a chance
    below 2^-75: a non-zero numerator of degree and bits at most ``MAX_HEIGHT`` vanishes at a random point, or modulo
    a random 61-bit prime, with a chance below 2^-25 in each of three trials (Schwartz 1980, Zippel 1979). The
    chance is over ``rng``, so the answer must not be written with knowledge of its seed. Every symbol is a free
    variable, ``pi`` and ``e`` too: exact for either of them alone, which is transcendental, while False for both is not
    certain. ``i`` is a square root of -1 modulo a prime that has one.

    Raises:
        Undefined: the expression divides by zero everywhere.
        Irrational: an irrational root, or an exponent that is not a rational constant.
        TooLarge: past ``MAX_HEIGHT`` or the bounds of ``evaluate``.
    """
    if height(a) + height(b) > MAX_HEIGHT:
        raise TooLarge(f"values of more than {MAX_HEIGHT} bits")
    names = sorted(symbols(a) | symbols(b))
    for trial in range(TRIALS + 1):  # the first one, without a random prime, only refutes
        x, y = _values(a, b, names, rng, MERSENNE if trial == 0 and "i" not in names else None)
        if x != y:
            return False
    return True


def height(node: Node) -> int:
    """A bound on the bits of numerator and denominator together when every symbol has ``PRIME_BITS`` bits."""
    if isinstance(node, Number):
        return node.value.numerator.bit_length() + node.value.denominator.bit_length()
    if isinstance(node, Symbol):
        return PRIME_BITS
    if node.op == "^":
        exponent = evaluate(node.args[1])
        if exponent.denominator == 1:
            return height(node.args[0]) * abs(exponent.numerator) + 1
    if node.op in ("+", "-", "*", "/", "%"):
        return sum(map(height, node.args)) + len(node.args) + 7
    value = evaluate(node)
    return value.numerator.bit_length() + value.denominator.bit_length()


def _values(a: Node, b: Node, names: list[str], rng: random.Random, first: int | None) -> tuple[int, int]:
    """Both at a random point modulo ``first``, or modulo a random prime where that is None or divides a denominator."""
    for _ in range(ATTEMPTS):
        prime = first or random_prime(rng, residue=1 if "i" in names else 3)
        first = None
        point = {name: rng.randrange(prime) for name in names}
        if "i" in point:
            point["i"] = _imaginary_unit(prime, rng)
        try:
            return _modular(a, point, prime), _modular(b, point, prime)
        except ZeroDivisionError:
            continue
    raise Undefined("division by zero")


def _modular(node: Node, point: Mapping[str, int], prime: int) -> int:
    if isinstance(node, Symbol):
        return point[node.name]
    if isinstance(node, Operation) and node.op in ("+", "-", "*", "/", "%", "^"):
        first = _modular(node.args[0], point, prime)
        if node.op == "-":
            return -first % prime
        if node.op == "%":
            return first * _power(100, -1, prime) % prime
        if node.op == "^":
            exponent = evaluate(node.args[1])
            if exponent.denominator == 1:
                return _power(first, exponent.numerator, prime)
        else:
            for arg in node.args[1:]:
                other = _modular(arg, point, prime)
                if node.op == "+":
                    first += other
                else:
                    first = first * (other if node.op == "*" else _power(other, -1, prime)) % prime
            return first % prime
    value = evaluate(node)
    return value.numerator * _power(value.denominator, -1, prime) % prime


def _power(base: int, exponent: int, prime: int) -> int:
    if exponent <= 0 and base % prime == 0:
        raise ZeroDivisionError
    return pow(base, exponent, prime)


def random_prime(rng: random.Random, residue: int = 3) -> int:
    """A random prime of ``PRIME_BITS`` bits (Miller-Rabin with seven bases, exact below 2^64: Sinclair 2011).

    residue: what it leaves modulo 4; -1 has a square root when that is 1.
    """
    while True:
        n = rng.getrandbits(PRIME_BITS) >> 2 << 2 | 1 << (PRIME_BITS - 1) | residue
        if math.gcd(n, SMALL_PRIMES) > 1:
            continue
        odd, twos = n - 1, 0
        while odd % 2 == 0:
            odd, twos = odd // 2, twos + 1
        if all(_probable_prime(n, witness, odd, twos) for witness in WITNESSES):
            return n


def _imaginary_unit(prime: int, rng: random.Random) -> int:
    """A square root of -1: the fourth root of unity that half of all numbers give (Euler's criterion)."""
    while True:
        root = pow(rng.randrange(2, prime), prime // 4, prime)
        if root * root % prime == prime - 1:
            return root


def _probable_prime(n: int, witness: int, odd: int, twos: int) -> bool:
    x = pow(witness, odd, n)
    if x in (1, n - 1):
        return True
    for _ in range(twos - 1):
        x = x * x % n
        if x == n - 1:
            return True
    return False
