"""Rows straight from the log's columns are the rows that its episodes make."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palaestra.episodes import Actor, Episode, EpisodeStore, Outcome, Turn, scan
from palaestra.episodes.views import Row, View, groups, sft
from palaestra.verifiers import Status

RNG = np.random.default_rng(0)


def turn(role: str, prompt: tuple[int, ...], *action: int) -> Turn:
    likely = tuple(np.float32(-RNG.random(len(action))).tolist())
    return Turn(role, "o", "t", 0.0, prompt, action, likely, temperature=0.7, finish_reason="stop")


def episode(name: str, group: str, turns: tuple[Turn, ...], **rewards: float) -> Episode:
    outcome = {
        role: Outcome(reward, Status.UNDECIDED if math.isnan(reward) else Status.RIGHT)
        for role, reward in rewards.items()
    }
    return Episode(name, "e", {}, {}, 0, group, {role: Actor("x") for role in rewards}, turns, outcome, True, False)


def log() -> list[Episode]:
    """One turn, turns that go on from one another, a fork, two roles in turn, scripted, silent and undecided ones."""
    one = turn("a", (1, 2), 3, 4)
    on = turn("a", (1, 2, 3, 4, 9), 5)
    third = turn("a", (1, 2, 3, 4, 9, 5, 9), 6, 7)
    forked = turn("a", (1, 2, 8, 8, 8), 5)
    shorter = turn("a", (1, 2, 3), 5)
    other = turn("b", (7,), 7, 7)
    waited = replace(turn("a", (1, 2), 3, 4, 5, 6), meta={"forced": [[1, 3]]})
    after = turn("a", (1, 2, 3, 4, 5, 6, 9), 8)
    return [
        episode("1", "g", (one,), a=1.0),
        episode("2", "g", (one, on, third), a=0.0),
        episode("3", "g", (one, forked, shorter), a=0.5),
        episode("4", "h", (one, other, on), a=1.0, b=-1.0),
        episode("5", "h", (other, one), b=1.0, a=math.nan),
        episode("6", "h", (other,), b=1.0, a=1.0),
        episode("7", "i", (replace(one, action_ids=(), logprobs=()), on), a=1.0),
        episode("8", "i", (), a=1.0),
        episode("9", "j", (one,), a=math.nan),
        episode("10", "g", (waited, after), a=1.0),
        episode("11", "g", (replace(one, meta={"said": 'the word "forced"'}),), a=0.0),
    ]


def test_what_was_put_into_an_answer_is_no_action_and_is_imitated_all_the_same() -> None:
    (waited,) = [one for one in log() if one.id == "10"]
    (row,) = [row for row in groups(log()).rows if row.episode_id == "10"]
    assert row.ids[row.action].tolist() == [3, 6, 8]
    (imitated,) = sft([waited], lambda observation, answer: ((), ())).rows
    assert imitated.ids[imitated.action].tolist() == [3, 4, 5, 6, 8]


def same(one: Row, other: Row) -> bool:
    arrays = all(
        np.array_equal(getattr(one, name), getattr(other, name))
        and getattr(one, name).dtype == getattr(other, name).dtype
        for name in ("ids", "action", "logprobs")
    )

    def known(row: Row) -> tuple[object, ...]:
        return repr(row.reward), row.episode_id, row.group_id, row.env_id, row.role, row.temperature, row.weight

    return arrays and known(one) == known(other)


def check(found: View, expected: View) -> None:
    assert len(found.rows) == len(expected.rows) > 0
    assert all(map(same, found.rows, expected.rows))
    assert (found.dropped, found.forked) == (expected.dropped, expected.forked)


@pytest.mark.parametrize("size", [None, 3])
def test_the_rows_are_those_of_the_episodes(tmp_path: Path, size: int | None) -> None:
    store = EpisodeStore(tmp_path)
    store.append(log()[:5])
    store.append(log()[5:])
    check(scan.groups(store, size=size), groups(store.read(), size))
    first, _ = store.files()
    check(scan.groups(store, first), groups(store.read(first)))


def test_a_batch_ends_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "BATCH", 2)
    store = EpisodeStore(tmp_path)
    store.append(log())
    check(scan.groups(store), groups(store.read()))


def test_greedy_answers_are_refused(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    greedy = replace(turn("a", (1,), 2), temperature=0.0)
    store.append([episode("1", "g", (greedy,), a=1.0)])
    with pytest.raises(ValueError, match="train on temperature above 0"):
        scan.groups(store)


def test_nothing_is_no_row(tmp_path: Path) -> None:
    assert scan.groups(EpisodeStore(tmp_path)).rows == []
