"""Runs and boards reach a wandb server whole, at once or by `wandb sync`, and come back from it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
import wandb

from palaestra.agents.adapters import add_adapter
from palaestra.agents.checkpoint import save_checkpoint
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.pretrained import load_policy
from palaestra.arena.evaluate import Evaluation
from palaestra.arena.leaderboard import Board, overall, read_board, write_leaderboard
from palaestra.arena.ratings import Match
from palaestra.arena.run_folder import RunFolder, read_json_lines
from palaestra.arena.tournament import standings
from palaestra.arena.tracking import AllTrackers, JsonTracker, WandbTracker
from palaestra.arena.wandb_board import WandbError, log_board, project_board, write_report
from palaestra.cli import main

from .fake_wandb import FakeWandb

ROW = Evaluation("evolved", "palaestra/ChainArith-v0", 0.5, 0.4, 0.6, 100, 0, 12.0, 12.0, 0.0, "beef")
ROWS = [ROW, replace(ROW, agent="start", score=0.1, low=0.05, high=0.2, tokens=5.0, weights_hash="cafe")]
MOST = 300.0  # seconds for what takes one or two, on a machine that is busy
Serve = Callable[..., FakeWandb]


def track(run: RunFolder, rows: list[Evaluation] = ROWS, first: int = 0, patience: float = MOST) -> list[str]:
    """Ten steps of a run, its board and its end, to JSON lines and wandb; what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tracker = AllTrackers([JsonTracker(run), WandbTracker(run, {"seed": 1}, patience)])
        for step in range(first, first + 10):
            tracker.log(step, {"reward": step / 8})
        tracker.leaderboard(rows)
        tracker.finish({"a": 1})
    return [str(warning.message) for warning in caught if "wandb" in str(warning.message)]


def named(run: RunFolder, rows: list[Evaluation]) -> list[str]:
    return [repr(replace(row, agent=f"{run.name}: {row.agent}")) for row in rows]  # nan is nan there


def rewards(server: FakeWandb, run: str) -> list[float]:
    return [line["reward"] for line in server.kept.runs[run].history if "reward" in line]


def sync(folder: Path, *options: str) -> None:
    wandb.teardown()
    command = [str(Path(sys.executable).with_name("wandb")), "sync", *options, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MOST, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def table_of(server: FakeWandb, run: str, key: str) -> list[dict[str, Any]]:
    """The rows of a table, as they lie among the run's files."""
    table = json.loads(server.kept.stored[f"/runs/{run}/{server.kept.runs[run].summary[key]['path']}"])
    return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def test_the_board_of_a_project_is_what_its_runs_sent(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    runs = [RunFolder.create(tmp_path, name) for name in ("one", "two")]
    boards = [ROWS, [replace(row, score=row.score / 2, pass_at_k=0.75) for row in ROWS]]
    for run, rows in zip(runs, boards, strict=True):
        assert track(run, rows) == []
        kept = server.kept.runs[run.name]
        assert kept.config["seed"]["value"] == 1
        assert rewards(server, run.name) == [step / 8 for step in range(10)]
        assert [line["_step"] for line in kept.history][:10] == list(range(10))
        assert (kept.summary["a"], kept.exit_code, kept.job) == (1, 0, None)
        told = table_of(server, run.name, "leaderboard")
        assert [(row["agent"], row["score"]) for row in told] == [(row.agent, row.score) for row in rows]
    tables = [path.split("/")[2] for path in server.kept.uploads if path.startswith("/runs/") and "/table/" in path]
    assert tables == [run.name for run in runs]  # each is sent once
    board = project_board("me/palaestra", MOST)
    assert list(map(repr, board.rows)) == [
        row for run, rows in zip(runs, boards, strict=True) for row in named(run, rows)
    ]


def test_a_resumed_run_goes_on_where_it_was(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    run = RunFolder.create(tmp_path, "one")
    better = [replace(row, score=0.9) for row in ROWS]
    assert track(run) == track(run, better, first=20) == []
    assert rewards(server, run.name) == [step / 8 for step in (*range(10), *range(20, 30))]
    assert [repr(row) for row in project_board("me/palaestra", MOST).rows] == named(run, better)


@pytest.fixture
def games() -> Board:
    matches = [Match("evolved", "start", score) for score in (1.0, 1.0, 0.0, 0.5)]
    titles = ("mine: palaestra/Nim-v0", f"{'long' * 30}: palaestra/Nim-v0")
    return Board(ROWS, games=[standings(title, matches, resamples=50) for title in titles])


def test_a_board_is_sent_with_its_page_tables_and_ratings(serve: Serve, games: Board, tmp_path: Path) -> None:
    server = serve()
    page = write_leaderboard(ROWS, tmp_path, "t", "s", games=games.games)
    log_board(games, page, {}, tmp_path, "us/p", "board", MOST)
    run = server.kept.runs["board"]
    assert (run.entity, run.project, run.job, run.exit_code, len(run.history)) == ("us", "p", "leaderboard", 0, 1)
    assert server.kept.stored[f"/runs/board/{run.summary['page']['path']}"] == page.read_bytes()
    assert [row["score"] for row in table_of(server, "board", "leaderboard")] == [0.5, 0.1]
    assert [row["agent"] for row in table_of(server, "board", "agents")] == ["evolved", "start"]
    rated = table_of(server, "board", "ratings")
    assert rated == [
        {"game": game.game} | {field: getattr(rating, field) for field in ("agent", "rating", "low", "high", "matches")}
        for game in games.games
        for rating in game.ratings
    ]
    assert {key: run.summary[key] for key in ("n_agents", "best", "score")} == {
        "n_agents": 2,
        "best": "evolved",
        "score": 0.5,
    }
    assert {"score", "score against tokens"} <= run.config["_wandb"]["value"]["visualize"].keys()


def test_the_command_sends_agents_recipe_and_log_and_they_come_back(
    serve: Serve,
    finished_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = serve()
    options = ["--out", f"{tmp_path}/all", "--wandb", "me/p", "--wandb-name", "board"]
    monkeypatch.setattr(sys, "argv", ["palaestra", "leaderboard", f"{finished_run}", *options])
    main()
    assert capsys.readouterr().out.splitlines()[-1] == "wandb: me/p"
    sent = {one.name: one for one in server.kept.artifacts if one.run == "board" and one.type != "run_table"}
    assert all(one.committed for one in sent.values())
    run, hashes = finished_run.name, {row.agent: row.weights_hash for row in overall(read_board(finished_run))}
    assert sent.keys() == {f"{run}-{name}" for name in ("start", "warm", "evolved", "log")}
    recipe = (finished_run / "recipe.yaml").read_bytes()
    for name in ("start", "warm", "evolved"):
        folder = finished_run / "agents" / name
        files = {path.name: path.read_bytes() for path in folder.iterdir()} | {"recipe.yaml": recipe}
        assert (sent[f"{run}-{name}"].type, sent[f"{run}-{name}"].files) == ("agent", files)
    best = overall(read_board(finished_run))[0].agent.partition(",")[0]  # "evolved, vote of 2" asks evolved
    assert {name: one.aliases for name, one in sent.items()} == {
        name: {"latest", "best"} if name == f"{run}-{best}" else {"latest"} for name in sent
    }
    log = sent[f"{run}-log"].files
    assert log["metrics.jsonl"] == (finished_run / "metrics.jsonl").read_bytes()
    assert {name for name in log if name.startswith("episodes/")} == {
        f"episodes/{path.name}" for path in (finished_run / "episodes").iterdir() if path.is_file()
    }

    artifact = wandb.Api().artifact(f"me/p/{run}-{best}:best")
    folder = artifact.download(str(tmp_path / "down"), skip_cache=True)
    assert (tmp_path / "down" / "recipe.yaml").read_bytes() == recipe
    assert load_policy(folder).actor.weights_hash == hashes[best]

    monkeypatch.setattr(sys, "argv", ["palaestra", "leaderboard", "--wandb", "me/p"])
    with pytest.raises(SystemExit):
        main()
    assert "no run of the wandb project me/p has a leaderboard" in "".join(capsys.readouterr())  # a board is no run


def test_an_adapter_comes_back_with_the_model_that_its_run_made(serve: Serve, tmp_path: Path) -> None:
    serve()
    model, tokenizer = nano_model(nano_tokenizer(), hidden=32, layers=1, heads=2, seed=0), nano_tokenizer()
    save_checkpoint(tmp_path / "run", "base", model, tokenizer)
    add_adapter(model, str(tmp_path / "run" / "base"), rank=2)
    save_checkpoint(tmp_path / "run" / "agents", "evolved", model, tokenizer)
    page = write_leaderboard(ROWS, tmp_path, "t", "s")
    log_board(Board(ROWS), page, {"mine": tmp_path / "run"}, tmp_path, "me/p", "board")
    made = load_policy(tmp_path / "run" / "agents" / "evolved").actor
    shutil.rmtree(tmp_path / "run")
    artifact = wandb.Api().artifact("me/p/mine-evolved:latest")
    assert load_policy(artifact.download(str(tmp_path / "evolved"), skip_cache=True)).actor == made


def test_what_was_kept_offline_is_sent_by_wandb_sync(
    serve: Serve, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, run = serve(), RunFolder.create(tmp_path, "one")
    monkeypatch.delenv("WANDB_API_KEY")
    assert track(run) == []
    page = write_leaderboard(ROWS, tmp_path, "t", "s")
    voted = Board([replace(ROW, agent="evolved, vote of 2", score=0.9), replace(ROWS[1], score=0.8), ROW])
    board = Path(log_board(voted, page, {"mine": finished_run}, tmp_path, "me/palaestra", "board"))
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    assert not server.kept.runs
    (folder,) = (run.path / "wandb").glob("offline-run-*")
    for kept in (folder, board):
        sync(kept)
    assert rewards(server, run.name) == [step / 8 for step in range(10)]
    assert [repr(row) for row in project_board("me/palaestra", MOST).rows] == named(run, ROWS)
    assert server.kept.stored[f"/runs/board/{server.kept.runs['board'].summary['page']['path']}"] == page.read_bytes()
    assert {one.name: one.aliases for one in server.kept.artifacts if one.type == "agent"} == {
        "mine-evolved": {"latest", "best"},
        "mine-start": {"latest"},
        "mine-warm": {"latest"},
    }


def test_a_run_that_its_server_refused_at_the_start_is_sent_later_under_its_name(serve: Serve, tmp_path: Path) -> None:
    server, run = serve("403"), RunFolder.create(tmp_path, "one")
    (told,) = track(run)
    assert told.startswith("wandb keeps this run offline, wandb sync sends it later")
    server.fault = ""
    (folder,) = (run.path / "wandb").glob("offline-run-*")
    sync(folder)
    assert [repr(row) for row in project_board("me/palaestra", MOST).rows] == named(run, ROWS)


@pytest.mark.parametrize(
    ("fault", "of", "reason"),
    [
        ("500", "file_stream", "it took too long"),
        ("403", "file_stream", "storage quota exceeded"),
        ("403", "CreateArtifact", "storage quota exceeded"),
        ("hang", "CreateArtifact", "it took too long"),
        ("403", "upload", "storage quota exceeded"),
        ("403", "CreateRunFiles", "storage quota exceeded"),
    ],
)
def test_a_server_that_fails_in_the_middle_stops_nothing_and_the_rest_is_sent_later(
    serve: Serve, tmp_path: Path, fault: str, of: str, reason: str
) -> None:
    server, run = serve(), RunFolder.create(tmp_path, "one")
    wandb.setup()  # so that what starting it takes is not part of the patience
    server.faults[of] = repeat(fault)
    began = time.monotonic()
    (told,) = track(run, patience=24)
    assert time.monotonic() - began < 60
    (folder,) = (run.path / "wandb").glob("run-*")
    how = f"wandb sync --include-online {run.path}/wandb/*run-*"
    assert told.startswith(f"wandb's server did not take all of this run, {how} sends it: ")
    assert reason in told
    assert [row["reward"] for row in read_json_lines(run.metrics)] == [step / 8 for step in range(10)]
    assert json.loads((run.path / "summary.json").read_text()) == {"a": 1}
    server.faults.clear()
    sync(folder, "--include-online")
    assert sorted(set(rewards(server, run.name))) == [step / 8 for step in range(10)]  # what it had may come twice
    assert [row["agent"] for row in table_of(server, run.name, "leaderboard")] == ["evolved", "start"]
    assert [repr(row) for row in project_board("me/palaestra", MOST).rows] == named(run, ROWS)


def test_a_server_that_fails_for_a_moment_is_told_of_to_nobody(serve: Serve, tmp_path: Path) -> None:
    server, run = serve(), RunFolder.create(tmp_path, "one")
    server.faults = {of: iter(["500"]) for of in ("file_stream", "CreateArtifact", "upload")}
    assert track(run) == []
    assert rewards(server, run.name) == [step / 8 for step in range(10)]
    assert [repr(row) for row in project_board("me/palaestra", MOST).rows] == named(run, ROWS)


@pytest.mark.parametrize(
    ("fault", "of", "reason"), [("403", "upload", "storage quota"), ("hang", "CommitArtifact", "it took too long")]
)
def test_a_board_that_is_not_taken_whole_is_an_error(
    serve: Serve, tmp_path: Path, fault: str, of: str, reason: str
) -> None:
    server = serve()
    wandb.setup()
    server.faults[of] = repeat(fault)
    page = write_leaderboard(ROWS, tmp_path, "t", "s")
    with pytest.raises(WandbError, match=rf"did not take all of the board: .*{reason}.* Send it again"):
        log_board(Board(ROWS), page, {}, tmp_path, "me/p", "board", most=8)


def test_a_report_is_made_of_the_projects_runs(serve: Serve) -> None:
    server = serve(runs={"one": {}})
    address = write_report("me/p", "Board", ["one"])
    assert address == f"{server.url}/me/p/reports/Board--report"
    (report,) = server.kept.reports
    assert (report["entityName"], report["projectName"], report["displayName"]) == ("me", "p", "Board")
    assert all(f'"{name}"' in report["spec"] for name in ("leaderboard", "accuracy", "reward", "entropy", "length"))


def test_a_report_is_not_waited_for_without_end(serve: Serve) -> None:
    server = serve()
    server.fault = "hang"
    with pytest.raises(WandbError, match="did not answer in 2 s: try later"):
        write_report("me/p", "Board", seconds=2)
    server.fault = "403"
    with pytest.raises(WandbError, match=r"wandb took no report: .*storage quota"):
        write_report("me/p", "Board")
