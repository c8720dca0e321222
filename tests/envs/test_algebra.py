"""Tasks of algebra: oracles against brute force, right and wrong answers with their reasons."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from palaestra.envs import Problem, Task, sample_problem
from palaestra.envs.tasks.algebra.elimination import is_regular
from palaestra.envs.tasks.algebra.linear_congruence import LinearCongruence
from palaestra.envs.tasks.algebra.linear_system import LinearSystem
from palaestra.envs.tasks.algebra.polynomial_product import PolynomialProduct, read_polynomial
from palaestra.envs.tasks.algebra.quadratic import Quadratic
from palaestra.envs.tasks.algebra.recurrence import Recurrence
from palaestra.verifiers import MathPolicy, MathVerifier, Status, evaluate, parse_expression

RNG = np.random.default_rng(0)


def problems(task: Task, seeds: int = 15) -> list[Problem]:
    return [sample_problem(task, seed, level) for level in task.difficulties for seed in range(seeds)]


def check(task: Task, problem: Problem, answer: str, reason: str) -> None:
    """The answer is right when ``reason`` is empty, else wrong for this reason."""
    verdict = task.verify(problem, f"so \\boxed{{{answer}}}")
    assert verdict.status is (Status.WRONG if reason else Status.RIGHT), verdict
    assert reason in verdict.reason


def sides(equation: str) -> tuple[str, str]:
    left, _, right = equation.partition("=")
    return left, right


def test_the_equation_shown_is_the_one_judged() -> None:
    for problem in problems(Quadratic()):
        left, right = map(parse_expression, sides(problem.meta["fields"]["equation"]))
        a, b, c = problem.reference["coefficients"]
        for x in map(Fraction, (-2, 0, 1, 7)):
            assert evaluate(left, {"x": x}) - evaluate(right, {"x": x}) == a * x * x + b * x + c


def test_roots_agree_with_the_general_math_verifier() -> None:
    task, judge = Quadratic(), MathVerifier(MathPolicy(order="any"))
    for problem in problems(task, 2):
        a, b, c = problem.reference["coefficients"]
        d = b * b - 4 * a * c
        assert d > 0
        assert (math.isqrt(d) ** 2 == d) == (problem.difficulty <= 5)
        gold = f"(-({b})+\\sqrt{{{d}}})/(2*{a}), (-({b})-\\sqrt{{{d}}})/(2*{a})"
        assert judge.verify(task.solve(problem, RNG), gold).right
        check(task, problem, gold, "")


QUADRATIC = Problem("", {"coefficients": [1, -6, 4]}, 1)  # 3 + sqrt(5) and 3 - sqrt(5)
RATIONAL = Problem("", {"coefficients": [2, 5, -3]}, 1)  # 1/2 and -3


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("3 + sqrt(5), 3 - sqrt(5)", ""),
        ("3 \\pm \\sqrt{5}", ""),
        ("x = 3 ± √5", ""),
        ("x_1 = 3-\\sqrt5; x_2 = 3+\\sqrt5", ""),
        ("\\frac{6 + \\sqrt{20}}{2} \\text{ and } \\frac{6 - \\sqrt{20}}{2}", ""),
        ("\\frac{6 \\pm 2\\sqrt{5}}{2}", ""),
        ("4/(3 - sqrt(5)), 4/(3 + sqrt(5))", ""),
        ("3 + 5^{1/2}, 3 - 5^{1/2}", ""),
        ("3 + sqrt(5), 3 + sqrt(5)", "the same root twice"),
        ("3 + sqrt(5), \\frac{6 + \\sqrt{20}}{2}", "the same root twice"),
        ("3 + sqrt(5)", "gives 1 instead of two"),
        ("3 + sqrt(5), 3 - sqrt(5), 1", "gives 3 instead of two"),
        ("5.236, 0.764", "does not satisfy"),
        ("3 + sqrt(7), 3 - sqrt(7)", "another square root"),
        ("3 + 2sqrt(5), 3 - 2sqrt(5)", "does not satisfy"),
        ("43/21 - 19sqrt(5)/21, 3 + sqrt(5)", "does not satisfy"),  # only its rational part is right
        ("3 + sqrt(-5), 3 - sqrt(-5)", "of a negative number"),
        ("x, y", "x is no number"),
        ("1/0, 2", "division by zero"),
        ("9^9^9^9, 2", "exponent"),
        ("1/(sqrt(5) - sqrt(5)), 2", "division by zero"),
        ("", "gives 0 instead of two"),
        ("1," * 200, "more than 300"),
    ],
)
def test_roots_are_read_in_any_exact_form(answer: str, reason: str) -> None:
    check(Quadratic(), QUADRATIC, answer, reason)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("1/2, -3", ""),
        ("-3, 0.5", ""),
        ("x = -3 or x = \\frac{1}{2}", ""),
        ("\\frac{-5 \\pm 7}{4}", ""),
        ("\\frac{-5 \\pm \\sqrt{49}}{4}", ""),
        ("1/2, 3", "'3' does not satisfy"),
        ("sqrt(2), -3", "another square root"),
    ],
)
def test_rational_roots_need_no_square_roots(answer: str, reason: str) -> None:
    check(Quadratic(), RATIONAL, answer, reason)


def test_systems_have_one_solution_which_numpy_finds_too() -> None:
    task = LinearSystem()
    for problem in problems(task):
        equations = np.array(problem.reference["equations"], dtype=float)
        solution = np.linalg.solve(equations[:, :-1], equations[:, -1])
        halves = [Fraction(round(2 * v), 2) for v in solution]
        assert np.allclose([float(v) for v in halves], solution)
        check(task, problem, ", ".join(map(str, halves)), "")
        assert len(equations) == (2, 2, 2, 3, 3, 3, 4, 4, 5, 5)[problem.difficulty - 1]
        assert problem.difficulty in (3, 6, 10) or all(v.denominator == 1 for v in halves)


def test_systems_are_shown_as_they_are_judged() -> None:
    for problem in problems(LinearSystem(), 5):
        fields, equations = problem.meta["fields"], problem.reference["equations"]
        names = fields["asked"].replace(" and ", ", ").split(", ")
        rows = [list(map(int, line.strip("[]").replace("|", " ").split())) for line in fields["matrix"].split("\n")]
        assert rows == equations
        for line, row in zip(fields["lines"].split("\n"), equations, strict=True):
            left, right = map(parse_expression, sides(line))
            point = {name: Fraction(k * k + 2) for k, name in enumerate(names)}
            assert evaluate(left, point) == sum(c * v for c, v in zip(row, point.values(), strict=False))
            assert evaluate(right) == row[-1]


def test_singular_matrices_are_seen() -> None:
    for rows in ([[1, 2], [2, 4]], [[0, 0], [1, 1]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]]):
        assert not is_regular(rows)
    for rows in ([[0, 1], [1, 0]], [[2, 1], [1, 1]], [[1, 2, 3], [4, 5, 6], [7, 8, 10]]):
        assert is_regular(rows)


SYSTEM = Problem("", {"equations": [[2, 1, 4], [1, -1, -5]]}, 1)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("y=-1/3, z=14/3", ""),
        ("-1/3, 14/3", ""),
        ("z=\\frac{14}{3}; y=-\\frac{1}{3}", ""),
        ("y=1, z=2", "y - z is -1 instead of -5"),
        ("y=1, z=1", "2y + z is 3 instead of 4"),
        ("y=1", "gives no z"),
        ("x=1, y=2", "names none of y, z"),
        ("yz=1, y=2", "names none of y, z"),
    ],
)
def test_a_solution_satisfies_every_equation(answer: str, reason: str) -> None:
    check(LinearSystem(), SYSTEM, answer, reason)


def test_products_have_the_values_of_their_factors() -> None:
    task = PolynomialProduct()
    for problem in problems(task):
        product = parse_expression(problem.meta["fields"]["product"])
        answer = task.solve(problem, RNG).split("\\boxed{")[1][:-1]
        for x, y in ((2, 3), (-1, 5), (7, -2)):
            point = {"x": Fraction(x), "y": Fraction(y)}
            direct = sum(c * x**i * y**j for c, i, j in problem.reference["terms"])
            assert evaluate(product, point) == evaluate(parse_expression(answer), point) == direct


PRODUCT = Problem("", {"terms": [[6, 2, 0], [-1, 1, 0], [-2, 0, 0]]}, 1)  # (2x + 1)(3x - 2)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("6x^2 - x - 2", ""),
        ("-2-x+6x^{2}", ""),
        ("6 \\cdot x^2 - 1x - 2", ""),
        ("6*x**2-x-2", ""),
        ("6x^2 + x - 2", "the coefficient of x is 1, not -1"),
        ("6x^2 - x", "the constant is 0, not -2"),
        ("6x^2 - x - 2 + x^3", "the coefficient of x^3 is 1, not 0"),
        ("6x^2 - 4x + 3x - 2", "like terms in x are not collected"),
        ("(2x + 1)(3x - 2)", "is no monomial"),
        ("6x^2 - x - y", "the coefficient of y is -1, not 0"),
        ("6x^2 - x - 2 = 0", "is no monomial"),
        ("6x^999999", "is no monomial"),
        ("", "the box is empty"),
        ("x" * 1001, "more than 1000"),
    ],
)
def test_a_product_is_expanded_and_collected(answer: str, reason: str) -> None:
    check(PolynomialProduct(), PRODUCT, answer, reason)


def test_monomials_in_two_variables() -> None:
    assert read_polynomial("-2xy^2 + x*y - 3y") == {(1, 2): -2, (1, 1): 1, (0, 1): -3}


def test_formulas_give_the_terms_that_the_rule_gives() -> None:
    task = Recurrence()
    for problem in problems(task):
        fields = problem.meta["fields"]
        order = int(fields["order"])
        terms = [int(part.partition(" = ")[2]) for part in fields["starts"].replace(" and ", ", ").split(", ")]
        assert len(terms) == order
        rule = fields["rule"].partition(" = ")[2]
        for k in range(order, 0, -1):
            rule = rule.replace(f"t(n-{k})", "abc"[k - 1])
        node = parse_expression(rule)
        while len(terms) < 12:
            terms.append(int(evaluate(node, {"abc"[k - 1]: Fraction(terms[-k]) for k in range(1, order + 1)})))
        formula = parse_expression(task.solve(problem, RNG).split("\\boxed{")[1][:-1])
        assert [evaluate(formula, {"n": Fraction(n)}) for n in range(12)] == terms, problem.prompt


RECURRENCE = Problem("", {"parts": [[2, [3]], [-1, [0, 1]], [1, [-4]]]}, 1)  # 3 * 2^n + n * (-1)^n - 4


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("3*2^n + n*(-1)^n - 4", ""),
        ("t(n) = 3 \\cdot 2^n + (-1)^n n - 4", ""),
        ("t_n = 6*2^{n-1} - 4 - n(-1)^{n+1}", ""),
        ("\\frac{3*4^n}{2^n} + n(-1)^n - 4", ""),
        ("(2^n + n*(-1)^n) + 2^{n+1} - 2^2", ""),
        ("3*2^n + n*(-1)^n - 5", "differs at n = 0, where the term is -1"),
        ("3*2^n - n - 4", "differs at n = 2, where the term is 10"),
        ("3*2^n + n*(-1)^n - 4 + n(n-1)(n-2)(n-3)", "differs at n = 4"),
        ("3*2^n + n*cos(n) - 4", "cos in a formula"),
        ("2t(n-1) + 3", "t is not n"),
        ("3*2^(n^2)", "an exponent other than"),
        ("3*2^n + n*(-1)^n - t(n) = 4", "no formula"),
        ("n^n", "the variable in base and exponent"),
        ("1/n", "a quotient by the variable"),
        ("1/(n - n)", "by zero"),
        ("0^n", "or of zero"),
        ("2^{99n}", "an exponent above"),
        ("((((n^24)^24)^24)^24)^24", "an exponent above"),
        ("(1+n+2^n)^24", "more than 32 terms"),
        ("9^9^9^9", "an exponent above"),
        ("", "no formula"),
        ("1" * 301, "more than 300"),
    ],
)
def test_a_formula_is_the_same_function(answer: str, reason: str) -> None:
    check(Recurrence(), RECURRENCE, answer, reason)


def test_a_formula_that_differs_late_is_still_another_one() -> None:
    late = "*".join(f"(n-{k})" for k in range(1, 12))
    check(Recurrence(), Problem("", {"parts": [[3, [1]]]}, 1), f"3^n + n*{late}", "differs in the long run")


CONGRUENCE = Problem("", 5, 2, {"lines": ["x-1=1/3=4", "x=4+1=5"]})  # a hand-made one, modulo 11


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("5", ""),
        ("x=16", ""),
        ("-6", ""),
        ("6", "does not solve it: x is 5 modulo 11"),
        ("y=5", "is no integer"),
        ("5/2", "is no integer"),
        ("", "is no integer"),
    ],
)
def test_any_integer_congruent_to_the_solution_is_right(answer: str, reason: str) -> None:
    check(LinearCongruence(11), CONGRUENCE, answer, reason)


def test_congruences_have_one_solution_and_every_line_of_the_oracle_holds() -> None:
    task = LinearCongruence(11)
    for problem in problems(task):
        left, right = sides(problem.meta["fields"]["equation"])
        tree = parse_expression(left)
        assert [x for x in range(11) if (evaluate(tree, {"x": Fraction(x)}) - int(right)) % 11 == 0] == [
            problem.reference
        ]
        assert all(verdict.right for verdict in task.steps(problem, task.solve(problem, RNG)))


def test_lines_of_a_congruence_are_judged() -> None:
    said = "let us see\nx-1=4\nx=4+1=6\nx = 5\n\\boxed{5}"
    found = [verdict.status for verdict in LinearCongruence(11).steps(CONGRUENCE, said)]
    assert found == ["undecided", "right", "wrong", "right", "right"]


@pytest.mark.parametrize("modulus", [4, 2520, 10**7])
def test_moduli_without_units_are_refused(modulus: int) -> None:
    with pytest.raises(ValueError, match="modulus is from 5 to"):
        LinearCongruence(modulus)
