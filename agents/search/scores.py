"""Named policies of Monte-Carlo tree search: which child to look into next, and which to move to at the end."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from .tree import Node

Score: TypeAlias = Callable[[Node], float]  # of a child, which knows its parent; the highest is looked into
Urgency: TypeAlias = Callable[[Node], float]  # what an unvisited child of this node is taken to be worth
Move: TypeAlias = Callable[[Node], Node | None]  # the child to move to at the end; None when there is none


@dataclass(frozen=True, slots=True)
class Constant:
    """First-play urgency: the same for all."""

    value: float = 0.0

    def __call__(self, parent: Node) -> float:
        return self.value


@dataclass(frozen=True, slots=True)
class BelowParent:
    """First-play urgency: what the parent is worth so far, less a reduction (Leela Chess Zero)."""

    reduction: float = 0.2

    def __call__(self, parent: Node) -> float:
        return parent.q - self.reduction if parent.visits else 0.0


@dataclass(frozen=True, slots=True)
class PUCT:
    r"""$Q + c\,P\,\sqrt{N_{parent}}/(1 + N)$ (Silver et al. 2017; AlphaMath, arXiv:2405.03553).

    Leaves under way count as visits, each of which lost ``virtual_loss``.
    """

    c: float = 1.25
    urgency: Urgency = Constant(0.0)
    virtual_loss: float = 1.0

    def __call__(self, child: Node) -> float:
        parent = parent_of(child)
        n, parent_n = child.visits + child.waiting, parent.visits + parent.waiting
        worth = tried(child, self.virtual_loss) if n else self.urgency(parent)
        return worth + self.c * child.proposal.prior * math.sqrt(parent_n) / (1 + n)


@dataclass(frozen=True, slots=True)
class UCT:
    r"""$Q + 2 C_p \sqrt{2 \ln N_{parent} / N}$ (Kocsis and Szepesvári 2006; Browne et al. 2012, where C_p is 1/√2).

    Unvisited children come first unless ``urgency`` says otherwise.
    """

    cp: float = 1 / math.sqrt(2)
    urgency: Urgency = Constant(math.inf)
    virtual_loss: float = 1.0

    def __call__(self, child: Node) -> float:
        parent, n = parent_of(child), child.visits + child.waiting
        if not n:
            return self.urgency(parent)
        parent_n = parent.visits + parent.waiting
        return tried(child, self.virtual_loss) + 2 * self.cp * math.sqrt(2 * math.log(parent_n) / n)


@dataclass(frozen=True, slots=True)
class Widening:
    r"""Progressive widening: a node visited N times has at most $C N^\alpha$ children (Coulom 2007)."""

    c: float = 1.0
    alpha: float = 0.5

    def __call__(self, visits: int) -> int:
        return max(1, math.floor(self.c * math.pow(max(visits, 1), self.alpha)))


def tried(node: Node, virtual_loss: float) -> float:
    """The mean of a node's values, with a loss for each leaf under way."""
    return (node.total - virtual_loss * node.waiting) / (node.visits + node.waiting)


def max_child(node: Node) -> Node | None:
    """The child of the highest mean value, the first of equals."""
    return max(node.children, key=lambda child: child.q, default=None)


def robust_child(node: Node) -> Node | None:
    """The child visited most, of equals the one of the highest mean value.

    Where terminal children are visited once only, and then left out, this passes over them: use ``max_child``.
    """
    return max(node.children, key=lambda child: (child.visits, child.q), default=None)


def parent_of(child: Node) -> Node:
    """The node that a child is a child of."""
    assert child.parent is not None, "the root is nobody's child"
    return child.parent
