"""Calling one function: what comes back, and what each way to fail is called."""

from __future__ import annotations

import math
from typing import Any

import pytest

from palaestra.verifiers.sandbox import Ended, Limits, NotPlain, Sandbox

ECHO = "def echo(*args, **kwargs):\n    return args[0] if args else kwargs"
QUICK = Limits(seconds=0.5)


def test_a_function_is_called_with_its_arguments(sandbox: Sandbox) -> None:
    outcome = sandbox.call("def add(a, b):\n    print('adding')\n    return a + b", "add", (2,), {"b": 3})
    assert (outcome.status, outcome.value, outcome.stdout, outcome.error) == (Ended.OK, 5, "adding\n", "")
    assert outcome.exit_code == 0
    assert 0 < outcome.seconds < 5
    assert 2**20 < outcome.memory < 2**28
    assert outcome.layers == sandbox.layers


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 0, -1, 2**63, -(3**5000), 0.1, -0.0, 1e308, math.inf, -math.inf, 1 + 2j),
        *("", "é\ud800\x00\u2028", b"", bytes(range(256))),
        *([], (), {}, set(), frozenset(), [[], ()], (1,), {1: "a", "1": 2, (1, 2): None, None: []}),
        *({frozenset({1}), 2.5, "x"}, [1, [2, (3, {4: {5}})]], {"t": [1]}),
    ],
    ids=lambda value: type(value).__name__,  # pytest numbers those that are alike; a set prints in any order
)
def test_plain_values_make_the_round_trip_exactly(best: Sandbox, value: Any) -> None:
    outcome = best.call(ECHO, "echo", (value,))
    assert outcome.status is Ended.OK
    assert outcome.value == value
    assert type(outcome.value) is type(value)
    assert repr(outcome.value) == repr(value) or isinstance(value, set)


def test_nan_comes_back_as_nan(best: Sandbox) -> None:
    assert math.isnan(best.call(ECHO, "echo", (math.nan,)).value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class T(int):\n    def __eq__(s, o): return True\ndef f(): return T(3)", 3),
        (
            "class S(str):\n    __eq__ = lambda s, o: True\n    __str__ = lambda s: 'lie'\ndef f(): return S('x')",
            "x",
        ),
        ("import collections\ndef f(): return collections.Counter('aab')", {"a": 2, "b": 1}),
        ("import collections\ndef f(): return collections.namedtuple('P', 'x y')(1, 2)", (1, 2)),
        ("import enum\nclass E(enum.IntEnum):\n    A = 7\ndef f(): return E.A", 7),
    ],
)
def test_subclasses_arrive_as_their_plain_base(best: Sandbox, source: str, expected: object) -> None:
    outcome = best.call(source, "f")
    assert outcome.value == expected
    assert type(outcome.value) is type(expected)


@pytest.mark.parametrize(
    ("source", "status", "error"),
    [
        ("def f(): return 1 / 0", Ended.ERROR, "ZeroDivisionError: division by zero"),
        ("def f(: pass", Ended.ERROR, "SyntaxError: "),
        ("def f():\x00 pass", Ended.ERROR, "null bytes"),
        ("x = \ud800", Ended.ERROR, "UnicodeEncodeError: "),
        ("raise ValueError('at\\nimport')", Ended.ERROR, "ValueError: at import"),
        ("def g(): pass", Ended.ERROR, "NameError: the program defines no f"),
        ("f = 3", Ended.ERROR, "TypeError: 'int' object is not callable"),
        ("import sys\ndef f(): sys.exit(0)", Ended.ERROR, "SystemExit: 0"),
        ("def f(): return object()", Ended.ERROR, "no plain data"),
        ("def f():\n    x = []\n    x.append(x)\n    return x", Ended.ERROR, "deeper than"),
        ("def f(): return f()", Ended.ERROR, "RecursionError: "),
        ("class E(Exception):\n    def __str__(s): 1/0\ndef f(): raise E", Ended.ERROR, "cannot be printed"),
        ("import os\ndef f(): os._exit(0)", Ended.NO_RESULT, "exit code 0 before it returned"),
        ("import os\ndef f(): os.abort()", Ended.CRASHED, "killed by SIG"),
        ("def f(): return [0] * 10**9", Ended.MEMORY, "MemoryError"),
        ("def f(): return 1 << (8 << 33)", Ended.MEMORY, "MemoryError"),
        ("def f(): return 'x' * 2**21", Ended.OUTPUT, "bytes of output"),
        ("def f():\n    while True: print('x' * 1000)", Ended.OUTPUT, "bytes of output"),
    ],
)
def test_each_failure_has_its_status_and_reason(best: Sandbox, source: str, status: Ended, error: str) -> None:
    outcome = best.call(source, "f")
    assert (outcome.status, outcome.value) == (status, None)
    assert error in outcome.error
    assert len(outcome.error.splitlines()) == 1


@pytest.mark.parametrize("source", ["raise ValueError", "def f(: pass", "def g(): pass", "f = 3"])
def test_a_call_that_was_never_made_is_told_from_one_that_failed(best: Sandbox, source: str) -> None:
    assert not best.call(source, "f").called
    assert not any(outcome.called for outcome in best.calls(source, [("f", (), {}), ("f", (), {})]))
    assert best.call("def f(): raise ValueError", "f").called


BUSY = "def f():\n    while True: pass\n"
DEAF = """
import signal, time
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
def f():
    while True:
        try: time.sleep(9)
        except BaseException: pass
"""
THREADED = "import threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()\n" + BUSY


@pytest.mark.parametrize("source", [BUSY, "import time\ndef f(): time.sleep(3600)", DEAF, THREADED])
def test_the_wall_clock_ends_every_loop(sandbox: Sandbox, source: str) -> None:
    outcome = sandbox.call(source, "f", limits=QUICK)
    assert (outcome.status, outcome.error) == (Ended.TIMEOUT, "no end within 0.5 s")
    assert outcome.seconds >= 0.5


def test_processor_time_ends_what_the_wall_clock_would_allow(best: Sandbox) -> None:
    outcome = best.call("def f():\n    while True: pass", "f", limits=Limits(seconds=60, cpu=1))
    assert (outcome.status, outcome.error) == (Ended.TIMEOUT, "no end within 1 s of processor time")


def test_threads_left_running_do_not_keep_a_call_from_its_end(sandbox: Sandbox) -> None:
    source = "import threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()\ndef f(): return 1"
    assert sandbox.call(source, "f").value == 1


def test_calls_in_one_process_have_an_outcome_each(sandbox: Sandbox) -> None:
    source = "def f(x):\n    print(x)\n    return 6 // x"
    first, second, third = sandbox.calls(source, [("f", (2,), {}), ("f", (0,), {}), ("g", (), {})])
    assert (first.status, first.value) == (Ended.OK, 3)
    assert (second.status, second.error) == (Ended.ERROR, "ZeroDivisionError: integer division or modulo by zero")
    assert "defines no g" in third.error
    assert first.stdout == "2\n0\n"


def test_when_one_of_several_calls_does_not_end_those_before_it_keep_their_values(best: Sandbox) -> None:
    source = "def f(x):\n    while x: pass\n    return x"
    outcomes = best.calls(source, [("f", (0,), {}), ("f", (1,), {}), ("f", (0,), {})], QUICK)
    assert [outcome.status for outcome in outcomes] == [Ended.OK, Ended.TIMEOUT, Ended.TIMEOUT]


def test_a_source_that_does_not_load_fails_every_call(best: Sandbox) -> None:
    outcomes = best.calls("import nowhere", [("f", (), {})] * 3)
    assert [outcome.error for outcome in outcomes] == ["ModuleNotFoundError: No module named 'nowhere'"] * 3


def test_an_argument_that_is_no_plain_data_is_refused(best: Sandbox) -> None:
    with pytest.raises(NotPlain, match="type object"):
        best.call(ECHO, "echo", (object(),))


@pytest.mark.parametrize(
    "wrong", [{"seconds": 0}, {"cpu": math.inf}, {"memory": 2**20}, {"output": -1}, {"seconds": math.nan}]
)
def test_limits_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Limits(**wrong)


def test_every_run_sees_the_same_order_of_hashes() -> None:
    orders = set()
    for _ in range(2):
        with Sandbox() as fresh:
            orders.add(tuple(fresh.call("def f(): return list({'a', 'b', 'c', 'd', 'e', 'f'})", "f").value))
    assert len(orders) == 1
