"""Steps of answers: what they are worth, where they go wrong, and which of two that follow one prefix is better."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palaestra.verifiers import Status, Verdict

from .choices import EQUAL, best_and_worst
from .record import Episode, Turn
from .views import Ids, Row, View, step_ends

Ends = Callable[[Row], Sequence[int]]  # positions in row.ids, each just behind a step's last token, ascending
Judge = Callable[[Row], Sequence[Verdict]]  # a verdict for each step, as by ``Task.steps``
_Prefix = tuple[str, str, bytes]  # group, role, ids


@dataclass(frozen=True, slots=True)
class ValuedRow:
    """A row and what the prefixes that its steps lead to are worth.

    ends: int64 (k,), positions just behind each step's last token. values: float32 (k,), the mean outcome of the
    answers that share ``ids[:end]``. visits: int64 (k,), how many these are.
    """

    row: Row
    ends: NDArray[np.int64]
    values: NDArray[np.float32]
    visits: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ValueView:
    """Valued rows, and the number of rows dropped for each reason."""

    rows: list[ValuedRow]
    dropped: Mapping[str, int] = field(default_factory=dict)


def ends_behind(delimiters: Collection[int]) -> Ends:
    """Steps end behind each chosen token that is one of ``delimiters``, and behind the last chosen token."""

    def ends(row: Row) -> list[int]:
        chosen = np.flatnonzero(row.action)
        marked = chosen[np.isin(row.ids[chosen], list(delimiters))]
        return [int(end) + 1 for end in np.union1d(marked, chosen[-1:])]

    return ends


def logged_steps(episodes: Iterable[Episode], decode: Callable[[Ids], str]) -> tuple[Ends, Judge]:
    """Where the steps of logged answers end in their rows, and the verdicts on them, as the environment judged them.

    decode: of action ids, as they became ``Turn.text``; a text that was only derived from them has no steps in them,
    and a step that a strategy put into the answer (``Turn.meta["forced"]``) is none of the policy's.
    """
    ended: dict[tuple[str, str], list[int]] = defaultdict(list)  # chosen tokens that have been read by then
    judged: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    lengths: Counter[tuple[str, str]] = Counter()
    for episode in episodes:
        for turn in episode.turns:
            key = episode.id, turn.role
            if turn.action_ids and turn.meta.get("derived"):
                lengths[key] += len(turn.action_ids)
            elif turn.action_ids:
                sampled, before = _sampled(turn), 0
                for step, end in enumerate(step_ends(turn.action_ids, decode, turn.step_spans)):
                    if sampled[before:end].any() or before == end:
                        ended[key].append(lengths[key] + int(sampled[:end].sum()))
                        judged[key] += turn.step_verdicts[step : step + 1]
                    before = end
                lengths[key] += int(sampled.sum())

    def ends(row: Row) -> list[int]:
        chosen, key = np.flatnonzero(row.action), (row.episode_id, row.role)
        if len(chosen) != lengths[key]:
            raise ValueError(f"{row.episode_id} is not whole in its row: leave out dialogues that were forked")
        return [int(chosen[count - 1]) + 1 for count in ended[key]]

    return ends, lambda row: judged[row.episode_id, row.role]


def _sampled(turn: Turn) -> NDArray[np.bool_]:
    """Which tokens of an action the policy sampled, and no strategy put there."""
    sampled = np.ones(len(turn.action_ids), np.bool_)
    for start, end in turn.meta.get("forced", ()):
        sampled[start:end] = False
    return sampled


def step_values(rows: Sequence[Row], ends: Ends) -> ValueView:
    """Monte Carlo values of steps: the mean outcome of a group's answers that go through the same prefix of tokens.

    The target of AlphaMath's value head (arXiv:2405.03553) where the answers are a tree's leaves, each counted once;
    over one prompt's independent samples an unbiased estimate of Q. Undecided answers are in no mean.
    """
    decided = [row for row in rows if not math.isnan(row.reward)]
    outcomes = _outcomes(decided, ends)
    valued = []
    for row in decided:
        places = np.array(ends(row), dtype=np.int64)
        found = [outcomes[_prefix(row, end)] for end in places.tolist()]
        values = np.array([np.mean(rewards) for rewards in found], dtype=np.float32)
        valued.append(ValuedRow(row, places, values, np.array([len(rewards) for rewards in found], dtype=np.int64)))
    return ValueView(valued, +Counter({"undecided": len(rows) - len(decided)}))


def sibling_steps(rows: Sequence[Row], ends: Ends, gap: float = 0.3, visits: int = 1) -> View:
    """Pairs of steps that follow the same prefix and differ in value by ``gap`` or more: the best and the worst.

    SVPO's pairs (arXiv:2406.10858). A row ends behind its step, of which alone the tokens are learned; its reward is
    the step's value, its ``group_id`` the group and the pair's number in it. Only steps with ``visits`` answers or
    more are compared, since the value of one that was seldom taken is noise. ``dropped`` counts steps.
    """
    decided = [row for row in rows if not math.isnan(row.reward)]
    outcomes = _outcomes(decided, ends)
    children: dict[_Prefix, dict[bytes, Row]] = defaultdict(dict)
    for row in decided:
        start = int(row.action.argmax())
        for end in ends(row):
            value = float(np.mean(outcomes[_prefix(row, end)]))
            children[_prefix(row, start)].setdefault(row.ids[start:end].tobytes(), _step(row, start, end, value))
            start = end
    kept: list[Row] = []
    dropped: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for steps in children.values():
        known = [step for step in steps.values() if len(outcomes[_prefix(step, len(step.ids))]) >= visits]
        dropped[f"fewer than {visits} answers went through it"] += len(steps) - len(known)
        best, worst = (max(known, key=_reward), min(known, key=_reward)) if known else (None, None)
        if best is None or worst is None or best.reward - worst.reward < max(gap, EQUAL):
            dropped[f"no step beside it is {gap:g} better or worse"] += len(known)
            continue
        name = f"{best.group_id}#{pairs[best.group_id]}"
        pairs[best.group_id] += 1
        kept += [replace(best, label=1, group_id=name), replace(worst, label=-1, group_id=name)]
        dropped["neither the best nor the worst"] += len(known) - 2
    return View(kept, +dropped)


def siblings(rows: Sequence[Row], parents: Mapping[str, str | None]) -> View:
    """Pairs of answers that branched from one parent, the best and the worst; the tokens they share are not learned.

    parents: ``Episode.parent_id`` by episode id.
    """
    orphans = [row for row in rows if parents.get(row.episode_id) is None]
    branched = [replace(row, group_id=f"{parents[row.episode_id]}") for row in rows if parents.get(row.episode_id)]
    view = best_and_worst(branched)
    kept: list[Row] = []
    dropped = Counter({**view.dropped, "no parent": len(orphans)})
    for best, worst in zip(view.rows[::2], view.rows[1::2], strict=True):
        shared = common(best, worst)
        if shared < min(len(best.ids), len(worst.ids)):
            kept += [_from(best, shared), _from(worst, shared)]
        else:
            dropped["one is the beginning of the other"] += 2
    return View(kept, +dropped)


def first_errors(rows: Sequence[Row], ends: Ends, judge: Judge, min_reward: float = 1.0) -> View:
    """Pairs of the first wrong step of a wrong answer and the step that a right answer to the problem took there.

    Step-DPO's pairs (arXiv:2406.18629), found in the log instead of sampled anew: of the group's right answers, the
    one that shares the longest prefix of token ids with the wrong one, which must reach to the wrong step, and whose
    own step there is not judged wrong. Rows end behind the step; only what follows the shared prefix is learned.
    ``dropped`` counts answers that are not the rejected side of a pair.
    """
    kept: list[Row] = []
    dropped: Counter[str] = Counter()
    right = _by_group([row for row in rows if row.reward >= min_reward])
    for number, row in enumerate(rows):
        if math.isnan(row.reward) or row.reward >= min_reward:
            dropped["undecided" if math.isnan(row.reward) else "right"] += 1
            continue
        pair = _first_error(row, right.get((row.group_id, row.role), []), ends, judge)
        if isinstance(pair, str):
            dropped[pair] += 1
            continue
        name = f"{row.group_id}#{number}"
        kept += [replace(pair[0], label=1, group_id=name), replace(pair[1], label=-1, group_id=name)]
    return View(kept, dropped)


def _first_error(row: Row, right: Sequence[Row], ends: Ends, judge: Judge) -> tuple[Row, Row] | str:
    """The right answer's step and the wrong one, or why there is no such pair."""
    places, verdicts = ends(row), judge(row)
    wrong = next((k for k, verdict in enumerate(verdicts) if verdict.status is Status.WRONG), None)
    if len(places) != len(verdicts):
        return "its steps were not judged one by one"
    if wrong is None:
        return "no step was judged wrong"
    start = places[wrong - 1] if wrong else int(row.action.argmax())
    shared, other = max(((common(row, one), one) for one in right), key=lambda found: found[0], default=(0, None))
    if other is None or not start <= shared < places[wrong]:
        return "no right answer goes the same way up to the error"
    judged = zip(ends(other), judge(other), strict=False)
    end = next((place for place, verdict in judged if place > shared and verdict.status is not Status.WRONG), None)
    if end is None or any(shared < place < end for place in ends(other)):
        return "the right answer has no right step there"
    return _step(other, shared, end, other.reward), _step(row, shared, places[wrong], row.reward)


def common(one: Row, other: Row) -> int:
    """How many token ids two rows share at their beginning."""
    length = min(len(one.ids), len(other.ids))
    differs = one.ids[:length] != other.ids[:length]
    return int(differs.argmax()) if differs.any() else length


def _outcomes(rows: Sequence[Row], ends: Ends) -> dict[_Prefix, list[float]]:
    """The rewards of the answers that go through each prefix that ends with a step."""
    outcomes: dict[_Prefix, list[float]] = defaultdict(list)
    for row in rows:
        for end in ends(row):
            outcomes[_prefix(row, end)].append(row.reward)
    return outcomes


def _prefix(row: Row, end: int) -> _Prefix:
    return row.group_id, row.role, row.ids[:end].tobytes()


def _step(row: Row, start: int, end: int, reward: float) -> Row:
    """The row up to ``end``, of which only what follows ``start`` is learned."""
    values = {one.name: getattr(row, one.name) for one in fields(row)}
    along: dict[str, Any] = {name: value[:end] for name, value in values.items() if isinstance(value, np.ndarray)}
    return _from(replace(row, **along, reward=reward), start)


def _from(row: Row, start: int) -> Row:
    action = row.action & (np.arange(len(row.ids)) >= start)
    return replace(row, action=action, logprobs=np.where(action, row.logprobs, np.float32(0)))


def _by_group(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.group_id, row.role].append(row)
    return groups


def _reward(row: Row) -> float:
    return row.reward
