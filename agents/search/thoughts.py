"""Tree of thoughts (Yao et al., arXiv:2305.10601): breadth first with pruning, and depth first with backtracking."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .tree import Node, Tree, finished, value_of
from .world import Asking, Evaluate, Expand


@dataclass(frozen=True, slots=True)
class BreadthFirst:
    """Level by level: ``thoughts`` at each of at most ``breadth`` states, those below ``threshold`` pruned.

    Ends at a level where nothing is open, or after ``depth`` levels; the answer is the best of what has ended.
    """

    breadth: int = 5
    thoughts: int = 5
    threshold: float = -math.inf
    depth: int = 64

    def __post_init__(self) -> None:
        if min(self.breadth, self.thoughts, self.depth) < 1:
            raise ValueError(f"breadth, thoughts and depth are 1 or more: {self}")

    def __call__(self, tree: Tree) -> Asking:
        level = [tree.root]
        for _ in range(self.depth):
            born = yield Expand(level, [self.thoughts] * len(level))
            candidates = [child for children in born for child in children]
            yield Evaluate(candidates)
            promising = [node for node in candidates if not node.terminal and value_of(node) >= self.threshold]
            level = sorted(promising, key=value_of, reverse=True)[: self.breadth]
            if not level:
                break
            tree.answer = level[0]
        tree.answer = finished(tree.nodes) or tree.answer


@dataclass(frozen=True, slots=True)
class DepthFirst:
    """The most promising thought first; below ``threshold`` a thought is pruned, and the search turns back.

    Ends with the first answer worth ``enough``, else when nothing is left or ``expansions`` are used up; the answer is
    then the best of what has ended.
    """

    thoughts: int = 5
    threshold: float = -math.inf
    enough: float = -math.inf
    expansions: int = 100

    def __post_init__(self) -> None:
        if min(self.thoughts, self.expansions) < 1:
            raise ValueError(f"thoughts and expansions are 1 or more: {self}")

    def __call__(self, tree: Tree) -> Asking:
        stack, left = [tree.root], self.expansions
        while stack:
            node = stack.pop()
            if node.terminal:
                if value_of(node) >= self.enough:
                    tree.answer = node
                    return
                continue
            if not left:
                continue
            left -= 1
            (children,) = yield Expand([node], [self.thoughts])
            yield Evaluate(children)
            promising = sorted(filter(self._promising, children), key=value_of, reverse=True)
            stack += promising[::-1]  # the best is taken first, the first of equals
            tree.answer = node
        tree.answer = finished(tree.nodes) or tree.answer

    def _promising(self, node: Node) -> bool:
        return value_of(node) >= self.threshold
