"""The tree that every search grows: nodes, what is proposed as a child, and how it is logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Cost


@dataclass(frozen=True, slots=True)
class Proposal:
    """An action and where it leads.

    action: what was done, a text for people and for telling siblings apart. state: the world's own, never looked into.
    prior: the policy's probability of the action, or what stands for it, in (0, 1].
    value: what the state is known to be worth, where it ends the search's problem and may be told; None: estimate it.
    reward: of the action, for searches that add up.
    meta: JSON-able remarks for the log (token ids).
    """

    action: str
    state: Any
    terminal: bool = False
    prior: float = 1.0
    value: float | None = None
    reward: float = 0.0
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Node:
    """A state in the tree, with its statistics.

    id: its number in the tree, in the order of creation; the root is 0. visits, total: how many values were backed up
    through it, and their sum. value: its own, None before it is evaluated.
    asked: how many children the world was asked for. closed: nothing is left to be found below it.
    waiting: leaves below it (or itself) that are under way; expanding: it is one of them.
    """

    id: int
    proposal: Proposal
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    visits: int = 0
    total: float = 0.0
    value: float | None = None
    asked: int = 0
    closed: bool = False
    waiting: int = 0
    expanding: bool = False

    @property
    def q(self) -> float:
        """Mean of the values backed up; minus infinity before the first."""
        return self.total / self.visits if self.visits else -float("inf")

    @property
    def terminal(self) -> bool:
        return self.proposal.terminal

    @property
    def action(self) -> str:
        return self.proposal.action

    @property
    def state(self) -> Any:
        return self.proposal.state

    def ancestry(self) -> Iterator[Node]:
        """The node, its parent, and so on to the root."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent


@dataclass(frozen=True, slots=True)
class Seeds:
    """Of the samples of these numbers at a node of a tree: hashes, made when they are asked for, as many worlds never
    do."""

    tree: int
    node: int
    numbers: range

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, place: int) -> int:
        return derive_seed(self.tree, self.node, self.numbers[place])

    def __iter__(self) -> Iterator[int]:
        return map(self.__getitem__, range(len(self)))


@dataclass(slots=True)
class Tree:
    """All nodes in the order of creation, the answer that the search settled on, and what growing it cost.

    seed: of all samples; those for a node are a hash of it, the node's number and theirs.
    nans: how many states the evaluator gave nan for; the root's meta in the log says so, where there are any.
    """

    nodes: list[Node]
    answer: Node
    seed: int = 0
    cost: Cost = field(default_factory=Cost)
    nans: int = 0

    @classmethod
    def rooted(cls, state: Any, seed: int = 0) -> Tree:
        root = Node(0, Proposal("", state))
        return cls([root], root, seed)

    @property
    def root(self) -> Node:
        return self.nodes[0]

    def attach(self, parent: Node, proposals: Sequence[Proposal]) -> list[Node]:
        """Add children. Actions that a sibling has taken are left out, or its visits would be split."""
        taken = {child.action for child in parent.children}
        added: list[Node] = []
        for proposal in proposals:
            if proposal.action not in taken:
                taken.add(proposal.action)
                added.append(Node(len(self.nodes) + len(added), proposal, parent))
        self.nodes += added
        parent.children += added
        return added

    def sample_seeds(self, node: Node, n: int) -> Seeds:
        """Seeds of the next n samples at a node."""
        return Seeds(self.seed, node.id, range(node.asked, node.asked + n))

    def rows(self) -> list[dict[str, Any]]:
        """The tree for the log, a JSON-able row a node, as ``palaestra.episodes.trees`` reads it."""
        chosen = {node.id for node in self.answer.ancestry()}
        root = {**self.root.proposal.meta, **({"nan values": self.nans} if self.nans else {})}
        metas = [root, *(node.proposal.meta for node in self.nodes[1:])]
        return [
            {
                "id": node.id,
                "parent": None if node.parent is None else node.parent.id,
                "action": node.action,
                "visits": node.visits,
                "q": node.q if node.visits else None,
                "value": node.value,
                "prior": node.proposal.prior,
                "terminal": node.terminal,
                "chosen": node.id in chosen,
                **({"meta": dict(meta)} if meta else {}),
            }
            for node, meta in zip(self.nodes, metas, strict=True)
        ]


def finished(nodes: Sequence[Node]) -> Node | None:
    """The terminal node of the highest value, the first of equals; None when nothing has ended."""
    ended = [node for node in nodes if node.terminal and node.value is not None]
    return max(ended, key=value_of, default=None)


def value_of(node: Node) -> float:
    """The node's own value.

    Raises:
        ValueError: it has not been evaluated.
    """
    if node.value is None:
        raise ValueError(f"node {node.id} has not been evaluated")
    return node.value
