from __future__ import annotations

import time

import pytest

from palaestra.verifiers import ChoiceVerifier, ShortTextVerifier
from palaestra.verifiers.graphs import Graph, PathVerifier
from palaestra.verifiers.latex import opened, undelimited, unspaced
from palaestra.verifiers.logic import FormulaVerifier
from palaestra.verifiers.puzzles import Cryptarithm, Hanoi, Sudoku


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r"\text{Paris}", "Paris"),
        (r"\textbf{(B)} \mathrm{x}", "(B) x"),
        (r"\text{\textit{a} b}", "a b"),
        (r"A \;\to\; B", r"A  \to  B"),
        (r"\left( a \right)", "( a  )"),
        (r"\leftarrow \\ \textual{x}", r"\leftarrow \\ \textual{x}"),
        ("as it is", "as it is"),
        (r"a\_b \& 5\% \\_c", r"a_b & 5% \\_c"),
    ],
)
def test_commands_around_words_are_taken_off(text: str, words: str) -> None:
    assert unspaced(text).split() == words.split()


def test_delimiters_are_taken_off_in_pairs_only() -> None:
    assert [*map(undelimited, ("$x$", r"\( x \)", "$5", "$a$ or $b$", "$"))] == ["x", "x", "$5", "$a$ or $b$", "$"]


def test_deep_commands_take_linear_time() -> None:
    before = time.thread_time()
    opened(r"\text{" * 50_000 + "}" * 50_000)
    assert time.thread_time() - before < 1


def test_escaped_signs_are_read_in_names() -> None:
    graph = Graph([("a_1", "b_1", 1)])
    assert PathVerifier(graph, "a_1", "b_1").verify(r"\boxed{a\_1 \to b\_1}").right
    assert ShortTextVerifier(("AT&T",)).verify(r"\boxed{\text{AT\&T}}").right
    assert FormulaVerifier().verify(r"\boxed{p\_1 \to q}", "p_1 -> q").right


@pytest.mark.parametrize("box", [r"\text{Paris}", r"\textbf{Paris}", r"$\text{Paris}$", r"\mathrm{Paris}", "Paris"])
def test_a_word_in_a_box_is_the_word(box: str) -> None:
    assert ShortTextVerifier(("Paris",)).verify(rf"\boxed{{{box}}}").right


@pytest.mark.parametrize("box", [r"\text{not Paris}", r"\text{Paris} \text{or Rome}", r"\text{}", "$Paris"])
def test_other_words_in_a_box_stay_other_words(box: str) -> None:
    assert not ShortTextVerifier(("Paris",)).verify(rf"\boxed{{{box}}}").right


def test_latex_is_read_where_names_and_formulas_are_asked_for() -> None:
    graph = Graph([("A", "B", 1), ("B", "C", 1)])
    path = PathVerifier(graph, "A", "C")
    assert path.verify(r"\boxed{\text{A} \;\to\; \text{B} \to C}").right
    assert not path.verify(r"\boxed{\text{A} \;\to\; \text{C}}").right
    assert path.verify(r"\boxed{A \longrightarrow B \longrightarrow C}").right
    for move in ("A->B", "A \u2192 B", r"\text{A} \to B", r"A \rightarrow B"):
        assert Hanoi((0,), (1,)).verify(rf"\boxed{{{move}}}").right
    puzzle = Cryptarithm("AB + A = BC", base=3, leading_zero=True)
    assert puzzle.verify(r"\boxed{A=0,\ B=0,\ C=0}").reason == "A and B are both 0"
    half = Sudoku([[1, 2, 3, 4], [3, 4, 1, 2], [2, 1, 4, 3], [4, 3, 2, 0]], (2, 2))
    rows = r"1 & 2 & 3 & 4 \\ 3 & 4 & 1 & 2 \\ 2 & 1 & 4 & 3 \\ 4 & 3 & 2 & \text{1}"
    assert half.verify(rf"\boxed{{\left[\begin{{array}}{{cccc}}{rows}\end{{array}}\right]}}").right
    formula = FormulaVerifier()
    assert formula.verify(r"\boxed{\forall x\, \left(\text{P}(x) \to Q(x)\right)}", "forall x. P(x) -> Q(x)").right
    assert not formula.verify(r"\boxed{\exists x\, \left(\text{P}(x) \to Q(x)\right)}", "forall x. P(x) -> Q(x)").right
    assert ChoiceVerifier("B").verify(r"\boxed{\text{(B) }5}").right
