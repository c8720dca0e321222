"""What needs no solver: truth tables of propositional formulas, and the value of a formula in a given model."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from typing import TypeAlias

from .formula import BOOL, Term

MAX_VARIABLES = 16  # of a truth table
MAX_BITS = 4096  # of a number on the way

Value: TypeAlias = bool | Fraction


class TooLarge(ArithmeticError):
    """A number on the way is past ``MAX_BITS``."""


def propositions(term: Term) -> frozenset[str] | None:
    """The letters of a propositional formula; None when it is anything else."""
    if term.op == "name":
        return frozenset((term.name,)) if term.sort == BOOL else None
    if term.op not in TABLES:
        return None
    names: frozenset[str] = frozenset()
    for arg in term.args:
        found = propositions(arg)
        if found is None:
            return None
        names |= found
    return names


def satisfying(term: Term, names: list[str]) -> dict[str, bool] | None:
    """The first row of the truth table over ``names``, false before true, where the formula holds; None when none.

    The table is one integer of a bit a row, so that a connective is one operation.
    """
    rows = 1 << len(names)
    ones = (1 << rows) - 1
    columns: dict[str, int] = {}
    for index, name in enumerate(names):
        block = 1 << index  # so many rows false, so many true, and again
        columns[name] = ones // ((1 << 2 * block) - 1) * ((1 << 2 * block) - (1 << block))
    table = _table(term, columns, ones)
    if not table:
        return None
    row = (table & -table).bit_length() - 1
    return {name: bool(row >> index & 1) for index, name in enumerate(names)}


def _table(term: Term, columns: Mapping[str, int], ones: int) -> int:
    if term.op == "name":
        return columns[term.name]
    return TABLES[term.op]([_table(arg, columns, ones) for arg in term.args], ones)


TABLES: dict[str, Callable[[list[int], int], int]] = {
    "true": lambda args, ones: ones,
    "false": lambda args, ones: 0,
    "not": lambda args, ones: ones ^ args[0],
    "and": lambda args, ones: reduce(operator.and_, args),
    "or": lambda args, ones: reduce(operator.or_, args),
    "xor": lambda args, ones: args[0] ^ args[1],
    "implies": lambda args, ones: ones ^ args[0] | args[1],
    "iff": lambda args, ones: ones ^ args[0] ^ args[1],
    "=": lambda args, ones: ones ^ args[0] ^ args[1],
}


def evaluable(term: Term) -> bool:
    """Whether ``value`` applies: no quantifier, no function, no sort but Bool, Int and Real."""
    if term.op in ("forall", "exists", "apply"):
        return False
    if term.op == "name":
        return term.sort in ("Bool", "Int", "Real")
    return all(map(evaluable, term.args))


def value(term: Term, model: Mapping[str, Value]) -> Value:
    """The value of a term in a model that has a value for every name.

    Raises:
        TooLarge: see there.
    """
    if term.op == "name":
        return model[term.name]
    if term.op == "number":
        return Fraction(term.name)
    args = [value(arg, model) for arg in term.args]
    if term.op in TABLES and term.op != "=":
        return bool(TABLES[term.op]([int(arg) for arg in args], 1))
    result = OPERATIONS[term.op](*args) if term.op != "^" else args[0] ** int(term.name)
    if isinstance(result, Fraction) and max(result.numerator.bit_length(), result.denominator.bit_length()) > MAX_BITS:
        raise TooLarge(f"a number of more than {MAX_BITS} bits")
    return result


OPERATIONS: dict[str, Callable[..., Value]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    "+": lambda *args: sum(args, Fraction(0)),
    "*": lambda *args: reduce(operator.mul, args),
    "-": operator.neg,
    "div": lambda a, b: Fraction(a // b),
    "mod": operator.mod,
}
