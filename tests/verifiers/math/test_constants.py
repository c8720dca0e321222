from __future__ import annotations

import random
import threading
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers import TooLarge, Undefined, parse_expression
from palaestra.verifiers.math import enclosure
from palaestra.verifiers.math.boxes import Boxes
from palaestra.verifiers.math.constants import MAX_STEPS, agree, sign, within
from palaestra.verifiers.math.equality import equal

SAME = [
    (r"\sin 30^\circ", r"\frac12"),
    (r"\sin\frac{\pi}{6}", "0.5"),
    ("sin(pi/6)", "1/2"),
    (r"\cos 36^\circ", r"\frac{1+\sqrt5}{4}"),
    (r"\frac{\sqrt6-\sqrt2}{4}", r"\sin 15^\circ"),
    (r"\sin\pi", "0"),
    (r"30^\circ", r"\frac{\pi}{6}"),
    (r"\tan^{-1} 1", r"\frac{\pi}{4}"),
    (r"\arcsin 1", r"\pi/2"),
    (r"\arccos(-1)", r"\pi"),
    (r"\arctan\frac12+\arctan\frac13", r"\frac\pi4"),
    (r"\sec 0+\csc 90^\circ+\cot 45^\circ", "3"),
    (r"\ln 2+\ln 3", r"\ln 6"),
    (r"\ln 2+\ln 3-\ln 6", "0"),
    (r"\ln e^3", "3"),
    (r"\ln 2/2", r"\frac{\ln 2}{2}"),
    (r"\log_2 8", "3"),
    (r"\log_28", "3"),
    ("log_10(1000)", "3"),
    (r"\lg 100", "2"),
    (r"3\log 2", r"\log 8"),
    (r"\frac{\log 8}{\log 2}", "3"),
    (r"\exp(2)", "e^2"),
    (r"\cosh 1", r"\frac{e+e^{-1}}{2}"),
    (r"2^{\sqrt8}", r"4^{\sqrt2}"),
    (r"\pi+e", r"e+\pi"),
    ("0.5+0.5i", r"\frac{1+i}{2}"),
    ("(1+i)^2", "2i"),
    ("i^2", "-1"),
    (r"\frac{1}{1+i}", r"\frac{1-i}{2}"),
    (r"\sqrt{-4}", "2i"),
    (r"e^{i\pi}+1", "0"),
    (r"e^{i\pi/3}", r"\frac12+\frac{\sqrt3}{2}i"),
    (r"e^{2\pi i/3}", r"-\frac12+\frac{\sqrt3}{2}i"),
    ("i^i", r"e^{-\pi/2}"),
    ("|3+4i|", "5"),
    (r"\sin i", r"i\sinh 1"),
    (r"\cos(1+i)", r"\cos 1\cosh 1-i\sin 1\sinh 1"),
    (r"\lfloor\pi\rfloor+\lceil e\rceil", "6"),
    (r"\binom52", "10"),
    (r"\max(\pi, e)", r"\pi"),
    (r"\gcd(12, 18)", "6"),
    (r"\sin^2x+\cos^2x", "1"),
    (r"\sin 2x", r"2\sin x\cos x"),
    ("e^x e^y", "e^{x+y}"),
    (r"\ln x^2", r"2\ln x"),
    (r"\ln x+\ln y", r"\ln xy"),
    ("|x|", r"\sqrt{x^2}"),
    ("|x-40|", "|40-x|"),
    (r"\max(x,31)", r"\frac{x+31+|x-31|}{2}"),
    (r"\frac{n!}{(n-2)!}", "n(n-1)"),
    (r"\frac{x+iy}{i}", "y-ix"),
    (r"\frac{1}{1+2^x}+\frac{1}{1+2^{-x}}", "1"),
    ("(-1)^n", "(-1)^{n+2}"),
    (r"\cos n\pi", r"\cos(n\pi+2\pi)"),
]
DIFFERENT = [
    ("i", "-i"),
    ("1+i", "1-i"),
    ("e", "2.718281828459045"),
    (r"\pi", "3.14159265358979"),
    (r"\pi+e", r"2\pi"),
    ("e^{-1000}", "e^{-2000}"),
    (r"e^{\pi\sqrt{163}}", "262537412640768744"),
    ("5+e^{-200}", "5"),
    (r"5+\sin 10^{-60}", "5"),
    (r"\log 100", "2"),
    (r"\sin x", r"\cos x"),
    ("|x|", "x"),
    (r"\sin 30", r"\sin 30^\circ"),
    ("2^x", "2^{x+1}"),
    (r"\sqrt{x^2}", "x"),
    (r"\lfloor x\rfloor", "x"),
    (r"\lfloor 64x\rfloor/64", "x"),
    (r"x+\sin(64\pi x)", "x"),
    ("|x+10|", "x+10"),
    ("|x-40|", "40-x"),
    ("|x-10^9|", "10^9-x"),
    ("|x-y-1000|", "1000-x+y"),
    (r"\max(x,31)", "31"),
    (r"\max(x,31)", "x"),
    (r"1+\max(0,1-|x-1000|)", "1"),
    (r"\lceil x/1000\rceil", r"\lceil x/1001\rceil"),
    (r"\sqrt{(x-40)^2}+\ln 2", r"40-x+\ln 2"),
    (r"((x-40)^2)^{1/2}+\ln 2", r"40-x+\ln 2"),
    (r"e^{i\pi/3}", r"e^{-i\pi/3}"),
]


def decide(a: str, b: str) -> bool | None:
    return equal(parse_expression(a), parse_expression(b), f"{a}|{b}")


@pytest.mark.parametrize(("a", "b"), SAME)
def test_same_value_both_ways(a: str, b: str) -> None:
    assert decide(a, b) is True
    assert decide(b, a) is True


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different_value_both_ways(a: str, b: str) -> None:
    assert decide(a, b) is False
    assert decide(b, a) is False


@pytest.mark.parametrize(
    "text", [r"\tan 90^\circ", r"\ln 0", r"\frac{1}{\sin\pi}", r"\arcsin 2", "0^{-1}", r"\ln(x-x)"]
)
def test_no_value(text: str) -> None:
    with pytest.raises(Undefined):
        decide(text, "5")


@pytest.mark.parametrize(
    "text", ["e^{e^{e^e}}", "9^{9^{9^{\\sqrt2}}}", r"\sin(10^{400})", r"+\cos x" * (MAX_STEPS + 1)]
)
def test_past_a_bound(text: str) -> None:
    with pytest.raises(TooLarge):
        decide(text, r"\pi")


def test_two_faint_values_without_a_common_form_are_left_open() -> None:
    assert decide(r"e^{-3000}\sin\sqrt2", r"e^{-4000}\sin\sqrt3") is None


def test_a_long_sum_of_functions_is_refused_before_it_is_computed() -> None:
    long = parse_expression("+".join(r"\sin 1" for _ in range(MAX_STEPS)))
    with pytest.raises(TooLarge):
        agree(long, long, {}, real=True)


def test_sign_and_tolerance() -> None:
    assert sign(parse_expression(r"\pi-3")) == 1
    assert sign(parse_expression(r"e-\pi")) == -1
    assert sign(parse_expression(r"\sin\pi")) is None
    with pytest.raises(Undefined, match="not a real"):
        sign(parse_expression("1+i"))
    pi, rough = parse_expression(r"\pi"), parse_expression("3.14")
    assert within(pi, rough, Fraction(1, 100), Fraction(0))
    assert not within(pi, rough, Fraction(1, 1000), Fraction(0))
    assert within(pi, rough, Fraction(0), Fraction(1, 1000))


FUNCTIONS = {
    "exp": (enclosure.exp, mpmath.exp),
    "log": (enclosure.log, mpmath.log),
    "arctan": (enclosure.arctan, mpmath.atan),
    "cos": (lambda x, p: enclosure.cos_sin(x, p)[0], mpmath.cos),
    "sin": (lambda x, p: enclosure.cos_sin(x, p)[1], mpmath.sin),
    "sqrt": (enclosure.square_root, mpmath.sqrt),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(st.data(), st.sampled_from([20, 64, 65, 300, 1024]))
def test_an_enclosure_holds_the_value_and_little_else(name: str, data: st.DataObject, p: int) -> None:
    ours, theirs = FUNCTIONS[name]
    x = data.draw(st.integers(-(1 << (p + 9)), 1 << (p + 9)) | st.integers(-9, 9).map(lambda n: n << p))
    x = abs(x) + 1 if name in ("log", "sqrt") else x
    low, high = ours((x, x), p)  # type: ignore[operator]
    with mpmath.workprec(3 * p + 3000):
        value = theirs(mpmath.mpf(x) / mpmath.mpf(2) ** p) * mpmath.mpf(2) ** p
        assert low <= value <= high
    assert high - low <= 4


def test_enclosures_are_the_same_in_every_thread_and_at_every_precision() -> None:
    texts = [r"\ln 2", r"\sin 1", r"e^{\sqrt2}", r"\arctan 7"]
    rng = random.Random(1)
    precisions = [rng.randint(30, 1500) for _ in range(20)]
    nodes = [parse_expression(text) for text in texts]

    def boxes() -> list[object]:
        return [Boxes({}, p, real=True).of(node) for p in precisions for node in nodes]

    alone = boxes()
    enclosure._stored.cache_clear()
    found: list[list[object]] = []
    threads = [threading.Thread(target=lambda: found.append(boxes())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 4


small = st.integers(1, 12)


@given(small, small, small)
def test_the_laws_of_logarithms_and_powers_hold(a: int, b: int, c: int) -> None:
    assert decide(f"\\ln {a}+{c}\\ln {b}", f"\\ln({a}\\cdot {b}^{{{c}}})") is True
    assert decide(f"e^{{{a}/{b}}}e^{{{c}}}", f"e^{{({a}+{b}\\cdot {c})/{b}}}") is True
    assert decide(f"({a}+{b}i)({a}-{b}i)", f"{a * a + b * b}") is True
    assert decide(f"e^{{{a}i\\pi/{b}}}", f"\\cos({a}\\pi/{b})+i\\sin({a}\\pi/{b})") is True
    assert decide(f"\\sin({a}^\\circ)^2", f"1-\\cos({a}^\\circ)^2+10^{{-40}}") is False
