"""Metrics go to JSON lines, which are the truth, and to wandb, which may fail and never stops a run."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import wandb

from palaestra.arena.evaluate import Evaluation
from palaestra.arena.run_folder import RunFolder, read_json_lines
from palaestra.arena.tensorboard import TensorBoardTracker, event, record
from palaestra.arena.tracking import JsonTracker, WandbTracker

ROW = Evaluation("evolved", "palaestra/ChainArith-v0", 0.5, 0.4, 0.6, 100, 0, 12.0, 12.0, 0.0, "beef")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "a")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("WANDB_API_KEY", "WANDB_PROJECT", "WANDB_MODE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("HOME", str(tmp_path))


def events(run: RunFolder) -> list[bytes]:
    """The records of the run's one file for TensorBoard."""
    (file,) = (run.path / "tensorboard").iterdir()
    held, found = file.read_bytes(), []
    while held:
        length = int.from_bytes(held[:8], "little")
        found.append(held[12 : 12 + length])
        held = held[16 + length :]
    return found


def steps(run: RunFolder) -> list[int]:
    return [row["step"] for row in read_json_lines(run.metrics)]


def test_lines_behind_the_checkpoint_are_dropped_on_resume(run: RunFolder) -> None:
    tracker = JsonTracker(run)
    for step in range(5):
        tracker.log(step, {"phase": "warm", "reward": step / 4})
    with run.metrics.open("a") as file:
        file.write('{"step": 5, "rew')  # cut short by a crash
    resumed = JsonTracker(run, resumed_at=2)
    assert steps(run) == [0, 1, 2]
    resumed.log(3, {"reward": 1.0})
    assert steps(run) == [0, 1, 2, 3]
    assert read_json_lines(run.metrics)[1]["reward"] == 0.25


def test_what_has_no_value_is_left_out_so_that_every_line_is_json(run: RunFolder) -> None:
    JsonTracker(run).log(1, {"phase": "evolve", "reward": math.nan, "ratio": math.inf, "length": 3.0})
    (row,) = read_json_lines(run.metrics)
    assert row.keys() == {"step", "time", "phase", "length"}


def test_the_summary_is_kept(run: RunFolder) -> None:
    JsonTracker(run).finish({"accuracy/evolved": 0.5})
    assert json.loads((run.path / "summary.json").read_text()) == {"accuracy/evolved": 0.5}


class Broken:
    """A wandb run of which one method fails."""

    def __init__(self, fails: str) -> None:
        self.fails, self.calls, self.dir = fails, 0, "nowhere/files"
        self.summary = SimpleNamespace(update=lambda values: self.call("summary"))

    def call(self, name: str) -> None:
        self.calls += 1
        if name == self.fails:
            raise RuntimeError("no route to host")

    def log(self, values: dict[str, Any], step: int | None = None) -> None:
        self.call("log")

    def finish(self) -> None:
        self.call("finish")


def use_all(tracker: WandbTracker) -> None:
    tracker.log(0, {"reward": 1.0})
    tracker.log(1, {"reward": 1.0})
    tracker.leaderboard([ROW])
    tracker.finish({"a": 1})


@pytest.mark.parametrize("fails", ["log", "summary", "finish"])
def test_wandb_that_fails_warns_once_and_is_left_alone(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    broken = Broken(fails)
    monkeypatch.setattr(wandb, "init", lambda **given: broken)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        use_all(WandbTracker(run, {}))
    assert [str(warning.message) for warning in caught if "wandb" in str(warning.message)] == [
        "wandb is off for the rest of this run: RuntimeError: no route to host"
    ]
    assert broken.calls == {"log": 1, "summary": 4, "finish": 7}[fails]


def test_wandb_that_does_not_start_warns_once(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**given: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(wandb, "init", refuse)
    with pytest.warns(UserWarning, match="wandb is off") as caught:
        use_all(WandbTracker(run, {}))
    assert len(caught) == 1


@pytest.mark.usefixtures("offline")
def test_wandb_is_online_for_those_who_logged_in_only(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    modes: list[str] = []
    monkeypatch.setattr(wandb, "init", lambda **given: modes.append(given["mode"]) or Broken(""))
    WandbTracker(run, {}).finish({})
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password x\n")
    WandbTracker(run, {}).finish({})
    monkeypatch.setenv("WANDB_MODE", "offline")
    WandbTracker(run, {}).finish({})
    monkeypatch.delenv("WANDB_MODE")
    (tmp_path / ".netrc").unlink()
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    WandbTracker(run, {}).finish({})
    assert modes == ["offline", "online", "offline", "online"]


@pytest.mark.usefixtures("offline")
def test_an_offline_run_reads_back_with_board_summary_and_curves(
    play_run: Callable[..., RunFolder], tiny_recipe: Callable[..., dict[str, Any]]
) -> None:
    run = play_run(tiny_recipe(), whole=True)
    (folder,) = (run.path / "wandb").glob("offline-run-*")
    leet = [str(Path(sys.executable).with_name("wandb")), "leet", "inspect", "--json"]
    lines = subprocess.run([*leet, str(folder)], capture_output=True, text=True, check=True).stdout.splitlines()
    records = [json.loads(line) for line in lines]
    history = [record["history"]["item"] for record in records if record["type"] == "history"]
    metrics = read_json_lines(run.metrics)
    for name in ("accuracy", "reward", "entropy", "length", "tokens_per_second"):
        logged = [item[name] for item in history if name in item]
        assert logged == pytest.approx([row[name] for row in metrics if name in row])
        assert logged
    assert [item["_step"] for item in history if "seconds" in item] == [
        row["step"] for row in metrics if "seconds" in row
    ]

    summary = subprocess.run([*leet, "--summary", str(folder)], capture_output=True, text=True, check=True).stdout
    told = json.loads(summary)
    assert told["config"]["evolve"]["samples"] == 4
    closing = json.loads((run.path / "summary.json").read_text())
    assert {name: told["summary"][name] for name in closing} == pytest.approx(closing)
    assert told["exit_code"] == 0

    items = {name: value for item in history for name, value in item.items()}
    table = json.loads((folder / "files" / items["leaderboard.path"]).read_text())
    board = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert [row["agent"] for row in board] == ["start", "warm", "evolved", "evolved, vote of 2"]
    assert all(0 <= row["low"] <= row["score"] <= row["high"] <= 1 for row in board)
    picture = folder / "files" / items["curves.path"]
    assert picture.read_bytes() == (run.path / "curves.png").read_bytes()


def test_an_event_is_written_as_tensorboard_writes_it() -> None:
    """Bytes of ``tensorboard.summary.writer.record_writer`` 2.21 for the same event."""
    theirs = "2800000000000000ff70164a0900000000004a934010ac022a1a0a0d0a06726577617264150000803e"
    theirs += "0a090a02c3a915000040c02f06ce65"
    assert record(event(300, {"reward": 0.25, "é": -3.0}, 1234.5)).hex() == theirs


def test_tensorboard_gets_the_numbers_of_each_step(run: RunFolder) -> None:
    tracker = TensorBoardTracker(run)
    tracker.log(0, {"reward": 1.0, "phase": "warm"})
    tracker.log(1, {"phase": "warm"})
    tracker.leaderboard([ROW])
    tracker.finish({"seconds": 3.0})
    sizes = events(run)
    assert len(sizes) == 4
    assert [name in sizes[index] for index, name in ((1, b"reward"), (2, b"held-out/evolved"), (3, b"summary/seconds"))]
    assert b"phase" not in b"".join(sizes)


def test_tensorboard_gets_an_agents_score_against_each_player_of_a_game(run: RunFolder) -> None:
    tracker = TensorBoardTracker(run)
    tracker.leaderboard([replace(ROW, env_id=f"palaestra/Nim-vs-{name}-v0") for name in ("random", "optimal")])
    tracker.finish({})
    assert all(
        f"held-out/evolved/palaestra/Nim-vs-{name}-v0".encode() in events(run)[1] for name in ("random", "optimal")
    )
