from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers import Extraction, answer_span, extract_answer, last_boxed


@pytest.mark.parametrize(
    ("response", "text", "rule"),
    [
        (r"so \boxed{42}.", "42", "boxed"),
        (r"\boxed{4} no, \boxed{5}", "5", "boxed"),
        (r"\boxed{\frac{1}{2}} done", r"\frac{1}{2}", "boxed"),
        (r"\boxed{ \{1\} }", r"\{1\}", "boxed"),
        (r"\boxed{\text{a \} b}}", r"\text{a \} b}", "boxed"),
        (r"\boxed{1} then \boxed{2", "1", "boxed"),
        (r"\boxed{1} } \boxed{ \} \boxed{{}", "1", "boxed"),
        (r"\boxed{\boxed{5}}", "5", "boxed"),
        (r"\boxed{}", "", "boxed"),
        ("#### 7 \\boxed{8}", "8", "boxed"),
        ("work\n#### 42\n", "42", "hash"),
        ("#### 1\n#### 2", "2", "hash"),
        ("The answer is 4. No, the Answer is: **3.5**.\nBye", "3.5", "phrase"),
        ("the answer is x = 5", "x = 5", "phrase"),
        ("So, 2 of them.\n**Answer:** 42 apples", "42 apples", "phrase"),
        ("**Answer: 42**", "42", "phrase"),
        ("*The answer is 42.*", "42.", "phrase"),
        ("The answer is: *42*.", "42", "phrase"),
        ("**Answer**\nThe answer is ***42***", "42", "phrase"),
        ("Answer:\n**42**", "42", "phrase"),
        ("The answer is (ab)*", "(ab)*", "phrase"),
        ("The answer is **a***", "a*", "phrase"),
        ("**Answer:** a*", "a*", "phrase"),
        ("The answer is `(ab)*`.", "(ab)*", "phrase"),
        ("Answer: **`42`**", "42", "phrase"),
        ("The answer is `a` or `b`", "`a` or `b`", "phrase"),
        ("The answer is **", "", "phrase"),
        ("work\n#### **42**", "42", "hash"),
        ("#### a*", "a*", "hash"),
        ("#### *", "", "hash"),
        ("The answer is:\n$$\n4.5\n$$\nBye.", "$$\n4.5\n$$", "phrase"),
        ("**Answer:**\n\\[\n\\frac{1}{2}\n\\]", "\\[\n\\frac{1}{2}\n\\]", "phrase"),
        ("The answer is $$5$$ or 6. Bye", "$$5$$ or 6", "phrase"),
        ("The answer is $$5. Bye", "$$5", "phrase"),
        ("The answer is St. Louis. Bye", "St. Louis", "phrase"),
        ("The answer is 3:45 p.m. on Monday. Bye", "3:45 p.m. on Monday", "phrase"),
        ("The answer is 3:45 p.m.", "3:45 p.m.", "phrase"),
        ("The answer is the U.S. Army.", "the U.S. Army", "phrase"),
        ("The answer is B. London is larger.", "B", "phrase"),
        ("The answer is ``", "``", "phrase"),
    ],
)
def test_answer_found(response: str, text: str, rule: str) -> None:
    assert extract_answer(response) == Extraction(text, rule)  # type: ignore[arg-type]


@pytest.mark.parametrize("response", ["", "42", r"\boxed{42", r"\boxed 42", "a #### 42", "answers: 5", "\ud800"])
def test_no_answer_found(response: str) -> None:
    assert extract_answer(response) is None


def test_whole_response_is_the_answer_only_when_asked_for() -> None:
    assert extract_answer(" 42\n", ("boxed", "whole")) == ("42", "whole")
    assert extract_answer(r"a \boxed{1}", ("whole", "boxed")) == (r"a \boxed{1}", "whole")


@pytest.mark.parametrize(
    "unit", ["\\boxed{", "{", "\\", "\\boxed{}{", "#", "\n####", "answer is ", "\\boxed{{", "answer is $"]
)
def test_a_megabyte_ends(unit: str) -> None:
    extract_answer(unit * (1_000_000 // len(unit)))
    assert last_boxed(r"\boxed{1}" + r"\boxed{" * 100_000) == "1"


@given(st.lists(st.sampled_from(["\\boxed{", "}", "{", "\\", "answer is", " ", "\n#### ", "4", ". "]), max_size=12))
def test_the_span_holds_the_answer(parts: list[str]) -> None:
    response = "".join(parts)
    found, span = extract_answer(response), answer_span(response)
    assert (found and found.text) == (span and response[slice(*span)])


def test_the_span_is_of_the_answer_not_of_what_looks_like_it() -> None:
    assert answer_span("17 = 10 + 7, so \\boxed{7}, and 7 it is") == (23, 24)
    assert answer_span("7") is None


@given(st.text(alphabet="\\boxed{} 1", max_size=60), st.integers(0, 99))
def test_a_last_box_always_wins(prefix: str, number: int) -> None:
    assert last_boxed(f"{prefix} \\boxed{{{number}}}") == str(number)


@given(st.text(alphabet="{}\\a", max_size=30))
def test_the_box_ends_where_its_braces_balance(content: str) -> None:
    extraction = extract_answer("\\boxed{" + content, rules=("boxed",))
    assert (extraction and extraction.text) == _balanced(content)


def _balanced(content: str) -> str | None:
    depth, skip = 1, False
    for index, character in enumerate(content):
        depth += 0 if skip else {"{": 1, "}": -1}.get(character, 0)
        skip = character == "\\" and not skip
        if depth == 0:
            return content[:index]
    return None


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (r"\text{a {b} c}", "a {b} c"),
        (r"$\mathrm{ \textbf{5} }$", "5"),
        (r"x=1,\;y=2", "x=1, y=2"),
        (r"\text{a}, \text{b}", r"\text{a}, \text{b}"),  # not all of it is set by one command
        (r"\frac{1}{2}", r"\frac{1}{2}"),
        ("$5$ or $6$", "$5$ or $6$"),
        (r"\text{" * 20 + "}" * 20, r"\text{" * 12 + "}" * 12),
    ],
)
def test_a_box_is_read_without_what_sets_all_of_it(content: str, read: str) -> None:
    assert last_boxed(rf"\boxed{{{content}}}") == read
