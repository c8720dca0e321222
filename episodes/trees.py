"""The trees that searches log in a turn's meta."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def trees(episode: Episode) -> Iterator[tuple[int, list[LoggedNode]]]:
    """Number and tree of every turn that has one."""
    for number, turn in enumerate(episode.turns):
        if "tree" in turn.meta:
            yield number, tree_of(turn)


def tree_of(turn: Turn) -> list[LoggedNode]:
    """The nodes of a turn's tree, in the order of creation; none when it has no tree."""
    return [LoggedNode(**row) for row in turn.meta.get("tree", ())]
