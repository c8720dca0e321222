"""Every state of a finished dialogue is an example."""

from __future__ import annotations

import math
from dataclasses import replace

from palaestra.episodes import Actor, Episode, Outcome, Turn
from palaestra.episodes.states import states
from palaestra.verifiers import Status


def episode(reward: float = 1.0) -> Episode:
    turns = (
        Turn("r", "?", "look", 0.0, (1,), (10, 11), (-1.0, -1.0)),
        Turn("r", "found", "answer", 1.0, (1, 10, 11, 2), (12,), (-1.0,)),
    )
    outcome = {"r": Outcome(reward, Status.UNDECIDED if math.isnan(reward) else Status.RIGHT)}
    return Episode("e", "env", {}, {}, 0, "g", {"r": Actor("a")}, turns, outcome, True, False)


def test_each_turn_is_a_row_that_reads_what_came_before() -> None:
    first, second = states([episode()]).rows
    assert (first.ids.tolist(), first.action.tolist()) == ([1, 10, 11], [False, True, True])
    assert (second.ids.tolist(), second.action.tolist()) == ([1, 10, 11, 2, 12], [False] * 4 + [True])


def test_no_label_is_asked_for_and_none_is_made_up() -> None:
    view = states([episode(0.0), episode(math.nan)])
    assert [row.reward for row in view.rows[:2]] == [0.0, 0.0]
    assert all(math.isnan(row.reward) for row in view.rows[2:])
    assert view.dropped == {}


def test_what_is_left_out_is_left_out_whole_and_counted() -> None:
    one = episode()
    scripted = replace(one, turns=(one.turns[0], replace(one.turns[1], action_ids=())))
    log = [one, replace(one, terminated=False, truncated=True), scripted, replace(one, turns=one.turns[:1])]
    view = states(log, reject=lambda turn: turn.text == "answer")
    assert len(view.rows) == 1
    assert view.dropped == {"a turn was rejected": 1, "cut off": 1, "no sampled tokens": 1}
