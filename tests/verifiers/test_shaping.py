from __future__ import annotations

import pytest

from palaestra.verifiers import Status
from palaestra.verifiers.shaping import LengthRamp, TagsInOrder, one_box, overlong


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("5", "expected one box, got 0"),
        (r"\boxed{4} or \boxed{5}", "expected one box, got 2"),
        (r"\boxed{\boxed{5}}", "expected one box, got 2"),
        (r"\boxed{5", "the box does not close"),
        (r"\boxed{ }", "the box is empty"),
    ],
)
def test_one_box_tells_what_is_wrong(response: str, reason: str) -> None:
    assert one_box(response).reason == reason
    assert one_box(response).status is Status.WRONG


def test_one_box_is_right() -> None:
    assert one_box(r"so \boxed{\frac{1}{2}}.").right


@pytest.mark.parametrize(
    "response",
    [
        "<think>a</think><answer>b</answer>",
        "hm <think>\n</think> so\n<answer></answer> bye",
    ],
)
def test_tags_in_order(response: str) -> None:
    assert TagsInOrder()(response).right


@pytest.mark.parametrize(
    "response",
    [
        "",
        "<think>a</think>",
        "<answer>b</answer><think>a</think>",
        "<think>a<answer></think>b</answer>",
        "<think><answer>b</answer></think>",
        "</think>a<think><answer>b</answer>",
        "<think>a</think><think>a</think><answer>b</answer>",
        "<think>a</think><answer>b",
    ],
)
def test_tags_missing_doubled_nested_or_out_of_order_are_wrong(response: str) -> None:
    assert TagsInOrder()(response).status is Status.WRONG


def test_text_outside_the_tags_is_refused_when_they_stand_alone() -> None:
    strict = TagsInOrder(("think", "answer"), alone=True)
    assert strict(" <think>a</think>\n<answer>b</answer>\n").right
    for response in ("x<think>a</think><answer>b</answer>", "<think>a</think>x<answer>b</answer>"):
        assert strict(response).reason == "there is text outside <think> and <answer>"
    assert not strict("<think>a</think><answer>b</answer>x").right


@pytest.mark.parametrize(("length", "score"), [(0, 1), (80, 1), (81, 0.95), (90, 0.5), (100, 0), (1_000_000, 0)])
def test_length_falls_in_a_line_as_in_dapo(length: int, score: float) -> None:
    verdict = LengthRamp(80, 100)("x" * length)
    assert verdict.score == pytest.approx(score)
    assert verdict.right is (length <= 80)
    assert overlong(limit=100, buffer=20)("x" * length) == verdict


def test_length_is_in_the_units_counted() -> None:
    assert LengthRamp(2, 4, count=lambda text: len(text.split()))("three long words").score == 0.5


@pytest.mark.parametrize(("soft", "hard"), [(100, 100), (100, 50), (-1, 5)])
def test_a_ramp_that_does_not_fall_is_refused(soft: int, hard: int) -> None:
    with pytest.raises(ValueError, match="soft < hard"):
        LengthRamp(soft, hard)


def test_tags_are_named_once() -> None:
    for tags in ((), ("a", "a")):
        with pytest.raises(ValueError, match="once"):
            TagsInOrder(tags)
