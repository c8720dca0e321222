"""The trees that searches log in a turn's meta, and what can be learned from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .record import Episode, Turn


@dataclass(frozen=True, slots=True)
class LoggedNode:
    """A node of a logged tree.

    id: its number; the root is 0, parents come before children. parent: None for the root. action: what led here.
    visits, q: of the search, q None without a visit; value: its own, None where it was not evaluated.
    ids: the tokens of the action, as sampled. chosen: on the path to the answer.
    """

    id: int
    parent: int | None
    action: str
    visits: int
    q: float | None
    value: float | None
    prior: float
    terminal: bool
    chosen: bool
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(self.meta.get("ids", ()))

    @property
    def worth(self) -> float | None:
        """The search's mean, else the node's own value."""
        return self.value if self.q is None else self.q


@dataclass(frozen=True, slots=True)
class StepValue:
    """A state of a tree as tokens, and what the search found it to be worth: what value models learn (AlphaMath).

    ids: from the prompt's first token on; the last ``n_step`` of them are the step that led there.
    """

    ids: tuple[int, ...]
    n_step: int
    worth: float
    visits: int
    terminal: bool


@dataclass(frozen=True, slots=True)
class SiblingPair:
    """Two steps from one state, of which the search found the first worth more by ``gap`` (SVPO, arXiv:2406.10858)."""

    prefix_ids: tuple[int, ...]
    better: tuple[int, ...]
    worse: tuple[int, ...]
    gap: float


def trees(episode: Episode) -> Iterator[tuple[int, list[LoggedNode]]]:
    """Number and tree of every turn that has one."""
    for number, turn in enumerate(episode.turns):
        if "tree" in turn.meta:
            yield number, tree_of(turn)


def tree_of(turn: Turn) -> list[LoggedNode]:
    """The nodes of a turn's tree, in the order of creation; none when it has no tree."""
    return [LoggedNode(**row) for row in turn.meta.get("tree", ())]


def step_values(turn: Turn) -> list[StepValue]:
    """Every state of a turn's tree that was evaluated, the root left out: nothing led there."""
    nodes = tree_of(turn)
    prefixes = _prefixes(turn, nodes)
    return [
        StepValue(prefixes[node.id], len(node.ids), node.worth, node.visits, node.terminal)
        for node in nodes
        if node.ids and node.worth is not None
    ]


def sibling_pairs(turn: Turn, gap: float = 0.0) -> list[SiblingPair]:
    """For every state of a turn's tree the best of its steps beside each of those worth less by more than ``gap``."""
    nodes = tree_of(turn)
    prefixes = _prefixes(turn, nodes)
    pairs = []
    for parent in nodes:
        children = [(node, node.worth) for node in nodes if node.parent == parent.id and node.ids]
        known = [(node, worth) for node, worth in children if worth is not None]
        if not known:
            continue
        best, highest = max(known, key=lambda pair: pair[1])
        pairs += [
            SiblingPair(prefixes[parent.id], best.ids, node.ids, highest - worth)
            for node, worth in known
            if highest - worth > gap
        ]
    return pairs


def _prefixes(turn: Turn, nodes: Sequence[LoggedNode]) -> dict[int, tuple[int, ...]]:
    """Of each node all tokens up to it."""
    prefixes: dict[int, tuple[int, ...]] = {}
    for node in nodes:
        prefixes[node.id] = turn.prompt_ids if node.parent is None else prefixes[node.parent] + node.ids
    return prefixes
