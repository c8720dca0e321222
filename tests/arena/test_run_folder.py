"""A run's folder belongs to one process, and its files are whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from palaestra.arena import run_folder
from palaestra.arena.run_folder import RunError, RunFolder, describe_environment, read_json_lines, write_whole


def test_two_runs_of_one_second_get_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_folder.time, "strftime", lambda form: "20260101-120000")
    names = [RunFolder.create(tmp_path / "runs", "a").name for _ in range(3)]
    assert names == ["a-20260101-120000", "a-20260101-120000-1", "a-20260101-120000-2"]


def test_a_second_process_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "a")
    child = [
        sys.executable,
        "-c",
        f"from palaestra.arena.run_folder import RunFolder; RunFolder({str(run.path)!r}).hold()",
    ]
    refused = subprocess.run(child, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "is in use by another process" in refused.stderr
    run.release()
    RunFolder(run.path).hold()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot make the run folder"):
        RunFolder.create(tmp_path / "file", "a")


def test_only_a_run_opens_as_one(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run at"):
        RunFolder.open(tmp_path / "nope")
    with pytest.raises(RunError, match="is not a run"):
        RunFolder.open(tmp_path)
    (tmp_path / "episodes").mkdir()
    assert RunFolder.open(tmp_path).name == tmp_path.name


def test_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    assert read_json_lines(file) == []
    file.write_text('{"step": 1, "note": "\\u2028"}\n{"step": 2}\n{"st')
    assert [row["step"] for row in read_json_lines(file)] == [1, 2]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "board.json"
    write_whole(file, "old")

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_folder.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(file, "new and longer")
    assert file.read_text() == "old"


def test_the_environment_is_told_in_full() -> None:
    told = json.loads(json.dumps(describe_environment(7, 2)))
    assert (told["seed"], told["threads"]) == (7, 2)
    assert told["packages"]["torch"].startswith("2.")
    assert " x " in told["hardware"]
    assert told["commit"] is None or len(told["commit"].rstrip("+")) == 40
