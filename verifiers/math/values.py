r"""What an answer can be: an expression, or something made of expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .dates import Moment
from .tree import Node, Number, Operation, Symbol

Kind: TypeAlias = Literal["bare", "or", "and", "()", "[]", "{}"]


@dataclass(frozen=True, slots=True)
class Listing:
    r"""Items in a row: ``1, 2`` (bare), ``1 or 2`` and ``\pm 1`` (or), ``x>1 and y>2`` (and), or in brackets."""

    kind: Kind
    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of equal length."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """An interval; a point is one that is closed with both ends the same. Ends may be infinite."""

    low: Node
    high: Node
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True, slots=True)
class Region:
    """A union of intervals and points, as written."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """``sides[0] signs[0] sides[1] signs[1] ...``; the signs are ``=``, ``<``, ``>``, ``<=``, ``>=`` and ``neq``."""

    sides: tuple[Node, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    r"""``x = value`` (how ``=``), ``x \in value`` (in), or what an inequality says of x (order)."""

    name: str
    value: Value
    how: Literal["=", "in", "order"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """``1:2:3``."""

    terms: tuple[Node, ...]


Value: TypeAlias = Node | Listing | Matrix | Region | Relation | Named | Ratio | Moment


def nodes(value: Value) -> Iterator[Node]:
    """Every expression that a value is made of."""
    match value:
        case Number() | Symbol() | Operation():
            yield value
        case Listing():
            for item in value.items:
                yield from nodes(item)
        case Matrix():
            for row in value.rows:
                yield from row
        case Region():
            for piece in value.pieces:
                yield from (piece.low, piece.high)
        case Relation():
            yield from value.sides
        case Named():
            yield from nodes(value.value)
        case Ratio():
            yield from value.terms
