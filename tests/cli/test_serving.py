"""``palaestra serve``: says where it is, ends with Ctrl-C, and tells in one line what it cannot serve."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import pytest

from palaestra.envs import make


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_served_environment_answers_until_ctrl_c(
    palaestra_process: Callable[..., Any], ending: signal.Signals
) -> None:
    knobs = ("--knobs", "modulus=10", "split=test")
    process = palaestra_process("serve", "palaestra/ChainArith-v0", "--port", "0", *knobs)
    output = process.output
    seen: list[dict[str, Any]] = []
    try:
        process.signal_when(lambda: output.exists() and " at http" in output.read_text(), 0)
        port = int(re.findall(r":(\d+) ", output.read_text())[0])
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/reset", '{"seed": 1}')
        seen.append(json.load(connection.getresponse()))
    finally:
        os.kill(process.pid, ending)
    code, said = process.wait()
    assert code == 0
    assert said.splitlines()[-1] == "ended"
    env = make("palaestra/ChainArith-v0", modulus=10, split="test")
    assert seen[0]["observation"]["text"] == env.reset(seed=1)[0]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("palaestra/ChainArit-v0", "nearest: palaestra/ChainArith-v0"),
        ("palaestra/ChainArith-v0 --knobs modulos=3", "did you mean 'modulus'?"),
        ("CartPole-v1", "does not speak text"),
        ("palaestra/ChainArith-v0 --port 70000", "a port is from 0 to 65535"),
    ],
)
def test_what_cannot_be_served_is_one_line(palaestra_process: Callable[..., Any], arguments: str, told: str) -> None:
    code, said = palaestra_process("serve", *arguments.split()).wait()
    assert code == 2
    (line,) = said.splitlines()
    assert line.startswith("palaestra: ")
    assert told in line
