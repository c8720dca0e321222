"""SelfDebug: visible tests speak, hidden ones decide."""

from __future__ import annotations

import numpy as np
import pytest

from palaestra.envs import Problem, sample_problem
from palaestra.envs.dialogues import SelfDebug
from palaestra.envs.dialogues.self_debug import NAMES, OPERATIONS, apply
from palaestra.verifiers import undecided
from palaestra.verifiers.code import Call, CodeVerifier

STEPS = [["reverse", 0], ["add", 3]]
INPUTS = [[1, 2], [5], [0, -1, 4], *([k, k + 1, 2 * k] for k in range(12))]
PROBLEM = Problem("?", {"steps": STEPS, "inputs": INPUTS, "turns": 4}, 1)


def code(*lines: str) -> str:
    return "\n".join(["```python", "def f(xs):", *(f"    {line}" for line in lines), "```"])


@pytest.mark.parametrize(
    ("action", "seen", "verdict"),
    [
        (code("return [x + 3 for x in reversed(xs)]"), "The hidden tests also pass.", "right"),
        (code("return [x + 3 for x in xs]"), "Visible test 1: f([1, 2]) returned [4, 5], expected [5, 4]", None),
        (code("return xs[5]"), "IndexError", None),
        (code("return {2: [5, 4], 1: [8], 3: [7, 2, 3]}[len(xs)]"), "hidden tests do not all pass", "wrong"),
        (code("print('all tests passed')"), "returned None", None),
        (code("import os", "os._exit(0)"), "Visible test", None),
        ("def f(xs): return xs", "no ```python block", None),
        ("```python\nx = 1\n```", "defines no f", None),
    ],
)
def test_visible_tests_are_told_and_hidden_ones_decide(action: str, seen: str, verdict: str | None) -> None:
    turn = SelfDebug().turn(PROBLEM, 0, action)
    assert seen in turn.observation
    assert (None if turn.verdict is None else turn.verdict.status.value) == verdict


def test_a_function_that_is_sent_again_is_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    verify = CodeVerifier.verify
    monkeypatch.setattr(CodeVerifier, "verify", lambda self, action: runs.append(action) or verify(self, action))
    again = code("return [x + 4 for x in xs]  # again")
    turns = list(SelfDebug().play(PROBLEM, [again, again, code("return xs  # another"), again]))
    assert len(runs) == 2
    assert turns[0].observation == turns[1].observation != turns[2].observation


def test_a_sandbox_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(CodeVerifier, "verify", lambda self, action: undecided("no sandbox"))
        assert SelfDebug().turn(PROBLEM, 0, code("return xs  # fails once")).verdict == undecided("no sandbox")
    assert SelfDebug().turn(PROBLEM, 0, code("return xs  # fails once")).verdict is None


def test_attempts_run_out() -> None:
    *_, turn = SelfDebug().play(PROBLEM, [code("return xs")] * 4)
    assert turn.verdict is not None
    assert turn.verdict.reason == "no answer in 4 turns"


def test_each_line_of_code_does_what_its_operation_does() -> None:
    lists = [[], [3], [4, -2, 4, 7, 0], list(range(-5, 9))]
    for name in NAMES:
        source = "\n".join(["def f(xs):", f"    {OPERATIONS[name][1].format(k=3)}", "    return xs"])
        tests = [Call("f", (xs,), returns=apply([[name, 3]], xs)) for xs in lists]
        verdict = CodeVerifier(tests, whole=True, batch=True).verify(source)
        assert verdict.right, f"{name}: {verdict.reason}"


def test_the_oracle_mends_what_it_forgot() -> None:
    task = SelfDebug()
    lengths = set()
    for seed in range(6):
        problem = sample_problem(task, seed, 4)
        play = list(task.demonstrate(problem, np.random.default_rng(seed)))
        verdict = play[-1][1].verdict
        assert verdict is not None
        assert verdict.right
        lengths.add(len(play))
    assert lengths == {1, 2}
