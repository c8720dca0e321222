"""Countdown, LinearEquations, KnightsAndKnaves: what is asked is solvable, what is right is paid, nothing else is."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.envs import Countdown, KnightsAndKnaves, LinearEquations, Problem, Task, sample_problem
from palaestra.verifiers import Status

RNG = np.random.default_rng(0)
TASKS = [Countdown(), KnightsAndKnaves(), LinearEquations()]


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_oracle_solves_every_difficulty_line_by_line(task: Task) -> None:
    for difficulty in task.difficulties:
        for seed in range(20):
            problem = sample_problem(task, seed, difficulty)
            solution = task.solve(problem, RNG)
            assert task.verify(problem, solution).right, (problem, solution)
            assert all(v.right for v in task.steps(problem, solution)), (problem, solution)


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_harder_problems_are_longer(task: Task) -> None:
    def length(difficulty: int) -> float:
        return float(np.mean([len(sample_problem(task, s, difficulty).prompt) for s in range(50)]))

    lengths = [length(d) for d in (1, 5, 10)]
    assert lengths == sorted(lengths)
    assert lengths[2] > lengths[0] + 10


@pytest.mark.parametrize("task", TASKS, ids=str)
@given(
    text=st.text()
    | st.text("0123456789+-*/()=xyz,. ABCknightve\\{}").map(lambda s: f"\\boxed{{{s}}}")
    | st.from_regex(r"-?[0-9/]{0,8}[-+*/][0-9/]{0,8}=[0-9/]{0,8}", fullmatch=True)
)
def test_any_text_gets_verdicts(task: Task, text: str) -> None:
    problem = sample_problem(task, 1, 5)
    task.verify(problem, text)
    assert len(task.steps(problem, text)) == sum(bool(line.strip()) for line in text.splitlines())


COUNTDOWN = Problem("", {"numbers": [3, 7, 25, 3], "target": 82}, 1)


@pytest.mark.parametrize(
    "answer",
    ["25+57-0", "(25+3)*3-2"],
)
def test_countdown_refuses_other_numbers(answer: str) -> None:
    assert "uses" in Countdown().verify(COUNTDOWN, f"\\boxed{{{answer}}}").reason


@pytest.mark.parametrize(
    "answer", ["25*3+7", "3*25+7", "7 + 25 \\times 3", "3\\cdot 25+7=82", "(25)(3)+7", "\\frac{25}{1/3}+7"]
)
def test_countdown_takes_any_expression_with_the_given_numbers(answer: str) -> None:
    numbers = [25, 3, 7] if "1/3" not in answer else [25, 1, 3, 7]
    problem = Problem("", {"numbers": numbers, "target": 82}, 1)
    assert Countdown().verify(problem, f"\\boxed{{{answer}}}").right, Countdown().verify(
        problem, f"\\boxed{{{answer}}}"
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("25*3+7", "uses"),
        ("25*3+7+3", "makes 85"),
        ("25*3+7*3/3", "uses"),
        ("82", "uses"),
        ("25+7+3+3=82", "makes 38"),
        ("25*3+7=82=82", "says"),
        ("25*3+7+3=81", "says"),
        ("3^3+25+7", "none of"),
        ("25*3+7+3!", "none of"),
        ("25*3+7+x", "x is no number"),
        ("25/(3-3)+7", "not an expression"),
        ("2.5*3+7+3", "not whole"),
        ("", "not an expression"),
        ("9**9**9**9", "none of"),
        ("__import__('os')", "not an expression"),
        ("(" * 5000 + "1", "not an expression"),
    ],
)
def test_countdown_says_what_is_wrong(answer: str, reason: str) -> None:
    verdict = Countdown().verify(COUNTDOWN, f"\\boxed{{{answer}}}")
    assert verdict.status is Status.WRONG
    assert reason in verdict.reason


def test_countdown_steps_keep_count_of_the_numbers_at_hand() -> None:
    lines = {
        "25*3=75": Status.RIGHT,
        "25+7=32": Status.WRONG,  # 25 is gone
        "75+7=82": Status.RIGHT,
        "82+3=86": Status.WRONG,
        "3/0=1": Status.WRONG,
        "hm": Status.UNDECIDED,
        "Check:": Status.UNDECIDED,
        "25 + 7 = 32": Status.RIGHT,
        "3/7=3/7": Status.WRONG,
        "3-3=0": Status.RIGHT,
        "\\boxed{1}": Status.WRONG,
    }
    assert [v.status for v in Countdown().steps(COUNTDOWN, "\n".join(lines))] == list(lines.values())


def test_countdown_problems_differ_by_numbers_and_target_not_by_order() -> None:
    task = Countdown()
    shuffled = Problem("other words", {"numbers": [25, 3, 3, 7], "target": 82}, 1)
    assert task.identity(COUNTDOWN) == task.identity(shuffled)
    assert len(sample_problem(Countdown(numbers=5), 1, 1).reference["numbers"]) == 5


ONE = Problem("", {"equations": [[2, 1]]}, 1, {"solution": ["1/2"]})
TWO = Problem("", {"equations": [[2, 1, 4], [1, -1, -5]]}, 1, {"solution": ["-1/3", "14/3"]})


@pytest.mark.parametrize("answer", ["1/2", "x=1/2", "0.5", "x = \\frac{1}{2}", "$x=2/4$", "+.5".replace(".", "0.")])
def test_one_unknown_is_read_in_several_ways(answer: str) -> None:
    assert LinearEquations().verify(ONE, f"\\boxed{{{answer}}}").right


@pytest.mark.parametrize(
    "answer", ["x=-1/3, y=14/3", "y=14/3; x=-1/3", "-1/3, 14/3", "(-1/3, 14/3)", "x=-\\frac{1}{3} and y=\\frac{14}{3}"]
)
def test_systems_are_read_in_several_ways(answer: str) -> None:
    assert LinearEquations().verify(TWO, f"\\boxed{{{answer}}}").right


@pytest.mark.parametrize(
    ("problem", "answer", "reason"),
    [
        (ONE, "x=1", "2x is 2 instead of 1"),
        (ONE, "y=1/2", "names none"),
        (ONE, "1/0", "is no number"),
        (ONE, "1-1/2", "is no number"),
        (ONE, "x", "is no number"),
        (ONE, "", "is no number"),
        (ONE, "9**9**9**9", "is no number"),
        (ONE, "9" * 190, "2x is"),
        (ONE, "9" * 201, "more than 200"),
        (TWO, "x=-1/3", "gives no y"),
        (TWO, "x=-1/3, x=14/3", "gives x twice"),
        (TWO, "x=-1/3, y=14/3, z=1", "names none"),
        (TWO, "14/3, -1/3", "instead of"),
        (TWO, "x=-1/3, 14/3, 1", "names none"),
    ],
)
def test_linear_equations_say_what_is_wrong(problem: Problem, answer: str, reason: str) -> None:
    verdict = LinearEquations().verify(problem, f"\\boxed{{{answer}}}")
    assert verdict.status is Status.WRONG
    assert reason in verdict.reason


def test_linear_equations_have_the_solution_they_were_made_from_and_no_other() -> None:
    task = LinearEquations()
    fractions = 0
    for difficulty in task.difficulties:
        for seed in range(30):
            problem = sample_problem(task, seed, difficulty)
            rows = problem.reference["equations"]
            solution = [Fraction(v) for v in problem.meta["solution"]]
            fractions += any(v.denominator > 1 for v in solution)
            for row in rows:
                assert all(isinstance(c, int) for c in row)
                assert sum(c * v for c, v in zip(row, solution, strict=False)) == row[-1]
            matrix = np.array([row[:-1] for row in rows], dtype=float)
            assert abs(np.linalg.det(matrix)) > 0.5
            assert len(rows) == (1 if difficulty < 5 else 2 if difficulty < 8 else 3)
    assert fractions > 20


def test_the_equations_shown_are_the_equations_judged() -> None:
    task = LinearEquations()
    for difficulty in task.difficulties:
        for seed in range(20):
            problem = sample_problem(task, seed, difficulty)
            shown = problem.meta["fields"]["equations"].split("; ")
            assert all(equation in problem.prompt for equation in shown)
            assert all(v.right for v in task.steps(problem, "\n".join(shown)))


def test_linear_steps_must_say_something_true() -> None:
    lines = {
        "x + y = 13/3": Status.RIGHT,
        "3x = -1": Status.RIGHT,
        "3x = 1": Status.WRONG,
        "x = x": Status.UNDECIDED,
        "1 = 1": Status.UNDECIDED,
        "w = 2": Status.UNDECIDED,
        "so": Status.UNDECIDED,
        "x/0 = 1": Status.UNDECIDED,
    }
    assert [v.status for v in LinearEquations().steps(TWO, "\n".join(lines))] == list(lines.values())


def holds(statement: list[Any], knights: tuple[bool, ...]) -> bool:
    """The meaning of a statement, by recursion over one assignment."""
    kind, *args = statement
    if kind == "is":
        return knights[int(args[0])] == bool(args[1])
    if kind == "same":
        return (knights[int(args[0])] == knights[int(args[1])]) == bool(args[2])
    if kind == "exactly":
        return sum(knights) == int(args[0])
    if kind == "at least":
        return sum(knights) >= int(args[0])
    left, right = (holds(arg, knights) for arg in args)
    return {"and": left and right, "or": left or right, "iff": left == right}[kind]


def test_exactly_one_assignment_fits_and_it_alone_is_right() -> None:
    task = KnightsAndKnaves()
    kinds = set()
    for difficulty in task.difficulties:
        for seed in range(15):
            problem = sample_problem(task, seed, difficulty)
            statements = problem.reference["statements"]
            kinds |= {s[0] for s in statements}
            worlds = list(itertools.product([False, True], repeat=len(statements)))
            fitting = [w for w in worlds if all(holds(s, w) == w[i] for i, s in enumerate(statements))]
            assert len(fitting) == 1
            for world in worlds[:16] + fitting:
                answer = ", ".join(f"{n} {'knight' if k else 'knave'}" for n, k in zip("ABCDEFGH", world, strict=False))
                assert task.verify(problem, f"\\boxed{{{answer}}}").right == (world == fitting[0])
    assert kinds == {"is", "same", "and", "or", "iff", "exactly", "at least"}


KNIGHTS = Problem("", {"statements": [["is", 1, 0], ["same", 0, 1, 1]]}, 1, {"knights": "A"})


@pytest.mark.parametrize(
    "answer",
    [
        "A knight, B knave",
        "B knave, A knight",
        "a KNIGHT; b Knave",
        "A=knight, B=knave",
        "A: knight and B: knave.",
        "A is a knight, B is a knave",
        "\\text{A knight, B knave}",
        "\\text{A}=\\text{knight}, \\text{B}=\\text{knave}",
    ],
)
def test_roles_are_read_in_several_ways(answer: str) -> None:
    verdict = KnightsAndKnaves().verify(KNIGHTS, f"\\boxed{{{answer}}}")
    assert verdict.right, verdict


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("A knave, B knight", "B would be a knight whose statement is false"),
        ("A knight", "says nothing of B"),
        ("A knight, B knave, A knave", "A is both"),
        ("A knight, B knave, C knave", "2 people only"),
        ("A knight, B knave or knight", "is no part of"),
        ("A is not a knight, B knave", "is no part of"),
        ("A knight, B knave" + "," * 400, "more than 400"),
        ("", "says nothing of A"),
    ],
)
def test_knights_and_knaves_say_what_is_wrong(answer: str, reason: str) -> None:
    verdict = KnightsAndKnaves().verify(KNIGHTS, f"\\boxed{{{answer}}}")
    assert verdict.status is Status.WRONG
    assert reason in verdict.reason


def test_claims_are_judged_and_suppositions_are_not() -> None:
    lines = {
        "A is a knight": Status.RIGHT,
        "so B is a knave": Status.RIGHT,
        "A is a knave": Status.WRONG,
        "A is a knight and B is a knight": Status.WRONG,
        "If A is a knave, then B is a knight": Status.UNDECIDED,
        '"B is a knight" is false, so A is a knight': Status.RIGHT,
        "consider A": Status.UNDECIDED,
        "B is not a knight": Status.UNDECIDED,
    }
    assert [v.status for v in KnightsAndKnaves().steps(KNIGHTS, "\n".join(lines))] == list(lines.values())


def test_impossible_knobs_are_refused() -> None:
    with pytest.raises(ValueError, match="from 3 to 10"):
        Countdown(numbers=2)
    with pytest.raises(ValueError, match="from 2 to 8"):
        KnightsAndKnaves(people=9)
