"""Answers of many dear comparisons: all of them draw on one budget, which refuses and never accepts."""

from __future__ import annotations

from contextlib import suppress

import pytest

from palaestra.verifiers import MathVerifier, Verdict, parse_expression
from palaestra.verifiers.math.budget import MAX_WORK, OutOfBudget, budget, spend
from palaestra.verifiers.math.equality import equal

LOGARITHMS = r"\cup".join(rf"(\ln{2 * k},\ln{2 * k + 1})" for k in range(2, 60))
SUMS = [rf"a_{{{k}}}+\ln b<c" for k in range(120)]
DEAR = {
    "ends of intervals": LOGARITHMS + r"\cap(e,\pi^9)" * 60,
    "ends that are equal": r"\cup".join(["(e,9)"] * 60) + r"\cap(\ln e^e,9)" * 35,
    "points taken away": r"\mathbb{R}" + "".join(rf"\setminus\{{\ln{k}\}}" for k in range(2, 99)),
    "relations in another order": " and ".join(SUMS),
    "sets in another order": r"\{" + ",".join(rf"\ln{k}" for k in range(2, 200)) + r"\}",
}


def judge(answer: str, gold: str) -> Verdict:
    return MathVerifier().verify(f"\\boxed{{{answer}}}", gold)


@pytest.mark.parametrize("name", DEAR)
def test_too_many_dear_comparisons_are_refused(name: str) -> None:
    golds = {
        "relations in another order": " and ".join(reversed(SUMS)),
        "sets in another order": r"\{" + ",".join(rf"\ln{k}" for k in range(199, 1, -1)) + r"\}",
    }
    verdict = judge(DEAR[name], golds.get(name, "(1,2)"))
    assert verdict.score == 0.0
    assert "too many comparisons" in verdict.reason


def test_an_answer_of_dozens_of_irrational_parts_is_within_it() -> None:
    parts = [rf"\ln {k}+\sqrt{{{k}}}" for k in range(2, 32)]
    assert judge(r"\{" + ",".join(parts) + r"\}", r"\{" + ",".join(reversed(parts)) + r"\}").right
    assert judge(" and ".join(SUMS[:20]), " and ".join(reversed(SUMS[:20]))).right
    assert judge(LOGARITHMS + r"\cap(\ln4,\pi^9)", LOGARITHMS).right


@pytest.mark.parametrize("left", range(0, 400, 7))
def test_where_it_ends_nothing_is_taken_for_equal(left: int) -> None:
    with budget(), suppress(OutOfBudget):
        spend(MAX_WORK - left)
        assert equal(parse_expression("|x-40|"), parse_expression("40-x"), "seed") is False


def test_each_verdict_has_its_own() -> None:
    for _ in range(3):
        assert judge(r"\{\ln 2,\ln 3\}", r"\{\ln 3,\ln 2\}").right
    spend(MAX_WORK + 1)
