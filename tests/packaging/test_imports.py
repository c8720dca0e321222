"""Importing is cheap: what a module needs to learn or to prove is loaded when it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

PROBE = """
import json, sys, time
start = time.perf_counter()
import {module}
seconds = time.perf_counter() - start
print(json.dumps({{"seconds": seconds, "loaded": sorted(sys.modules)}}))
"""


def import_in_fresh_interpreter(module: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", PROBE.format(module=module)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    probe: dict[str, Any] = json.loads(done.stdout)
    return probe


def test_importing_the_package_takes_under_half_a_second() -> None:
    assert min(import_in_fresh_interpreter("palaestra")["seconds"] for _ in range(3)) < 0.5


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("palaestra", {"torch", "sympy", "transformers", "pyarrow", "wandb"}),
        ("palaestra.verifiers", {"torch", "sympy"}),
        ("palaestra.envs", {"torch", "sympy", "palaestra.verifiers.math", "importlib.metadata"}),
        ("palaestra.episodes", {"torch", "sympy"}),
        ("palaestra.cli", {"torch", "transformers", "wandb"}),
        ("palaestra.agents.chat_agent", {"torch", "transformers"}),
        ("palaestra.agents.openai_engine", {"torch", "transformers"}),
    ],
)
def test_importing_pulls_in_no_heavy_package(module: str, absent: set[str]) -> None:
    loaded = set(import_in_fresh_interpreter(module)["loaded"])
    assert module in loaded
    assert absent & loaded == set()
