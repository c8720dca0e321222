from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction
from typing import Any

import pytest
import sympy

from palaestra.envs import Problem, sample_problem
from palaestra.envs.tasks.calculus.closed_form import VERIFIER, judge_function, judge_number
from palaestra.envs.tasks.calculus.definite_integral import DefiniteIntegral
from palaestra.envs.tasks.calculus.derivative import Derivative
from palaestra.envs.tasks.calculus.limit import Limit
from palaestra.envs.tasks.calculus.polynomials import text, value
from palaestra.verifiers import parse_gold


def at(tree: list[Any], x: float) -> float:
    """The value of an expression tree."""
    kind, a = tree[0], tree[1]
    if kind == "poly":
        return float(sum(c * x**k for k, c in enumerate(a)))
    if kind == "product":
        return at(a, x) * at(tree[2], x)
    if kind == "quotient":
        return at(a, x) / at(tree[2], x)
    if kind == "power":
        return float(at(a, x) ** tree[2])
    return {"sin": math.sin, "cos": math.cos, "exp": math.exp, "ln": math.log}[kind](at(a, x))


@pytest.mark.parametrize("difficulty", range(1, 11))
def test_derivatives_agree_with_sympy_and_with_difference_quotients(difficulty: int) -> None:
    task = Derivative()
    x = sympy.Symbol("x")
    for seed in range(3):
        problem = sample_problem(task, seed, difficulty)
        parse_gold(problem.reference, VERIFIER.policy)  # what the fast path leaves open can be decided
        derivative = sympy.diff(_sympy(problem.meta["tree"], x), x)
        answer = str(derivative).replace("**", "^").replace("log", "ln")
        assert task.verify(problem, f"\\boxed{{{answer}}}").right, (problem.prompt, answer)
        assert not task.verify(problem, f"\\boxed{{{answer} + 1}}").right
        for point in (0.31, 0.47):
            exact = float(derivative.subs(x, point))
            h = 1e-6
            slope = (at(problem.meta["tree"], point + h) - at(problem.meta["tree"], point - h)) / (2 * h)
            assert slope == pytest.approx(exact, rel=1e-3, abs=1e-3)


def _sympy(tree: list[Any], x: Any) -> Any:
    kind, a = tree[0], tree[1]
    if kind == "poly":
        return sum(c * x**k for k, c in enumerate(a))
    inner = _sympy(a, x)
    if kind == "product":
        return inner * _sympy(tree[2], x)
    if kind == "quotient":
        return inner / _sympy(tree[2], x)
    if kind == "power":
        return inner ** tree[2]
    return {"sin": sympy.sin, "cos": sympy.cos, "exp": sympy.exp, "ln": sympy.log}[kind](inner)


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("2x", "2x"),
        ("f'(x) = x + x", "2x"),
        ("\\frac{dy}{dx} = 2 \\cdot x", "2x"),
        ("3(x+1)^2 - 3x^2", "6x + 3"),
        ("\\frac{1}{x} + 1", "\\frac{x + 1}{x}"),
        ("2x\\cos(-x^2)", "2x \\cdot \\cos(x^{2})"),
        ("-2x\\sin(-x^2)", "2x \\cdot \\sin(x^{2})"),
        ("2 - 2\\sin^2(x)", "2\\cos(x)^{2}"),
        ("\\frac{2}{e^{-2x}}", "2 \\cdot e^{2x}"),
        ("2(e^x)^2", "2 \\cdot e^{2x}"),
        ("\\sin(2x)", "2 \\cdot \\sin(x) \\cdot \\cos(x)"),
        ("\\sec^2(x)", "\\frac{1}{\\cos(x)^{2}}"),
        ("1 + \\tan^2 x", "\\frac{1}{\\cos(x)^{2}}"),
        ("\\cos(\\frac{\\pi}{2} - x)", "\\sin(x)"),
        ("\\sin(2x)\\cos 3 + \\cos(2x)\\sin 3", "\\sin(2x + 3)"),
        ("2\\sin\\frac{x}{2}\\cos\\frac{x}{2}", "\\sin(x)"),
        ("2\\cosh x - e^{-x}", "e^{x}"),
        ("e \\cdot e^{x^2} (e^x)^3", "e^{x^{2} + 3x + 1}"),
        ("\\ln 2 + \\ln|x+3|", "\\ln(2x + 6)"),
        ("2\\ln x + \\log 3/\\log e", "\\ln(3x^{2})"),
        ("x^{-1}", "\\frac{1}{x}"),
    ],
)
def test_the_same_function_in_other_words_is_right(answer: str, gold: str) -> None:
    verdict = judge_function(f"\\boxed{{{answer}}}", gold)
    assert verdict.right, verdict


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("2x + 1", "2x"),
        ("2x + C", "2x"),
        ("2y", "2x"),
        ("|2x|", "2x"),
        ("2\\lfloor x \\rfloor", "2x"),
        ("2x \\cdot (-1)^{2x}", "2x"),
        ("2x\\sin(x)", "2x \\cdot \\cos(x)"),
        ("\\frac{d}{dx}(x^2 + 1)", "2x"),
        ("(x^2)'", "2x"),
        ("\\int 2 dx", "2x"),
        ("x=2x", "2x"),
        ("2x\\sin(-x)", "2x \\cdot \\sin(x)"),
        ("", "2x"),
        ("2305843009213693951x^9 + 2x", "2x"),
        ("x^{9^{9^9}}", "2x"),
        ("(" * 900 + "2x" + ")" * 900, "2x"),
        ("2x" + " " * 3000, "2x + 1"),
    ],
)
def test_another_function_is_wrong(answer: str, gold: str) -> None:
    assert not judge_function(f"\\boxed{{{answer}}}", gold).right


TINY = ("10^{-17}", "10^{-300}", "e^{-154\\pi}", "\\frac{1}{9^{99}}")
NEAR = {-2: "1", -1: "-8", 1: "8", 2: "-1"}  # a slope of fourth order, times 12 h; exact up to x^4


def moved(formula: str, by: str) -> str:
    """A formula with x moved, as text."""
    return re.sub(r"(?<![a-zA-Z\\])x(?![a-zA-Z])", lambda match: f"(x + {by})", formula)


def difference(formula: str, h: str) -> str:
    terms = " + ".join(f"({weight})({moved(formula, f'({k})*{h}')})" for k, weight in NEAR.items())
    return f"\\frac{{{terms}}}{{12 \\cdot {h}}}"


@pytest.mark.parametrize("difficulty", range(1, 11))
def test_a_difference_quotient_is_no_derivative(difficulty: int) -> None:
    for seed, h in itertools.product(range(3), (*TINY, "1")):
        problem = sample_problem(Derivative(), seed, difficulty)
        verdict = Derivative().verify(problem, f"\\boxed{{{difference(problem.meta['fields']['f'], h)}}}")
        assert not verdict.right, problem.prompt


@pytest.mark.parametrize("difficulty", range(1, 11))
def test_a_value_next_to_the_point_is_no_limit(difficulty: int) -> None:
    for seed, h in itertools.product(range(3), TINY):
        problem = sample_problem(Limit(), seed, difficulty)
        fields = problem.meta["fields"]
        top, bottom = (moved(fields[key], h).replace("x", f"({fields['point']})") for key in ("top", "bottom"))
        fraction = f"\\frac{{{top}}}{{{bottom}}}"
        for answer in (fraction, f"\\frac{{\\lfloor 199! \\cdot {fraction} + 1/2 \\rfloor}}{{199!}}"):
            assert not Limit().verify(problem, f"\\boxed{{{answer}}}").right


def test_slopes_and_areas_of_polynomials_by_rules_of_numbers_are_not_worked_out() -> None:
    for seed in range(5):
        problem = sample_problem(Limit(), seed, 1)
        fields = problem.meta["fields"]
        slopes = (difference(fields[key], "1").replace("x", f"({fields['point']})") for key in ("top", "bottom"))
        assert "work it out" in Limit().verify(problem, "\\boxed{{({})/({})}}".format(*slopes)).reason
        problem = sample_problem(DefiniteIntegral(), seed, 1)
        fields = problem.meta["fields"]
        low, high = fields["low"], fields["high"]
        a, m, b = (fields["f"].replace("x", f"({x})") for x in (low, f"({low} + {high})/2", high))
        simpson = f"\\frac{{({high} - {low})({a} + 4({m}) + {b})}}{{6}}"
        assert "work it out" in DefiniteIntegral().verify(problem, f"\\boxed{{{simpson}}}").reason


def test_the_backward_question_has_one_polynomial_for_answer() -> None:
    task = Derivative()
    problem = sample_problem(task, 1, 2)
    backward = task.invert(problem)
    assert backward is not None
    assert backward.reference == problem.meta["fields"]["f"]
    assert not task.verify(backward, f"\\boxed{{{backward.reference} + 1}}").right
    assert task.invert(backward) is None
    assert task.invert(sample_problem(task, 1, 5)) is None


def test_integrals_agree_with_many_small_strips() -> None:
    for difficulty in range(1, 11):
        for seed in range(3):
            problem = sample_problem(DefiniteIntegral(), seed, difficulty)
            low, high = (Fraction(problem.meta["cuts"][k]) for k in (0, -1))
            xs = [float(low) + float(high - low) * (k + 0.5) / 1000 for k in range(1000)]
            heights = [float(sum(c * x**k for k, c in enumerate(problem.meta["integrand"]))) for x in xs]
            if problem.meta["bars"]:
                heights = list(map(abs, heights))
                assert len(problem.meta["cuts"]) > 2
            size = float(high - low) / 1000
            assert sum(heights) * size == pytest.approx(float(Fraction(problem.reference)), rel=1e-3, abs=0.1)


def test_limits_are_approached() -> None:
    for difficulty in range(1, 11):
        for seed in range(8):
            problem = sample_problem(Limit(), seed, difficulty)
            point = Fraction(problem.meta["point"])
            assert value(problem.meta["top"], point) == value(problem.meta["bottom"], point) == 0
            near = point + Fraction(1, 10**9)
            found = Fraction(value(problem.meta["top"], near)) / value(problem.meta["bottom"], near)
            assert float(found) == pytest.approx(float(Fraction(problem.reference)), rel=1e-4, abs=1e-4)
            assert problem.reference != "0"


@pytest.mark.parametrize("answer", ["-1/3", "-\\frac{2}{6}", "\\frac{8}{3} - 3", "x = -1/3"])
def test_numbers_may_be_written_in_several_ways(answer: str) -> None:
    for task in (DefiniteIntegral(), Limit()):
        assert task.verify(Problem("", "-1/3", 1), f"\\boxed{{{answer}}}").right


@pytest.mark.parametrize(
    "answer",
    ["1/3", "-0.333", "-\\int_0^1 x^2 dx", "\\lim_{x \\to 0} -\\frac{x}{3x}", "-\\frac{x}{3x} + x", "", "-1/0"],
)
def test_other_numbers_and_the_question_itself_are_wrong(answer: str) -> None:
    assert not judge_number(f"\\boxed{{{answer}}}", Fraction(-1, 3)).right


def test_polynomials_are_written_as_in_books() -> None:
    assert text([-1, 0, 1]) == "x^{2} - 1"
    assert text([2, -1]) == "-x + 2"
    assert text([Fraction(1, 2), Fraction(-3, 2)]) == "-\\frac{3}{2}x + \\frac{1}{2}"
    assert text([0]) == "0"
    assert value([1, 2, 3], Fraction(1, 2)) == Fraction(11, 4)
