"""PythonTool: cells run in the sandbox and remember; the state is their text."""

from __future__ import annotations

import json

import numpy as np
import pytest

from palaestra.envs import Problem, make, sample_problem
from palaestra.envs.dialogues import PythonTool, python_tool
from palaestra.envs.dialogues.python_tool import calculate
from palaestra.verifiers import Status
from palaestra.verifiers.sandbox import Limits, SandboxError

PROBLEM = Problem("?", {"kind": "power", "parameters": {}, "answer": 42, "turns": 6}, 1)


def cell(code: str) -> str:
    return f"Let me see.\n```python\n{code}\n```"


def outputs(*codes: str) -> list[str]:
    return [turn.observation for turn in PythonTool().play(PROBLEM, map(cell, codes))]


def test_names_live_on_and_output_is_shown_once() -> None:
    assert outputs("x = 20\nprint('set')", "def f(n):\n    return n + x", "print(f(1))\nf(22)") == [
        "set",
        "(nothing was printed)",
        "21\n42",
    ]


def test_the_same_cells_are_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = outputs("n = 5077", "print(n)")
    monkeypatch.setattr(python_tool, "default_sandbox", lambda: pytest.fail("run again"))
    assert outputs("n = 5077", "print(n)") == first == ["(nothing was printed)", "5077"]


def test_errors_are_told_and_what_came_before_them_stays() -> None:
    assert outputs("x = 1\ny = 1 / 0", "x", "def (", "x + 1") == [
        "ZeroDivisionError: division by zero",
        "1",
        "SyntaxError: invalid syntax (cell, line 1)",
        "2",
    ]


@pytest.mark.parametrize("end", ["import sys\nsys.exit()", "raise KeyboardInterrupt", "raise SystemExit('bye')"])
def test_a_cell_that_ends_the_program_ends_only_itself(end: str) -> None:
    first, told, last = outputs("x = 1\nx", end, "x + 1")
    assert (first, last) == ("1", "2")
    assert told.startswith(("SystemExit:", "KeyboardInterrupt:"))


@pytest.mark.parametrize("code", [0, 1])
def test_a_cell_that_ends_the_process_is_undone(code: int) -> None:
    end = f"import os\nos._exit({code})"
    assert outputs("x = 1", end, "x")[1:] == ["The block was stopped and undone (error).", "1"]


def test_randomness_repeats_from_turn_to_turn() -> None:
    first, again = outputs("import random\nx = random.random()\nx", "x")
    assert first == again


def test_an_endless_cell_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_tool, "LIMITS", Limits(seconds=0.5, cpu=1.0))
    turns = list(PythonTool().play(PROBLEM, [cell("x = 1"), cell("while True: pass"), cell("x")]))
    assert "stopped and undone (timeout)" in turns[1].observation
    assert [len(turn.state) for turn in turns] == [1, 1, 2]
    assert turns[2].observation == "1"


def test_a_sandbox_that_fails_leaves_the_dialogue_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def run(self, *given: object, **limits: object) -> None:
            raise SandboxError("its process ended twice")

    monkeypatch.setattr(python_tool, "default_sandbox", Broken)
    (turn,) = PythonTool().play(PROBLEM, [cell("'as nowhere else'"), cell("x")])  # it ends there
    assert turn.verdict is not None
    assert turn.verdict.status is Status.UNDECIDED
    assert turn.verdict.reason == "the sandbox failed: its process ended twice"


def test_the_machine_is_not_the_cells_to_read_and_output_is_clipped() -> None:
    (read,) = outputs("open('/etc/passwd').read()")
    assert "Error" in read
    assert "root" not in read
    (long,) = outputs("print('ab' * 10_000)")
    assert len(long) < 1100
    assert "characters more" in long
    (surrogate,) = outputs("import sys\nsys.stdout.buffer.write(b'\\xed\\xa0\\x80 ok')\nNone")
    surrogate.encode()


@pytest.mark.parametrize(
    ("action", "verdict"),
    [
        ("\\boxed{42}", "right"),
        ("It is \\boxed{84/2}.", "right"),
        ("\\boxed{41}", "wrong"),
        ("\\boxed{(7^{5}+4)-1009\\lfloor (7^{5}+4)/1009\\rfloor - 625}", "wrong"),  # 42: the question, no answer to it
        ("The answer is 42.", None),
        (cell("print('\\\\boxed{42}')") + "\n\\boxed{42}", None),
        ("", None),
        ("```python\n" + "#" * 11_000 + "\n```", None),
        ("```python\nnever closed", None),
    ],
)
def test_only_a_box_without_code_answers(action: str, verdict: str | None) -> None:
    turn = PythonTool().turn(PROBLEM, (), action)
    assert (None if turn.verdict is None else turn.verdict.status.value) == verdict


def test_a_snapshot_between_cells_goes_on_with_their_names() -> None:
    env, other = make("palaestra/PythonTool-v0"), make("palaestra/PythonTool-v0")
    env.reset(seed=0)
    env.step(cell("x = 6"))
    state = env.snapshot()
    other.restore(state)
    assert other.step(cell("x * 7"))[0] == env.step(cell("x * 7"))[0] == "42"
    assert json.loads(json.dumps(state.state)) == ["x = 6"]  # type: ignore[attr-defined]


def test_the_oracle_calculates_the_answer_without_knowing_it() -> None:
    task = PythonTool()
    kinds = set()
    for seed in range(10):
        problem = sample_problem(task, seed, 1 + seed)
        blank = Problem(problem.prompt, {**problem.reference, "answer": -1}, problem.difficulty)
        *_, (action, _) = task.demonstrate(blank, np.random.default_rng(0))
        assert action == f"\\boxed{{{problem.reference['answer']}}}"
        kinds.add(problem.reference["kind"])
    assert len(kinds) == 3


def test_calculations_by_hand() -> None:
    assert calculate("iterate", {"x": 2, "a": 3, "c": 1, "m": 101, "n": 2}) == (3 * 13 * 13 + 1) % 101
    assert calculate("add", {"n": 20, "m": 3, "r": 1, "e": 0}) == 4 + 13 + 19
    assert calculate("power", {"a": 7, "b": 5, "c": 4, "m": 1009}) == (7**5 + 4) % 1009
