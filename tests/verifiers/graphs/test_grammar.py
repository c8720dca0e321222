from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers.graphs.answers import AnswerError, Reader, find_answer


@pytest.mark.parametrize(
    "text",
    ["A B C", "A, B, C", "A -> B -> C", "A->B->C.", "A\nB\nC", "[A, B, C]", '["A", "B", "C"]', "A \u2192 B \u2192 C",
     r"A \to B \rightarrow C", r"\{A, B, C\}", "A - B - C", "(A; B; C)", "$A, B, C$", "[\n  'A',\n  'B',\n  'C'\n]\n",
     "A=>B=>C"],
)  # fmt: skip
def test_a_list_of_nodes_is_read(text: str) -> None:
    assert Reader(text).nodes() == ["A", "B", "C"]


@pytest.mark.parametrize("text", ["A,, B", "A ->", ", A", "[A, B", "A, B]", "[A)", "A: B", "A\u200bB", "A+B",
                                  "(A, B), (B, C)", "[[A], B]", "A, \u0412", "A..", "[A] B", "A < B",
                                  r"\frac{A}{B}"])  # fmt: skip
def test_what_is_no_list_of_nodes_is_refused(text: str) -> None:
    with pytest.raises(AnswerError):
        Reader(text).nodes()


@pytest.mark.parametrize(
    "text",
    ["(A, B), (B, C)", "[(A, B), (B, C)]", "A-B, B-C", "A->B; B->C", "(A-B)\n(B-C)", "{[A, B], [B, C]}",
     "A - B\nB - C\n", '[["A", "B"], ["B", "C"]]', r"\{(A, B), (B, C)\}", "(A,B)(B,C)", "((A, B), (B, C))"],
)  # fmt: skip
def test_a_list_of_edges_is_read(text: str) -> None:
    assert Reader(text).edges() == [("A", "B"), ("B", "C")]


@pytest.mark.parametrize("text", ["(A, B)", "[A, B]", "{A, B}", "A-B", "[A-B]", "(A -> B)", "[(A, B)]"])
def test_one_edge_is_read(text: str) -> None:
    assert Reader(text).edges() == [("A", "B")]


@pytest.mark.parametrize("text", ["A, B", "A B", "(A, B", "(A, B, C)", "A-B-C", "(A, B]", "(A, (B, C))", "A", "(A)"])
def test_what_is_no_list_of_edges_is_refused(text: str) -> None:
    with pytest.raises(AnswerError):
        Reader(text).edges()


@pytest.mark.parametrize("text", ["", "[]", "{}", "()"])
def test_an_empty_list_is_read(text: str) -> None:
    assert Reader(text).nodes() == []
    assert Reader(text).edges() == []


@pytest.mark.parametrize(
    "text", ["A: 1, B: red", "A=1\nB=red", '{"A": "1", "B": "red"}', "A -> 1; B -> red", "{A: 1,\n B: red\n}"]
)
def test_a_mapping_is_read(text: str) -> None:
    assert Reader(text).node_mapping() == {"A": "1", "B": "red"}


@pytest.mark.parametrize("text", ["A: 1, A: 1", "A 1", "A: 1 2", "A:", ": 1", "A: 1: 2"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(AnswerError):
        Reader(text).node_mapping()


@pytest.mark.parametrize("text", ["(A, B): 3, (B, C): 0.5", "A->B = 3\nB->C = 1/2", "{A-B: 3; B-C: 0.50}"])
def test_a_flow_is_read(text: str) -> None:
    assert Reader(text).edge_mapping() == {("A", "B"): 3, ("B", "C"): Fraction(1, 2)}


@pytest.mark.parametrize(("text", "value"), [("7", 7), ("-7", -7), ("2.50", Fraction(5, 2)), ("3/4.", Fraction(3, 4))])
def test_a_number_is_read(text: str, value: Fraction) -> None:
    assert Reader(text).number() == value


@pytest.mark.parametrize("text", ["", "x", "1e5", "1/0", "9" * 31, "1. 2", "1..2", "--1", "1 2", "\u0661", "inf"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(AnswerError):
        Reader(text).number()


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (r"It is A, no, \boxed{B, C}.", "B, C"),
        ("So:\n```\nA\nB\n```\nGood.", "A\nB"),
        ("#### A B", "A B"),
        ("The answer is A -> B. Yes.", "A -> B"),
        (" A B ", "A B"),
    ],
)
def test_the_answer_is_found(response: str, answer: str) -> None:
    assert find_answer(response) == answer


NAMES = st.from_regex(r"[A-Za-z0-9_]{1,6}", fullmatch=True)
READINGS: list[Callable[[Reader], Any]] = [
    Reader.nodes, Reader.edges, Reader.node_mapping, Reader.edge_mapping, Reader.number
]  # fmt: skip


@given(
    st.lists(NAMES, max_size=8),
    st.sampled_from([", ", "; ", " -> ", "\n", " "]),
    st.sampled_from(["{}", "[{}]", "({})"]),
)
def test_nodes_read_back(names: list[str], separator: str, bracket: str) -> None:
    assert Reader(bracket.format(separator.join(names))).nodes() == names


@given(
    st.lists(st.tuples(NAMES, NAMES), max_size=8),
    st.sampled_from(["({},{})", "{} - {}", "[{} -> {}]"]),
    st.sampled_from(", \n;"),
)
def test_edges_read_back(edges: list[tuple[str, str]], form: str, separator: str) -> None:
    assert Reader(separator.join(form.format(*edge) for edge in edges)).edges() == edges


@given(st.text(alphabet="AB12 ,;:-=>()[]{}\\to.$'\n/", max_size=40) | st.text(max_size=40), st.sampled_from(READINGS))
def test_any_text_is_read_or_refused_in_one_line(text: str, read: Callable[[Reader], Any]) -> None:
    error = refusal(lambda: read(Reader(find_answer(text))))
    assert error.isprintable()
    assert error.isascii()


def refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except AnswerError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("unit", ["(", "A,", "A->", "[", "-", "\n", "\\", "((A,", "1.", "\ud800", "\x00"])
@pytest.mark.parametrize("read", READINGS)
def test_long_answers_end(unit: str, read: Callable[[Reader], Any]) -> None:
    with pytest.raises(AnswerError):
        read(Reader("A" + unit * (49_000 // len(unit)) + ",,"))
    with pytest.raises(AnswerError, match="longer than"):
        read(Reader(unit * 50_001))
