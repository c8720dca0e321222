from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers import GoldError, MathPolicy, MathVerifier, Verdict, parse_gold

SAME = [
    (r"(1,2]\cup[3,\infty)", r"[3,\infty)\cup(1,2]"),
    (r"[1,2]\cup[2,3]", "[1,3]"),
    (r"[1,4]\cap(2,9)", "(2,4]"),
    (r"(-\infty,0)\cup(0,\infty)", r"\mathbb{R}\setminus\{0\}"),
    (r"(1,2] U [3,4)", r"(1,2]\cup[3,4)"),
    (r"(-\infty, \infty)", r"\mathbb{R}"),
    (r"(-\infty, \infty)", r"\text{all real numbers}"),
    (r"(\sqrt2,\pi]", r"(\frac{2}{\sqrt2},\frac{2\pi}{2}]"),
    ("(a,b]", "(a, b]"),
    (r"\{x : x>3\}", r"(3,\infty)"),
    (r"\{x \mid 1\le x<2\}", "[1,2)"),
    (r"\{x\in\mathbb{R} : x>3\}", r"(3,\infty)"),
    ("x>3", "3<x"),
    ("2x>6", "x>3"),
    ("-x<-3", "x>3"),
    ("x-3>0", "x>3"),
    ("1<x<2", "2>x>1"),
    (r"x\in(1,2)", "(1,2)"),
    (r"x\in(1,2)", "1<x<2"),
    (r"x<-1 \text{ or } x>3", "x>3 or x<-1"),
    (r"x<-1 \text{ or } x>3", r"x\in(-\infty,-1)\cup(3,\infty)"),
    ("x>1 and x<2", "1<x<2"),
    (r"x\neq 3", r"3\ne x"),
    (r"x\ge\sqrt2", r"\frac{2}{\sqrt2}\le x"),
    (r"-25\le x\le-15", r"|x+20|\le5"),
    ("-10<x<90", "|x-40|<50"),
    (r"x\in(-1,3)", "|x-1|<2"),
    (r"x\le-1\text{ or }x\ge3", r"2|x-1|+3\ge7"),
    ("-3<x<1", "|2x|<|x-3|"),
    ("0<x<3", "|x-1|+|x-2|<3"),
    ("-3<x<3", "||x|-1|<2"),
    ("x>-1", "|x|<x+2"),
    (r"x\ne3\text{ and }x\ne-3", r"|x|\ne3"),
    ("x<1", r"\min(x,2)<1"),
    ("x<2x+1", "x>-1"),
    ("|x-a|<b", "b>|a-x|"),
    (r"\lfloor x\rfloor<3", r"3>\lfloor x\rfloor"),
    ("a+b>c", "c<a+b"),
    ("a+b>c", "c-a-b<0"),
    (r"x^2+y^2\le 1", r"2x^2+2y^2\le 2"),
    ("2x+4y=6", "x+2y=3"),
    ("5=x", "x=5"),
    ("y=2x+3", "2x-y+3=0"),
    ("x=(y-3)/2", "y=2x+3"),
    ("x=2+3=5", "5"),
    (r"x=\frac{\pi}{2}=90^\circ", r"\frac\pi2"),
    ("f(x)=x^2", "x^2"),
    (r"\text{area}=5", "5"),
    ("f'(x)=2x", "2x"),
    ("y'=2x", "2x"),
    (r"\frac{dy}{dx}=2x", "2x"),
    (r"\dfrac{dy}{dx}=2x", "dy/dx=2x"),
    ("f^{-1}(x)=x+1", "x+1"),
    (r"\vec{v}=(1,2)", "(1,2)"),
    (r"P(X=3)=\frac12", "1/2"),
    (r"\mathbb{E}[X]=\frac12", "1/2"),
    (r"\text{Var}(X^2)=2", "2"),
    (r"v_{\text{max}}=5", "5"),
    (r"v_{\text{max}}=5", "v_{max}=5"),
    (r"x_\max=5", "5"),
    (r"\frac{V_{\text{in}}}{2}", r"0.5V_\text{in}"),
    (r"P(A\mid B)=\frac12", "1/2"),
    ("|AB|=5", "5"),
    (r"\overline{AB}=5", "5"),
    (r"\angle ABC=30^\circ", r"30^\circ"),
    (r"x\in\mathbb R", r"x\in\mathbb{R}"),
    (r"\mathbb Z", r"\mathbb{Z}"),
    ("x^2+y^2=1", "x^2+y^2-1=0"),
    (r"y=\sqrt2x", r"\sqrt2y=2x"),
]
DIFFERENT = [
    (r"(1,2]\cup[3,\infty)", r"(1,2)\cup[3,\infty)"),
    (r"[1,2)\cup(2,3]", "[1,3]"),
    (r"(0,\pi]", "(0,3.14]"),
    ("(a,b]", "(b,a]"),
    ("x>3", r"x\ge3"),
    ("x>3", "x<3"),
    ("x>3", "y>3"),
    ("1<x<2", "(1,2)"),
    (r"x\in(1,2)", r"y\in(1,2)"),
    ("a+b>c", "c-a-b>0"),
    (r"x\neq3", "x=3"),
    (r"x\le-15", r"|x+20|\le5"),
    ("x>-10", "|x-40|<50"),
    ("|x-1|<2", r"|x-1|\le2"),
    ("|x|<-1", "x<0"),
    (r"\lfloor x\rfloor<3", "x<3"),
    (r"\frac{x(x-1)}{x-1}<2", "x<2"),
    (r"\sqrt{(x-3000000)^2}<5", "x>2999995"),
    ("2x+4y=6", "x+2y=4"),
    ("2x+4y=6", "x+2y=3+0z+z"),
    ("x^2=4", "x=2"),
    ("xy=0", "x=0"),
    ("y=5", "x=5"),
    ("|x|=5", "5"),
    ("f'(x)=2x", "f(x)=2x"),
    ("f^{-1}(x)=x+1", "f(x)=x+1"),
    ("x^{-1}(y)=5", "5"),
    (r"\frac{dy}{dx}=2x", "y=2x^2"),
    ("P(X=3)=1/2", "P(X=2)=1/2"),
    ("E[X]=5", "E[Y]=5"),
    ("A[X]=5", "5"),
    (r"v_{\text{in}}=5", r"v_{\text{out}}=5"),
    (r"\overline{AB}=5", "AB=5"),
    ("f(3)=5", "5"),
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


@pytest.mark.parametrize("text", ["1=5", "2+2=5", "5=5", "x=3=7", "1<2", "x+1=2=3", r"1\in\{1\}", "x<i", r"[i,2)"])
def test_what_says_nothing_of_an_unknown_is_no_answer(text: str) -> None:
    assert judge(text, "5").score == 0.0
    with pytest.raises(GoldError):
        parse_gold(text)


def test_open_and_closed_by_policy() -> None:
    assert judge("(1,2]", "[1,2]", ends="any").right
    assert judge(r"[1,2]\cup(5,6)", r"(1,2)\cup[5,6)", ends="any").right
    assert not judge("(1,2]", "[1,3]", ends="any").right


def test_an_inequality_of_many_forms_is_compared_as_it_is_written() -> None:
    many = "+".join(f"|x-{k}|" for k in range(40))
    assert judge(f"{many} < 9", "x<9").score == 0.0
    most = r"\max(" + ", ".join(f"x+{k}" for k in range(100)) + ")"
    assert judge(f"{most} < 9", "x<9").score == 0.0


bounds = st.tuples(st.integers(-9, 9), st.integers(1, 9)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(bounds, min_size=1, max_size=4), st.randoms())
def test_a_union_does_not_depend_on_how_it_is_written(pieces: list[tuple[int, int]], rng: object) -> None:
    shuffled = list(pieces)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    halves = [
        half for low, high in shuffled for half in (f"[{low},{(low + high) / 2}]", f"[{(low + high) / 2},{high}]")
    ]
    whole = r"\cup".join(f"[{low},{high}]" for low, high in pieces)
    assert judge(r"\cup".join(halves), whole).right


@given(st.integers(-9, 9).filter(bool), st.integers(-9, 9), st.integers(-9, 9).filter(bool))
def test_a_factor_turns_an_inequality_only_when_it_is_negative(a: int, b: int, factor: int) -> None:
    turned = "<" if factor > 0 else ">"
    scaled = f"({factor * a})x+({factor * b}) {turned} 0"
    assert judge(scaled, f"({a})x+({b}) < 0").right
    assert not judge(scaled, f"({a})x+({b}) > 0").right


@given(st.integers(-60, 60), st.integers(1, 60))
def test_a_distance_is_solved_wherever_its_centre_is(centre: int, radius: int) -> None:
    low, high = centre - radius, centre + radius
    assert judge(f"|x-({centre})| < {radius}", f"{low} < x < {high}").right
    assert judge(f"|x-({centre})| \\ge {radius}", f"x \\le {low} or x \\ge {high}").right
    assert not judge(f"|x-({centre})| < {radius}", f"x < {high}").right
    assert not judge(f"|x-({centre})| < {radius}", f"{low} < x < {high + 1}").right
