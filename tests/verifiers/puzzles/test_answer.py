"""What the readers of puzzle answers accept: each form, and no text that makes them raise anything else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers.puzzles import AnswerError, Sudoku
from palaestra.verifiers.puzzles.answer import (
    MAX_ANSWER,
    find_answer,
    is_name,
    read_assignment,
    read_cells,
    read_grid,
    read_integers,
    read_moves,
    read_names,
    tidy,
)

GRID = ((1, 2), (3, 4))


@pytest.mark.parametrize(
    "text",
    [
        "1 2\n3 4",
        "12\n34",
        "1,2\n3,4\n",
        "| 1 | 2 |\n|---|---|\n| 3 | 4 |",
        "[[1, 2], [3, 4]]",
        '[["1", "2"], ["3", "4"]]',
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"$\begin{array}{|c|c|} \hline 1 & 2 \\ \hline 3 & 4 \\ \hline \end{array}$",
        "1 2; 3 4",
        "+---+\n|1 2|\n|3 4|\n+---+",
    ],
)
def test_a_grid_is_read_in_each_form(text: str) -> None:
    assert read_grid(text, 2, 2, 1, 4) == GRID


@pytest.mark.parametrize(
    "text", ["1 2 3 4", "1 2\n3", "1 2\n3 4\n", "1 2\n3 \u0664", "1 2\n3 4.0", "1 2\n3 1e0", "1 2\n3 5"]
)
def test_a_grid_of_another_form_is_refused(text: str) -> None:
    if text.endswith("\n"):
        text += "and so on\n"
    with pytest.raises(AnswerError):
        read_grid(text, 2, 2, 1, 4)


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("so 1 \\boxed{2} ```3```", "2"),
        ("```\na\n```\nthen\n```json\nb\nc\n```\nend", "b\nc"),
        ("```\na\n```\nand\n```\nopen", "a"),
        ("```\na\n```\n```python\nb\n```", "a"),
        ("  a \n", "a"),
        ("```unclosed", "```unclosed"),
        ("", ""),
    ],
)
def test_the_answer_is_boxed_or_fenced_or_all(response: str, answer: str) -> None:
    assert find_answer(response) == answer


def test_too_long_an_answer_is_wrong() -> None:
    verdict = Sudoku([[0]], box=(1, 1)).verify("1" + " " * 10 + "1" * MAX_ANSWER)
    assert verdict.reason == f"the answer is longer than {MAX_ANSWER} characters"


cells = st.integers(-(10**18) + 1, 10**18 - 1)


@given(
    st.lists(st.lists(cells, min_size=3, max_size=3), min_size=2, max_size=5), st.sampled_from([" ", ", ", " | ", "\t"])
)
def test_a_printed_grid_is_read_back(rows: list[list[int]], separator: str) -> None:
    text = "\n".join(separator.join(map(str, row)) for row in rows)
    grid = read_grid(text, len(rows), 3, -(10**18), 10**18)
    assert [list(row) for row in grid] == rows
    assert read_integers(text) == [value for row in rows for value in row]


words = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)


@given(
    st.dictionaries(words, words, min_size=1, max_size=6), st.sampled_from([": ", "=", " -> "]), st.sampled_from("\n,;")
)
def test_a_printed_assignment_is_read_back(values: dict[str, str], arrow: str, end: str) -> None:
    text = end.join(f"{name}{arrow}{value}" for name, value in values.items())
    assert read_assignment(text, tuple(values)) == values


hostile = st.text(
    alphabet=st.one_of(st.sampled_from("\\{}[]$=:;,|&-+>\n \"'#.19Qv`*\u2192"), st.characters()), max_size=80
)


def refusal(read: Callable[[str], object], text: str) -> str:
    try:
        read(text)
    except AnswerError as error:
        return str(error)
    return ""


@given(hostile)
def test_no_text_makes_a_reader_raise_anything_else(text: str) -> None:
    find_answer(text)
    for read in (
        read_integers,
        read_moves,
        read_names,
        lambda t: read_cells(t, 2, 2),
        lambda t: read_grid(t, 2, 2, 0, 9),
        lambda t: read_assignment(t, ("1", "Q")),
    ):
        reason = refusal(read, text)
        assert reason.isprintable()
        reason.encode()


@given(hostile)
def test_whatever_counts_as_a_name_can_be_read(text: str) -> None:
    if is_name(text):
        assert tidy(text) == text
        assert read_assignment(f"{text} = {text}", (text,)) == {text: text}
        assert read_names(text) == [text]
        assert read_moves(text) == [text]
