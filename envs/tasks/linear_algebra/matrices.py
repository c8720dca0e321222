"""Matrices of whole numbers as lists of rows: drawn, written, read and reduced."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import gcd
from typing import TypeAlias

from palaestra.verifiers.math.number import read_number

Matrix: TypeAlias = list[list[int]]

ANSWER_CHARS = 2000  # a longer answer is none
ROWS = re.compile(r"\[\[-?\d{1,30}(?:,-?\d{1,30})*\](?:,\[-?\d{1,30}(?:,-?\d{1,30})*\])*\]", re.ASCII)
VECTOR_MARKS = re.compile(
    r"\\begin\{[bp]matrix\}|\\end\{[bp]matrix\}|\\left|\\right|\\langle|\\rangle|\^\{?\\?(?:T|top)\}?|[()\[\]{}<>$]"
)
VECTOR_SPLIT = re.compile(r",|;|&|\\\\|\band\b")
NUMERAL = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
LABEL = re.compile(r"[a-z\\]+(?:_\d)?\s*=\s*")  # x=, v_1=, \lambda_2=


def worked_out(answer: str, entries: int) -> bool:
    """Whether an answer holds at most two numbers an entry: ``2 + 2`` still, but no rule of calculation written out."""
    return len(NUMERAL.findall(answer)) <= 2 * entries


def draw(uniforms: Iterator[float], rows: int, columns: int, bound: int) -> Matrix:
    """Entries from -bound to bound."""
    return [[int(next(uniforms) * (2 * bound + 1)) - bound for _ in range(columns)] for _ in range(rows)]


def listed(matrix: Sequence[Sequence[int]]) -> str:
    """``[[1, 2], [3, 4]]``."""
    return "[" + ", ".join(["[" + ", ".join(map(str, row)) + "]" for row in matrix]) + "]"


def tabled(matrix: Sequence[Sequence[int]]) -> str:
    """A row a line."""
    return "\n".join([" ".join(map(str, row)) for row in matrix])


def latex(matrix: Sequence[Sequence[int]]) -> str:
    inner = r" \\ ".join([" & ".join(map(str, row)) for row in matrix])
    return rf"\begin{{pmatrix}} {inner} \end{{pmatrix}}"


def read_matrix(answer: str) -> Matrix | None:
    """The matrix written as ``[[1, 2], [3, 4]]``; None for any other notation."""
    text = answer[: ANSWER_CHARS + 1].replace(" ", "")
    if not ROWS.fullmatch(text):
        return None
    return [[int(number) for number in row.split(",")] for row in text[2:-2].split("],[")]


def read_vector(answer: str) -> list[int | Fraction] | str:
    """The numbers of a row, a column or a list, in any brackets; or why there are none."""
    if len(answer) > ANSWER_CHARS:
        return f"an answer of more than {ANSWER_CHARS} characters"
    fractions = re.sub(r"\\[dt]?frac\{(-?\d{1,30})\}\{(\d{1,30})\}", r"\1/\2", answer)
    numbers = []
    for part in VECTOR_SPLIT.split(VECTOR_MARKS.sub("", fractions)):
        entry = LABEL.sub("", part.strip())
        number = read_number(entry)
        if number is None:
            return f"{entry[:40]!a} is no whole number or fraction"
        numbers.append(number)
    return numbers


def multiply(a: Sequence[Sequence[int]], b: Sequence[Sequence[int]]) -> Matrix:
    columns = list(zip(*b, strict=True))
    return [[sum([x * y for x, y in zip(row, column, strict=True)]) for column in columns] for row in a]


def elimination(matrix: Sequence[Sequence[int]]) -> Iterator[Matrix]:
    """The matrix, then what it becomes by clearing each column in whole numbers (Bareiss 1968).

    The last one has the determinant, of the rows as they were first, as its last entry; it is 0 as soon as a column
    holds no pivot.
    """
    rows = [list(row) for row in matrix]
    n, before = len(rows), 1
    yield rows
    for k in range(n - 1):
        swap = next((i for i in range(k, n) if rows[i][k]), None)
        if swap is None:
            rows[-1][-1] = 0
            break
        if swap != k:
            rows[k], rows[swap] = rows[swap], [-x for x in rows[k]]
        pivot = rows[k]
        for i in range(k + 1, n):
            row = rows[i]
            c = row[k]
            rows[i] = [0] * (k + 1) + [(pivot[k] * row[j] - c * pivot[j]) // before for j in range(k + 1, n)]
        before = pivot[k]
        yield rows


def determinant(matrix: Sequence[Sequence[int]]) -> int:
    for rows in elimination(matrix):
        last = rows
    return last[-1][-1]


def reduced(matrix: Sequence[Sequence[int]]) -> tuple[Matrix, list[int]]:
    """Gauss-Jordan elimination in whole numbers: the rows that are not zero, and the column of the pivot of each."""
    rows = [list(row) for row in matrix]
    pivots: list[int] = []
    for column in range(len(rows[0])):
        rank = len(pivots)
        found = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if found is None:
            continue
        rows[rank], rows[found] = rows[found], rows[rank]
        pivot = rows[rank]
        for i, row in enumerate(rows):
            if i != rank and row[column]:
                combined = [pivot[column] * x - row[column] * y for x, y in zip(row, pivot, strict=True)]
                divisor = gcd(*combined) or 1
                rows[i] = [x // divisor for x in combined]
        pivots.append(column)
    return rows[: len(pivots)], pivots
