r"""Where ``|x|``, ``max``, ``min``, ``floor`` and ``ceil`` bend or jump.

Two functions that hold one of them may agree everywhere near zero and part far off: ``|x-40|`` is ``40-x`` up to 40.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

from .evaluation import TooLarge, Undefined, evaluate
from .tree import Node, Operation, difference, unknowns

CORNERS = frozenset(("abs", "max", "min", "floor", "ceil"))
ROOTS = frozenset(("sqrt", "root"))
MAX_BENDS = 12  # of two expressions, that are looked beside
FAR_POINTS = 16
FAR_BITS = 64  # of the size of a value there
STEP = Fraction(1, 14)  # how far from a bend its two sides are looked at


def corners(node: Node) -> list[Operation]:
    """The corners of an expression, each once, those inside others first."""
    if not isinstance(node, Operation):
        return []
    found = [corner for arg in node.args for corner in corners(arg)]
    return list(dict.fromkeys([*found, node] if node.op in CORNERS else found))


def bending(node: Node) -> bool:
    r"""Whether an expression holds a corner, or a root, which can be one: ``\sqrt{(x-40)^2}`` is ``|x-40|``."""
    if not isinstance(node, Operation):
        return False
    return node.op in CORNERS | ROOTS or _is_root(node) or any(map(bending, node.args))


def _is_root(power: Operation) -> bool:
    try:
        return power.op == "^" and evaluate(power.args[1]).denominator > 1
    except (Undefined, TooLarge):
        return False


def replaced(node: Node, corner: Node, form: Node) -> Node:
    """The expression with one of its parts, wherever it occurs, replaced."""
    if node == corner:
        return form
    if not isinstance(node, Operation):
        return node
    return Operation(node.op, tuple(replaced(arg, corner, form) for arg in node.args))


def points(a: Node, b: Node, names: list[str], rng: random.Random) -> Iterator[dict[str, Fraction]]:
    """Points of any size and sign, and on both sides of each bend that is easy to find; none for smooth functions."""
    if not (bending(a) or bending(b)):
        return
    for _ in range(FAR_POINTS):
        yield {name: _far(rng) for name in names}
    bends = [bend for corner in dict.fromkeys(corners(a) + corners(b)) for bend in _bends(corner)]
    for bend in bends[:MAX_BENDS]:
        for name in sorted(unknowns(bend)):
            point = {other: Fraction(rng.randint(-99, 99), 14) for other in names}
            if (zero := _zero(bend, name, point)) is not None:
                yield from ({**point, name: zero + step} for step in (-STEP, STEP))


def _far(rng: random.Random) -> Fraction:
    """Odd over many twos, so that no power to it, or to it doubled, is an odd root of a negative number."""
    top, bottom = rng.getrandbits(rng.randint(8, FAR_BITS)) | 1, 64 * (rng.getrandbits(4) | 1)
    return Fraction(rng.choice((-1, 1)) * top, bottom)


def _bends(corner: Operation) -> list[Node]:
    """The corner bends where one of these is zero."""
    if corner.op in ("max", "min"):
        return [difference(x, y) for x, y in combinations(corner.args, 2)]
    return [corner.args[0]]


def _zero(bend: Node, name: str, point: dict[str, Fraction]) -> Fraction | None:
    """Where a function would be zero if it were linear: a guess of where to look, wherever it is."""
    try:
        at_zero, at_one = (evaluate(bend, {**point, name: Fraction(k)}) for k in (0, 1))
    except (Undefined, TooLarge):
        return None
    return at_zero / (at_zero - at_one) if at_zero != at_one else None
