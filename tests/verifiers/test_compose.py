from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers import Status, Verdict, right, undecided, wrong
from palaestra.verifiers.compose import Check, all_of, first_decided, weighted


def says_right(response: str) -> Verdict:
    return right("yes", answer=response)


def says_half(response: str) -> Verdict:
    return wrong("half", 0.5)


def says_wrong(response: str) -> Verdict:
    return wrong("no")


def cannot_say(response: str) -> Verdict:
    return undecided("broken")


def test_all_of_is_right_when_every_part_is() -> None:
    verdict = all_of(answer=says_right, form=says_right)("5")
    assert verdict.right
    assert verdict.score == 1
    assert verdict.reason == "answer: yes; form: yes"
    assert verdict.evidence["parts"]["form"] == {
        "score": 1.0,
        "status": "right",
        "reason": "yes",
        "evidence": {"answer": "5"},
    }


@pytest.mark.parametrize("checks", [(says_right, says_half), (cannot_say, says_half), (says_wrong, cannot_say)])
def test_one_wrong_part_settles_all_of_without_partial_credit(checks: tuple[Check, Check]) -> None:
    verdict = all_of(*checks)("5")
    assert verdict.status is Status.WRONG
    assert verdict.score == 0
    assert list(verdict.evidence["parts"]) == ["1", "2"]


def test_one_undecided_part_leaves_all_of_undecided() -> None:
    verdict = all_of(says_right, grader=cannot_say)("5")
    assert verdict.status is Status.UNDECIDED
    assert verdict.reason == "grader: broken"


@pytest.mark.parametrize(
    ("half", "decisive", "score", "status"),
    [
        (says_half, None, 0.875, Status.WRONG),
        (says_half, "answer", 0.875, Status.RIGHT),
        (says_right, None, 1.0, "right"),
    ],
)
def test_weighted_is_the_mean_and_the_decisive_part_its_status(
    half: Check, decisive: str | None, score: float, status: Status
) -> None:
    verdict = weighted(decisive=decisive, answer=(3, says_right), form=(1, half))("5")
    assert (verdict.score, verdict.status) == (score, status)


def test_weighted_is_undecided_when_a_part_that_counts_is() -> None:
    assert weighted(answer=(1, says_right), form=(1e-9, cannot_say))("5").status is Status.UNDECIDED
    assert weighted(decisive="form", answer=(1, says_right), form=(0, cannot_say))("5").status is Status.UNDECIDED
    reported = weighted(answer=(1, says_right), form=(0, cannot_say))("5")
    assert reported.right
    assert reported.evidence["parts"]["form"]["status"] == "undecided"


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=9))
def test_weighted_of_right_parts_scores_one_exactly(weights: list[float]) -> None:
    parts = {f"part{i}": (weight, says_right) for i, weight in enumerate(weights)}
    assert weighted(decisive=None, **parts)("5").score == 1.0


def test_first_decided_stops_at_the_first_that_decides() -> None:
    verdict = first_decided(cannot_say, says_half, says_right)("5")
    assert (verdict.score, verdict.status, verdict.reason) == (0.5, Status.WRONG, "2: half")
    assert list(verdict.evidence["parts"]) == ["1", "2"]
    assert first_decided(cannot_say, cannot_say)("5").status is Status.UNDECIDED


def test_compositions_nest_pickle_and_give_strict_json() -> None:
    nested = all_of(form=first_decided(cannot_say, says_right), answer=weighted(a=(1, says_half), b=(1, cannot_say)))
    verdict = pickle.loads(pickle.dumps(nested))("5")
    assert verdict.status is Status.UNDECIDED
    assert json.dumps(dict(verdict.evidence), allow_nan=False)


@pytest.mark.parametrize("weights", [(0.0, 0.0), (-1.0, 2.0), (float("nan"), 1.0), (float("inf"), 1.0)])
def test_weights_that_give_no_mean_are_refused(weights: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        weighted(a=(weights[0], says_right), b=(weights[1], says_right))


def test_no_parts_and_unknown_decisive_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="part"):
        all_of()
    with pytest.raises(ValueError, match="part"):
        first_decided()
    with pytest.raises(ValueError, match="weights"):
        weighted()
    with pytest.raises(ValueError, match="answer"):
        weighted(decisive="anwser", answer=(1, says_right))
