"""Views keep the sampled tokens, fork where a prefix changed, and say what they dropped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from palaestra.episodes import Actor, Episode, Outcome, Turn
from palaestra.episodes.views import groups, sft
from palaestra.verifiers import Status

ROLE = "reasoner"


def sampled(prompt: tuple[int, ...], action: tuple[int, ...]) -> Turn:
    return Turn(ROLE, "o", "t", 0.0, prompt, action, tuple(-0.5 for _ in action), finish_reason="stop")


def scripted(text: str) -> Turn:
    return Turn(ROLE, "ask", text, 1.0)


def episode(name: str, turns: tuple[Turn, ...], reward: float = 1.0, group: str = "g") -> Episode:
    outcome = {ROLE: Outcome(reward, Status.UNDECIDED if math.isnan(reward) else Status.RIGHT)}
    return Episode(name, "e", {}, {}, 0, group, {ROLE: Actor("a")}, turns, outcome, True, False)


def encode(observation: str, answer: str) -> tuple[list[int], list[int]]:
    return [100 + ord(c) for c in observation], [ord(c) for c in answer] + [0]


def test_a_scripted_turn_is_encoded_once_with_its_end() -> None:
    (row,) = sft([episode("a", (scripted("hi"),))], encode).rows
    assert row.ids.tolist() == [100 + ord(c) for c in "ask"] + [ord("h"), ord("i"), 0]
    assert row.action.tolist() == [False] * 3 + [True] * 3


def test_sampled_ids_are_never_encoded_again() -> None:
    turn = sampled((7, 8), (9, 1))
    (row,) = sft([episode("a", (turn,))], encode).rows
    assert row.ids.tolist() == [7, 8, 9, 1]


def test_sft_says_what_it_dropped() -> None:
    log = [
        episode("a", (scripted("x"),)),
        episode("b", (scripted("x"),), reward=0.0),
        episode("c", (scripted("x"),), reward=math.nan),
        episode("d", ()),
    ]
    view = sft(log, encode)
    assert len(view.rows) == 1
    assert view.dropped == {"score below 1": 1, "undecided": 1, "no turn": 1}


def test_turns_that_extend_one_another_are_one_row_with_observations_masked() -> None:
    turns = (sampled((1, 2), (3,)), sampled((1, 2, 3, 4, 5), (6, 7)))
    view = sft([episode("a", turns)], encode)
    (row,) = view.rows
    assert row.ids.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert row.action.tolist() == [False, False, True, False, False, True, True]
    assert np.flatnonzero(row.logprobs).tolist() == [2, 5, 6]
    assert view.forked == 0


def test_a_changed_prefix_forks_a_row_and_is_counted() -> None:
    turns = (sampled((1, 2), (3,)), sampled((1, 9, 3, 4), (6,)))
    view = sft([episode("a", turns)], encode)
    assert [row.ids.tolist() for row in view.rows] == [[1, 2, 3], [1, 9, 3, 4, 6]]
    assert view.forked == 1


def test_scripted_turns_of_a_dialogue_read_those_before_them() -> None:
    def encode_turns(turns: Sequence[Turn]) -> tuple[list[int], list[int]]:
        said = [ids for turn in turns[:-1] for part in encode(turn.observation, turn.text) for ids in part]
        asked, answer = encode(turns[-1].observation, turns[-1].text)
        return said + asked, answer

    view = sft([episode("a", (scripted("x"), scripted("y")))], encode, encode_turns=encode_turns)
    (row,) = view.rows
    ask = [100 + ord(c) for c in "ask"]
    assert row.ids.tolist() == [*ask, ord("x"), 0, *ask, ord("y"), 0]
    assert row.action.tolist() == 2 * [False, False, False, True, True]
    assert view.forked == 0
    assert [len(each.ids) for each in sft([episode("a", (scripted("x"), scripted("y")))], encode).rows] == [5, 5]


def test_groups_stand_together_whatever_the_order_of_the_log() -> None:
    log = [episode(f"{g}{i}", (sampled((1,), (2,)),), reward=i % 2, group=g) for i in range(2) for g in "xy"]
    assert [row.group_id for row in groups(log).rows] == ["x", "x", "y", "y"]


def test_groups_drop_what_cannot_be_compared() -> None:
    turn = (sampled((1,), (2,)),)
    log = [
        episode("a", turn, group="pair"),
        episode("b", turn, 0.0, group="pair"),
        episode("c", turn, group="alone"),
        episode("d", turn, group="half"),
        episode("e", turn, math.nan, group="half"),
        episode("f", (scripted("x"),), group="pair"),
    ]
    view = groups(log)
    assert [row.episode_id for row in view.rows] == ["a", "b"]
    assert view.dropped == {"fewer than two decided answers": 3, "no sampled tokens": 1}
    assert groups(log[:2], size=3).dropped == {"group not of size 3": 2}


@pytest.mark.parametrize("sampling", [{"temperature": 0.0}, {"top_p": 0.9}, {"top_k": 5}], ids=str)
def test_answers_drawn_from_a_part_of_the_policy_are_refused(sampling: dict[str, Any]) -> None:
    part = (replace(sampled((1,), (2,)), **sampling),)
    with pytest.raises(ValueError, match="are not the policy's own: train on temperature above 0, top_p 1 and top_k 0"):
        groups([episode("a", part), episode("b", part)])


def test_undecided_members_stay_for_the_advantages_to_leave_out() -> None:
    turn = (sampled((1,), (2,)),)
    log = [episode(str(i), turn, reward) for i, reward in enumerate([1.0, 0.0, math.nan])]
    assert [math.isnan(row.reward) for row in groups(log).rows] == [False, False, True]
