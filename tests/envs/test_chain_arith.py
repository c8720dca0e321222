from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.envs import ChainArith, make_task, sample_problem
from palaestra.envs.task import SOLUTION_DELIMITER
from palaestra.envs.tasks.chain_arith import _program
from palaestra.verifiers import Status

RNG = np.random.default_rng(0)
TASKS = [ChainArith(m, ops) for m in (None, 2, 7, 10, 100) for ops in ("+-*", "+", "*-") if (m, ops) != (2, "*")]


def run(first: int, program: list[tuple[str, str, str, str]], modulus: int | None) -> int:
    """The chain's last value, by the plainest interpreter."""
    values = {"a": first}
    for name, left, op, right in program:
        x, y = (values[s] if s in values else int(s) for s in (left, right))
        value = {"+": x + y, "-": x - y, "*": x * y}[op]
        values[name] = value if modulus is None else value % modulus
    return values[name]


@pytest.mark.parametrize("task", TASKS, ids=str)
@pytest.mark.parametrize("difficulty", [1, 2, 3, 6, 10])
def test_chains_have_their_length_value_and_a_unique_inverse(task: ChainArith, difficulty: int) -> None:
    for seed in range(30):
        problem = sample_problem(task, seed, difficulty)
        program = _program(problem)
        assert len(program) == difficulty
        assert {op for _, _, op, _ in program} <= set(task.operators)
        first = problem.meta["values"]["a"]
        assert run(first, program, task.modulus) == problem.reference
        firsts = range(task.modulus) if task.modulus else range(first - 50, first + 50)
        assert [a for a in firsts if run(a, program, task.modulus) == problem.reference] == [first]


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_oracle_lines_are_right_forward_and_backward(task: ChainArith) -> None:
    for seed in range(50):
        forward = sample_problem(task, seed, 1 + seed % 10)
        backward = task.invert(forward)
        assert backward is not None
        assert backward.reference == forward.meta["values"]["a"]
        assert f"={forward.reference}. What is a?" in task.reword(backward, 0).prompt
        assert task.invert(backward) is None
        for problem in (forward, backward):
            solution = task.solve(problem, RNG)
            assert task.verify(problem, solution).right
            assert all(verdict.right for verdict in task.steps(problem, solution)), (problem, solution)


def test_answers_modulo_ten_are_uniform_and_within_the_ceiling() -> None:
    task = ChainArith(10)
    for difficulty in (1, 3, 10):
        counts = Counter(sample_problem(task, s, difficulty).reference for s in range(3000))
        assert set(counts) == set(range(10))
        assert max(counts.values()) / 3000 < task.ceiling
        assert min(counts.values()) / 3000 > 0.07


def test_numbers_stay_natural_and_sane() -> None:
    values = [v for s in range(300) for v in sample_problem(ChainArith(), s, 10).meta["values"].values()]
    assert min(values) >= 0
    assert max(values) < 10**6


def test_the_prompt_is_short_and_has_the_documented_form() -> None:
    problem = sample_problem(ChainArith(10, wording=0), 3, 1)
    assert problem.prompt.startswith("Modulo 10: a=")
    assert problem.prompt.endswith(". What is b? Answer in \\boxed{}.")
    assert len(problem.prompt) < 60


def test_a_wording_changes_nothing_but_words() -> None:
    used = set()
    for seed in range(30):
        problem = sample_problem(ChainArith(10), seed, 3)
        used.add(problem.meta["wording"])
        for wording in range(3):
            fixed = sample_problem(ChainArith(10, wording=wording), seed, 3)
            assert fixed == ChainArith(10).reword(problem, wording)
            assert ChainArith(10).identity(fixed) == ChainArith(10).identity(problem)
            backward, again = ChainArith(10).invert(fixed), ChainArith(10).invert(problem)
            assert again is not None
            assert backward == ChainArith(10).reword(again, wording)
    assert used == {0, 1, 2}


PROBLEM = sample_problem(ChainArith(), 11, 3)
LAST = f"d={PROBLEM.reference}"


@pytest.mark.parametrize("answer", ["{}", " {} ", "d={}", "d = {}", "{}.0", "+{}", "\\frac{{{}}}{{1}}"])
def test_answers_are_read_in_several_ways(answer: str) -> None:
    box = "\\boxed{" + answer.format(PROBLEM.reference) + "}"
    assert ChainArith().verify(PROBLEM, f"\\boxed{{0}}\n{SOLUTION_DELIMITER}\n{box}").right


@pytest.mark.parametrize(
    "answer", ["", "c={}", "{},0", "{} or 0", "1{}", "-{}", "{}+0", "\N{SUPERSCRIPT TWO}", "=", "{}=", "٣"]
)
def test_other_answers_are_wrong(answer: str) -> None:
    box = "\\boxed{" + answer.format(PROBLEM.reference) + "}"
    assert ChainArith().verify(PROBLEM, box).status is Status.WRONG


def test_the_last_box_counts() -> None:
    assert not ChainArith().verify(PROBLEM, f"\\boxed{{{PROBLEM.reference}}} \\boxed{{x}}").right


def test_each_line_is_judged_alone() -> None:
    task = ChainArith()
    b = PROBLEM.meta["values"]["b"]
    lines = {
        f"b={b}": Status.RIGHT,
        f" b = {b} ": Status.RIGHT,
        f"b={b + 1}": Status.WRONG,
        f"b={b}+1={b}": Status.WRONG,
        f"b={b}+0={b}": Status.RIGHT,
        f"b=b={b}": Status.RIGHT,
        "b=b": Status.UNDECIDED,
        "b=a+a": Status.UNDECIDED,
        f"z={b}": Status.UNDECIDED,
        f"k={b}": Status.WRONG,
        "let me see": Status.UNDECIDED,
        SOLUTION_DELIMITER: Status.UNDECIDED,
        "\\boxed{-1}": Status.WRONG,
        f"\\boxed{{{PROBLEM.reference}}}": Status.RIGHT,
        "b=" + "1+" * 500 + "1": Status.UNDECIDED,
    }
    verdicts = task.steps(PROBLEM, "\n\n".join(lines))
    assert [v.status for v in verdicts] == list(lines.values())


def test_sides_are_compared_modulo() -> None:
    task = ChainArith(10)
    problem = sample_problem(task, 5, 2)
    b = problem.meta["values"]["b"]
    assert [v.right for v in task.steps(problem, f"b={b + 10}={b}\nb={b + 1}")] == [True, False]


def test_impossible_knobs_are_refused() -> None:
    impossible = [{"modulus": 1}, {"wording": 3}, {"operators": ""}, {"operators": "/"}]
    for knobs in (*impossible, {"modulus": 210, "operators": "*"}):
        with pytest.raises(ValueError, match=r"operators|modulus|wording"):
            make_task("palaestra/ChainArith-v0", **knobs)


@given(st.text() | st.from_regex(r"[a-k]=[-+*0-9a-k=(){}\\]{0,30}|\\boxed\{[^}]*\}?", fullmatch=True))
def test_any_text_gets_verdicts(text: str) -> None:
    for task in (ChainArith(), ChainArith(10)):
        problem = sample_problem(task, 1, 3)
        task.verify(problem, text)
        assert len(task.steps(problem, text)) == sum(bool(line.strip()) for line in text.splitlines())
