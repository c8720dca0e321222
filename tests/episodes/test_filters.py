"""Filters keep what they say, and tell of everything else why it is not there."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.episodes.filters import answer_of, by_perplexity, by_score, by_vote, own_perplexities, unique
from palaestra.episodes.views import Row, View

NAN = math.nan


def row(text: str, group: str = "g", logprob: float = -1.0) -> Row:
    """Prompt "?", one token a character."""
    ids = np.array([ord(character) for character in "?" + text])
    action = np.arange(len(ids)) > 0
    logprobs = np.where(action, np.float32(logprob), np.float32(0))
    return Row(ids, action, logprobs, NAN, text, group, "e", "r")


def decode(ids: Sequence[int]) -> str:
    return "".join(map(chr, ids))


def boxes(*answers: str) -> list[Row]:
    return [row(f"{number} \\boxed{{{answer}}}" if answer else f"{number}") for number, answer in enumerate(answers)]


def said(view: View) -> list[str]:
    return [decode(one.ids[one.action].tolist()) for one in view.rows]


def accounted(rows: Sequence[Row], view: View) -> bool:
    return len(view.rows) + sum(view.dropped.values()) == len(rows)


def test_the_majority_stays() -> None:
    rows = boxes("7", "7", "5", "", "7")
    view = by_vote(rows, answer_of(decode))
    assert [one.episode_id[0] for one in view.rows] == ["0", "1", "4"]
    assert view.dropped == {"outvoted": 1, "no answer": 1}


def test_a_thin_majority_is_none() -> None:
    rows = boxes("7", "7", "5", "", "6")
    view = by_vote(rows, answer_of(decode), share=0.5)
    assert view.rows == []
    assert view.dropped == {"the majority has less than 0.5 of the votes": 2, "outvoted": 2, "no answer": 1}
    assert len(by_vote(rows, answer_of(decode), share=0.4).rows) == 2


def test_groups_vote_apart_and_of_equals_the_first_wins() -> None:
    rows = [row("\\boxed{1}"), row("\\boxed{2}"), row("\\boxed{2}", "h"), row("\\boxed{1}", "h")]
    assert by_vote(rows, answer_of(decode)).rows == [rows[0], rows[2]]


def test_nobody_answers() -> None:
    assert by_vote(boxes("", ""), answer_of(decode)).dropped == {"no answer": 2}
    assert by_vote([], answer_of(decode)).rows == []


def test_bands_are_where_they_say() -> None:
    rows = [row(str(number)) for number in range(8)]
    perplexities = [3.0, 1.0, 2.0, 8.0, 7.0, 6.0, 5.0, 4.0]
    assert said(by_perplexity(rows, perplexities, "low", 0.25)) == ["1", "2"]
    assert said(by_perplexity(rows, perplexities, "medium", 0.25)) == ["6", "7"]
    assert said(by_perplexity(rows, perplexities, "high", 0.25)) == ["3", "4"]
    assert by_perplexity(rows, perplexities, "medium", 0.5).dropped == {
        "perplexity below the medium band": 2,
        "perplexity above the medium band": 2,
    }


@given(st.lists(st.floats(1, 100) | st.just(NAN), max_size=12), st.sampled_from(["low", "medium", "high"]))
def test_every_row_is_kept_or_told_of(perplexities: list[float], band: str) -> None:
    rows = [row("x" * (1 + number % 3)) for number in range(len(perplexities))]
    view = by_perplexity(rows, perplexities, band, 0.5, min_tokens=2)
    assert accounted(rows, view)
    assert view.dropped.get("perplexity is nan", 0) == sum(map(math.isnan, perplexities))
    assert all(one.action.sum() >= 2 for one in view.rows)


def test_own_perplexity_is_that_of_the_sampled_tokens() -> None:
    assert own_perplexities([row("ab", logprob=-math.log(4))]) == pytest.approx([4.0])
    assert math.isnan(own_perplexities([row("ab", logprob=0.0)])[0])  # written by nobody who knows how likely it is
    assert math.isnan(own_perplexities([row("")])[0])


def test_scores_choose_and_nan_scores_are_no_scores() -> None:
    rows = [row("a"), row("b"), row("c"), row("d"), row("e", "h")]
    view = by_score(rows, [0.5, NAN, 0.9, 0.9, 0.1], least=0.2, best=1)
    assert said(view) == ["c"]
    assert view.dropped == {"score is nan": 1, "score below 0.2": 1, "not among the best 1 of its group": 2}
    assert said(by_score(rows, [1, 2, 3, 4, 5])) == ["a", "b", "c", "d", "e"]


def test_the_same_tokens_are_kept_once_a_group() -> None:
    rows = [row("a"), row("a"), row("a", "h"), row("b")]
    view = unique(rows)
    assert view.rows == [rows[0], rows[2], rows[3]]
    assert view.dropped == {"the same tokens as another": 1}


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="one of low, medium, high"):
        by_perplexity([], [], "middle")
    with pytest.raises(ValueError, match="keep in"):
        by_perplexity([], [], "low", 0.0)
    with pytest.raises(ValueError, match="ask for 1 or more"):
        by_score([], [], best=0)
    with pytest.raises(ValueError, match="zip"):
        by_score([row("a")], [])
    with pytest.raises(ValueError, match="share"):
        by_vote([], answer_of(decode), share=2)
