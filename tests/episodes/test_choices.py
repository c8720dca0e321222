"""What is chosen among the answers to a problem, and what is dropped and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from palaestra.episodes.choices import (
    against,
    best_and_worst,
    contrasted,
    labelled,
    opposed,
    opposed_or_tied,
    ranked,
    real_and_generated,
    shortest,
    shortest_and_longest,
    solved,
    weighted,
)
from palaestra.episodes.views import Row, View

NAN = float("nan")


def rows(*groups: Sequence[float], lengths: Sequence[int] = ()) -> list[Row]:
    """A row for each reward of each group; its id says which. ``lengths`` of the answers in order, 1 otherwise."""
    made = []
    for group, rewards in enumerate(groups):
        for index, reward in enumerate(rewards):
            length = lengths[len(made)] if lengths else 1
            ids = np.array([group, *[100 + index] * length])
            action = np.arange(len(ids)) > 0
            made.append(
                Row(ids, action, np.zeros(len(ids), np.float32), reward, f"{group}/{index}", f"{group}", "e", "r")
            )
    return made


def names(view: View) -> list[tuple[str, int]]:
    return [(row.episode_id, row.label) for row in view.rows]


def test_a_pair_is_the_best_and_the_worst_the_first_of_equals() -> None:
    view = best_and_worst(rows((0, 1, 0, 1), (0.5, 0.2, 0.9), (1, 1), (NAN, 1)))
    assert names(view) == [("0/1", 1), ("0/0", -1), ("1/2", 1), ("1/1", -1)]
    alike = "all answers to the problem scored alike"
    assert view.dropped == {"neither the best nor the worst": 3, alike: 3, "undecided": 1}


def test_answers_of_two_roles_are_not_compared() -> None:
    one, two = rows((0, 1))
    other = Row(two.ids, two.action, two.logprobs, two.reward, two.episode_id, two.group_id, two.env_id, "other")
    assert best_and_worst([one, other]).rows == []


def test_an_answer_in_several_rows_is_in_no_pair() -> None:
    forked = rows((0, 1, 0))
    view = best_and_worst([*forked, forked[1]])
    assert view.rows == []
    assert view.dropped["its dialogue was forked into several rows"] == 1


@pytest.mark.parametrize("choose", [contrasted, opposed, opposed_or_tied, shortest, best_and_worst])
def test_a_piece_of_a_dialogue_is_no_answer(choose: Callable[[Sequence[Row]], View]) -> None:
    """Else two turns of one dialogue are a tie, its last words the shortest answer, and turns of two a pair."""
    forked = rows((1, 0, 1, 0))
    view = choose([*forked, forked[0], forked[1]])
    assert {row.episode_id for row in view.rows} <= {"0/2", "0/3"}
    assert view.rows
    assert view.dropped["its dialogue was forked into several rows"] == 2


def test_the_shortest_right_answer_is_preferred_to_the_longest() -> None:
    view = shortest_and_longest(rows((1, 1, 1, 0), (1, 1), (0, 0), lengths=(3, 2, 5, 1, 4, 4, 1, 2)))
    assert names(view) == [("0/1", 1), ("0/2", -1)]
    assert view.dropped["no two right answers of different lengths"] == 4


def test_solved_and_weighted_keep_what_was_rewarded() -> None:
    answers = rows((0, 1, 0.5, NAN))
    assert [row.episode_id for row in solved(answers).rows] == ["0/1"]
    assert solved(answers).dropped == {"reward below 1 or undecided": 3}
    assert [row.weight for row in weighted(answers).rows] == [1, 0.5]
    assert weighted(answers).dropped == {"reward 0 or undecided": 2}


def test_labels_go_to_every_decided_answer() -> None:
    view = labelled(rows((0, 1, 0.5, NAN)))
    assert [row.label for row in view.rows] == [-1, 1, -1]
    assert view.dropped == {"undecided": 1}


def test_answers_stand_beside_another_one_s_reward() -> None:
    view = against(rows((0, 1), (1,), (1,)), rows((0.5,), (NAN,)))
    assert [(row.episode_id, row.baseline) for row in view.rows] == [("0/0", 0.5), ("0/1", 0.5)]
    assert view.dropped == {"no decided answer to be compared with": 2}


def test_ranked_groups_have_a_spread() -> None:
    view = ranked(rows((0, 0), (0, 1, NAN), (0.5, 0.5)))
    assert {row.group_id for row in view.rows} == {"1"}
    assert len(view.rows) == 2
    assert sum(view.dropped.values()) == 5


def test_a_demonstration_is_preferred_to_an_own_sample_that_differs() -> None:
    real = rows((1,), (1,), (1,))
    own = rows((0, 0), (0,), (NAN,))
    own[0] = real[0]  # the same tokens teach nothing
    view = real_and_generated(real, [*own[:3], own[3]])
    assert [label for _, label in names(view)] == [1, -1]
    assert names(view)[1] == ("0/1", -1)
    assert view.dropped == {"no own sample that differs from the demonstration": 2}


@pytest.mark.parametrize("choose", [best_and_worst, shortest_and_longest, solved, weighted, labelled, ranked])
def test_every_answer_is_kept_or_counted(choose: object) -> None:
    rng = np.random.default_rng(0)
    answers = rows(*rng.choice([0, 0.5, 1, NAN], (12, 4)).tolist(), lengths=rng.integers(1, 5, 48).tolist())
    view = choose(answers)  # type: ignore[operator]
    assert len(view.rows) + sum(view.dropped.values()) == len(answers)
    assert all(row.reward == row.reward for row in view.rows)
