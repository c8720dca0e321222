"""Several boards are shown as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from palaestra.arena.evaluate import Evaluation
from palaestra.arena.leaderboard import write_leaderboard
from palaestra.cli.boards import board_of, leaderboard

ROW = Evaluation("oracle", "e", 0.5, 0.4, 0.6, 100, 0, 12.0, 12.0, 0.0)


def test_runs_of_one_name_are_told_apart_by_the_folders_above(tmp_path: Path) -> None:
    folders = [tmp_path / above / "out" for above in ("one", "two")]
    for folder in folders:
        (folder / "episodes").mkdir(parents=True)
        write_leaderboard([ROW], folder, "t", "s")
    rows = board_of([*folders, folders[0]]).rows
    assert [row.agent for row in rows] == ["one/out: oracle", "two/out: oracle"]


def test_several_runs_send_the_page_of_their_common_board_to_wandb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        (folder / "episodes").mkdir(parents=True)
        write_leaderboard([ROW], folder, "t", "s")
    leaderboard(tuple(folders), wandb="p", wandb_name="both")
    (page,) = (tmp_path / "one" / "wandb").rglob("page*.html")
    assert all(f"{name}: oracle" in page.read_text() for name in ("one", "two"))


@pytest.mark.parametrize(("mode", "told"), [("offline", "wandb sync"), ("disabled", "nothing was sent or kept")])
def test_a_mode_that_sends_nothing_is_told_so_to_who_is_logged_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mode: str, told: str
) -> None:
    monkeypatch.setenv("WANDB_MODE", mode)
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    (tmp_path / "one" / "episodes").mkdir(parents=True)
    write_leaderboard([ROW], tmp_path / "one", "t", "s")
    leaderboard((tmp_path / "one",), wandb="p")
    assert told in capsys.readouterr().out.splitlines()[-1]
