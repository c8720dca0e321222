"""A* over steps: the open state of the best promise next, wherever it is in the tree."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass

from .tree import Node, Tree, value_of
from .world import Asking, Evaluate, Expand


def log_prior(node: Node) -> float:
    """The log-probability of a step, so that gains add up to a path's."""
    return math.log(node.proposal.prior)


def reward(node: Node) -> float:
    """What the world paid for a step."""
    return node.proposal.reward


@dataclass(frozen=True, slots=True)
class AStar:
    r"""Expands the open state of the highest $f = g + \lambda h$ (Hart et al. 1968, with gains in place of costs).

    g: the sum of ``gain`` over the steps so far. h: the world's value, what can still be gained. Where no state can
    gain more than its h says (and h is 0 at ends, $\lambda$ = 1), the answer is the best there is in the tree.
    Q* (arXiv:2406.14283) has h learned and rewards for gains, ToolChain* (arXiv:2310.13227) costs of tool calls.

    Ends with the first end that comes to the front; after ``expansions``, with the best end that was met, else with
    the open state at the front.
    """

    samples: int = 5
    gain: Callable[[Node], float] = log_prior
    weight: float = 1.0
    expansions: int = 100

    def __post_init__(self) -> None:
        if min(self.samples, self.expansions) < 1:
            raise ValueError(f"samples and expansions are 1 or more: {self}")

    def __call__(self, tree: Tree) -> Asking:
        gained = {tree.root.id: 0.0}
        front = [(0.0, 0, tree.root)]  # (-f, id, node): of equals the one made first
        for _ in range(self.expansions):
            if not front or front[0][2].terminal:
                break
            node = heapq.heappop(front)[2]
            (children,) = yield Expand([node], [self.samples])
            yield Evaluate(children)
            for child in children:
                gained[child.id] = gained[node.id] + self.gain(child)
                promise = gained[child.id] + self.weight * value_of(child)
                heapq.heappush(front, (-promise, child.id, child))
        ends = [each for each in front if each[2].terminal]
        tree.answer = min(ends or front or [(0.0, 0, tree.root)])[2]
