"""A small real language model learns: the shipped recipe on SmolLM2-135M-Instruct, as a user would run it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from palaestra.arena.run_folder import read_json_lines


@pytest.mark.long
def test_a_recipe_takes_three_grpo_steps_on_smollm2(palaestra_process: Callable[..., Any], tmp_path: Path) -> None:
    for command in (("models", "get", "smollm2"), ("evolve", "--recipe", "smollm2", "--no-wandb")):
        code, printed = palaestra_process(*command, folder=tmp_path).wait()
        assert code == 0, printed
    (run,) = (tmp_path / "runs").iterdir()
    rows = [row for row in read_json_lines(run / "metrics.jsonl") if row["phase"] == "evolve"]
    assert [row["episodes"] for row in rows] == [16, 16, 16]
    steps = [row for row in rows if "loss" in row]
    assert steps, "every group's answers scored alike"
    for step in steps:
        assert math.isfinite(step["gradient_norm"])
        assert step["max/ratio_error"] < 1e-3
