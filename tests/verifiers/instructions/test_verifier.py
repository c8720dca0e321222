"""Several instructions together: strict and loose."""

from __future__ import annotations

import json

import pytest

from palaestra.verifiers import Status
from palaestra.verifiers.instructions import (
    AllCapitals,
    AllLowercase,
    Choice,
    EndPhrase,
    InstructionVerifier,
    Language,
    NoCommas,
    Quotation,
    Words,
)
from palaestra.verifiers.instructions.verifier import MAX_RESPONSE

THREE = (NoCommas(), Words("at least", 3), EndPhrase("Bye."))


def test_all_followed_is_right_and_each_is_named() -> None:
    verdict = InstructionVerifier(THREE).verify("It is done. Bye.\r\n")
    assert verdict.right
    assert verdict.reason == "all 3 instructions are followed"
    assert verdict.evidence["fraction"] == 1.0
    assert [part["instruction"] for part in verdict.evidence["instructions"]] == ["NoCommas", "Words", "EndPhrase"]


def test_one_breach_scores_zero_and_the_fraction_tells_how_many_hold() -> None:
    verdict = InstructionVerifier(THREE).verify("It is done, bye.")
    assert (verdict.status, verdict.score) == (Status.WRONG, 0.0)
    assert verdict.reason == "NoCommas: there is a comma at character 11"
    assert verdict.evidence["fraction"] == pytest.approx(1 / 3)
    assert [part["score"] for part in verdict.evidence["instructions"]] == [0.0, 1.0, 0.0]
    json.dumps(dict(verdict.evidence))


@pytest.mark.parametrize(
    "response",
    [
        'Sure, here it is:\n"All is well."',
        '"All is well."\nHope this helps!',
        'Sure:\n"All is well."\nBye',
        '**"All is well."**',
    ],
)
def test_loose_forgives_a_wrapping_and_strict_does_not(response: str) -> None:
    assert not InstructionVerifier([Quotation()]).verify(response).right
    assert InstructionVerifier([Quotation()], policy="loose").verify(response).right


def test_loose_does_not_forgive_the_content() -> None:
    loose = InstructionVerifier([NoCommas(), Words("at most", 3)], policy="loose")
    assert not loose.verify("one, two, three").right
    assert loose.verify("one two\nthree four").right
    assert not loose.verify("one two\nthree, four five six\nseven, eight").right


@pytest.mark.parametrize("response", ["", " \n", "***", "\u200b", "_", "!?"])
def test_nothing_said_follows_nothing(response: str) -> None:
    for policy in ("strict", "loose"):
        verdict = InstructionVerifier([NoCommas()], policy).verify(response)
        assert verdict.status is Status.WRONG


def test_a_response_past_the_bound_is_wrong() -> None:
    assert InstructionVerifier([NoCommas()]).verify("a" * MAX_RESPONSE).right
    assert not InstructionVerifier([NoCommas()]).verify("a" * (MAX_RESPONSE + 1)).right


def test_what_cannot_be_followed_is_refused_when_it_is_loaded() -> None:
    with pytest.raises(ValueError, match="one or more"):
        InstructionVerifier([])
    with pytest.raises(ValueError, match="policy"):
        InstructionVerifier([NoCommas()], "lenient")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="both"):
        InstructionVerifier([AllLowercase(), AllCapitals()])
    with pytest.raises(ValueError, match="too short"):
        InstructionVerifier([Language("en"), Choice(["Yes.", "No."])])
