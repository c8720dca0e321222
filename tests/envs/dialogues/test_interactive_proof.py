"""InteractiveProof: which lines count, and the rewriting beneath it against values at points."""

from __future__ import annotations

import numpy as np
import pytest

from palaestra.envs import Problem, sample_problem
from palaestra.envs.dialogues import InteractiveProof
from palaestra.envs.dialogues.polynomial import (
    NotPolynomial,
    canonical,
    is_expanded,
    multiplied_out,
    value,
    written,
)
from palaestra.verifiers import parse_expression

PROBLEM = Problem("?", {"start": "3(x - 4) + (x + 1)(2x - 3)", "turns": 6}, 1)


def read(text: str) -> str:
    return written(canonical(parse_expression(text)))


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("3x - 12 + (x + 1)(2x - 3)", "Right: (2x - 3)(x + 1) + 3x - 12."),
        ("(2x-3)*(1+x) + x*3 - 12", "Right: "),
        ("3(x - 4) + x(2x - 3) + (2x - 3)", "Right: "),
        ("3(x - 4) + 2x(x + 1) - 3(x + 1)", "Right: "),
        ("3(x - 4) + 2x^2 - x - 3", "Right: 2x^2 + 3(x - 4) - x - 3."),
        ("3(x - 4) + 2x^2 - 3x + 2x - 3", "Right: "),
        ("2x^2 + 2x - 15", "no single step"),
        ("(2x - 3)(x + 1) + 3(x - 4)", "the line before again"),
        ("3x - 4 + (x + 1)(2x - 3)", "Not equal: for x = 2 the line before is -3, this one 5."),
        ("3y - 12 + (y + 1)(2y - 3)", "no single step"),
        ("3x - 12 + (x + 1)(2x - 3) + (", "cannot be read"),
        ("x^x", "cannot be read"),
        ("x^99999999", "cannot be read"),
        ("x/2", "cannot be read"),
        ("__import__('os')", "cannot be read"),
    ],
)
def test_a_line_counts_when_it_is_equal_and_one_step_away(line: str, seen: str) -> None:
    turn = InteractiveProof().turn(PROBLEM, PROBLEM.reference["start"], f"step[{line}]")
    assert seen in turn.observation
    assert turn.verdict is None
    assert (turn.state == PROBLEM.reference["start"]) is not seen.startswith("Right")


@pytest.mark.parametrize("line", ["(3x + 3)(x + 2)", "(x + 1)(3x + 6)", "3x(x + 2) + 3(x + 2)", "3(x^2 + 3x + 2)"])
def test_a_bracket_may_be_multiplied_with_the_number_before_it_or_with_the_other_bracket(line: str) -> None:
    turn = InteractiveProof().turn(PROBLEM, "3(x + 1)(x + 2)", f"step[{line}]")
    assert turn.observation == f"Right: {read(line)}."


def test_a_number_is_taken_out_of_no_bracket() -> None:
    turn = InteractiveProof().turn(PROBLEM, "(3x + 3)(x + 2)", "step[3(x + 1)(x + 2)]")
    assert "no single step" in turn.observation


def test_a_proof_by_hand() -> None:
    turns = list(
        InteractiveProof().play(
            PROBLEM,
            ["That is hard.", "step[3x - 12 + (x + 1)(2x - 3)]", "step[2x^2 + 2x - 15 + 1]", "step[2x^2 + 2x - 15]"],
        )
    )
    assert "no line" in turns[0].observation
    assert "Not equal" in turns[2].observation
    assert turns[3].verdict is not None
    assert turns[3].verdict.right


def test_six_wrong_lines_are_no_proof() -> None:
    *_, turn = InteractiveProof().play(PROBLEM, ["step[x]"] * 6)
    assert turn.verdict is not None
    assert turn.verdict.reason == "no answer in 6 turns"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("b + a", "a + b"),
        ("2x*x + 0x - -3", "2x^2 + 3"),
        ("(x + 1)^2", "(x + 1)^2"),
        ("(x + 1)(1 + x)", "(x + 1)^2"),
        ("-(x - 1)", "-(x - 1)"),
        ("(x - 1) + (x + 1)", "2x"),
        ("2(x + 1) + 3(x + 1)", "5(x + 1)"),
        ("x - x", "0"),
        ("2(3)(x + 1)x", "6x(x + 1)"),
    ],
)
def test_order_and_arithmetic_are_no_step(text: str, shown: str) -> None:
    assert read(text) == shown
    assert read(shown) == shown


@pytest.mark.parametrize("text", ["x/2", "1.5x", "x^-1", "x^y", "x^9", "sin(x)", "x!", "(x^8)^8*(x^8)^8", "9^8*9^8x"])
def test_what_is_no_small_polynomial_is_refused(text: str) -> None:
    with pytest.raises(NotPolynomial):
        canonical(parse_expression(text))


def test_every_step_keeps_the_value_and_ends_at_the_right_side() -> None:
    task = InteractiveProof()
    for seed in range(30):
        problem = sample_problem(task, seed, 1 + seed % 10)
        line = canonical(parse_expression(problem.reference["start"]))
        assert not is_expanded(line)
        assert written(line) == problem.meta["fields"]["left"]
        for _ in range(20):
            if is_expanded(line):
                break
            steps = list(multiplied_out(line))
            assert all(value(step, x) == value(line, x) for step in steps for x in (-3, 0, 2, 17))
            line = steps[-1]
        assert written(line) == problem.meta["fields"]["right"]
        *_, (_, turn) = task.demonstrate(problem, np.random.default_rng(0))
        assert turn.verdict is not None
        assert turn.verdict.right
