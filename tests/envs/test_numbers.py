"""Tasks of number theory and arithmetic: oracles against brute force, right and wrong answers with their reasons."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from palaestra.envs import Problem, Task, sample_problem
from palaestra.envs.tasks.numbers.arithmetic import Arithmetic
from palaestra.envs.tasks.numbers.base_conversion import BaseConversion, to_base
from palaestra.envs.tasks.numbers.chinese_remainder import ChineseRemainder
from palaestra.envs.tasks.numbers.diophantine import Diophantine
from palaestra.envs.tasks.numbers.expressions import compute, hideable_leaf, write
from palaestra.envs.tasks.numbers.fraction_sum import FractionSum
from palaestra.envs.tasks.numbers.gcd_lcm import GcdLcm
from palaestra.envs.tasks.numbers.modular_power import ModularPower
from palaestra.envs.tasks.numbers.prime_factors import PrimeFactors, primes_below
from palaestra.verifiers import Status, evaluate, parse_expression

RNG = np.random.default_rng(0)


def problems(task: Task, seeds: int = 15) -> list[Problem]:
    return [sample_problem(task, seed, level) for level in task.difficulties for seed in range(seeds)]


def check(task: Task, problem: Problem, answer: str, reason: str) -> None:
    """The answer is right when ``reason`` is empty, else wrong for this reason."""
    verdict = task.verify(problem, f"so \\boxed{{{answer}}}")
    assert verdict.status is (Status.WRONG if reason else Status.RIGHT), verdict
    assert reason in verdict.reason


@pytest.mark.parametrize("task", [Arithmetic(), FractionSum()], ids=str)
def test_expressions_have_the_value_that_an_independent_parser_gives_them(task: Task) -> None:
    for problem in problems(task):
        expression = problem.meta["fields"]["expression"]
        assert expression in problem.prompt
        assert evaluate(parse_expression(expression)) == Fraction(problem.reference), expression


@pytest.mark.parametrize("task", [Arithmetic(), FractionSum()], ids=str)
def test_the_hidden_number_alone_gives_the_value(task: Task) -> None:
    inverted = [(p, q) for p in problems(task) if (q := task.invert(p)) is not None]
    assert len(inverted) > 100
    for problem, question in inverted:
        assert task.invert(question) is None
        hide = question.meta["hidden"]
        leaves = ["x" if k == hide else str(leaf) for k, leaf in enumerate(question.meta["leaves"])]
        left = write(leaves, question.meta["program"])[-1]
        assert left in question.prompt
        node, hidden = parse_expression(left), Fraction(question.reference)
        assert evaluate(node, {"x": hidden}) == Fraction(problem.reference)
        for other in (hidden + 1, -hidden, hidden * Fraction(3, 2)):
            try:
                assert evaluate(node, {"x": other}) != Fraction(problem.reference)
            except ArithmeticError:
                continue
        assert task.verify(question, task.solve(question, RNG)).right


def test_a_number_that_the_value_does_not_depend_on_is_not_hidden() -> None:
    leaves = [Fraction(n) for n in (7, 3, 3, 2)]
    program = [["-", 1, 2], ["*", 0, 4], ["+", 5, 3]]  # 7 * (3 - 3) + 2
    assert write(["7", "3", "3", "2"], program)[-1] == "7 * (3 - 3) + 2"
    assert compute(leaves, program)[-1] == 2
    assert hideable_leaf(leaves, program) == 1


def test_parentheses_stand_where_they_must_and_only_there() -> None:
    def text(*program: tuple[str, int, int]) -> str:
        return write(["1", "2", "3"], [list(step) for step in program])[-1]

    assert text(("+", 0, 1), ("+", 2, 3)) == "3 + 1 + 2"
    assert text(("+", 0, 1), ("-", 2, 3)) == "3 - (1 + 2)"
    assert text(("-", 0, 1), ("-", 3, 2)) == "1 - 2 - 3"
    assert text(("+", 0, 1), ("*", 3, 2)) == "(1 + 2) * 3"
    assert text(("*", 0, 1), ("/", 2, 3)) == "3 / (1 * 2)"
    assert write(["1/2", "3/4"], [["/", 0, 1]])[-1] == "1/2 / (3/4)"


ARITHMETIC = Problem("", 17, 1, {"leaves": [3, 2, 7], "program": [["*", 1, 2], ["+", 0, 3]]})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("17", ""),
        ("x = 17", ""),
        ("17.0", ""),
        ("$17$", ""),
        ("35", "expected 17, got '35'"),
        ("3 + 2 * 7", "is not written as one number"),
        ("17 or 35", "is not written as one number"),
        ("9**9**9", "is not written as one number"),
        ("", "is not written as one number"),
    ],
)
def test_arithmetic_wants_the_value_as_a_number(answer: str, reason: str) -> None:
    check(Arithmetic(), ARITHMETIC, answer, reason)


def test_arithmetic_steps_are_those_of_the_expression() -> None:
    lines = {
        "2 * 7 = 14": Status.RIGHT,
        "2*7=14": Status.RIGHT,
        "3+14=17": Status.RIGHT,
        "3 + 2 = 5": Status.UNDECIDED,
        "3 + 2 = 6": Status.WRONG,
        "3 / 0 = 1": Status.WRONG,
        "hm": Status.UNDECIDED,
        "\\boxed{17}": Status.RIGHT,
    }
    assert [v.status for v in Arithmetic().steps(ARITHMETIC, "\n".join(lines))] == list(lines.values())


@pytest.mark.parametrize("task", [Arithmetic(), FractionSum()], ids=str)
def test_a_hidden_number_is_found_by_undoing_the_steps(task: Arithmetic | FractionSum) -> None:
    backwards = [question for problem in problems(task, 5) if (question := task.invert(problem)) is not None]
    for problem in backwards:
        first, *_, last, _ = task.solve(problem, RNG).split("\n")
        assert "x" in first
        assert last == f"x = {problem.reference}"
    assert backwards


def test_arithmetic_keeps_to_its_operators() -> None:
    for problem in problems(Arithmetic(operators="-*"), 3):
        assert not set("+/") & set(problem.meta["fields"]["expression"])
    with pytest.raises(ValueError, match="operators"):
        Arithmetic(operators="*/")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("5/6", ""),
        ("\\frac{5}{6}", ""),
        ("x = 5/6", ""),
        ("10/12", "not in lowest terms"),
        ("\\frac{10}{12}", "not in lowest terms"),
        ("1/3", "expected 5/6"),
        ("1/2 + 1/3", "not written as one number"),
    ],
)
def test_fractions_are_fully_reduced(answer: str, reason: str) -> None:
    check(FractionSum(), Problem("", "5/6", 1), answer, reason)


def test_decimals_are_no_fractions_and_whole_numbers_stand_alone() -> None:
    check(FractionSum(), Problem("", "1/2", 1), "0.5", "is a decimal")
    check(FractionSum(), Problem("", "-3", 1), "-3", "")
    check(FractionSum(), Problem("", "-3", 1), "-6/2", "lowest terms")


def test_numerals_are_converted_as_python_reads_them() -> None:
    task = BaseConversion()
    for problem in problems(task):
        fields, reference = problem.meta["fields"], problem.reference
        number = int(fields["numeral"], int(fields["source"]))
        assert number == problem.meta["number"] == int(reference["numeral"], reference["base"])
        assert fields["source"] != fields["target"] == str(reference["base"])
        back = task.invert(problem)
        assert back is not None
        assert task.invert(back) is not None
        assert back.reference == {"numeral": fields["numeral"], "base": int(fields["source"])}
        assert reference["numeral"] in back.prompt


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("2f", ""),
        ("2F", ""),
        ("0x2f", ""),
        ("002f", ""),
        ("2f_{16}", ""),
        ("\\text{2F}_{16}", ""),
        ("(2f)_16", ""),
        ("2f (base 16)", ""),
        ("47", "expected 2f, got 47"),
        ("2g", "g is no digit of base 16"),
        ("2f_8", "a numeral of base 8 instead of 16"),
        ("2 or f", "o is no digit"),
        ("2f!", "is no numeral"),
        ("", "is no numeral"),
        ("2" * 101, "is no numeral"),
    ],
)
def test_numerals_are_read_in_several_ways(answer: str, reason: str) -> None:
    check(BaseConversion(), Problem("", {"numeral": "2f", "base": 16}, 1), answer, reason)


def test_numerals_of_small_numbers() -> None:
    assert [to_base(n, b) for n, b in ((5, 2), (35, 36), (255, 16), (80, 3))] == ["101", "z", "ff", "2222"]


def test_primes_are_those_with_two_divisors() -> None:
    assert list(primes_below(200)) == [n for n in range(200) if sum(n % k == 0 for k in range(1, n + 1)) == 2]


def test_numbers_have_the_prime_factors_of_the_reference() -> None:
    for problem in problems(PrimeFactors()):
        number, primes = problem.reference["number"], problem.reference["primes"]
        assert math.prod(primes) == number
        assert len(primes) >= 2
        assert all(p in primes_below(4000) for p in primes)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("2^3 * 3 * 7", ""),
        ("7*3*2*2*2", ""),
        ("2, 2, 2, 3, 7", ""),
        ("2^{3} \\cdot 3 \\times 7", ""),
        ("2**3*3*7", ""),
        ("2^3 \u00d7 3 \u00b7 7", ""),
        ("168 = 2^3 * 3 * 7", ""),
        ("8 * 3 * 7", "8 is not prime"),
        ("168", "168 is not prime"),
        ("1 * 2^3 * 3 * 7", "1 is not prime"),
        ("2^3 * 3 * 7 = 2 * 3 * 31", "an equation without 168"),
        ("2^2 * 3 * 7", "the product is 84 instead of 168"),
        ("2^99 * 3", "more than 64 factors"),
        ("2 + 166", "is no factor"),
        ("", "is no factor"),
    ],
)
def test_a_factorization_is_primes_that_multiply_to_the_number(answer: str, reason: str) -> None:
    check(PrimeFactors(), Problem("", {"number": 168, "primes": [2, 2, 2, 3, 7]}, 1), answer, reason)


def test_gcd_and_lcm_are_those_of_a_search() -> None:
    task = GcdLcm()
    for problem in problems(task, 3):
        numbers = problem.reference["numbers"]
        gcd = max(k for k in range(1, min(numbers) + 1) if all(n % k == 0 for n in numbers))
        lcm = 1
        for number in numbers:
            lcm = next(m for m in itertools.count(lcm, lcm) if m % number == 0)
        check(task, problem, f"gcd={gcd}, lcm={lcm}", "")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("gcd=6, lcm=36", ""),
        ("lcm = 36, gcd = 6", ""),
        ("6, 36", ""),
        ("36, 6", "the gcd is 6, not 36"),
        ("gcd=6, lcm=216", "the lcm is 36, not 216"),
        ("gcd=6", "gives no lcm"),
        ("6 and 36", ""),
    ],
)
def test_both_gcd_and_lcm_must_be_right(answer: str, reason: str) -> None:
    check(GcdLcm(), Problem("", {"numbers": [12, 18]}, 1), answer, reason)


def test_powers_leave_the_remainder_of_plain_multiplication() -> None:
    for problem in problems(ModularPower()):
        fields = problem.meta["fields"]
        base, exponent, modulus = (int(fields[name]) for name in ("base", "exponent", "modulus"))
        if exponent < 3000:
            assert base**exponent % modulus == problem.reference
        assert 2 <= problem.reference < modulus


def test_remainders_have_one_least_solution() -> None:
    task = ChineseRemainder()
    for problem in problems(task):
        conditions = problem.reference["conditions"]
        found = int(task.solve(problem, RNG).rpartition("{")[2][:-1])
        assert all(found % m == r for m, r in conditions)
        assert 0 <= found < math.lcm(*(m for m, _ in conditions))
        if problem.difficulty <= 4:
            least = next(x for x in itertools.count() if all(x % m == r for m, r in conditions))
            assert found == least
        moduli = [m for m, _ in conditions]
        if problem.difficulty not in (6, 9):
            assert all(math.gcd(a, b) == 1 for a, b in itertools.combinations(moduli, 2))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("23", ""),
        ("x = 23", ""),
        ("128", "is not the smallest"),
        ("-82", "no natural number"),
        ("22", "leaves 1 instead of 2 when divided by 3"),
        ("23/2", "no natural number"),
        ("23 mod 105", "not written as one number"),
    ],
)
def test_every_remainder_counts(answer: str, reason: str) -> None:
    check(ChineseRemainder(), Problem("", {"conditions": [[3, 2], [5, 3], [7, 2]]}, 1), answer, reason)


def test_the_bounds_hold_a_solution_and_every_solution_within_them_is_right() -> None:
    task = Diophantine()
    for seed in range(20):
        problem = sample_problem(task, seed, 1)
        (a, b), reach = problem.reference["coefficients"], problem.reference["reach"]
        window = range(-reach, reach + 1)
        solutions = [(x, y) for x in window for y in window if a * x + b * y == problem.reference["total"]]
        assert solutions
        for x, y in solutions:
            check(task, problem, f"x={x}, y={y}", "")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("x=4, y=-1", ""),
        ("y=-1; x=4", ""),
        ("-1, 2", ""),
        ("x=-6, y=5", "x is not from -5 to 5"),
        ("x=4, y=1", "3x + 5y is 17 instead of 7"),
        ("x=7/3, y=0", "x is not whole"),
        ("x=4", "gives no y"),
        ("xy=4, x=4", "names none"),
    ],
)
def test_a_solution_is_whole_within_bounds_and_true(answer: str, reason: str) -> None:
    problem = Problem("", {"coefficients": [3, 5], "total": 7, "reach": 5}, 1)
    check(Diophantine(), problem, answer, reason)
