from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers import Status
from palaestra.verifiers.choice import ChoiceVerifier

CITIES = ("Rome", "Paris", "New York", "-5")
WAYS = [
    *("B", "b", "(B)", "[B]", "B.", "B)", "(B).", "**B**", "**(B)**", "$B$", " B\n", "Option B", "choice (B)", "`B`"),
    *("\uff22", r"\boxed{B}", r"\boxed{\text{B}}", r"\boxed{\textbf{(B)}}", r"\boxed{\mathrm{B}}", "#### B", '"B"'),
    *("The answer is B.", "the answer is (B).", "The answer is: **B**.", r"The answer is \(B\).", r"$\boxed{B}$"),
]


@pytest.mark.parametrize("response", WAYS)
@pytest.mark.parametrize("options", [4, CITIES])
def test_every_way_to_write_a_letter_is_read(response: str, options: int | tuple[str, ...]) -> None:
    assert ChoiceVerifier("B", options).verify(response).right
    other = ChoiceVerifier("C", options).verify(response)
    assert other.reason == "expected C, chose B"


@pytest.mark.parametrize(
    "response", ["Paris", "paris.", "(B) Paris", "B. Paris", "**B:** Paris", r"\boxed{\text{Paris}}", "B) PARIS"]
)
def test_the_text_of_an_option_names_it(response: str) -> None:
    assert ChoiceVerifier("B", CITIES).verify(response).right
    assert not ChoiceVerifier("A", CITIES).verify(response).right


@pytest.mark.parametrize(
    "response",
    [
        *(
            "",
            "5",
            "E",
            "BB",
            "AB",
            "A, B",
            "A and B",
            "A or B",
            "(A) (B)",
            "not B",
            "B or maybe A",
            "B\u200b",
            "\u0412",
        ),
        *("(A) Paris", "(B) Rome", "Par", "Paris, France", "Paris or Rome", "New  York City", "5", "(B) or (A)", "B?"),
        *(r"\boxed{B} no, \boxed{A}", r"\boxed{A, B}", "I think it is Paris", "B" * 3000, "\ud800", "(B", "\x00"),
    ],
)
def test_anything_else_is_wrong(response: str) -> None:
    assert ChoiceVerifier("B", CITIES).verify(response).status is Status.WRONG


def test_the_text_after_a_letter_names_no_other_where_options_are_unknown() -> None:
    assert ChoiceVerifier("B", 4).verify("(B) Paris").right
    assert not ChoiceVerifier("B", 4).verify("(B) Paris, or A").right
    assert ChoiceVerifier("B", 4).verify("B. Factor X").right


@pytest.mark.parametrize(
    "response", ["(B) or (a)", "(B) and a", "(B) is wrong", "B. isn't it", r"\boxed{(B) is not it}"]
)
def test_a_letter_that_is_denied_or_one_of_several_is_not_chosen(response: str) -> None:
    assert ChoiceVerifier("B", 4).verify(response).status is Status.WRONG
    assert ChoiceVerifier("B", 4).verify("(B) island").right


def test_several_letters_are_told_so() -> None:
    assert ChoiceVerifier("B").verify("A and B").reason == "expected one letter, got A, B"


def test_a_sign_in_an_option_is_not_dropped() -> None:
    assert ChoiceVerifier("D", CITIES).verify("-5").right
    assert not ChoiceVerifier("D", CITIES).verify("5").right


def test_a_text_that_two_options_share_names_neither() -> None:
    assert not ChoiceVerifier("A", ("same", "Same", "other")).verify("same").right


@pytest.mark.parametrize(
    "response", ["AC", "A, C", "C,A", "A and C", "(A), (C)", r"\boxed{\{A, C\}}", "A, and C.", "A C"]
)
def test_a_list_is_compared_as_a_set_when_asked_for(response: str) -> None:
    verifier = ChoiceVerifier("AC", 4, several=True)
    assert verifier.verify(response).right
    assert not ChoiceVerifier("AB", 4, several=True).verify(response).right


@pytest.mark.parametrize("response", ["A", "ABCD", "A or C", "A, B, C", "AAC", "all", "", "A, C, then D", "abc"])
def test_a_list_that_is_not_the_set_is_wrong(response: str) -> None:
    assert ChoiceVerifier("AC", 4, several=True).verify(response).status is Status.WRONG


@pytest.mark.parametrize(
    ("gold", "options", "several"),
    [
        ("E", 4, False),
        ("", 4, False),
        ("AB", 4, False),
        ("AA", 4, True),
        ("b", 4, False),
        ("A", 1, False),
        ("A", 27, True),
    ],
)
def test_a_gold_that_is_no_option_is_refused(gold: str, options: int, several: bool) -> None:
    with pytest.raises(ValueError, match=r"gold|options"):
        ChoiceVerifier(gold, options, several)


@given(st.text(alphabet="ABab()[]{}.,*$\\text boxed", max_size=40))
def test_no_text_raises_and_one_letter_at_most_is_right(response: str) -> None:
    rights = [letter for letter in "ABCD" if ChoiceVerifier(letter, 4).verify(response).right]
    assert len(rights) <= 1


@pytest.mark.parametrize("unit", ["\\text{", "(A) ", "A, ", "\\boxed{", "*", "and "])
def test_a_megabyte_ends(unit: str) -> None:
    for response in (unit * (1_000_000 // len(unit)), f"\\boxed{{{unit * 100}}}"):
        ChoiceVerifier("A", CITIES).verify(response)
        ChoiceVerifier("A", 4, several=True).verify(response)
