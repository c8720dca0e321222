"""Boards go to wandb and come back, and no fault of its server stops or delays anything."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from palaestra.arena.evaluate import Evaluation
from palaestra.arena.leaderboard import Board, BrokenBoard, write_leaderboard
from palaestra.arena.run_folder import RunFolder
from palaestra.arena.tracking import WandbTracker
from palaestra.arena.wandb_board import WandbError, log_board, project_board, write_report

from .fake_wandb import FakeWandb

ROW = Evaluation("evolved", "palaestra/ChainArith-v0", 0.5, 0.4, 0.6, 100, 0, 12.0, 12.0, 0.0, "beef")
ROWS = [ROW, replace(ROW, agent="start", score=0.1, low=0.05, high=0.2, tokens=5.0)]
BOARD = json.dumps([asdict(row) | {"pass_at_k": None, "majority_at_k": None, "seconds": None} for row in ROWS])
Serve = Callable[..., FakeWandb]


def use_all(run: RunFolder, patience: float) -> tuple[float, float, list[str]]:
    """Seconds that logging took, and finishing, and what was warned of."""
    began = time.monotonic()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tracker = WandbTracker(run, {"seed": 1}, patience)
        for step in range(50):
            tracker.log(step, {"reward": 1.0})
        tracker.leaderboard(ROWS)
        logged = time.monotonic()
        tracker.finish({"a": 1})
    told = [str(warning.message) for warning in caught if "wandb" in str(warning.message)]
    return logged - began, time.monotonic() - logged, told


@pytest.mark.parametrize("fault", ["down", "500", "429", "403", "hang"])
def test_a_server_that_fails_delays_nothing_and_the_run_is_kept_offline(
    serve: Serve, tmp_path: Path, fault: str
) -> None:
    serve(fault)
    run = RunFolder.create(tmp_path, "a")
    logging, finishing, told = use_all(run, patience=12)
    assert logging < 2  # it waits for nothing
    assert finishing < 20
    assert [line.partition(",")[0] for line in told] == ["wandb keeps this run offline"]
    (folder,) = (run.path / "wandb").glob("offline-run-*")
    rewards = [item["reward"] for item in history(folder) if "reward" in item]
    assert rewards == [1.0] * 50


def test_a_run_reports_to_a_server_and_its_name_is_taken_but_for_itself(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    run = RunFolder.create(tmp_path, "a")
    assert use_all(run, patience=30)[2] == []
    assert "UpsertBucket" in server.asked
    assert use_all(run, patience=30)[2] == []  # resumed, in its own folder
    other = RunFolder(tmp_path / "elsewhere" / run.name)
    other.path.mkdir(parents=True)
    (told,) = use_all(other, patience=30)[2]
    assert "off for the rest of this run" in told
    assert f"{run.name}) already exists" in told


def test_the_runs_of_a_project_are_one_board(serve: Serve) -> None:
    runs = {"one": {"board": BOARD}, "two": {"board": BOARD}, "bare": {}, "old": {"board": BOARD, "job": "leaderboard"}}
    serve(runs=runs)
    board = project_board("me/p", 120)
    assert [row.agent for row in board.rows] == ["one: evolved", "one: start", "two: evolved", "two: start"]
    assert board.rows[0].score == 0.5
    serve(runs={"bare": {}})
    with pytest.raises(WandbError, match="no run of the wandb project me/p has a leaderboard"):
        project_board("me/p", 120)
    with pytest.raises(WandbError, match="Could not find project nope"):
        project_board("me/nope", 120)
    serve(runs={"foreign": {"board": '[{"x": 1}]'}})
    with pytest.raises(BrokenBoard, match="the wandb run foreign holds no board of ours"):
        project_board("me/p", 120)


@pytest.mark.parametrize(
    ("fault", "told"), [("down", "did not answer in 4 s"), ("500", "did not answer"), ("403", "storage quota exceeded")]
)
def test_a_project_that_cannot_be_read_is_told_in_time(serve: Serve, fault: str, told: str) -> None:
    serve(fault)
    began = time.monotonic()
    with pytest.raises(WandbError, match=told):
        project_board("me/p", seconds=4)
    assert time.monotonic() - began < 15


def test_without_a_login_no_project_is_read(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    with pytest.raises(WandbError, match="run `wandb login`"):
        project_board("p")


def test_a_boards_name_that_is_taken_is_told(serve: Serve, tmp_path: Path) -> None:
    serve(runs={"board": {}})
    page = write_leaderboard(ROWS, tmp_path, "t", "s")
    with pytest.raises(WandbError, match="the wandb run board of p is there already: give another name, --wandb-name"):
        log_board(Board(ROWS), page, {}, tmp_path, "p", "board", most=20)


def test_an_offline_board_holds_table_page_and_the_agents_behind_it(
    serve: Serve, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    page = write_leaderboard(ROWS, tmp_path, "t", "s")
    kept = Path(log_board(Board(ROWS), page, {"mine": finished_run}, tmp_path, "p", "board-kept"))
    assert kept.name.startswith("offline-run-")
    (items,) = [item for item in history(kept) if "page.path" in item]
    assert (kept / "files" / items["page.path"]).read_text().count("<table") >= 1
    table = json.loads((kept / "files" / items["leaderboard.path"]).read_text())
    assert [row[0] for row in table["data"]] == ["evolved", "start"]
    told = records(kept, "request") + records(kept, "artifact")
    names = set(re.findall(r'"name": ?"(mine-[\w.-]+)"', json.dumps(told)))
    assert names >= {"mine-evolved", "mine-start", "mine-warm", "mine-log"}
    aliases = {record["artifact"]["name"]: record["artifact"]["aliases"] for record in records(kept, "artifact")}
    assert sorted(aliases["mine-evolved"]) == ["best", "latest"]  # a set, to wandb
    assert aliases["mine-start"] == ["latest"]


def test_a_run_of_any_name_is_sent(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    page = write_leaderboard(ROWS, tmp_path, "t", "s")
    kept = Path(log_board(Board(ROWS), page, {"one/prüfung 1": tmp_path}, tmp_path, "p", "board-named"))
    assert "one-pr-fung-1-log" in json.dumps(records(kept, "request") + records(kept, "artifact"))


def test_a_report_needs_its_package(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb_workspaces.reports.v2", None)
    with pytest.raises(WandbError, match="pip install wandb-workspaces"):
        write_report("p", "Board")


def records(folder: Path, kind: str) -> list[dict[str, Any]]:
    leet = [str(Path(sys.executable).with_name("wandb")), "leet", "inspect", "--json", str(folder)]
    lines = subprocess.run(leet, capture_output=True, text=True, check=True).stdout.splitlines()
    return [record for record in map(json.loads, lines) if record["type"] == kind]


def history(folder: Path) -> list[dict[str, Any]]:
    return [record["history"]["item"] for record in records(folder, "history")]
