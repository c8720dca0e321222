"""Sums of products as small canonical trees, and the expressions that are one rewriting step away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from palaestra.verifiers import Node, Number, Symbol

# A sum is a sorted tuple of terms; a term is its integer coefficient, its powers as sorted (letter, exponent) pairs,
# and its sorted factors, which are sums of two terms or more (a square holds its base twice). Like terms are always
# collected, numbers multiplied and powers of a letter joined: order and such arithmetic never count as a step.
Powers: TypeAlias = tuple[tuple[str, int], ...]
Term: TypeAlias = "tuple[int, Powers, tuple[Sum, ...]]"
Sum: TypeAlias = "tuple[Term, ...]"

MAX_EXPONENT = 8
MAX_TERMS = 200
MAX_COEFFICIENT = 10**12


class NotPolynomial(ValueError):
    """More than letters, whole numbers, + - * and small powers, or too large."""


def canonical(node: Node) -> Sum:
    """An expression, nothing multiplied out.

    Raises:
        NotPolynomial: it is none, or too large.
    """
    if isinstance(node, Number):
        if node.value.denominator != 1 or abs(node.value) > MAX_COEFFICIENT:
            raise NotPolynomial("a number that is not whole, or too large")
        return collected([(int(node.value), (), ())])
    if isinstance(node, Symbol):
        return ((1, ((node.name, 1),), ()),)
    if node.op == "+":
        return collected([term for arg in node.args for term in canonical(arg)])
    if node.op == "-":
        return _as_sum(times((-1, (), ()), _as_term(canonical(node.args[0]))))
    if node.op == "*":
        return _product([canonical(arg) for arg in node.args])
    if node.op == "^":
        exponent = node.args[1]
        if isinstance(exponent, Number) and exponent.value.denominator == 1 and 0 <= exponent.value <= MAX_EXPONENT:
            return _product([canonical(node.args[0])] * int(exponent.value))
        raise NotPolynomial("an exponent that is no small whole number")
    raise NotPolynomial(f"{node.op!r} has no place here")


def collected(terms: list[Term]) -> Sum:
    """Like terms added up, those of zero left out, and sums within the sum opened."""
    found: dict[tuple[Powers, tuple[Sum, ...]], int] = {}
    for coefficient, powers, factors in terms:
        opened = (
            factors[0] if coefficient == 1 and not powers and len(factors) == 1 else ((coefficient, powers, factors),)
        )
        for number, letters, sums in opened:
            found[letters, sums] = found.get((letters, sums), 0) + number
    if len(found) > MAX_TERMS or any(abs(number) > MAX_COEFFICIENT for number in found.values()):
        raise NotPolynomial("too large")
    return tuple(sorted((number, *key) for key, number in found.items() if number))


def times(a: Term, b: Term) -> Term:
    """The product of two terms."""
    powers = dict(a[1])
    for letter, exponent in b[1]:
        powers[letter] = powers.get(letter, 0) + exponent
    if len(a[2]) + len(b[2]) > MAX_EXPONENT or sum(powers.values()) > 2 * MAX_EXPONENT:
        raise NotPolynomial("too large")
    return a[0] * b[0], tuple(sorted(powers.items())), tuple(sorted(a[2] + b[2]))


def multiplied_out(sum: Sum) -> Iterator[Sum]:
    """All that one multiplication leads to, anywhere: two brackets with one another, or one with what is beside it."""
    for i, (coefficient, powers, factors) in enumerate(sum):
        others = [*sum[:i], *sum[i + 1 :]]
        for j, factor in enumerate(factors):
            for k in range(j + 1, len(factors)):
                rest: Term = (coefficient, powers, factors[:j] + factors[j + 1 : k] + factors[k + 1 :])
                terms = [times(a, b) for a in factor for b in factors[k]]
                yield collected([*others, *(times(rest, term) for term in terms)])
                yield collected([*others, times(rest, _as_term(collected(terms)))])
            if len(factors) > 1 and (coefficient, powers) != (1, ()):  # what stands before them into one of several
                inside = collected([times((coefficient, powers, ()), term) for term in factor])
                yield collected([*others, times((1, (), factors[:j] + factors[j + 1 :]), _as_term(inside))])
            rest = (coefficient, powers, factors[:j] + factors[j + 1 :])
            yield collected([*others, *(times(rest, term) for term in factor)])
            for inner in multiplied_out(factor):
                yield collected([*others, times(rest, _as_term(inner))])


def is_expanded(sum: Sum) -> bool:
    return not any(factors for _, _, factors in sum)


def value(sum: Sum, x: int) -> int:
    """With ``x`` for every letter."""
    total = 0
    for coefficient, powers, factors in sum:
        for _, exponent in powers:
            coefficient *= x**exponent
        for factor in factors:
            coefficient *= value(factor, x)
        total += coefficient
    return total


def written(sum: Sum) -> str:
    """As a person writes it, higher powers first."""
    terms = sorted(sum, key=lambda term: (-_degree(term), term[1], term[2], term[0]))
    text = "".join(_written(term) for term in terms) or " + 0"
    return "-" + text[3:] if text.startswith(" - ") else text[3:]


def _written(term: Term) -> str:
    coefficient, powers, factors = term
    letters = "".join(f"{letter}^{exponent}" if exponent > 1 else letter for letter, exponent in powers)
    brackets = "".join(
        f"({written(factor)})" + (f"^{factors.count(factor)}" if factors.count(factor) > 1 else "")
        for i, factor in enumerate(factors)
        if factor not in factors[:i]
    )
    number = "" if abs(coefficient) == 1 and (letters or brackets) else str(abs(coefficient))
    return f" {'-' if coefficient < 0 else '+'} {number}{letters}{brackets}"


def _degree(term: Term) -> int:
    _, powers, factors = term
    return sum(exponent for _, exponent in powers) + sum(max(map(_degree, factor), default=0) for factor in factors)


def _product(sums: list[Sum]) -> Sum:
    term: Term = (1, (), ())
    for factor in sums:
        term = times(term, _as_term(factor))
    return _as_sum(term)


def _as_term(sum: Sum) -> Term:
    """A sum as a factor: of one term that term, of none zero."""
    if len(sum) == 1:
        return sum[0]
    return (1, (), (sum,)) if sum else (0, (), ())


def _as_sum(term: Term) -> Sum:
    return collected([term])
