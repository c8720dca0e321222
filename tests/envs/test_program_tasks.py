"""Programs: the small language does what Python does, its reader takes nothing else, and mended programs count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.envs.task import Problem, Task, sample_problem
from palaestra.envs.tasks.programs.find_bug import FindBug
from palaestra.envs.tasks.programs.invert_program import InvertProgram
from palaestra.envs.tasks.programs.language import ProgramError, call, nested, output_of, program_text
from palaestra.envs.tasks.programs.phases import ENDINGS, PHASES, Work
from palaestra.envs.tasks.programs.predict_output import PredictOutput
from palaestra.envs.tasks.programs.reading import NotInLanguage, read_line, read_program
from palaestra.envs.tasks.programs.write_function import WriteFunction
from palaestra.verifiers.sandbox import Sandbox

RNG = np.random.default_rng(0)


def test_programs_print_what_python_prints() -> None:
    """Python itself runs them here, in the sandbox, as one program with a line between two outputs."""
    problems = [sample_problem(PredictOutput(), seed, level) for level in range(1, 11) for seed in range(15)]
    program = "\nprint('-')\n".join(problem.meta["fields"]["program"] for problem in problems)
    with Sandbox() as sandbox:
        outcome = sandbox.run(program)
    assert outcome.stdout.strip().split("\n-\n") == [problem.reference for problem in problems], outcome.error


def test_functions_return_what_python_returns() -> None:
    with Sandbox() as sandbox:
        for level in range(1, 11):
            problem = sample_problem(InvertProgram(), level, level)
            inputs = [1, 2, 17, problem.reference["largest"], problem.meta["input"]]
            block = nested(problem.reference["lines"])
            outcomes = sandbox.calls(problem.meta["fields"]["program"], [("f", (x,), {}) for x in inputs])
            assert [outcome.value for outcome in outcomes] == [call(block, x) for x in inputs]


def test_text_and_lines_are_one_program() -> None:
    for task in (PredictOutput(), InvertProgram()):
        for level in range(1, 11):
            text = sample_problem(task, 5, level).meta["fields"]["program"]
            assert program_text(read_program(text)) == text


@given(st.recursive(st.integers(0, 9) | st.sampled_from(["a", "b"]), lambda e: st.one_of(
    st.tuples(st.sampled_from(["+", "-", "*", "%", "<", "==", "and", "or"]), e, e).map(list),
    st.tuples(st.sampled_from(["neg", "not", "abs"]), e).map(list),
), max_leaves=8))  # fmt: skip
def test_an_expression_is_read_as_it_was_written(expression: Any) -> None:
    line = [0, "set", "y", expression]
    assert outcome(read_line(program_text([line]))) == outcome(line)


def outcome(line: list[Any]) -> object:
    try:
        return output_of(nested([[0, "set", "a", 3], [0, "set", "b", 4], line, [0, "print", ["y"]]]))
    except ProgramError as error:
        return str(error)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "import os",
            "x = __import__('os')",
            "x = y.z",
            "lambda: 1",
            "x = [1 for i in xs]",
            "x = 1; y = 2",
            "x = 'a'",
        ),
        *("x = 1 < 2 < 3", "f(x)", "x = 2 ** 9", "x", "", "if x", "for in range(3):", "x = 1.5", "(" * 90, "x = 08 8"),
        *("x == 3", "print = 3", "while = 3", "range(3)", "x = " + "-" * 90 + "1"),
    ],
)
def test_what_is_not_in_the_language_is_refused(text: str) -> None:
    with pytest.raises(NotInLanguage):
        read_line(text)


@given(st.text("abxs =+-*/%()[]:<>!0123456789,.forinwhileprt") | st.text())
def test_any_line_is_read_or_refused(text: str) -> None:
    try:
        read_line(text)
    except NotInLanguage:
        return


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("while 1 > 0:\n    x = 1", "too many steps"),
        ("x = 3\nwhile x > 0:\n    x *= x", "a number that is too large"),
        ("x = [1]\nwhile len(x) > 0:\n    x += x", "a list that is too long"),
        ("x = [1] * 1000000000000", "a list times something"),
        ("x = 1 // 0", "division by zero"),
        ("x = [1]\nx = x[1]", "index out of range"),
        ("x = y", "y has no value"),
        ("x = [1]\nx.append(x)", "a list within a list"),
        ("x = 1 + [1]", "an operation on values of the wrong type"),
        ("for i in range(999999999999999):\n    x = 1", "too many steps"),
        ("x = [1]\nfor i in x:\n    x.append(1)", "too many steps|too long"),
    ],
)
def test_runs_that_fail_or_go_too_far_end(source: str, error: str) -> None:
    with pytest.raises(ProgramError, match=error):
        output_of(nested(read_program(source)))


def test_phases_do_in_python_what_their_lines_do() -> None:
    inputs = [[], [4], [3, -7, 12, 12, 0, 5, 8], list(range(-4, 13)), [9, 9, 2, 1, 6, 6]]
    for n, phase in enumerate(PHASES):
        for k in range(2, phase.largest + 1):
            for ending in range(len(ENDINGS)):
                work = Work([(n, k)], ending)
                block = work.block()
                assert [call(block, items) for items in inputs] == [work.of(items) for items in inputs], work.words()


BUGGY = {
    "lines": read_program("def f(xs):\n    result = 0\n    for x in xs:\n        result -= x\n    return result"),
    "tests": [[[], 0], [[1, 2], 3], [[5, -1], 4]],
    "answer": "4: result += x",
}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("4: result += x", None),
        ("line 4: result = result + x", None),
        ("4. result = x + result", None),
        ("5: return -result", None),  # another line mends it too
        ("4: result += 1", "returns 2, not 3"),
        ("4: result -= x", "returns -3, not 3"),
        ("2: result = 1", "returns 1, not 0"),
        ("9: result += x", "there is no line 9"),
        ("4: result += sum([i for i in x])", "cannot be read"),
        ("4: __import__('os')", "cannot be read"),
        ("3: result += x", "cannot stand in line 3"),
        ("4: while 1 > 0:", "cannot stand in line 4"),
        ("2: return 6", "cannot stand in line 2"),
        ("4: result += xs", "wrong type"),
        ("3: while 1 == 1:", "fails"),
        ("mend line four", "not of the form"),
    ],
)
def test_any_mended_line_counts_that_passes_every_test(answer: str, reason: str | None) -> None:
    verdict = FindBug().verify(Problem("", BUGGY, 1), f"\\boxed{{{answer}}}")
    assert verdict.right is (reason is None), verdict
    assert reason is None or reason in verdict.reason


def test_every_bug_shows_and_is_mended_by_the_oracle_when_it_is_run() -> None:
    for level in range(1, 11):
        problem = sample_problem(FindBug(), level, level)
        tests = problem.reference["tests"]
        number, _, line = problem.reference["answer"].partition(": ")
        assert FindBug().verify(problem, f"\\boxed{{line {number}: {line}}}").right  # not by comparing texts
        assert any(returned(problem.reference["lines"], items) != expected for items, expected in tests)


def returned(lines: list[Any], items: list[int]) -> object:
    try:
        return call(nested(lines), items)
    except ProgramError as error:
        return error


def test_predict_output_answers() -> None:
    task, problem = PredictOutput(), Problem("", "3 -4 [1, 2]", 1)
    assert task.verify(problem, "\\boxed{3 -4 [1, 2]}").right
    assert task.verify(problem, "\\boxed{3, -4, [1,2]}").right
    assert not task.verify(problem, "\\boxed{3 4 [1, 2]}").right
    assert not task.verify(problem, "\\boxed{3 -4 [1, 2] 3}").right
    assert "is not numbers" in task.verify(problem, "\\boxed{a = 3}").reason


def test_invert_program_takes_any_input_that_gives_the_value() -> None:
    lines = read_program("def f(x):\n    y = x % 7\n    return y")
    problem = Problem("", {"lines": lines, "value": 3, "largest": 20}, 1)
    task = InvertProgram()
    assert all(task.verify(problem, f"\\boxed{{{x}}}").right for x in (3, 10, 17, "x = 3"))
    assert task.verify(problem, "\\boxed{4}").reason == "f(4) returns 4, not 3"
    assert task.verify(problem, "\\boxed{24}").reason == "'24' is not from 1 to 20"
    assert task.verify(problem, "\\boxed{3.5}").reason == "'3.5' is no whole number"


def test_written_functions_are_judged_on_hidden_lists() -> None:
    task = WriteFunction()
    problem = Problem("", [[[1, 2, 3], 6], [[], 0], [[-4], -4]], 1)
    assert task.verify(problem, "```python\nf = sum\n```").right
    assert task.verify(problem, "```python\ndef f(xs):\n    return sum(map(abs, xs))\n```").reason.endswith(
        "expected -4"
    )
    assert not task.verify(problem, "```python\ndef g(xs):\n    return sum(xs)\n```").right
    assert task.verify(problem, "\\boxed{6}").reason == "no python code found"


def test_a_function_that_returns_0_is_right_no_more_often_than_the_ceiling_says() -> None:
    problems = [sample_problem(WriteFunction(), seed, 10) for seed in range(300)]
    share = sum(not any(value for _, value in problem.reference) for problem in problems) / len(problems)
    assert 0.15 < share <= WriteFunction().ceiling


def test_hidden_lists_are_not_shown() -> None:
    problem = sample_problem(WriteFunction(), 0, 5)
    assert all(str(items) not in problem.prompt for items, _ in problem.reference if items)


@pytest.mark.parametrize("task", [FindBug(), PredictOutput(), InvertProgram(), WriteFunction()], ids=str)
def test_oracle_is_right_at_every_difficulty(task: Task) -> None:
    for difficulty in task.difficulties:
        for seed in range(8):
            problem = sample_problem(task, seed, difficulty)
            assert task.verify(problem, task.solve(problem, RNG)).right, problem
