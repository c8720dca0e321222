from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers import Status
from palaestra.verifiers.short_text import ShortTextVerifier, TextPolicy, normal_form

WORDS = TextPolicy(numbers="words")


@pytest.mark.parametrize(
    ("gold", "response"),
    [
        *(("Paris", text) for text in ("paris", "PARIS.", " Paris ", "“Paris”", "**Paris**", "The answer is Paris.")),
        ("Nile", "The Nile"),
        ("The Nile", "Nile"),
        ("O'Neill", "O\u2019Neill"),
        ("Jean-Paul Sartre", "jean paul  sartre"),
        ("Straße", "STRASSE"),
        ("caf\u00e9", "cafe\u0301"),
        ("fine", "\ufb01ne"),
        ("H2O", "H\u2082O"),
        ("U.S.A.", "USA"),
        ("red, white and blue", r"\boxed{red white and blue}"),
    ],
)
def test_the_same_words_are_right(gold: str, response: str) -> None:
    assert ShortTextVerifier((gold,)).verify(response).right


@pytest.mark.parametrize(
    ("gold", "response"),
    [
        ("Paris", "Paris, France"),
        ("Paris", "Paris or Rome"),
        ("Paris", "not Paris"),
        ("Paris", "It is Paris, I think"),
        ("Paris", ""),
        ("Paris", "Par"),
        ("Paris", "Pari\u200bs"),
        ("Paris", "\u0420aris"),
        ("Vitamin A", "vitamin"),
        ("Lord of the Rings", "Lord of Rings"),
        ("C", "C++"),
        ("C", "C#"),
        ("5", "-5"),
        ("50", "50%"),
        ("35", "3.5"),
        ("5", ".5"),
        ("120", "5!"),
        ("5", "5!"),
        ("102", "10\u00b2"),
        ("x", "(x)"),
        ("therapist", "the rapist"),
        ("21", "twenty-one"),
        ("1000", "1,000"),
        ("Paris", r"\boxed{Paris} or \boxed{Rome}"),
        ("Paris", "Paris " * 1000),
    ],
)
def test_other_words_are_wrong(gold: str, response: str) -> None:
    assert ShortTextVerifier((gold,)).verify(response).status is Status.WRONG


def test_aliases_are_accepted_and_the_gold_is_shown() -> None:
    verifier = ShortTextVerifier(("United Kingdom", "UK", "Great Britain"))
    assert verifier.verify("the U.K.").right
    assert verifier.verify("England").reason == "expected United Kingdom, got England"


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ("zero", "0"),
        ("Twenty-one dogs", "21 dogs"),
        ("three hundred and five", "305"),
        ("one thousand two hundred thirty-four", "1,234"),
        ("two million and six", "2000006"),
        ("nine hundred ninety-nine billion", "999000000000"),
        ("hundred", "hundred"),
        ("one two", "1 2"),
        ("twenty ten", "20 10"),
        ("one thousand one million", "1000 1000000"),
        ("four and five", "4 and 5"),
        ("two hundred and", "200 and"),
        ("zero hundred", "0 hundred"),
    ],
)
def test_number_words_are_digits_when_asked_for(words: str, digits: str) -> None:
    assert normal_form(words, WORDS) == normal_form(digits, WORDS)
    assert ShortTextVerifier((digits,), WORDS).verify(words).right


def test_policies_can_be_turned_off() -> None:
    exact = TextPolicy(punctuation=False, articles=False)
    assert ShortTextVerifier(("A minor",), exact).verify("a minor").right
    assert not ShortTextVerifier(("A minor",), exact).verify("minor").right
    assert not ShortTextVerifier(("U.S.",), exact).verify("US").right
    assert not ShortTextVerifier(("x",), TextPolicy(rules=("boxed",))).verify("x").right


@pytest.mark.parametrize("answers", [(), ("",), ("Paris", "..."), ("x" * 1001,), "Paris"])
def test_unusable_golds_are_refused(answers: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="answer"):
        ShortTextVerifier(answers)


@given(st.text(max_size=40))
def test_any_usable_gold_is_equal_to_itself_but_for_case_and_spaces(text: str) -> None:
    policy = TextPolicy(rules=("whole",), numbers="words")
    if normal_form(text, policy):
        assert ShortTextVerifier((text,), policy).verify(f"  {text.casefold()} ").right


@given(st.integers(0, 10**12 - 1))
def test_numbers_written_out_are_read_back(number: int) -> None:
    assert normal_form(spelled(number), WORDS) == str(number)


def spelled(number: int) -> str:
    small = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    ones = [*small.split(), "seventeen", "eighteen", "nineteen"]
    if number < 20:
        return ones[number]
    if number < 100:
        tens = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")[number // 10 - 2]
        return f"{tens}-{ones[number % 10]}" if number % 10 else tens
    for size, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = number % size
            return f"{spelled(number // size)} {name}" + (f" {spelled(rest)}" if rest else "")
    raise AssertionError


@pytest.mark.parametrize("response", ["\ud800", "\x00", "\ufdfa" * 1000, "answer is " * 100_000, "one " * 250])
def test_no_text_raises(response: str) -> None:
    assert ShortTextVerifier(("Paris",), WORDS).verify(response).status is Status.WRONG
