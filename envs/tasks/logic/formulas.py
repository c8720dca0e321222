"""Propositional formulas as nested lists, drawn at random, in words and as truth tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

Formula: TypeAlias = Any  # a variable's index, ["not", formula] or [connective, formula, formula]: JSON-able

VARIABLES = "pqrstu"
CONNECTIVES = {"and": "and", "or": "or", "implies": "implies", "iff": "if and only if", "xor": "xor"}


@cache
def columns(n: int) -> tuple[int, ...]:
    """The truth tables of n variables: bit w tells the value in row w, in which variable i is true if bit i of w is."""
    return tuple(sum(1 << w for w in range(1 << n) if w >> i & 1) for i in range(n))


def everywhere(n: int) -> int:
    """The truth table that is true in all 2^n rows."""
    return (1 << (1 << n)) - 1


def truth_table(formula: Formula, n: int) -> int:
    """2^n bits, laid out as in ``columns``."""
    if isinstance(formula, int):
        return columns(n)[formula]
    if formula[0] == "not":
        return truth_table(formula[1], n) ^ everywhere(n)
    return _joined(formula[0], truth_table(formula[1], n), truth_table(formula[2], n), n)


def draw_formula(random: Callable[[], float], n: int, size: int, connectives: tuple[str, ...]) -> tuple[Formula, int]:
    """A formula of ``size`` connectives, and its truth table; ``random`` gives uniforms in [0, 1).

    Its literals and its parts of one connective are uniform over all of two different variables.
    """
    if size <= 1:
        short = _short_formulas(n, connectives)[size]
        return short[int(random() * len(short))]
    kind = connectives[int(random() * len(connectives))]
    split = int(random() * size)
    left, left_table = draw_formula(random, n, split, connectives)
    right, right_table = draw_formula(random, n, size - 1 - split, connectives)
    return [kind, left, right], _joined(kind, left_table, right_table, n)


@cache
def _short_formulas(
    n: int, connectives: tuple[str, ...]
) -> tuple[list[tuple[Formula, int]], list[tuple[Formula, int]]]:
    """The literals, and the formulas of one connective and two variables, with their truth tables."""
    literals: list[Formula] = [*range(n), *(["not", i] for i in range(n))]
    pairs = [(a, b) for i, a in enumerate(literals) for j, b in enumerate(literals) if i % n != j % n]
    joined = [[kind, a, b] for kind in connectives for a, b in pairs]
    return [(f, truth_table(f, n)) for f in literals], [(f, truth_table(f, n)) for f in joined]


def _joined(kind: str, left: int, right: int, n: int) -> int:
    if kind == "and":
        return left & right
    if kind == "or":
        return left | right
    if kind == "xor":
        return left ^ right
    return (left ^ everywhere(n)) | right if kind == "implies" else left ^ right ^ everywhere(n)


def in_words(formula: Formula, outermost: bool = True) -> str:
    """``(p and not q) implies r``: a connective within another stands in parentheses."""
    if isinstance(formula, int):
        return VARIABLES[formula]
    if formula[0] == "not":
        return f"not {in_words(formula[1], False)}"
    text = f"{in_words(formula[1], False)} {CONNECTIVES[formula[0]]} {in_words(formula[2], False)}"
    return text if outermost else f"({text})"


def row_name(row: int, n: int) -> str:
    """The values of the variables in a row: ``TFT``."""
    return "".join("T" if row >> i & 1 else "F" for i in range(n))


def rows_of(table: int) -> list[int]:
    """The rows in which a truth table is true."""
    return [row for row in range(table.bit_length()) if table >> row & 1]
