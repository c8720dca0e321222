"""Credit sums to what was earned and lies where it was earned."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.episodes import Actor, Episode, Outcome, Turn
from palaestra.episodes.credit import (
    role_weights,
    utterance_credit,
    winners_utterances,
)
from palaestra.episodes.spans import line_spans
from palaestra.episodes.views import step_ends
from palaestra.verifiers import Status

A, D = "the attacker", "the defender"


def game(name: str, attacker: float, turns: int = 3, scripted: bool = False) -> Episode:
    """``turns`` utterances of each side in turn; the token of one is 10 k for the attacker, 10 k + 1 for the other."""
    said = tuple(
        Turn(role, "", "", 0.0) if scripted else Turn(role, "", "", 0.0, (1,), (10 * k + side,), (-1.0,))
        for k in range(turns)
        for side, role in enumerate((A, D))
    )
    status = Status.UNDECIDED if math.isnan(attacker) else Status.RIGHT
    outcome = {A: Outcome(attacker, status), D: Outcome(-attacker, status)}
    return Episode(name, "taboo", {}, {}, 0, name, {A: Actor("a"), D: Actor("a")}, said, outcome, True, False)


def test_credit_grows_by_a_quarter_each_own_turn_and_sums_to_one() -> None:
    credit = utterance_credit(5)
    assert (credit[1:] / credit[:-1]).tolist() == pytest.approx([1.25] * 4)
    assert credit.sum() == pytest.approx(1)
    assert utterance_credit(1).tolist() == [1]
    with pytest.raises(ValueError, match="an utterance and gamma"):
        utterance_credit(0)


@given(st.lists(st.sampled_from(["attacker", "defender"]), min_size=2).filter(lambda roles: len(set(roles)) == 2))
def test_role_weights_mean_to_a_half_each(roles: list[str]) -> None:
    weights = role_weights(roles)
    for role in set(roles):
        mine = np.array([one == role for one in roles])
        assert (weights * mine).mean() == pytest.approx(0.5)


def test_a_rare_winner_s_weight_is_the_published_one() -> None:
    """31,273 attackers' and 2,700 defenders' wins give the defender 6.3 (issue 5 of the authors' repository)."""
    assert role_weights(["attacker"] * 31273 + ["defender"] * 2700)[-1] == pytest.approx(6.29, abs=0.005)


def test_only_winners_speak_and_each_game_is_one_point() -> None:
    log = [game("a", 1), game("b", 1), game("c", 1), game("d", -1, turns=2)]
    log += [game("tie", 0), game("dead", math.nan), game("scripted", 1, scripted=True)]
    view = winners_utterances(log)
    assert view.dropped == {"no winner": 1, "undecided": 1, "no sampled tokens": 1}
    speakers = [(name, A) for name in "abc" for _ in range(3)] + [("d", D)] * 2
    assert [(row.episode_id, row.role) for row in view.rows] == speakers
    assert [row.ids[row.action].tolist() for row in view.rows[-2:]] == [[1 + 0], [11]]
    assert [row.reward for row in view.rows[-2:]] == pytest.approx([1 / 2.25, 1.25 / 2.25])
    for role in (A, D):
        total = sum(row.reward * row.weight for row in view.rows if row.role == role)
        assert total == pytest.approx(4 / 2)


def test_a_step_ends_behind_all_bytes_of_its_last_character() -> None:
    text = "x = 45°\n😀\nend"
    spans = line_spans(text)
    ids = text.encode("utf-8")
    decode = lambda ids: bytes(ids).decode("utf-8", "replace")  # noqa: E731
    assert step_ends(ids, decode, spans) == [len(text[:end].encode("utf-8")) for _, end in spans]


def test_steps_end_at_the_token_that_completes_them() -> None:
    pieces = {1: "a=", 2: "3\nb", 3: "=4", 4: "\n", 5: "é", 6: ""}
    decode = lambda ids: "".join(pieces[i] for i in ids)  # noqa: E731
    assert step_ends([1, 2, 3, 4, 5, 6], decode, [(0, 3), (4, 7), (8, 9)]) == [2, 3, 5]
    assert step_ends([1, 2], decode, [(0, 1), (2, 3)]) == [1, 2]
    with pytest.raises(ValueError, match="character 9, but the ids decode to 5"):
        step_ends([1, 2], decode, [(0, 9)])
