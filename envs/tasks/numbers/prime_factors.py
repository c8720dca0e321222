"""Whole numbers as products of primes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

LIMITS = (  # of each difficulty: the largest prime, and of the whole product
    (50, 100_000),
    (70, 200_000),
    (100, 300_000),
    (150, 500_000),
    (200, 800_000),
    (300, 1_500_000),
    (500, 3_000_000),
    (1000, 8_000_000),
    (2000, 20_000_000),
    (4000, 100_000_000),
)
ANSWER_CHARS = 200  # a longer answer is none
MAX_FACTORS = 64
TIMES = re.compile(r"(?<!\*)\*(?!\*)|\\times|\\cdot|[,;x\u00d7\u00b7\u22c5]")
POWER = re.compile(r"(\d{1,12})(?:(?:\^|\*\*)\{?(\d{1,2})\}?)?", re.ASCII)
WEAK_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)


@register("palaestra/PrimeFactors-v0")
@dataclass(frozen=True)
class PrimeFactors(Task):
    """A whole number as a product of primes.

    Difficulty raises the number and its primes, which are below 50 at first, below 4000 at last.
    The answer is right when its factors are prime and their product is the number, in any order, with or without
    exponents.
    """

    tags: ClassVar[tuple[str, ...]] = ("numbers", "number theory")
    wordings: ClassVar[tuple[str, ...]] = (
        "Write {number} as a product of primes. Answer in \\boxed{{}}, for example \\boxed{{2^3 * 7}}.",
        "Which prime numbers, multiplied together, give {number}? List each as often as it occurs, separated by "
        "commas, in \\boxed{{}}.",
        "Find the prime factorization of n = {number}. Put it in \\boxed{{}}, with * between the factors and ^ for "
        "powers.",
    )
    ceiling = 0.01

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        largest, limit = LIMITS[difficulty - 1]
        primes = primes_below(largest)
        number, factors = 1, []
        for u in rng.random(20).tolist():
            prime = primes[int(u * len(primes))]
            if number * prime > limit:
                break
            number *= prime
            factors.append(prime)
        factors.sort()
        return self.ask(rng, {"number": number, "primes": factors}, difficulty, {"number": str(number)})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        number, primes = problem.reference["number"], problem.reference["primes"]
        factors = _factors(text, number)
        if isinstance(factors, str):
            return wrong(factors, answer=text[:80])
        product = 1
        for factor in factors:
            product *= factor
        if product != number:
            return wrong(f"the product is {product} instead of {number}"[:120], answer=text)
        for factor in factors:
            if factor not in primes:
                return wrong(f"{factor} is not prime", answer=text)
        return right(f"primes whose product is {number}", answer=text)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        rest, lines = problem.reference["number"], []
        for prime in problem.reference["primes"][:-1]:
            lines.append(f"{rest} = {prime} * {rest // prime}")
            rest //= prime
        return "\n".join([*lines, f"\\boxed{{{_product(problem.reference['primes'])}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Divides by the primes below 30 and takes what remains for a prime."""
        rest, factors = problem.reference["number"], []
        for prime in WEAK_PRIMES:
            while rest % prime == 0:
                factors.append(prime)
                rest //= prime
        return f"\\boxed{{{_product(factors + [rest] * (rest > 1))}}}"


@cache
def primes_below(limit: int) -> tuple[int, ...]:
    """By the sieve of Eratosthenes."""
    sieve = bytearray([0, 0]) + bytearray([1]) * (limit - 2)
    for n in range(2, int(limit**0.5) + 1):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, limit, n)))
    return tuple(n for n in range(limit) if sieve[n])


def _factors(text: str, number: int) -> list[int] | str:
    """The factors that an answer states, each as often as it occurs, or why it states none."""
    if len(text) > ANSWER_CHARS:
        return f"an answer of more than {ANSWER_CHARS} characters"
    product, equals, other = text.strip("$ ").partition("=")
    if equals and product.strip() == str(number):  # 12 = 2^2 * 3
        product, other = other, product
    if equals and other.strip() != str(number):
        return f"an equation without {number}"
    factors: list[int] = []
    for part in TIMES.split(product):
        power = POWER.fullmatch(part.strip(" ()"))
        if power is None:
            return f"{part.strip()[:40]!a} is no factor of the form p or p^k"
        factors += [int(power[1])] * int(power[2] or 1)
    return factors if len(factors) <= MAX_FACTORS else f"more than {MAX_FACTORS} factors"


def _product(factors: list[int]) -> str:
    powers = ((prime, len(list(group))) for prime, group in groupby(factors))
    return " * ".join(f"{prime}^{k}" if k > 1 else str(prime) for prime, k in powers)
