"""Views of answers to one problem: which are imitated, which are preferred to which. Pure functions on rows.

Undecided answers (reward nan) are in none of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .views import Row, View

Floats = NDArray[np.float64]

EQUAL = 1e-6  # rewards closer than this are the same


def solved(rows: Sequence[Row], min_reward: float = 1.0) -> View:
    """Answers whose reward is at least ``min_reward`` (rejection sampling; RFT, arXiv 2308.01825)."""
    kept = [row for row in rows if row.reward >= min_reward]
    return View(kept, _count(rows, kept, f"reward below {min_reward:g} or undecided"))


def unsolved(rows: Sequence[Row], below: float = 1.0) -> View:
    """Answers whose reward is less than that."""
    kept = [row for row in rows if row.reward < below]
    return View(kept, _count(rows, kept, f"reward {below:g} or more, or undecided"))


def decided(rows: Sequence[Row]) -> View:
    """Every decided answer."""
    kept = [row for row in rows if not math.isnan(row.reward)]
    return View(kept, _count(rows, kept, "undecided"))


def weighted(rows: Sequence[Row]) -> View:
    """Every decided answer, weighted by its reward (reward-weighted regression; Peters and Schaal 2007)."""
    kept = [replace(row, weight=row.reward) for row in rows if row.reward > 0]
    return View(kept, _count(rows, kept, "reward 0 or undecided"))


def labelled(rows: Sequence[Row], threshold: float = 0.5) -> View:
    """Every decided answer, labelled 1 when its reward is above the threshold and -1 otherwise."""
    kept = [replace(row, label=1 if row.reward > threshold else -1) for row in rows if not math.isnan(row.reward)]
    return View(kept, _count(rows, kept, "undecided"))


def ranked(rows: Sequence[Row]) -> View:
    """Groups of decided answers whose rewards differ: those that a contrast can learn from."""
    kept = [row for group in by_group(rows).values() if _spread(group) > EQUAL for row in group]
    return View(kept, _count(rows, kept, "undecided, or all answers to the problem scored alike"))


def contrasted(rows: Sequence[Row]) -> View:
    """Groups of decided answers of a row each whose rewards differ: pieces of a dialogue are not compared."""
    single = unforked(rows)
    view = ranked(single.rows)
    return View(view.rows, Counter(view.dropped) + Counter(single.dropped))


def best_and_worst(rows: Sequence[Row]) -> View:
    """A pair for each group: its highest and its lowest reward, the first sampled where several have it."""

    def choose(group: list[Row]) -> tuple[Row, Row] | None:
        best, worst = max(group, key=lambda row: row.reward), min(group, key=lambda row: row.reward)
        return (best, worst) if best.reward - worst.reward > EQUAL else None

    return _pairs(rows, choose, "all answers to the problem scored alike")


def opposed(rows: Sequence[Row]) -> View:
    """Pairs of each group: its best and its worst, the next best and the next worst, while their rewards differ."""
    kept: list[Row] = []
    single = unforked(rows)
    dropped = Counter({"undecided": sum(math.isnan(row.reward) for row in single.rows), **single.dropped})
    for group in by_group(single.rows).values():
        order = sorted(group, key=lambda row: -row.reward)
        pairs = [
            (one, other) for one, other in zip(order, reversed(order), strict=True) if one.reward > other.reward + EQUAL
        ]
        for number, (one, other) in enumerate(pairs):
            name = f"{one.group_id}#{number}"
            kept += [replace(one, label=1, group_id=name), replace(other, label=-1, group_id=name)]
        dropped["no answer of another score to be paired with"] += len(group) - 2 * len(pairs)
    return View(kept, +dropped)


def opposed_or_tied(rows: Sequence[Row]) -> View:
    """The pairs of ``opposed``, and of each group a pair of answers of equal reward, labelled 0, where it has one."""
    view = opposed(rows)
    tied: list[Row] = []
    for group in by_group(unforked(rows).rows).values():
        order = sorted(group, key=lambda row: row.reward)
        pair = next((pair for pair in pairwise(order) if pair[1].reward - pair[0].reward <= EQUAL), ())
        tied += [replace(row, label=0, group_id=f"{row.group_id}#tie") for row in pair]
    return View([*view.rows, *tied], view.dropped)


def length_regularised(rows: Sequence[Row], scores: Sequence[float], alphas: Sequence[float] | Floats) -> View:
    """A pair for each group: the highest and the lowest of score - α |y|, |y| action tokens (DICE; arXiv 2406.09760).

    α is the one of ``alphas`` under which chosen and rejected answers are most nearly of one length on average; all are
    tried, since the gap is no smooth function of α.
    """
    groups = [group for group in by_group(unforked(rows).rows).values() if len(group) > 1]
    score = {id(row): value for row, value in zip(rows, scores, strict=True)}
    tables = [(np.array([score[id(row)] for row in group]), np.array(list(map(_length, group)))) for group in groups]

    def gap(alpha: float) -> float:
        kept = [(value - alpha * length, length) for value, length in tables]
        return abs(float(np.sum([length[value.argmax()] - length[value.argmin()] for value, length in kept])))

    alpha = min(alphas, key=gap) if groups else 0.0
    regular = [
        row if math.isnan(row.reward) else replace(row, reward=score[id(row)] - alpha * _length(row)) for row in rows
    ]
    return best_and_worst(regular)


def shortest_and_longest(rows: Sequence[Row], min_reward: float = 1.0) -> View:
    """A pair for each group: of its right answers the shortest and the longest; it makes answers shorter, not right.

    Both are right, so that nothing here tells right from wrong, and a policy that mostly answers at once is taught to
    do so more (overthinking; arXiv 2412.21187).
    """

    def choose(group: list[Row]) -> tuple[Row, Row] | None:
        right = [row for row in group if row.reward >= min_reward]
        if not right:
            return None
        shortest, longest = min(right, key=_length), max(right, key=_length)
        return (shortest, longest) if _length(shortest) < _length(longest) else None

    return _pairs(rows, choose, "no two right answers of different lengths")


def shortest(rows: Sequence[Row], min_reward: float = 1.0) -> View:
    """The shortest right answer of each group (shortest rejection sampling; Kimi k1.5, arXiv 2501.12599)."""
    single = unforked(rows)
    groups = by_group([row for row in single.rows if row.reward >= min_reward]).values()
    kept = [min(group, key=_length) for group in groups]
    dropped = _count(single.rows, kept, f"reward below {min_reward:g}, undecided, or not the shortest")
    return View(kept, dropped + Counter(single.dropped))


def short_over_long(rows: Sequence[Row], min_reward: float = 1.0, longer: float = 1.5) -> View:
    """A pair for each group: its shortest right answer, and the longest of those that are wrong and longer, or right
    and ``longer`` times as long (long2short DPO; Kimi k1.5, arXiv 2501.12599).
    """

    def choose(group: list[Row]) -> tuple[Row, Row] | None:
        right = [row for row in group if row.reward >= min_reward]
        if not right:
            return None
        short = min(right, key=_length)
        long = [row for row in group if _length(row) > _length(short) * (longer if row.reward >= min_reward else 1)]
        return (short, max(long, key=_length)) if long else None

    return _pairs(rows, choose, "no right answer that is shorter than others")


def real_and_generated(real: Sequence[Row], generated: Sequence[Row]) -> View:
    """A pair for each group: a demonstration, preferred to the first own sample that differs (SPIN; 2401.01335)."""
    own, single = by_group(unforked(generated).rows), unforked(real)
    pairs, dropped = [], Counter(single.dropped)
    for group, demonstrations in by_group(single.rows).items():
        shown = demonstrations[0]
        other = next((row for row in own.get(group, []) if row.ids.tobytes() != shown.ids.tobytes()), None)
        if other is None:
            dropped["no own sample that differs from the demonstration"] += 1
        else:
            pairs += [replace(shown, label=1, temperature=other.temperature), replace(other, label=-1)]
    return View(pairs, dropped)


def against(rows: Sequence[Row], others: Sequence[Row]) -> View:
    """Every answer beside the reward of another one to its problem, such as the likeliest (ReMax; 2310.10505)."""
    rewards = {(row.group_id, row.role): row.reward for row in others}
    beside = [replace(row, baseline=rewards.get((row.group_id, row.role), math.nan)) for row in rows]
    kept = [row for row in beside if not math.isnan(row.baseline)]
    return View(kept, _count(rows, kept, "no decided answer to be compared with"))


def _pairs(rows: Sequence[Row], choose: Callable[[list[Row]], tuple[Row, Row] | None], reason: str) -> View:
    """The rows of the two chosen episodes of each group."""
    kept: list[Row] = []
    single = unforked(rows)
    dropped = Counter({"undecided": sum(math.isnan(row.reward) for row in single.rows), **single.dropped})
    for group in by_group(single.rows).values():
        pair = choose(group) if len(group) > 1 else None
        if pair is None:
            dropped[reason] += len(group)
        else:
            kept += [replace(pair[0], label=1), replace(pair[1], label=-1)]
            dropped["neither the best nor the worst"] += len(group) - 2
    return View(kept, +dropped)


def unforked(rows: Sequence[Row]) -> View:
    """Answers that are a row each: one that was forked into several cannot be compared, and a row of it is none."""
    names = [(row.group_id, row.episode_id, row.role) for row in rows]
    pieces = Counter(names)
    kept = [row for row, name in zip(rows, names, strict=True) if pieces[name] == 1]
    return View(kept, +Counter({"its dialogue was forked into several rows": len(pieces) - len(kept)}))


def by_group(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Decided rows by group and role, in the order of the first of each."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if not math.isnan(row.reward):
            groups.setdefault((row.group_id, row.role), []).append(row)
    return groups


def _spread(group: Sequence[Row]) -> float:
    return max(row.reward for row in group) - min(row.reward for row in group)


def _length(row: Row) -> int:
    return int(row.action.sum())


def _count(rows: Sequence[Row], kept: Sequence[Row], reason: str) -> Counter[str]:
    return +Counter({reason: len(rows) - len(kept)})
