"""Expressions over + - * /, grown from numbers upward and written with the fewest parentheses.

A program is a list of steps [op, i, j] over a growing list of values: first the given numbers (leaves), then the result
of each step; i and j are positions in it. Every value but the last is used exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from palaestra.envs.task import Problem

Program: TypeAlias = list[list[Any]]

SUM, PRODUCT, ATOM = 1, 2, 3  # how tightly an expression binds
OPERATORS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


def pairs(leaves: int, uniforms: Iterator[float]) -> Iterator[tuple[int, int]]:
    """Positions of the two values that each step combines: a random tree, drawn by two uniforms a step."""
    pool = list(range(leaves))
    for result in range(leaves, 2 * leaves - 1):
        i = pool.pop(int(next(uniforms) * len(pool)))
        j = pool.pop(int(next(uniforms) * len(pool)))
        yield i, j
        pool.append(result)


def compute(leaves: Sequence[Fraction], program: Program) -> list[Fraction]:
    """Every value: the leaves, then each step's result.

    Raises:
        ZeroDivisionError: a step divides by zero.
    """
    values = list(leaves)
    for op, i, j in program:
        values.append(OPERATORS[op](values[i], values[j]))
    return values


def write(leaves: Sequence[str], program: Program) -> list[str]:
    """The expression of every value. A leaf with a ``/`` binds as a product does."""
    texts = list(leaves)
    levels = [PRODUCT if "/" in leaf else ATOM for leaf in leaves]
    for op, i, j in program:
        level = SUM if op in "+-" else PRODUCT
        left = texts[i] if levels[i] >= level else f"({texts[i]})"
        right = texts[j] if levels[j] >= level + (op in "-/") else f"({texts[j]})"
        texts.append(f"{left} {op} {right}")
        levels.append(level)
    return texts


def solution(problem: Problem) -> str:
    """The steps to the value of the problem's expression, or to its hidden leaf, and the boxed answer."""
    leaves, program = list(map(Fraction, problem.meta["leaves"])), problem.meta["program"]
    hidden = problem.meta.get("hidden")
    lines = worked(leaves, program) if hidden is None else undone(leaves, program, hidden)
    return "\n".join([*lines, f"\\boxed{{{problem.reference}}}"])


def worked(leaves: Sequence[Fraction], program: Program) -> list[str]:
    """The steps as lines ``a op b = c``; a fraction after an operator stands in parentheses."""
    values = compute(leaves, program)
    return [
        f"{values[i]} {op} {_operand(values[j])} = {value}"
        for (op, i, j), value in zip(program, values[len(leaves) :], strict=True)
    ]


def hideable_leaf(leaves: Sequence[Fraction], program: Program) -> int | None:
    """The first leaf that the other leaves and the result determine; None when there is none.

    Going up from a leaf, each value determines the one above it and the other way round, unless the step multiplies
    by zero or divides zero.
    """
    values = compute(leaves, program)
    for leaf in range(len(leaves)):
        node = leaf
        for position, (op, i, j) in enumerate(program, len(leaves)):
            if node not in (i, j):
                continue
            if values[j if node == i else i] == 0 and (op == "*" or (op == "/" and node == j)):
                break
            node = position
        else:
            return leaf
    return None


def undone(leaves: Sequence[Fraction], program: Program, hidden: int) -> list[str]:
    """Lines from ``expression = result`` down to ``x = value``, where x stands for the leaf ``hidden``."""
    values = compute(leaves, program)
    texts = write(["x" if k == hidden else str(v) for k, v in enumerate(leaves)], program)
    lines = [f"x = {values[hidden]}"]
    node = hidden
    for position, (_, i, j) in enumerate(program, len(leaves)):
        if node in (i, j):
            node = position
            lines.append(f"{texts[node]} = {values[node]}")
    return lines[::-1]


def _operand(value: Fraction) -> str:
    return str(value) if value >= 0 and value.denominator == 1 else f"({value})"
