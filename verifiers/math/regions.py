"""Sets of real numbers: unions of intervals and points, and the inequalities in one letter that describe them."""

from __future__ import annotations

import math
from functools import cmp_to_key
from itertools import pairwise

from .budget import spend
from .constants import sign
from .corners import corners, replaced
from .equality import equal
from .evaluation import Irrational, TooLarge, Undefined, evaluate
from .tree import INFINITY, Node, Operation, Symbol, constant, difference, negated, substitute, unknowns
from .values import Listing, Piece, Region, Relation, Value

MAX_PIECES = 100
MAX_FORMS = 8  # of the two sides of an inequality, between their bends
TOP: Node = Symbol(INFINITY)
BOTTOM: Node = negated(TOP)
REALS = Region((Piece(BOTTOM, TOP, False, False),))


def infinite(node: Value) -> int:
    """1 and -1 for the infinities, 0 for anything else."""
    return 1 if node == TOP else -1 if node == BOTTOM else 0


def symbolic(region: Region) -> bool:
    """Whether an end holds letters, so that the ends cannot be ordered."""
    ends = [end for piece in region.pieces for end in (piece.low, piece.high)]
    return any(unknowns(end) for end in ends if not infinite(end))


def compare(a: Node, b: Node) -> int:
    """-1, 0 or 1 as a is below, at or above b.

    Raises:
        Undefined: they cannot be ordered.
    """
    if infinite(a) or infinite(b):
        return (infinite(a) > infinite(b)) - (infinite(a) < infinite(b))
    spend(1)
    try:
        x, y = evaluate(a), evaluate(b)
        return (x > y) - (x < y)
    except Irrational:
        if equal(a, b, "order"):
            return 0
    order = sign(difference(a, b))
    if order is None:
        raise Undefined("two ends of intervals cannot be ordered")
    return order


def as_region(value: Value) -> Region | None:
    """A value as a set of numbers: an interval in brackets, or a set of numbers in braces; None for another."""
    if isinstance(value, Region):
        return value
    if isinstance(value, Listing):
        items = [item for item in value.items if isinstance(item, Node)]
        if len(items) == len(value.items):
            if value.kind == "{}":
                return Region(tuple(Piece(item, item, True, True) for item in items))
            if value.kind in ("()", "[]") and len(items) == 2:
                return Region((Piece(items[0], items[1], value.kind == "[]", value.kind == "[]"),))
    return None


def canonical(region: Region) -> tuple[Piece, ...]:
    """The same set as disjoint pieces in order, none touching the next."""
    if len(region.pieces) > MAX_PIECES:
        raise TooLarge(f"more than {MAX_PIECES} intervals")
    pieces = [piece for piece in region.pieces if not _is_empty(piece)]
    pieces.sort(key=cmp_to_key(lambda a, b: compare(a.low, b.low) or b.low_closed - a.low_closed))
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        gap = compare(piece.low, last.high) if last else 1
        if last is None or gap > 0 or (gap == 0 and not (last.high_closed or piece.low_closed)):
            merged.append(piece)
            continue
        longer = compare(piece.high, last.high)
        closed = piece.high_closed if longer > 0 else last.high_closed or (longer == 0 and piece.high_closed)
        merged[-1] = Piece(last.low, piece.high if longer > 0 else last.high, last.low_closed, closed)
    return tuple(merged)


def union(a: Region, b: Region) -> Region:
    return Region(a.pieces + b.pieces)


def intersection(a: Region, b: Region) -> Region:
    """Raises:
    Undefined: ends cannot be ordered.
    TooLarge: more than ``MAX_PIECES`` pieces.
    """
    if len(a.pieces) * len(b.pieces) > MAX_PIECES:
        raise TooLarge(f"more than {MAX_PIECES} intervals")
    pieces = []
    for p in a.pieces:
        for q in b.pieces:
            low, high = compare(p.low, q.low), compare(p.high, q.high)
            piece = Piece(
                p.low if low >= 0 else q.low,
                p.high if high <= 0 else q.high,
                (p.low_closed or low < 0) and (q.low_closed or low > 0),
                (p.high_closed or high > 0) and (q.high_closed or high < 0),
            )
            if not _is_empty(piece):
                pieces.append(piece)
    return Region(tuple(pieces))


def minus(a: Region, b: Region) -> Region:
    ends = [(BOTTOM, False), *((end, open_) for p in canonical(b) for end, open_ in _flanks(p)), (TOP, False)]
    gaps = [Piece(low, high, x, y) for (low, x), (high, y) in zip(ends[::2], ends[1::2], strict=True)]
    return intersection(a, Region(tuple(gap for gap in gaps if not _is_empty(gap))))


def _flanks(piece: Piece) -> tuple[tuple[Node, bool], tuple[Node, bool]]:
    """Where the gap below a piece ends and the gap above it starts, and whether that end belongs to the gap."""
    return (piece.low, not piece.low_closed), (piece.high, not piece.high_closed)


def _is_empty(piece: Piece) -> bool:
    order = compare(piece.low, piece.high)
    return order > 0 or (order == 0 and not (piece.low_closed and piece.high_closed))


def solve(value: Value) -> tuple[str, Region] | None:
    """The one letter of linear inequalities joined by "and" and "or", and the set that they describe; None for others.

    Raises:
        Undefined, TooLarge: a side has no value, or is past a bound.
    """
    if isinstance(value, Relation):
        names = frozenset().union(*map(unknowns, value.sides)) - {INFINITY}
        if len(names) != 1 or "=" in value.signs:
            return None
        (name,) = names
        parts = [_ray(a, sign_, b, name) for (a, b), sign_ in zip(pairwise(value.sides), value.signs, strict=True)]
    elif isinstance(value, Listing) and value.kind in ("or", "and"):
        solved = [solve(item) for item in value.items]
        if None in solved or len({name for name, _ in filter(None, solved)}) != 1:
            return None
        name, parts = next(filter(None, solved))[0], [region for _, region in filter(None, solved)]
    else:
        return None
    total = parts[0]
    for part in parts:
        if total is None or part is None:
            return None
        total = union(total, part) if isinstance(value, Listing) and value.kind == "or" else intersection(total, part)
    return (name, total) if total is not None else None


def _ray(left: Node, relation: str, right: Node, name: str) -> Region | None:
    """The numbers for which ``left relation right``; None when that is not linear, or linear between bends."""
    if left == Symbol(name) and name not in unknowns(right):
        return _side(right, relation, 1)
    if right == Symbol(name) and name not in unknowns(left):
        return _side(left, relation, -1)
    f = difference(left, right)
    forms = math.prod(max(2, len(corner.args)) for corner in corners(f))
    return _where(f, relation, name) if forms <= MAX_FORMS else None


def _where(f: Node, relation: str, name: str) -> Region | None:
    """The numbers for which ``f relation 0``: where f bends, of each of its forms where that is the one that holds."""
    corner = next(iter(corners(f)), None)
    if corner is None:
        return _linear(f, relation, name)
    if corner.op not in ("abs", "max", "min"):
        return None
    forms = corner.args if corner.op != "abs" else (corner.args[0], negated(corner.args[0]))
    total = Region(())
    for form in dict.fromkeys(forms):
        case = _where(replaced(f, corner, form), relation, name)
        for other in dict.fromkeys(forms):
            if case is not None and other != form:
                held = _where(difference(form, other), "<=" if corner.op == "min" else ">=", name)
                case = intersection(case, held) if held is not None else None
        if case is None:
            return None
        total = union(total, case)
    return total


def _linear(f: Node, relation: str, name: str) -> Region | None:
    """The numbers for which ``f relation 0``, when f is a line."""
    if not _is_polynomial(f, name):
        return None
    at_zero, at_one = (substitute(f, {name: constant(k)}) for k in (0, 1))
    slope = _simple(difference(at_one, at_zero))
    if not equal(f, Operation("+", (at_zero, Operation("*", (slope, Symbol(name))))), repr(f)):
        return None
    direction = compare(slope, constant(0))
    if direction:
        return _side(_simple(Operation("/", (negated(at_zero), slope))), relation, direction)
    order = compare(at_zero, constant(0))
    holds = order != 0 if relation == "neq" else ("<", "=", ">")[order + 1] in relation
    return REALS if holds else Region(())


def _is_polynomial(f: Node, name: str) -> bool:
    """Whether a letter is only added, multiplied and raised to natural powers, so that f has a value at any number."""
    if not isinstance(f, Operation) or name not in unknowns(f):
        return True
    if f.op == "^":
        try:
            power = evaluate(f.args[1])
        except (Irrational, TooLarge):
            return False
        return power.denominator == 1 and power > 0 and _is_polynomial(f.args[0], name)
    if f.op == "/" and name in unknowns(f.args[1]):
        return False
    return f.op in ("+", "-", "*", "/", "%", "deg") and all(_is_polynomial(arg, name) for arg in f.args)


def _side(end: Node, relation: str, direction: int) -> Region:
    """The numbers on one side of an end; on the other one when the direction is negative."""
    if relation == "neq":
        return Region((Piece(BOTTOM, end, False, False), Piece(end, TOP, False, False)))
    closed = relation.endswith("=") and not infinite(end)
    if relation[0] == ("<" if direction > 0 else ">"):
        return Region((Piece(BOTTOM, end, False, closed),))
    return Region((Piece(end, TOP, closed, False),))


def _simple(node: Node) -> Node:
    """A rational constant as one number."""
    try:
        return constant(evaluate(node))
    except (Irrational, TooLarge):
        return node


def check_ends(value: Value) -> None:
    """Raises:
    Undefined: the value is a set or a linear inequality, and an end of it is no real number.
    """
    solved = solve(value)
    region = solved[1] if solved else value
    if isinstance(region, Region) and not symbolic(region):
        for piece in canonical(region):
            for end in (piece.low, piece.high):
                compare(end, constant(0))
