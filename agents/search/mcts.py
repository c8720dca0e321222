"""Monte-Carlo tree search: select a leaf, expand it, evaluate it, back its value up; then move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from .scores import PUCT, Move, Score, Widening, max_child
from .tree import Node, Tree, finished, value_of
from .world import Asking, Evaluate, Expand

Find: TypeAlias = Callable[["MCTS", Tree, Node], Node | None]


def descend(search: MCTS, tree: Tree, root: Node) -> Node | None:
    """From ``root`` to the child of the highest score, until a node has room; None when all is closed or under way."""
    node = root
    while not search.has_room(node):
        choices = [child for child in node.children if not child.closed and (child.children or not child.expanding)]
        if not choices:
            return None
        node = max(choices, key=search.score)  # the first of equals
        if node.terminal:  # only where terminals are visited again
            return node
    return node


def global_leaf(search: MCTS, tree: Tree, root: Node) -> Node | None:
    """Of all nodes below ``root`` with room, the one of the highest score (MCTS_G: arXiv:2411.11694).

    Wants ``evaluate_children``: leaves that nobody has evaluated differ in their priors only.
    """
    if search.has_room(root):
        return root
    below = [node for node in tree.nodes if node is not root and root in node.ancestry()]
    return max((node for node in below if search.has_room(node)), key=search.score, default=None)


@dataclass(frozen=True, slots=True)
class MCTS:
    """A search for one problem; ``run`` has the rest.

    simulations: for each move. children: that a node has, at most. score: of a child, the highest is looked into.
    move: at the end. find: how a leaf is chosen, ``descend`` or ``global_leaf``.
    parallel: leaves a round, kept apart by virtual loss; all are one batch.
    widening: children are added one at a time as visits grow, each evaluated when made; None: all at once.
    evaluate_children: children are evaluated and backed up when made, not when they are expanded in their turn.
    revisit_terminals: a terminal is visited again and again. Without it, its value is backed up when it is made, then
        it is left out; a node all of whose children are closed is closed too, and the search stops with its root
        (Super_MARIO's rules, AlphaMath, arXiv:2405.03553, but for that stop).
    commit: after the simulations move, and search on from there, until a terminal (AlphaZero) or for ``moves`` moves.
        Without it, the answer is the terminal of the highest value that ``simulations`` from the root have met.

    Invariant: a node is visited once for its own value and once for every visit of its children.
    """

    simulations: int = 40
    children: int = 5
    score: Score = field(default_factory=PUCT)
    move: Move = max_child
    find: Find = descend
    parallel: int = 1
    widening: Widening | None = None
    evaluate_children: bool = False
    revisit_terminals: bool = False
    commit: bool = True
    moves: int = 256

    def __post_init__(self) -> None:
        if min(self.simulations, self.children, self.parallel, self.moves) < 1:
            raise ValueError("simulations, children, parallel leaves and moves are 1 or more")

    def __call__(self, tree: Tree) -> Asking:
        node: Node | None = tree.root
        for _ in range(self.moves):
            if node is None or node.terminal:
                break
            yield from self.simulate(tree, node)
            tree.answer = node
            node = self.move(node) if self.commit else None
        tree.answer = node or finished(tree.nodes) or tree.answer

    def simulate(self, tree: Tree, root: Node) -> Asking:
        """Grow the tree below ``root``; stops early when nothing is left to be found there."""
        left = self.simulations
        while left > 0:
            leaves: list[Node] = []
            while len(leaves) < min(self.parallel, left) and (leaf := self.find(self, tree, root)) is not None:
                self._set_out(leaf)
                leaves.append(leaf)
            if not leaves:  # all is closed
                return
            left -= len(leaves)
            yield from self._grow(leaves)

    def allowed(self, node: Node) -> int:
        """How many children the node may have been asked for now; behind none but closed ones there is another."""
        if self.widening is None:
            return self.children
        another = node.asked + 1 if node.children and all(child.closed for child in node.children) else 0
        return min(self.children, max(self.widening(node.visits), another))

    def has_room(self, node: Node) -> bool:
        """Whether the node can be expanded."""
        return not (node.terminal or node.closed or node.expanding) and node.asked < self.allowed(node)

    def _set_out(self, leaf: Node) -> None:
        leaf.expanding = not leaf.terminal
        for node in leaf.ancestry():
            node.waiting += 1

    def _grow(self, leaves: list[Node]) -> Asking:
        """Expand the leaves, evaluate what is due, back up."""
        growing = [leaf for leaf in leaves if not leaf.terminal]
        born = yield Expand(growing, [self.allowed(leaf) - leaf.asked for leaf in growing])
        at_once = self.evaluate_children or self.widening is not None
        new = [child for children in born for child in children if child.terminal or at_once]
        due = [leaf for leaf in leaves if leaf.terminal or not leaf.visits] + new
        yield Evaluate(due)
        for leaf in leaves:
            leaf.expanding = False
            for node in leaf.ancestry():
                node.waiting -= 1
        for node in due:
            back_up(node, value_of(node))
        for node in [*new, *growing]:
            self._close(node)

    def _close(self, node: Node) -> None:
        """Mark what has been searched through, from a node upwards."""
        for above in node.ancestry():
            if above.terminal:
                above.closed = not self.revisit_terminals
            else:
                whole = above.asked >= self.children or (above.asked > 0 and not above.children)
                above.closed = whole and all(child.closed for child in above.children)
            if not above.closed:
                return


def back_up(leaf: Node, value: float) -> None:
    """Add a value to a leaf and to all above it: Q is their mean."""
    for node in leaf.ancestry():
        node.visits += 1
        node.total += value
