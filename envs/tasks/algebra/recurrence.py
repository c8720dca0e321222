"""Linear recurrences with constant coefficients: find a formula for the n-th term."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, NamedTuple, TypeAlias

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import ParseError, TooLarge, Undefined, Verdict, last_boxed, parse_expression, right, wrong

from .exponential_polynomials import ExponentialPolynomial, value
from .unknowns import linear_form, nonzero

ANSWER_CHARS = 300  # a longer answer is none
LEFT_SIDE = re.compile(r"\A\s*t\s*(?:\(\s*n\s*\)|_\{?n\}?)\s*=")

Part: TypeAlias = tuple[int, list[int]]  # a root r and c: the summand (c[0] + c[1] n + ...) r^n


class Level(NamedTuple):
    """multiplicities: of the roots of the characteristic polynomial but 1. ones: of the root 1.
    root: the largest, in size. coefficient: the largest of the formula, in size.
    """

    multiplicities: tuple[int, ...]
    ones: int
    root: int
    coefficient: int


LEVELS = (
    Level((), 2, 1, 60),
    Level((1,), 0, 12, 200),
    Level((1,), 1, 7, 30),
    Level((1, 1), 0, 6, 12),
    Level((2,), 0, 9, 20),
    Level((1, 1), 1, 5, 9),
    Level((2,), 1, 7, 9),
    Level((1, 1, 1), 0, 5, 6),
    Level((2, 1), 0, 5, 6),
    Level((1, 1, 1), 1, 6, 6),
)


@register("palaestra/Recurrence-v0")
@dataclass(frozen=True)
class Recurrence(Task):
    """A closed form for a sequence given by its first terms and a linear rule for the next.

    Difficulty goes from equal steps and powers of one number (1 to 3) to rules that look two terms back (4 to 7, with
    two roots of the characteristic polynomial or a double one) and three (8 to 10); at 3, 6, 7 and 10 they also add
    a constant. The answer is right when it is a formula in n that is identical with the solution, whatever its form.
    """

    tags: ClassVar[tuple[str, ...]] = ("algebra", "sequences")
    wordings: ClassVar[tuple[str, ...]] = (
        "A sequence is given by {starts} and {rule} for n >= {order}. Find a closed formula for t(n). "
        "Answer in \\boxed{{}} with an expression in n.",
        "Solve the recurrence {rule} (n >= {order}), where {starts}. Write t(n) as an explicit expression in n, in "
        "\\boxed{{}}.",
        "Let {starts}. Each further term follows from\n\n{rule}\n\nfor n = {order} and up. Give t(n) directly, without "
        "earlier terms, in \\boxed{{}}, for example \\boxed{{2n + 3^n}}.",
    )
    ceiling = 0.01

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        uniforms = iter(rng.random(12).tolist())
        pool = [r for r in range(-level.root, level.root + 1) if abs(r) > 1]
        parts: list[Part] = []
        for multiplicity in level.multiplicities:
            root = pool.pop(int(next(uniforms) * len(pool)))
            parts.append((root, [nonzero(next(uniforms), level.coefficient) for _ in range(multiplicity)]))
        if level.ones:
            parts.append((1, [nonzero(next(uniforms), level.coefficient) for _ in range(level.ones)]))
        weights = _weights([root for root, coefficients in parts for _ in coefficients][: -1 if level.ones else None])
        order = len(weights)
        starts = [_term(parts, n) for n in range(order)]
        constant = _term(parts, order) - sum(w * t for w, t in zip(weights, reversed(starts), strict=True))
        names = [f"t(n-{k})" for k in range(1, order + 1)]
        fields = {
            "starts": _listed([f"t({n}) = {t}" for n, t in enumerate(starts)]),
            "rule": f"t(n) = {linear_form(weights, names, constant)}",
            "order": str(order),
        }
        return self.ask(rng, {"parts": [list(part) for part in parts]}, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        if len(text) > ANSWER_CHARS:
            return wrong(f"an answer of more than {ANSWER_CHARS} characters")
        shown = text[:80]
        try:
            found = value(parse_expression(LEFT_SIDE.sub("", text, count=1)))
        except (ParseError, Undefined, TooLarge) as error:
            return wrong(f"no formula in n: {error}"[:120], answer=shown)
        parts = problem.reference["parts"]
        expected = {(root, k): c for root, coefficients in parts for k, c in enumerate(coefficients) if c}
        if found != expected:
            n = next((n for n in range(10) if _at(found, n) != _term(parts, n)), None)
            where = "in the long run" if n is None else f"at n = {n}, where the term is {_term(parts, n)}"
            return wrong(f"differs {where}", answer=shown)
        return right("gives the terms of the sequence", answer=shown)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The roots of the characteristic polynomial, the form of the formula, and its coefficients."""
        parts = problem.reference["parts"]
        letters = iter("ABCD")
        form = [(root, [next(letters) for _ in coefficients]) for root, coefficients in parts]
        terms = [_term(parts, n) for n in range(sum(len(coefficients) for _, coefficients in parts))]
        formula = _formula(parts)
        lines = [
            f"roots with multiplicities: {', '.join(f'{root} ({len(coefficients)})' for root, coefficients in parts)}",
            f"t(n) = {_formula(form)}",
            ", ".join(f"t({n}) = {term}" for n, term in enumerate(terms)),
            f"t(n) = {formula}",
        ]
        return "\n".join([*lines, f"\\boxed{{{formula}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Looks one term back only: takes the rule for t(n) = q t(n-1) + c, with q from the first three terms."""
        first, second, third = (_term(problem.reference["parts"], n) for n in range(3))
        quotient = Fraction(third - second, (second - first) or 1)
        if quotient == 1:
            return f"\\boxed{{{first} + ({second - first})*n}}"
        constant = first - (second - first) / (quotient - 1)
        return f"\\boxed{{({first - constant})*({quotient})^n + ({constant})}}"


def _weights(roots: Sequence[int]) -> list[int]:
    """w with t(n) = w[0] t(n-1) + w[1] t(n-2) + ..., whose characteristic polynomial has these roots."""
    polynomial = [1]
    for root in roots:
        polynomial = [a - root * b for a, b in zip([*polynomial, 0], [0, *polynomial], strict=True)]
    return [-c for c in polynomial[1:]]


def _term(parts: Sequence[Part], n: int) -> int:
    """The sum over the roots r of (c[0] + c[1] n + ...) r^n."""
    return sum(sum(c * n**k for k, c in enumerate(coefficients)) * root**n for root, coefficients in parts)


def _at(formula: ExponentialPolynomial, n: int) -> Fraction:
    return sum((c * n**k * Fraction(r) ** n for (r, k), c in formula.items()), Fraction(0))


def _formula(parts: Sequence[tuple[int, Sequence[int | str]]]) -> str:
    """``(3 - 2*n)*5^n + 4*(-2)^n - 7``."""
    summands = []
    for root, coefficients in parts:
        polynomial = _sum([f"{c}{'*n' if k else ''}" for k, c in enumerate(coefficients)])
        if len(coefficients) > 1 and root != 1:
            polynomial = f"({polynomial})"
        power = "" if root == 1 else f"*{root}^n" if root > 0 else f"*({root})^n"
        summands.append(polynomial + power)
    return _sum(summands)


def _sum(summands: Sequence[str]) -> str:
    return " + ".join(summands).replace("+ -", "- ")


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
