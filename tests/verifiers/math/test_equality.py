from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers import TooLarge, Undefined, parse_expression
from palaestra.verifiers.math.equality import equal
from palaestra.verifiers.math.evaluation import integer_root
from palaestra.verifiers.math.identity import PRIME_BITS, identical, random_prime
from palaestra.verifiers.math.radicals import equal_reals

SAME = [
    ("(x+1)^2", "x^2+2x+1"),
    ("(x^2-1)/(x-1)", "x+1"),
    ("(x+1)^{3000}", "(1+x)^{3000}"),
    (r"\frac{a}{b}+\frac{c}{d}", r"\frac{ad+bc}{bd}"),
    (r"50\%x", "x/2"),
    ("2^{100000}", "4^{50000}"),
    (r"\pi r^2", r"r^2\pi"),
    (r"\sqrt8", r"2\sqrt2"),
    (r"1/\sqrt2", r"\frac{\sqrt2}{2}"),
    (r"\sqrt{3+2\sqrt2}", r"1+\sqrt2"),
    (r"\sqrt[3]{2+\sqrt5}+\sqrt[3]{2-\sqrt5}", "1"),
    (r"\sqrt{\pi^2}", r"\pi"),
    (r"4\pi\sqrt3", r"\sqrt{48}\pi"),
    (r"x^{1/3}", r"\sqrt[3]{x}"),
    (r"\frac{1}{\sqrt{x+1}-\sqrt{x}}", r"\sqrt{x+1}+\sqrt{x}"),
    (r"2^x \cdot 2", "2^{x+1}"),
    ("x^n x", "x^{n+1}"),
    (r"2^{\sqrt8}", r"4^{\sqrt2}"),
]
DIFFERENT = [
    ("(x+1)^2", "x^2+1"),
    ("(x+1)^{3000}", "(x+2)^{3000}"),
    ("x", "y"),
    ("9**9**9", "5"),
    ("1+10^{-20}", "1"),
    (r"\sqrt{1+10^{-200}}", "1"),
    (r"\sqrt{x^2}", "x"),
    (r"\sqrt{(x^2-1)^2}", "x^2-1"),
    (r"\sqrt{(x-3000000)^2}", "3000000-x"),
    (r"\sqrt{\pi^2}", "3.14159265358979"),
    (r"\sqrt2+\sqrt3", r"\sqrt5"),
    (r"\sqrt[3]{-2}", r"\sqrt[3]{2}"),
    ("2^x", "2^{x+1}"),
    (r"2^{\sqrt2}", "5"),
    ("AB", "BA"),
]


def decide(a: str, b: str, seed: int = 0) -> bool | None:
    return equal(parse_expression(a), parse_expression(b), f"{a}|{b}|{seed}")


@pytest.mark.parametrize(("a", "b"), SAME)
def test_same_value_both_ways(a: str, b: str) -> None:
    assert decide(a, b) is True
    assert decide(b, a) is True


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different_value_both_ways(a: str, b: str) -> None:
    for seed in range(5):
        assert decide(a, b, seed) is False
        assert decide(b, a, seed) is False


@pytest.mark.parametrize("text", ["1/(x-x)", r"1/(\sqrt2-\sqrt2)", r"\sqrt{-x^2-1}", "0^0"])
def test_an_expression_without_a_value_is_undefined(text: str) -> None:
    with pytest.raises(Undefined):
        decide(text, "5")


@pytest.mark.parametrize("text", ["9**9**9**9", "x^{9**9**9}", "((x^{99999})^{99999})^{99999}"])
def test_past_the_bounds_is_too_large(text: str) -> None:
    with pytest.raises(TooLarge):
        decide(text, "x")


polynomials = st.lists(st.integers(-20, 20), min_size=1, max_size=5)


def spell(coefficients: list[int]) -> str:
    return "+".join(f"({c})x^{k}" for k, c in enumerate(coefficients))


@given(polynomials, polynomials)
def test_polynomials_are_equal_when_their_coefficients_are(a: list[int], b: list[int]) -> None:
    size = max(len(a), len(b))
    same = a + [0] * (size - len(a)) == b + [0] * (size - len(b))
    assert identical(parse_expression(spell(a)), parse_expression(spell(b)), random.Random(0)) is same


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_sum_of_square_roots_is_decided_exactly(a: int, b: int) -> None:
    left = parse_expression(f"(\\sqrt{{{a}}}+\\sqrt{{{b}}})^2")
    right = parse_expression(f"{a + b}+2\\sqrt{{{a * b}}}")
    assert equal_reals(left, right, {}) is True
    off = parse_expression(f"{a + b}+2\\sqrt{{{a * b}}}+10^{{-60}}")
    assert equal_reals(left, off, {}) is False


def test_roots_at_a_point() -> None:
    root = parse_expression(r"\sqrt{x}")
    assert equal_reals(root, parse_expression("3"), {"x": Fraction(9)}) is True
    assert equal_reals(root, parse_expression("3"), {"x": Fraction(91, 10)}) is False


@given(st.integers(0, 10**40), st.integers(1, 9))
def test_integer_root_is_the_floor(n: int, degree: int) -> None:
    root = integer_root(n, degree)
    assert root**degree <= n < (root + 1) ** degree


def test_random_primes_are_prime_and_repeat_with_the_seed() -> None:
    sympy = pytest.importorskip("sympy")
    primes = [random_prime(random.Random(seed)) for seed in range(20)]
    assert all(sympy.isprime(p) and p.bit_length() == PRIME_BITS for p in primes)
    assert len(set(primes)) == 20
    assert primes[3] == random_prime(random.Random(3))
