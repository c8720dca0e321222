from __future__ import annotations

import dataclasses
import json
import math
import os
import pickle
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palaestra.verifiers import Status, Verdict
from palaestra.verifiers.code import Call, CodeVerifier, Comparison, Performance, Program, Property, default_sandbox
from palaestra.verifiers.sandbox import Limits, Outcome, SandboxError

PATIENT = Limits(seconds=30.0)  # for what must succeed on a busy machine
QUICK = Limits(seconds=0.5)  # for what never ends


def judge(source: str, *tests: Call | Property | Program, **options: Any) -> Verdict:
    options.setdefault("limits", PATIENT)
    return CodeVerifier(tests, whole=True, **options).verify(source)


ADD = (Call("add", (2, 3), returns=5), Call("add", (10, -4), returns=6), Call("add", (123, 877), returns=1000))
OFF_BY_ONE = "def add(a, b):\n    return a + b + (a > 100)"


def test_the_first_failure_is_told_and_the_rest_counted() -> None:
    verdict = judge(OFF_BY_ONE, *ADD)
    assert verdict.status is Status.WRONG
    assert verdict.score == pytest.approx(2 / 3)
    assert verdict.reason == "test 3: add(123, 877) returned 1001, expected 1000"
    evidence = dict(verdict.evidence)
    assert (evidence["passed"], evidence["tests"], evidence["failed"], evidence["not_run"]) == (2, 3, [3], 0)
    assert 0 < evidence["seconds"] < 5
    assert evidence["memory"] > 2**20
    assert evidence["layers"]
    assert json.loads(json.dumps(evidence, allow_nan=False)) == evidence


def test_all_or_nothing_scores_nothing_and_stops() -> None:
    verdict = judge("def add(a, b):\n    return 0", *ADD, partial=False)
    assert verdict.score == 0
    assert verdict.evidence["not_run"] == 2
    assert judge("def add(a, b):\n    return a + b", *ADD, partial=False).right


@pytest.mark.parametrize("batch", [False, True])
def test_the_order_of_tests_is_drawn_from_the_response(batch: bool) -> None:
    def order(comment: str) -> list[str]:
        seen: list[str] = []

        def sees(value: str) -> bool:
            seen.append(value)
            return True

        tests = [Call("f", (str(i),), check=sees) for i in range(6)]
        assert judge(f"def f(x):\n    return x  # {comment}", *tests, batch=batch).right
        return seen

    assert order("a") == order("a")
    assert len({tuple(order(comment)) for comment in "abcd"}) > 1


@pytest.mark.parametrize(
    ("test", "body", "ending"),
    [
        (Call("f", returns=1), "return True", "returned True, expected 1"),
        (Call("f", returns=1), "return 1.0", "returned 1.0, expected 1"),
        (Call("f", returns=(1,)), "return [1]", "returned [1], expected (1,)"),
        (Call("f", returns=None), "return 0", "returned 0, expected None"),
        (Call("f", raises="ValueError"), "return 5", "returned 5, expected ValueError"),
        (Call("f", raises="ValueError"), "raise KeyError(5)", "failed: KeyError: 5, expected ValueError"),
        (Call("f", returns=1), "raise KeyError(5)", "failed: KeyError: 5"),
        (Call("f", check=lambda v: v > 3), "return 2", "returned 2, which the check refuses"),
        (Call("f", check=lambda v: v > 3), "return ''", "returned '', which the check cannot take: TypeError"),
    ],
)
def test_why_a_call_fails(test: Call, body: str, ending: str) -> None:
    assert judge(f"def f():\n    {body}", test).reason == f"test 1: f() {ending}"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise ValueError('no')", "ValueError"),
        ("def f(:", "SyntaxError"),
        ("x = 1", "NameError"),
        ("f = 1", "TypeError"),
    ],
)
def test_an_error_before_the_call_is_none_that_the_call_raises(source: str, error: str) -> None:
    raising, returning = Call("f", (-1,), raises=error), Call("f", (1,), returns=1)
    for verdict in (judge(source, raising), judge(source, returning, raising)):
        assert verdict.score == 0
        assert f"failed: {error}: " in verdict.reason


@pytest.mark.parametrize(
    ("test", "body"),
    [
        (Call("f", returns=None), "return None"),
        (Call("f", returns={"a": [1, (2.5, None)], b"x": {3}}), "return {'a': [1, (2.5, None)], b'x': {3}}"),
        (Call("f", raises="ValueError"), "raise ValueError('no')"),
        (Call("f", check=math.isnan), "return float('nan')"),
        (Call("f", returns=0.3, comparison=Comparison(tolerance=1e-9)), "return 0.1 + 0.2"),
        (Call("f", returns=1, comparison=Comparison(int_is_float=True)), "return 1.0"),
        (Call("f", (1,), {"b": [2]}, returns=(1, [2])), "return a, b"),
    ],
)
def test_a_call_passes(test: Call, body: str) -> None:
    verdict = judge(f"def f(a=0, b=0):\n    {body}", test)
    assert verdict.right, verdict.reason


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def f(:", "SyntaxError"),
        ("def g(): pass", "f"),
        ("f = 5", "f"),
        ("def f():\n    while True: pass", "ran out of time"),
        ("def f():\n    return bytearray(1 << 40)", "ran out of memory"),
        ("def f():\n    return 'x' * 10_000_000", "too much"),
        ("def f():\n    while True: print('x' * 10_000)", "too much"),
        ("import ctypes\ndef f():\n    ctypes.string_at(0)", "crashed"),
        ("def f():\n    return object()", "object"),
        ("def f():\x00 return 1", "null"),
        ("# -*- coding: rot13 -*-\nqrs s():\n    erghea 1", "f"),
        ("def f():\n    return '\ud800'", ""),
    ],
)
def test_what_a_program_does_wrong_is_wrong(source: str, told: str) -> None:
    verdict = judge(source, Call("f", returns=1), limits=QUICK if "while" in source else PATIENT)
    assert verdict.status is Status.WRONG
    assert told in verdict.reason
    assert verdict.reason.isascii()


@pytest.mark.parametrize("response", ["", "I do not know.", "```python\n```", "x" * (1 << 19), "\ud800"])
def test_no_usable_code_is_wrong(response: str) -> None:
    verifier = CodeVerifier(ADD)
    assert verifier.verify(response).status is Status.WRONG
    assert verifier.verify(f"```python\n{response}\n```").status is Status.WRONG


def test_endless_loops_end_the_run_after_three() -> None:
    tests = [Call("f", (i,), returns=i) for i in range(10)]
    verdict = judge("def f(x):\n    while True: pass", *tests, limits=Limits(seconds=0.2))
    assert verdict.score == 0
    assert verdict.evidence["not_run"] == 7
    assert verdict.evidence["failed"]


def test_a_property_holds_on_every_input_drawn() -> None:
    def pairs(rng: random.Random) -> tuple[list[int]]:
        return ([rng.randint(-9, 9) for _ in range(rng.randint(0, 8))],)

    is_sorted = Property("order", pairs, lambda args, output: output == sorted(args[0]), count=50)
    assert judge("order = sorted", is_sorted).right
    verdict = judge("def order(x):\n    return sorted(set(x))", is_sorted)
    assert verdict.reason.startswith("test 1: order([")
    assert verdict.reason.endswith("which the check refuses")
    assert judge("def order(x):\n    return x[0]", is_sorted).status is Status.WRONG
    never_refuses = Property("order", pairs, lambda args, output: True)
    assert judge("def order(x):\n    return 1 / 0", never_refuses).status is Status.WRONG
    assert is_sorted.jobs == Property("order", pairs, is_sorted.predicate, count=50).jobs


@pytest.mark.parametrize(
    ("program", "test"),
    [
        ("print(sum(map(int, input().split())))", Program("2 3\n", stdout="5")),
        ("import sys; print(*sys.argv[1:])", Program(argv=("a", "b c"), stdout="a b c\n", compare="exact")),
        ("print(0.1 + 0.2)", Program(stdout="0.3", compare="floats", tolerance=1e-9)),
        ("print(1); print(2)", Program(stdout="1 2", compare="tokens")),
        ("print(7)", Program(check=lambda printed: int(printed) % 2 == 1)),
        ("if __name__ == '__main__': print(5)", Program(stdout="5")),
    ],
)
def test_a_program_passes(program: str, test: Program) -> None:
    verdict = judge(program, test)
    assert verdict.right, verdict.reason


@pytest.mark.parametrize(
    ("program", "test", "reason"),
    [
        ("print(6)", Program("2 3", stdout="5"), "test 1: program < '2 3' printed '6\\n', expected '5'"),
        ("print('ok')", Program(check=lambda text: int(text) == 5), "the check cannot take: ValueError"),
        ("print(5); raise SystemExit(3)", Program(stdout="5"), "3"),
        ("print(5); 1 / 0", Program(stdout="5"), "ZeroDivisionError"),
        ("print(5)\nwhile True: pass", Program(stdout="5"), "ran out of time"),
    ],
)
def test_a_program_fails(program: str, test: Program, reason: str) -> None:
    verdict = judge(program, test, limits=QUICK if "while" in program else PATIENT)
    assert verdict.status is Status.WRONG
    assert reason in verdict.reason


def test_performance_is_a_limit_of_one_test() -> None:
    source = "import time\ndef f(s):\n    time.sleep(s)\n    return [0] * 5_000_000 and s"
    slow = judge(source, Call("f", (0.3,), returns=0.3, performance=Performance(seconds=0.2)))
    assert slow.status is Status.WRONG
    assert "ran out of time" in slow.reason
    assert judge(source, Call("f", (0.0,), returns=0.0, performance=Performance(seconds=29.0))).right
    greedy = judge(source, Call("f", (0.0,), returns=0.0, performance=Performance(memory=40 << 20)))
    assert "MiB" in greedy.reason or "memory" in greedy.reason
    assert greedy.status is Status.WRONG


LANGUAGES = {
    "javascript": "console.log(require('fs').readFileSync(0, 'utf8').split(' ').map(Number).reduce((a, b) => a + b))",
    "c": '#include <stdio.h>\nint main() { int a, b; scanf("%d %d", &a, &b); printf("%d\\n", a + b); }',
    "c++": "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b; }",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_languages_are_run_as_programs(language: Any) -> None:
    verifier = CodeVerifier(
        (Program("2 3", stdout="5"), Program("10 -4", stdout="6")), language, whole=True, limits=PATIENT
    )
    verdict = verifier.verify(LANGUAGES[language])
    assert verdict.right, verdict.reason
    assert verifier.verify(LANGUAGES[language].replace("+", "-")).status is Status.WRONG
    assert verifier.verify("int main( {").status is Status.WRONG


def test_code_stands_before_and_after_the_programs() -> None:
    options = {"before": "class Node:\n    value = 5\n", "after": "\ndef g():\n    return f(Node())\n"}
    assert judge("def f(node):\n    return node.value", Call("g", returns=5), **options).right


def nested(depth: int) -> list[Any]:
    return [nested(depth - 1)] if depth else []


class Broken:
    """A sandbox that fails on every call."""

    def calls(self, *args: Any) -> list[Outcome]:
        raise SandboxError("its process ended twice")


def test_a_broken_sandbox_is_undecided() -> None:
    verdict = judge("def add(a, b):\n    return a + b", *ADD, sandbox=Broken())
    assert verdict.status is Status.UNDECIDED
    assert verdict.reason == "the sandbox failed: its process ended twice"


@pytest.mark.parametrize(
    "make",
    [
        lambda: CodeVerifier(()),
        lambda: CodeVerifier(ADD, "c"),
        lambda: Call("f"),
        lambda: Call("f", returns=1, raises="ValueError"),
        lambda: Call("f", returns=math.nan),
        lambda: Call("f", (object(),), returns=1),
        lambda: Call("f", (nested(98),), returns=1),
        lambda: Call("f", returns=object()),
        lambda: Program(),
        lambda: Program(stdout="", check=bool),
        lambda: Program(stdout="1", tolerance=0.1),
        lambda: Property("f", lambda rng: (1,), lambda args, output: True, count=0),
        lambda: Property("f", lambda rng: (object(),), lambda args, output: True),
    ],
)
def test_a_test_that_cannot_judge_is_refused_when_made(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        make()


def test_a_verifier_goes_to_other_processes_and_a_forked_child_has_a_sandbox_of_its_own() -> None:
    raising = Call("f", raises="ValueError")
    assert dataclasses.replace(pickle.loads(pickle.dumps(raising)), args=()) == raising
    copied = pickle.loads(pickle.dumps(CodeVerifier(ADD, whole=True, limits=PATIENT)))
    assert copied.verify("def add(a, b):\n    return a + b").right
    ours = default_sandbox()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            apart = default_sandbox() is not ours
            status = 0 if apart and copied.verify("def add(a, b):\n    return a + b").right else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert default_sandbox() is ours
    assert copied.verify("def add(a, b):\n    return a + b").right


def test_threads_share_the_default_sandbox() -> None:
    answers = [f"def add(a, b):\n    return a + b + {i % 2}" for i in range(24)]
    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda answer: judge(answer, *ADD), answers))
    assert [verdict.right for verdict in verdicts] == [i % 2 == 0 for i in range(24)]


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=80))
def test_no_text_raises(text: str) -> None:
    assert judge(text, Call("no_such_function", returns=1)).status is Status.WRONG
