"""Logged trees as rows: paths with the worth of their steps, and pairs of steps."""

from __future__ import annotations

import math
from typing import Any

import pytest

from palaestra.episodes import Actor, Episode, Outcome, Turn
from palaestra.episodes.searched import searched_pairs, searched_values
from palaestra.verifiers import Status


def node(id: int, parent: int | None, ids: list[int], q: float | None, visits: int, **more: Any) -> dict[str, Any]:
    known = {"value": None, "prior": 0.5, "terminal": False, "chosen": False, **more}
    return {"id": id, "parent": parent, "action": str(ids), "visits": visits, "q": q, "meta": {"ids": ids}, **known}


TREE = [
    node(0, None, [], 0.2, 9, chosen=True),
    node(1, 0, [5, 6], 0.9, 4, chosen=True),
    node(2, 0, [7], 0.1, 3),
    node(3, 0, [8], 0.0, 1),
    node(4, 1, [9], 1.0, 2, chosen=True, terminal=True),
    node(5, 1, [4], None, 0),
    node(6, 2, [3], 0.2, 2),
    node(7, 2, [2], 0.1, 2, value=0.3),
]


def episode(*metas: dict[str, Any]) -> Episode:
    turns = tuple(Turn("r", "?", "a", 1.0, (1, 2), (5, 6, 9), (0.0,) * 3, meta=meta) for meta in metas)
    return Episode("e", "env", {}, {}, 0, "g", {"r": Actor("x")}, turns, {"r": Outcome(1.0, Status.RIGHT)}, True, False)


def test_paths_with_the_worth_of_their_steps() -> None:
    view = searched_values([episode({"tree": TREE}, {})])
    found = {tuple(one.row.ids.tolist()): one for one in view.rows}
    assert sorted(found) == [(1, 2, 5, 6), (1, 2, 5, 6, 9), (1, 2, 7, 2), (1, 2, 7, 3), (1, 2, 8)]
    answered = found[1, 2, 5, 6, 9]
    assert answered.ends.tolist() == [4, 5]
    assert answered.values.tolist() == pytest.approx([0.9, 1.0])
    assert answered.visits.tolist() == [4, 2]
    assert answered.row.reward == 1.0
    assert answered.row.action.tolist() == [False, False, True, True, True]
    assert math.isnan(found[1, 2, 5, 6].row.reward)
    assert view.dropped == {"no tree": 1}


def test_seldom_visited_paths_are_cut_or_told_of() -> None:
    view = searched_values([episode({"tree": TREE})], visits=2)
    assert (1, 2, 8) not in {tuple(one.row.ids.tolist()) for one in view.rows}
    assert view.dropped == {"no step of it is known": 1}


def test_pairs_of_steps_that_follow_one_state() -> None:
    view = searched_pairs([episode({"tree": TREE})], gap=0.3)
    assert [row.ids.tolist() for row in view.rows] == [[1, 2, 5, 6], [1, 2, 8]]
    assert [(row.label, row.reward) for row in view.rows] == [(1, 0.9), (-1, 0.0)]
    assert view.dropped == {
        "without a worth, or fewer than 1 visits": 1,
        "no step beside it is 0.3 better or worse": 3,
        "neither the best nor the worst": 1,
    }
    known = searched_pairs([episode({"tree": TREE})], gap=0.05, visits=2)
    assert [row.ids[row.action].tolist() for row in known.rows] == [[5, 6], [7], [3], [2]]
    assert len({row.group_id for row in known.rows}) == 2


def test_a_tree_without_tokens_teaches_no_tokens() -> None:
    bare = [{**TREE[0]}, {**TREE[1], "meta": {}}]
    for view in (searched_values([episode({"tree": bare})]), searched_pairs([episode({"tree": bare})])):
        assert view.rows == []
        assert view.dropped == {"its tree has no tokens": 1}


def test_a_tree_in_which_nothing_ended_is_learned_from_too() -> None:
    tree = [{**one, "terminal": False, "chosen": one["id"] == 0} for one in TREE]
    assert len(searched_pairs([episode({"tree": tree})]).rows) == 2
    assert all(math.isnan(one.row.reward) for one in searched_values([episode({"tree": tree})]).rows)


def test_a_nan_worth_is_none() -> None:
    nan = [TREE[0], node(1, 0, [5], math.nan, 3), node(2, 0, [6], 0.5, 3)]
    assert searched_pairs([episode({"tree": nan})]).rows == []
    assert [one.values.tolist() for one in searched_values([episode({"tree": nan})]).rows] == [[0.5]]
