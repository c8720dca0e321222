from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers import MathPolicy, MathVerifier, Verdict

SAME = [
    ("(1,2)", "( 1 , 2 )"),
    ("1, 2 and 3", "1,2,3"),
    ("1, 2, and 3", "1; 2; 3"),
    ("(1,200)", "(1, 200)"),
    (r"(\frac12, 0.5)", r"(0.5,\frac{2}{4})"),
    (r"((1,2),(3,4))", r"((1,2), (3,4))"),
    (r"\left(3,\frac{\pi}{2}\right)", r"(3,\pi/2)"),
    ("(5)", "5"),
    ("1 or 2", r"2 \text{ or } 1"),
    (r"\pm 2", "2, -2"),
    (r"\pm 2", "-2, 2"),
    (r"3\pm\sqrt2", r"3-\sqrt2, 3+\sqrt2"),
    ("x=1, 2", r"x=1 \text{ or } x=2"),
    ("x=1,x=2", "1, 2"),
    ("x=1, y=2", "y=2, x=1"),
    ("(x=1,y=2)", "(y=2,x=1)"),
    (r"x=\pi, y=\sqrt{-1}", r"y=i, x=\pi"),
    (r"\{x,\sqrt{-2}\}", r"\{\sqrt2i,x\}"),
    ("(x=1,y=2)", "(1,2)"),
    ("(x,y)=(1,2)", "(1,2)"),
    ("x_1=1, x_2=2", r"x=1 \text{ or } x=2"),
    ("x_1=-2, x_2=2", r"\pm 2"),
    ("x_1=1, x_2=2", "x=1, 2"),
    (r"\left(x, y\right) = (\frac12, 3)", "x=0.5, y=3"),
    ("(x,y)=(1,2)", "(y,x)=(2,1)"),
    ("(x,y)=(1,2), (x,y)=(3,4)", "(1,2), (3,4)"),
    ("a=1, b=2, c=3", "1, 2, 3"),
    (r"\{1,2,3\}", r"\{3,1,2\}"),
    (r"\{\}", r"\emptyset"),
    (r"\varnothing", r"\left\{\right\}"),
    ("all real numbers", r"\mathbb{R}"),
    (r"\{\frac12,\sqrt8\}", r"\{2\sqrt2,0.5\}"),
    (r"\{(1,2),(3,4)\}", r"\{(3,4),(1,2)\}"),
    (r"S=\{1,2\}", r"\{2,1\}"),
    ("2:4", "1:2"),
    ("1:2:3", "2:4:6"),
    ("0:1:2", "0:2:4"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{bmatrix}1&2\\3&4\end{bmatrix}"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "[[1,2],[3,4]]"),
    (r"\begin{pmatrix}\frac12&2\\[4pt]3&4\end{pmatrix}", "[[0.5,2],[3,4]]"),
    (r"\frac12\begin{pmatrix}2&4\\6&8\end{pmatrix}", r"\begin{pmatrix}1&2\\3&4\\\end{pmatrix}"),
    (r"-\begin{pmatrix}1&2\end{pmatrix}", r"\begin{pmatrix}-1&-2\end{pmatrix}"),
    (r"\left[\begin{array}{cc}1&2\\3&4\end{array}\right]", "((1,2),(3,4))"),
    (r"A=\begin{pmatrix}\sqrt4&0\end{pmatrix}", r"\begin{pmatrix}2&0\end{pmatrix}"),
]
DIFFERENT = [
    ("(1,2)", "(2,1)"),
    ("(1,2)", "[1,2]"),
    ("(1,2)", "(1,2,3)"),
    ("2, 1", "1, 2"),
    ("(1,200)", "1200"),
    (r"\{1,2\}", "(1,2)"),
    (r"\{1,2\}", "1,2"),
    (r"\{1,2,3\}", r"\{1,2\}"),
    (r"\{1,1,2\}", r"\{1,2,2\}"),
    (r"\{1\}", "1"),
    ("5, 6", "5"),
    (r"\pm 2", "2"),
    ("x=1, y=2", "x=2, y=1"),
    ("x=1, y=2", r"x=1 \text{ or } x=2"),
    ("x=1, 2", "x=1, y=2"),
    ("y_1=1, y_2=2", "x=1, 2"),
    (r"x=0 \text{ or } y=0", "x=0, y=0"),
    ("(x,y)=(2,1)", "(1,2)"),
    ("(x,y)=(2,1)", "x=1, y=2"),
    ("(x=2,y=1)", "(1,2)"),
    ("(a=3,b=1,c=2)", "(1,2,3)"),
    ("[a=2,b=1]", "[1,2]"),
    ("c=3, b=2, a=1", "1, 2, 3"),
    ("1:2", r"\frac12"),
    ("1:2", "2:1"),
    ("0:0", "1:2"),
    ("0:00", "1:2"),
    ("0:3:4", "0:1:1"),
    ("0:1:2", "1:0:0"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&3\\2&4\end{pmatrix}"),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1&2\end{pmatrix}"),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", "(1,2)"),
]


def judge(answer: str, gold: str, **policy: object) -> Verdict:
    return MathVerifier(MathPolicy(**policy)).verify(f"\\boxed{{{answer}}}", gold)  # type: ignore[arg-type]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_same(a: str, b: str) -> None:
    assert judge(a, b).right, judge(a, b).reason
    assert judge(b, a).right


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different(a: str, b: str) -> None:
    assert judge(a, b).score == 0.0
    assert judge(b, a).score == 0.0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("(1,000)", "could be one number or several"),
        ("(1,2", "never closes"),
        (r"\{1,2)", "closes with"),
        ("1,,2", "nothing where a value should be"),
        ("(x,x)=(7,8)", "expected )"),
        ("(x,y)=(7,8,9)", "expected )"),
        ("(" * 8 + "1,2" + "),3" * 7 + ")", "nested"),
        (r"\begin{vmatrix}1&2\\3&4\end{vmatrix}", "no matrix"),
        (r"\begin{pmatrix}1&2\\3\end{pmatrix}", "different lengths"),
        (r"\begin{pmatrix}" + "1&" * 500 + r"1\end{pmatrix}", "cells"),
        (", ".join(map(str, range(400))), "items"),
    ],
)
def test_refused_with_a_reason(text: str, why: str) -> None:
    verdict = judge(text, "(7,8)")
    assert verdict.score == 0.0
    assert why in verdict.reason


def test_the_items_of_a_large_set_are_matched_in_bounded_time() -> None:
    roots = [f"\\sqrt{{{n}}}" for n in range(2, 150)]
    verdict = judge(r"\{" + ",".join(roots) + r"\}", r"\{" + ",".join(reversed(roots)) + r"\}")
    assert "comparisons" in verdict.reason


def test_a_tolerance_holds_for_ratios_whatever_they_are_scaled_by() -> None:
    tolerance = Fraction(1, 100)
    assert judge("1:2.001", "100:200", tolerance=tolerance).right
    assert not judge("0.001:0.001", "1:2", tolerance=tolerance).right


def test_a_tolerance_pairs_items_even_where_the_first_choice_is_wrong() -> None:
    from fractions import Fraction

    assert judge(r"\{1.5, 1.0\}", r"\{1.4, 1.8\}", tolerance=Fraction(1, 2)).right
    assert not judge(r"\{1.5, 0.8\}", r"\{1.4, 1.8\}", tolerance=Fraction(1, 2)).right


numbers = st.fractions(-9, 9, max_denominator=9).map(str)


@given(st.lists(numbers, min_size=2, max_size=6), st.randoms())
def test_only_order_tells_tuples_from_sets(items: list[str], rng: object) -> None:
    shuffled = list(items)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judge(r"\{" + ",".join(shuffled) + r"\}", r"\{" + ", ".join(items) + r"\}").right
    assert judge("(" + ",".join(shuffled) + ")", "(" + ",".join(items) + ")").right is (shuffled == items)
    assert judge(",".join(shuffled), ", ".join(items), order="any").right
