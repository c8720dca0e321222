"""The sort of every term of a formula, declared or found from where it stands."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from .formula import BOOL, INT, OBJECT, REAL, FormulaError, Term

CONNECTIVES = frozenset(("not", "and", "or", "xor", "implies", "iff"))
NUMBERS = (INT, REAL)


def elaborate(term: Term, expected: str, known: dict[str, tuple[str, ...]]) -> Term:
    """``term`` with sorts. ``expected`` is its sort, or empty for any; names met for the first time enter ``known``.

    Raises:
        FormulaError: a sort does not fit.
    """
    sorted_term = _sorted(term, expected, known)
    if expected and sorted_term.sort != expected and not (expected == REAL and sorted_term.sort == INT):
        raise FormulaError(f"{_named(term)} is of sort {sorted_term.sort}; expected {expected}")
    return sorted_term


def _sorted(term: Term, expected: str, known: dict[str, tuple[str, ...]]) -> Term:
    op = term.op
    if op in ("true", "false", "number"):
        return term
    if op in ("name", "apply"):
        return _symbol(term, expected, known)
    if op in CONNECTIVES:
        return replace(term, sort=BOOL, args=tuple(elaborate(arg, BOOL, known) for arg in term.args))
    if op in ("forall", "exists"):
        *variables, body = term.args
        inner = known | {variable.name: (variable.sort,) for variable in variables}
        body = elaborate(body, BOOL, inner)
        bound = {variable.name for variable in variables}
        known |= {name: sorts for name, sorts in inner.items() if name not in bound}
        return replace(term, sort=BOOL, args=(*variables, body))
    if op == "=":
        left, right = term.args
        if _unknown(left, known) and not _unknown(right, known):
            right = elaborate(right, "", known)
            left = elaborate(left, right.sort, known)
        else:
            left = elaborate(left, "", known)
            right = elaborate(right, "" if left.sort in NUMBERS else left.sort, known)
        if left.sort != right.sort and not (left.sort in NUMBERS and right.sort in NUMBERS):
            raise FormulaError(f"= compares {left.sort} with {right.sort}")
        return replace(term, sort=BOOL, args=(left, right))
    args = tuple(_number(arg, known) for arg in term.args)
    if op in ("<", "<="):
        return replace(term, sort=BOOL, args=args)
    if op in ("/", "div", "mod"):
        return _division(term, *args)
    return replace(term, sort=REAL if REAL in (arg.sort for arg in args) else INT, args=args)


def _symbol(term: Term, expected: str, known: dict[str, tuple[str, ...]]) -> Term:
    """A name, with its arguments."""
    if term.name not in known:
        arguments = tuple(elaborate(arg, "", known).sort for arg in term.args)
        known[term.name] = (*arguments, expected or OBJECT)
    *sorts, result = known[term.name]
    if len(sorts) != len(term.args):
        raise FormulaError(f"{term.name[:20]} has {len(term.args)} arguments here, {len(sorts)} elsewhere")
    args = [elaborate(arg, sort, known) for arg, sort in zip(term.args, sorts, strict=True)]
    return replace(term, sort=result, args=tuple(map(_as_declared, args, sorts)))


def _as_declared(term: Term, sort: str) -> Term:
    """An integer where a real number is declared."""
    return term if term.sort == sort else Term("+", REAL, (term, Term("number", REAL, name="0")))


def _number(term: Term, known: dict[str, tuple[str, ...]]) -> Term:
    term = elaborate(term, INT if _unknown(term, known) else "", known)
    if term.sort not in NUMBERS:
        raise FormulaError(f"{_named(term)} is of sort {term.sort}, not a number")
    return term


def _division(term: Term, dividend: Term, divisor: Term) -> Term:
    value = constant(divisor)
    if value is None or value == 0:
        raise FormulaError("the divisor is a number other than 0")
    if term.op == "/":
        return Term("*", REAL, (dividend, Term("number", REAL, name=str(1 / value))))
    if dividend.sort != INT or value.denominator != 1 or value < 0:
        raise FormulaError(f"{term.op} is for an integer and a positive integer")
    return Term(term.op, INT, (dividend, divisor))


def constant(term: Term) -> Fraction | None:
    """The value of a number, of its negative, or of a fraction of two; None for any other term."""
    if term.op == "number":
        return Fraction(term.name)
    values = [constant(arg) for arg in term.args]
    if not values or None in values:
        return None
    if term.op == "-":
        return -(values[0] or Fraction(0))
    if term.op == "*" and len(values) == 2:
        return (values[0] or Fraction(0)) * (values[1] or Fraction(0))
    return None


def _unknown(term: Term, known: dict[str, tuple[str, ...]]) -> bool:
    return term.op in ("name", "apply") and term.name not in known


def _named(term: Term) -> str:
    return term.name[:20] if term.op in ("name", "apply", "number") else f"a term with {term.op!a}"
