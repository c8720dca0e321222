"""Products of polynomials in one or two variables, expanded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from .unknowns import linear_form, nonzero

Powers: TypeAlias = tuple[int, int]  # exponents of x and of y
Polynomial: TypeAlias = dict[Powers, int]  # coefficients, none of them zero

SHAPES = (  # of each difficulty: the degrees of the factors, the largest coefficient, whether there is a y
    ((1, 1), 5, False),
    ((1, 1), 12, False),
    ((2, 1), 9, False),
    ((2, 2), 9, False),
    ((1, 1, 1), 9, False),
    ((1, 1), 9, True),
    ((2, 1, 1), 9, False),
    ((2, 2, 1), 9, False),
    ((2, 1), 9, True),
    ((2, 2, 2), 12, False),
)
ANSWER_CHARS = 1000  # a longer answer is none
SPACES = re.compile(r"\\[,;! ]|\\left|\\right|[\s$]")
POWER = r"(?:(?:\^|\*\*)\{?(\d{1,3})\}?)?"
TIMES = r"(?:\*|\\cdot|\\times)?"
TERM = re.compile(rf"([+-]?)(\d{{1,15}})?{TIMES}(?:(x){POWER})?{TIMES}(?:(y){POWER})?", re.ASCII)


@register("palaestra/PolynomialProduct-v0")
@dataclass(frozen=True)
class PolynomialProduct(Task):
    """Expand a product: two linear factors at first, three quadratic ones at last, at 6 and 9 in two variables.

    An answer is right when it is the product, as a sum of monomials in any order with each monomial once; a product is
    no answer.
    """

    tags: ClassVar[tuple[str, ...]] = ("algebra", "polynomials")
    wordings: ClassVar[tuple[str, ...]] = (
        "Expand {product} and collect like terms. Answer in \\boxed{{}}.",
        "Multiply out the following product.\n\n{product}\n\nWrite the polynomial in \\boxed{{}}, each power once, for "
        "example 3x^2 - x + 4.",
        "Which polynomial, written without parentheses and with like terms combined, is equal to {product}? "
        "Put it in \\boxed{{}}.",
    )
    ceiling = 0.01

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        degrees, largest, second = SHAPES[difficulty - 1]
        uniforms = iter(rng.random(sum(6 if second else degree + 1 for degree in degrees)).tolist())
        factors = [_factor(degree, largest, second, uniforms) for degree in degrees]
        product = factors[0]
        for factor in factors[1:]:
            product = multiply(product, factor)
        fields = {"product": "".join(f"({written(factor)})" for factor in factors)}
        meta = {"factors": [_listed(factor) for factor in factors]}
        return self.ask(rng, {"terms": _listed(product)}, difficulty, fields, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        found = read_polynomial(text)
        if isinstance(found, str):
            return wrong(found, answer=text[:80])
        expected = {(i, j): c for c, i, j in problem.reference["terms"]}
        for powers in sorted(expected.keys() | found.keys(), reverse=True):
            if found.get(powers, 0) != expected.get(powers, 0):
                name = _monomial(powers)
                counts = f"{found.get(powers, 0)}, not {expected.get(powers, 0)}"
                return wrong(f"the coefficient of {name} is {counts}" if name else f"the constant is {counts}")
        return right("the product, expanded", answer=text[:80])

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Factor by factor, each product on a line."""
        first, *others = ({(i, j): c for c, i, j in factor} for factor in problem.meta["factors"])
        lines = []
        for other in others:
            product = multiply(first, other)
            lines.append(f"({written(first)})({written(other)}) = {written(product)}")
            first = product
        return "\n".join([*lines, f"\\boxed{{{written(first)}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Multiplies factor by factor, but takes minus times minus for minus."""
        first, *others = ({(i, j): c for c, i, j in factor} for factor in problem.meta["factors"])
        for other in others:
            product: Polynomial = {}
            for (i, j), a in first.items():
                for (k, m), b in other.items():
                    product[i + k, j + m] = product.get((i + k, j + m), 0) + (-a * b if a < 0 > b else a * b)
            first = product
        return f"\\boxed{{{written(first)}}}"


def multiply(first: Mapping[Powers, int], second: Mapping[Powers, int]) -> Polynomial:
    product: Polynomial = {}
    for (i, j), a in first.items():
        for (k, m), b in second.items():
            powers = i + k, j + m
            product[powers] = product.get(powers, 0) + a * b
    return {powers: c for powers, c in product.items() if c}


def written(polynomial: Mapping[Powers, int]) -> str:
    """``3x^2 - xy + 4``, from the highest power of x down."""
    powers = sorted(polynomial, reverse=True)
    names = [_monomial(p) for p in powers if p != (0, 0)]
    return linear_form([polynomial[p] for p in powers], names, polynomial.get((0, 0), 0))


def read_polynomial(text: str) -> Polynomial | str:
    """The polynomial that a sum of monomials is, or why there is none."""
    if len(text) > ANSWER_CHARS:
        return f"an answer of more than {ANSWER_CHARS} characters"
    bare = SPACES.sub("", text)
    polynomial: Polynomial = {}
    position = 0
    while position < len(bare):
        term = TERM.match(bare, position)
        if term is None or not (term[2] or term[3] or term[5]) or (position and not term[1]):
            return f"{bare[position:][:20]!a} is no monomial"
        position = term.end()
        powers = (int(term[4] or 1) if term[3] else 0, int(term[6] or 1) if term[5] else 0)
        if powers in polynomial:
            return f"like terms in {_monomial(powers) or 'constants'} are not collected"
        polynomial[powers] = int(f"{term[1]}{term[2] or 1}")
    return polynomial or "the box is empty"


def _factor(degree: int, largest: int, second: bool, uniforms: Iterator[float]) -> Polynomial:
    """A polynomial with every power up to its degree; with a second variable linear, or quadratic in some terms."""
    if not second:
        return {(k, 0): nonzero(next(uniforms), largest) for k in range(degree, -1, -1)}
    monomials: Sequence[Powers] = ((1, 0), (0, 1), (0, 0)) if degree == 1 else ((2, 0), (1, 1), (0, 2), (0, 0))
    return {powers: nonzero(next(uniforms), largest) for powers in monomials}


def _listed(polynomial: Mapping[Powers, int]) -> list[list[int]]:
    """[coefficient, power of x, power of y] of each term."""
    return [[c, i, j] for (i, j), c in polynomial.items()]


def _monomial(powers: Powers) -> str:
    return "".join(name if power == 1 else f"{name}^{power}" for name, power in zip("xy", powers, strict=True) if power)
