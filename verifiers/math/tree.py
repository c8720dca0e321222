"""The small immutable tree that an expression is read into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

CONSTANTS = frozenset(("pi", "e", "i"))  # symbols with a value of their own
INFINITY = "infty"
MAX_DEPTH = 100  # levels of a tree
MAX_NODES = 1000  # nodes of a tree
UNKNOWN_BASE = "base of log"  # no text spells this symbol


class ParseError(ValueError):
    """The text is not an answer of this grammar, or is past a bound."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal as written; a minus sign before it is an ``Operation``."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable (``x``, ``x_1``, ``alpha``), a constant (``pi``, ``e``, ``i``), ``infty``, or a name (``km``)."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """``op`` applied to ``args``.

    op: ``+`` and ``*`` (two or more arguments), ``-`` (one: negation; a - b is a + (-b)), ``/`` and ``^`` (two),
        ``sqrt``, ``!`` and ``%`` (one), ``root`` (two: radicand, index), ``deg`` (one: an angle in degrees),
        ``log`` (two: number, base), ``binom`` (two), ``max``, ``min``, ``gcd`` and ``lcm`` (two or more),
        or one of ``tokens.FUNCTIONS`` (one).
    """

    op: str
    args: tuple[Node, ...]


Node: TypeAlias = Number | Symbol | Operation


def symbols(node: Node) -> frozenset[str]:
    """The names of the symbols in an expression, constants too."""
    if isinstance(node, Symbol):
        return frozenset((node.name,))
    if isinstance(node, Number):
        return frozenset()
    return frozenset().union(*map(symbols, node.args))


def unknowns(node: Node) -> frozenset[str]:
    """The names of the symbols that have no value of their own."""
    return symbols(node) - CONSTANTS


def operations(node: Node) -> frozenset[str]:
    """The operations in an expression."""
    if not isinstance(node, Operation):
        return frozenset()
    return frozenset((node.op,)).union(*map(operations, node.args))


def substitute(node: Node, values: Mapping[str, Node]) -> Node:
    """The expression with some symbols replaced."""
    if isinstance(node, Symbol):
        return values.get(node.name, node)
    if isinstance(node, Number):
        return node
    return Operation(node.op, tuple(substitute(arg, values) for arg in node.args))


def constant(value: int | Fraction) -> Node:
    """A rational number as the parser reads it."""
    node = Number(abs(Fraction(value)))
    return node if value >= 0 else negated(node)


def negated(node: Node) -> Node:
    return Operation("-", (node,))


def difference(a: Node, b: Node) -> Node:
    return Operation("+", (a, negated(b)))


def check_size(root: Node) -> None:
    """Raises:
    ParseError: the tree is past ``MAX_DEPTH`` or ``MAX_NODES``.
    """
    level: list[Node] = [root]
    nodes = 0
    for _ in range(MAX_DEPTH):
        nodes += len(level)
        if nodes > MAX_NODES:
            raise ParseError(f"more than {MAX_NODES} numbers, symbols and operations")
        level = [arg for node in level if isinstance(node, Operation) for arg in node.args]
        if not level:
            return
    raise ParseError(f"more than {MAX_DEPTH} operations inside one another")
