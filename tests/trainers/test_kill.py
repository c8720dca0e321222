"""Runs in processes of their own that are really killed, or interrupted, and go on."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from palaestra.arena.replay import replay
from palaestra.arena.run_folder import RunFolder, read_json_lines

Recipes = Callable[..., dict[str, Any]]


def start(process: Any, recipe: dict[str, Any], folder: Path) -> tuple[Any, Callable[[str], bool]]:
    """The run's process, and whether a file that matches a pattern ("one|or another") is in its folder yet."""
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    options = ("--runs", folder / "runs", "--threads", 1, "--no-wandb")
    running = process("evolve", "--recipe", folder / "recipe.yaml", *options)
    return running, lambda pattern: any(
        path for one in pattern.split("|") for path in (folder / "runs").glob(f"*/{one}")
    )


@pytest.mark.parametrize(
    "moment",
    [
        "recipe.yaml",
        "episodes/000000-*",
        "agents/.warm.tmp|agents/warm",
        "episodes/.*.tmp|agents/warm",
        "checkpoints/round-00003",
        "episodes/*-evolve-00001.parquet",
        "agents/evolved",
        "episodes/*-held-out-warm.parquet",
    ],
)
def test_a_run_killed_at_any_moment_loses_nothing_and_ends_as_one_that_was_not(
    palaestra_process: Any,
    play_run: Any,
    tiny_recipe: Recipes,
    finished_run: Path,
    tmp_path: Path,
    moment: str,
) -> None:
    running, there = start(palaestra_process, tiny_recipe(), tmp_path)
    running.signal_when(lambda: there(moment), signal.SIGKILL)
    code, said = running.wait()
    assert code == -signal.SIGKILL, said
    (path,) = (tmp_path / "runs").iterdir()
    run = RunFolder.open(path)
    committed = {file.name: file.read_bytes() for file in run.episodes.files()}
    assert [found for _, found in replay(run.episodes.read()) if found] == []

    play_run(run=RunFolder.open(path))
    assert committed.items() <= {file.name: file.read_bytes() for file in run.episodes.files()}.items()
    assert not list(run.episodes.path.glob(".*"))
    ids = [id for file in run.episodes.files() for id in pq.read_table(file, columns=["id"])["id"].to_pylist()]
    assert len(ids) == len(set(ids)) == 2 * 8 + 3 * 16 + 4 * 6
    assert [row["step"] for row in read_json_lines(run.metrics)] == [0, 1, 2, 4, 5, 6]
    for agent in ("start", "warm", "evolved"):
        name = f"agents/{agent}/model.safetensors"
        assert (path / name).read_bytes() == (finished_run / name).read_bytes()


def test_ctrl_c_ends_after_the_round_and_says_how_to_go_on(
    palaestra_process: Any, tiny_recipe: Recipes, tmp_path: Path
) -> None:
    recipe = tiny_recipe(evolve={"rounds": 400}, evaluation={"every": 1000})
    running, there = start(palaestra_process, recipe, tmp_path)
    running.signal_when(lambda: there("episodes/*-evolve-00002.parquet"), signal.SIGINT)
    code, said = running.wait()
    (path,) = (tmp_path / "runs").iterdir()
    rounds = read_json_lines(path / "metrics.jsonl")[-1]["step"]
    assert code == 130
    assert f"stopped after round {rounds}. Go on with: palaestra evolve --resume {path}" in said
    assert "Traceback" not in said
    assert rounds < 300
    assert [checkpoint.name for checkpoint in (path / "checkpoints").iterdir()] == [f"round-{rounds:05d}"]

    running = palaestra_process("evolve", "--resume", path, "--no-wandb")
    running.signal_when(lambda: there(f"episodes/*-evolve-{rounds:05d}.parquet"), signal.SIGINT)
    assert running.wait()[0] == 130
    steps = [row["step"] for row in read_json_lines(path / "metrics.jsonl")]
    assert steps == [0, 1, 2, *range(4, steps[-1] + 1)]
    assert steps[-1] > rounds


def test_a_second_process_is_refused_while_a_run_goes_on(
    palaestra_process: Any, tiny_recipe: Recipes, tmp_path: Path
) -> None:
    from palaestra.arena.run_folder import RunError

    running, there = start(palaestra_process, tiny_recipe(evolve={"rounds": 400}), tmp_path)
    seen: list[Any] = []

    def refused() -> bool:
        if not there("episodes/000000-*"):
            return False
        (path,) = (tmp_path / "runs").iterdir()
        with pytest.raises(RunError, match="in use by another process") as caught:
            RunFolder.open(path).hold()
        seen.append(caught)
        return True

    running.signal_when(refused, signal.SIGINT)
    assert running.wait()[0] == 130
    assert seen
