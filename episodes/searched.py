"""Views of the trees that searches logged: what every step of a path is worth, and better steps beside worse ones."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from .record import Episode, Turn
from .steps import ValuedRow, ValueView
from .trees import LoggedNode, tree_of
from .views import Row, View


def searched_values(episodes: Iterable[Episode], visits: int = 0) -> ValueView:
    """A row for each path of each tree, from the prompt to where the search left off, with the worth of its steps.

    The targets of AlphaMath's value head (arXiv:2405.03553). A path ends with the last of its steps that has a worth
    and ``visits`` or more. The reward of the path that was answered is the episode's; nobody judged the others, whose
    reward is nan. Steps that paths share are in the rows of all of them. ``dropped`` counts turns, and paths.
    """
    rows: list[ValuedRow] = []
    dropped: Counter[str] = Counter()
    for episode in episodes:
        for turn in episode.turns:
            nodes = tree_of(turn)
            if not any(node.ids for node in nodes):
                dropped["no tree" if not nodes else "its tree has no tokens"] += 1
                continue
            inner = {node.parent for node in nodes}
            by_id = {node.id: node for node in nodes}
            for leaf in nodes:
                if leaf.id in inner:
                    continue
                path = _path(leaf, by_id)
                known = _known(path, visits)
                if known:
                    rows.append(_valued(episode, turn, known, answered=leaf.chosen and len(known) == len(path)))
                else:
                    dropped["no step of it is known"] += 1
    return ValueView(rows, dropped)


def searched_pairs(episodes: Iterable[Episode], gap: float = 0.3, visits: int = 1) -> View:
    """Of every node of every tree the step worth most and the one worth least, where they differ by ``gap`` or more.

    SVPO's pairs (arXiv:2406.10858): only the step's tokens are learned; its reward is its worth. Steps with fewer than
    ``visits`` are left out, for their worth is noise. ``dropped`` counts turns without a tree, and steps.
    """
    kept: list[Row] = []
    dropped: Counter[str] = Counter()
    for episode in episodes:
        for number, turn in enumerate(episode.turns):
            nodes = tree_of(turn)
            if not any(node.ids for node in nodes):
                dropped["no tree" if not nodes else "its tree has no tokens"] += 1
                continue
            by_id = {node.id: node for node in nodes}
            children: dict[int, list[LoggedNode]] = defaultdict(list)
            for node in nodes:
                if node.parent is not None:
                    children[node.parent].append(node)
            for parent, steps in children.items():
                known = [node for node in steps if _known([node], visits)]
                dropped[f"without a worth, or fewer than {visits} visits"] += len(steps) - len(known)
                best, worst = (max(known, key=_worth), min(known, key=_worth)) if known else (None, None)
                if best is None or worst is None or best is worst or _worth(best) - _worth(worst) < gap:
                    dropped[f"no step beside it is {gap:g} better or worse"] += len(known)
                    continue
                name = f"{episode.group_id}#{episode.id}/{number}/{parent}"
                kept += [_step(episode, turn, _path(one, by_id), name, sign) for one, sign in ((best, 1), (worst, -1))]
                dropped["neither the best nor the worst"] += len(known) - 2
    return View(kept, +dropped)


def _path(leaf: LoggedNode, by_id: dict[int, LoggedNode]) -> list[LoggedNode]:
    """The nodes from below the root to this one."""
    path: list[LoggedNode] = []
    node = leaf
    while node.parent is not None:
        path.append(node)
        node = by_id[node.parent]
    return path[::-1]


def _known(path: Sequence[LoggedNode], visits: int) -> list[LoggedNode]:
    """The path up to its last node with a worth and so many visits."""
    ends = [n for n, node in enumerate(path, 1) if not math.isnan(_worth(node)) and node.visits >= visits and node.ids]
    return list(path[: ends[-1]]) if ends else []


def _worth(node: LoggedNode) -> float:
    return math.nan if node.worth is None else node.worth


def _valued(episode: Episode, turn: Turn, path: Sequence[LoggedNode], answered: bool) -> ValuedRow:
    ends = len(turn.prompt_ids) + np.cumsum([len(node.ids) for node in path])
    steps = [(end, node) for end, node in zip(ends.tolist(), path, strict=True) if not math.isnan(_worth(node))]
    return ValuedRow(
        row=_row(episode, turn, path, 0, episode.outcome[turn.role].reward if answered else math.nan),
        ends=np.array([end for end, _ in steps], dtype=np.int64),
        values=np.array([_worth(node) for _, node in steps], dtype=np.float32),
        visits=np.array([node.visits for _, node in steps], dtype=np.int64),
    )


def _step(episode: Episode, turn: Turn, path: Sequence[LoggedNode], name: str, label: int) -> Row:
    before = sum(len(node.ids) for node in path[:-1])
    return _row(episode, turn, path, before, _worth(path[-1]), name, label)


def _row(
    episode: Episode,
    turn: Turn,
    path: Sequence[LoggedNode],
    before: int,
    reward: float,
    name: str | None = None,
    label: int = 0,
) -> Row:
    """The path's tokens behind the prompt, to be learned but for the first ``before`` of them; the log of a tree has
    no log-probabilities."""
    ids = np.array([*turn.prompt_ids, *(one for node in path for one in node.ids)], dtype=np.int64)
    return Row(
        ids=ids,
        action=np.arange(len(ids)) >= len(turn.prompt_ids) + before,
        logprobs=np.zeros(len(ids), dtype=np.float32),
        reward=reward,
        episode_id=episode.id,
        group_id=episode.group_id if name is None else name,
        env_id=episode.env_id,
        role=turn.role,
        temperature=turn.temperature,
        label=label,
    )
