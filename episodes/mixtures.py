"""Mixtures of rows: several sources in given shares, and new rows with old ones among them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from palaestra.envs.seeding import derive_seed

from .views import Row, View


@dataclass(frozen=True, slots=True)
class Replay:
    """What of older rounds is learned from again.

    rounds: the latest so many before the one of now. share: of theirs among all rows that are learned from, above 0 and
        below 1; fewer where they have not so many.
    """

    rounds: int = 4
    share: float = 0.2

    def check(self) -> None:
        """Raises ValueError for values that replay nothing, or nothing but the past."""
        if self.rounds < 1:
            raise ValueError(f"replay.rounds is 1 or more, not {self.rounds}")
        if not 0 < self.share < 1:
            raise ValueError(f"replay.share is above 0 and below 1, not {self.share:g}")

    def before(self, number: int) -> range:
        """The numbers of the rounds that are replayed in a round."""
        return range(max(0, number - self.rounds), number)


def mixture(
    sources: Mapping[str, Sequence[Row]], shares: Mapping[str, float], size: int | None = None, seed: int = 0
) -> View:
    """Rows of several sources in a drawn order, of each its share of ``size``; of the most there can be when None.

    shares: positive, in any unit. Rows of one ``group_id`` and role are drawn together and stay next to one another,
    so that groups and pairs remain whole: a source's part falls short of its share by less than its largest group.
    No row is taken twice. ``dropped`` counts rows that were not drawn, by source.

    Raises:
        ValueError: shares that do not fit the sources, or a source too small for its share of ``size``.
    """
    if set(shares) != set(sources) or any(not 0 < share < math.inf for share in shares.values()):
        raise ValueError(f"every source needs a positive share: {sorted(sources)} have {dict(shares)}")
    total = sum(shares.values())
    most = min((int(len(rows) * total / shares[name] + 1e-9) for name, rows in sources.items()), default=0)
    if size is not None and size > most:
        raise ValueError(f"{size} rows in these shares would take more than a source has: {most} is the most")
    drawn: list[list[Row]] = []
    dropped: Counter[str] = Counter()
    for name, rows in sources.items():
        quota = int((most if size is None else size) * shares[name] / total + 1e-9)
        taken = _draw(rows, quota, seed, name)
        drawn += taken
        dropped[f"{name}: not drawn"] = len(rows) - sum(map(len, taken))
    return View([row for group in _shuffled(drawn, seed, "order") for row in group], +dropped)


def with_replay(fresh: Sequence[Row], past: Sequence[Row], share: float = 0.2, seed: int = 0) -> View:
    """All fresh rows, and as many past ones as make up ``share`` of the whole, fewer where there are not so many.

    Against forgetting. Groups stay whole, as in ``mixture``.

    Raises:
        ValueError: share is not in [0, 1).
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share of past rows is in [0, 1), not {share:g}")
    quota = int(len(fresh) * share / (1 - share) + 1e-9)
    taken = _draw(past, quota, seed, "past")
    rows = [row for group in _shuffled([*_groups(fresh), *taken], seed, "order") for row in group]
    replayed = sum(map(len, taken))
    return View(rows, +Counter({"past: not drawn": len(past) - replayed}), replayed=replayed)


def _draw(rows: Sequence[Row], quota: int, seed: int, name: str) -> list[list[Row]]:
    """Whole groups, in a drawn order, while they fit into the quota."""
    taken: list[list[Row]] = []
    for group in _shuffled(_groups(rows), seed, name):
        if len(group) <= quota:
            taken.append(group)
            quota -= len(group)
    return taken


def _groups(rows: Sequence[Row]) -> list[list[Row]]:
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.env_id, row.group_id, row.role), []).append(row)
    return list(groups.values())


def _shuffled(groups: Sequence[list[Row]], seed: int, name: str) -> list[list[Row]]:
    order = np.random.default_rng(derive_seed("mixture", seed, name)).permutation(len(groups))
    return [groups[index] for index in order]
