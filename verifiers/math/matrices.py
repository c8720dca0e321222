r"""Matrices: ``\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}`` and its kin, and nested lists ``[[1,2],[3,4]]``."""

from __future__ import annotations

from collections.abc import Callable

from .brackets import split
from .tree import Node, Operation, ParseError
from .values import Listing, Matrix, Value

MAX_CELLS = 400
ENVIRONMENTS = frozenset(("pmatrix", "bmatrix", "Bmatrix", "matrix", "smallmatrix", "array"))


def read_matrix(tokens: list[str], scalar: Callable[[list[str]], Node]) -> Matrix:
    """A matrix, perhaps with a factor before it.

    Raises:
        ParseError: another environment, rows of different lengths, more than ``MAX_CELLS``.
    """
    start = next(index for index, token in enumerate(tokens) if token.startswith(r"\begin"))
    name = tokens[start][tokens[start].find("{") + 1 : -1]
    if name not in ENVIRONMENTS or not tokens[-1].startswith(r"\end"):
        raise ParseError(f"{name[:20]} is no matrix, or something follows it")
    inner = tokens[start + 1 : -1]
    if name == "array" and inner[:1] == ["{"] and "}" in inner:
        inner = inner[inner.index("}") + 1 :]
    rows = split(inner, frozenset((r"\\",)))
    rows = rows if rows[-1] else rows[:-1]
    matrix = Matrix(tuple(tuple(map(scalar, split(row, frozenset("&")))) for row in rows))
    if len({len(row) for row in matrix.rows}) != 1 or len(matrix.rows) * len(matrix.rows[0]) > MAX_CELLS:
        raise ParseError(f"rows of different lengths, or more than {MAX_CELLS} cells")
    factor = [token for token in tokens[:start] if token != "*"]
    if not factor:
        return matrix
    times = Operation("-", (scalar(["1"]),)) if factor == ["-"] else scalar(factor)
    return Matrix(tuple(tuple(Operation("*", (times, cell)) for cell in row) for row in matrix.rows))


def as_matrix(value: Value, flat: bool) -> Matrix | None:
    """A nested list as a matrix; with ``flat`` a plain list as a column. None for anything else."""
    if isinstance(value, Matrix):
        return value
    if not isinstance(value, Listing) or value.kind not in ("()", "[]", "bare") or not value.items:
        return None
    rows: list[tuple[Node, ...]] = []
    for item in value.items:
        cells = item.items if isinstance(item, Listing) and item.kind in ("()", "[]") else (item,) if flat else ()
        row = tuple(cell for cell in cells if isinstance(cell, Node))
        if not row or len(row) != len(cells) or (rows and len(row) != len(rows[0])):
            return None
        rows.append(row)
    return Matrix(tuple(rows))
