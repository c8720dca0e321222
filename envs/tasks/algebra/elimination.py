"""Gauss-Jordan elimination in whole numbers. A row is [coefficient of each unknown, right-hand side]."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from .unknowns import linear_form


def gauss_jordan(equations: Sequence[Sequence[int]], names: Sequence[str]) -> tuple[list[str], list[Fraction]]:
    """Each new equation as a line, and the value of each unknown; the equations have exactly one solution."""
    rows = [list(row) for row in equations]
    n = len(rows)
    lines = []
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k] != 0)
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for i in range(n):
            if i != k and rows[i][k] != 0:
                combined = [rows[k][k] * b - rows[i][k] * a for a, b in zip(rows[k], rows[i], strict=True)]
                divisor = math.gcd(*combined)
                rows[i] = [c // divisor for c in combined]
                lines.append(equation(rows[i], names))
    return lines, [Fraction(rows[k][-1], rows[k][k]) for k in range(n)]


def is_regular(matrix: Sequence[Sequence[int]]) -> bool:
    """Whether the determinant of a square matrix is not zero."""
    rows = [list(row) for row in matrix]
    while rows:
        pivot = next((row for row in rows if row[0] != 0), None)
        if pivot is None:
            return False
        rows.remove(pivot)
        head, tail = pivot[0], pivot[1:]
        rows = [[head * b - row[0] * a for a, b in zip(tail, row[1:], strict=True)] for row in rows]
    return True


def equation(row: Sequence[int], names: Sequence[str]) -> str:
    """``3x - y = 4``."""
    return f"{linear_form(row[:-1], names)} = {row[-1]}"
