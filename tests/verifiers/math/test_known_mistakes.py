r"""Pairs that math-verify 0.9.0 (with its default ``parse``) is known to get wrong, each decided rightly here."""

from __future__ import annotations

import pytest

from palaestra.verifiers import MathPolicy, MathVerifier, Status, Verdict

RIGHT = {
    "a full stop after the number": ("7.", "7"),
    "thousands parted by a thin space": (r"5\,000", "5000"),
    "a complex number in decimals": ("0.5+0.5i", r"\frac{1+i}{2}"),
    "a complex exponential": (r"e^{i\pi/3}", r"\frac12+\frac{\sqrt3}{2}i"),
    "the sine of an angle in degrees": (r"\sin 30^\circ", r"\frac12"),
    "a set in another order": (r"\{2,1\}", r"\{1,2\}"),
    "equivalent radicals": (r"\frac{1}{\sqrt2}", r"\frac{\sqrt2}{2}"),
    "an assignment": ("x=5", "5"),
}
WRONG = {
    "a dropped exponent beyond all bounds": ("1e999999999", "1"),
    "a dropped exponent": ("3e5", "3"),
    "a false equation": ("1=5", "5"),
    "a false sum": ("2+2=5", "5"),
    "a false chain": ("x=3=7", "7"),
    "miles for kilometres": (r"10\text{ miles}", r"10\text{ km}"),
    "dollars for euros": (r"\$10", r"10\text{ euros}"),
    "percent as its number": (r"500\%", "500"),
    "fifty for fifty percent": (r"50\%", "50"),
    "letters in another order": ("BA", "AB"),
    "labels in another order": (r"\text{BA}", r"\text{AB}"),
    "words in another order": ("eat", "tea"),
    "the last number of a sentence": ("4, or perhaps 6, no, 5", "5"),
    "three digits of a third": ("0.333", "1/3"),
    "infinities that cancel": (r"\infty-\infty", "0"),
    "a share of infinity": (r"\frac{2\infty}{\infty}", "2"),
    "nothing of infinity": (r"2+0\cdot\infty", "2"),
    "a power of infinity": (r"\infty^0", "1"),
    "almost an integer": ("4.9999999", "5"),
    "almost an integer in closed form": ("1+10^{-20}", "1"),
    "almost an integer with an exponential": ("1+e^{-200}", "1"),
    "a digit of another script": ("\u0665", "5"),
    "an invisible character": ("5\u200b0", "5"),
}


def judge(answer: str, gold: str, **policy: object) -> Verdict:
    return MathVerifier(MathPolicy(**policy)).verify(f"\\boxed{{{answer}}}", gold)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", RIGHT)
def test_equal_both_ways(name: str) -> None:
    answer, gold = RIGHT[name]
    assert judge(answer, gold).right
    assert judge(gold, answer).right


@pytest.mark.parametrize("name", WRONG)
def test_not_equal(name: str) -> None:
    assert judge(*WRONG[name]).status is Status.WRONG


def test_percent_has_one_meaning_at_a_time() -> None:
    golds = ("5", "500", "0.5", "50")
    assert [judge(r"500\%", gold).right for gold in golds] == [True, False, False, False]
    assert [judge(r"500\%", gold, percent="number").right for gold in golds] == [False, True, False, False]


def test_boxing_the_parts_does_not_win_a_set() -> None:
    response = r"\boxed{4} and \boxed{5}"
    for gold in (r"\{4,5\}", "4, 5", "(4,5)", "4"):
        assert not MathVerifier().verify(response, gold).right
    assert MathVerifier().verify(response, "5").right


def test_a_sentence_after_the_phrase_counts_for_no_number_in_it() -> None:
    assert not MathVerifier().verify("The answer is 4, then 6, then 5", "5").right


def test_an_inequality_is_an_interval_when_the_policy_says_so() -> None:
    assert not judge("1<x<2", "(1,2)").right
    assert judge("1<x<2", "(1,2)", inequalities="intervals").right
    assert judge("(1,2)", "1<x<2", inequalities="intervals").right
