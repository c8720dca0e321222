"""Equations and inequalities that say the same: up to order, direction, and a constant factor."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

from .budget import spend
from .constants import sign
from .equality import equal
from .evaluation import TooLarge, Undefined
from .tree import Node, Operation, constant, difference, substitute, unknowns
from .values import Relation

POINTS = 8  # draws of a point at which one of two sides does not vanish
PROPORTION = 10  # work of drawing a point and taking both there
ZERO = constant(0)


def atoms(relation: Relation) -> list[tuple[str, Node]]:
    """Each link of the chain as ``f = 0``, ``f neq 0``, ``f < 0`` or ``f <= 0``."""
    links = zip(pairwise(relation.sides), relation.signs, strict=True)
    return [(s.replace(">", "<"), difference(b, a) if s.startswith(">") else difference(a, b)) for (a, b), s in links]


def same_atom(a: tuple[str, Node], b: tuple[str, Node], seed: str) -> bool | None:
    """Whether two links say the same.

    Raises:
        Undefined, TooLarge: as ``equal``.
    """
    return a[0] == b[0] and proportional(a[1], b[1], positive="<" in a[0], seed=seed)


def check_relation(relation: Relation) -> None:
    """Raises:
    Undefined: a link of the chain always or never holds, or cannot be told from one that does.
    """
    if not all(same_atom(atom, atom, "check") for atom in atoms(relation)):
        raise Undefined("a relation that says nothing")


def proportional(f: Node, g: Node, positive: bool, seed: str) -> bool | None:
    """Whether f = c g for a constant c that is not zero, or is positive; None when no method here can tell.

    Where g(p) is not zero, c can only be f(p) / g(p): the rest is whether f(x) g(p) and g(x) f(p) are equal.
    """
    spend(PROPORTION)
    rng = random.Random(seed)
    names = sorted(unknowns(f) | unknowns(g))
    for _ in range(POINTS):
        point = {name: constant(Fraction(rng.randint(1, 97), rng.choice((1, 2, 4)))) for name in names}
        u, v = substitute(f, point), substitute(g, point)
        try:
            zeros = equal(u, ZERO, seed), equal(v, ZERO, seed)
        except (Undefined, TooLarge):
            continue
        if zeros == (False, False):
            same = equal(Operation("*", (f, v)), Operation("*", (g, u)), seed)
            return same and (not positive or sign(u) == sign(v)) if same is not None else None
        if True in zeros and False in zeros:
            return False
    return None
