"""Episodes collected into a folder of one's own: what is in it, under which names, and who may write there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from palaestra.arena.run_folder import RunFolder
from palaestra.episodes import EpisodeStore

CHAIN = "palaestra/ChainArith-v0"
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def palaestra(palaestra_process: Callable[..., Any]) -> Run:
    return lambda *arguments, **given: palaestra_process(*arguments, **given).wait()  # type: ignore[no-any-return]


def test_collect_logs_and_replay_proves(palaestra: Run, tmp_path: Path) -> None:
    options = ("--to", tmp_path / "log", "--env", CHAIN, "--knobs", "modulus=10", "--problems", 3, "--samples", 2)
    code, said = palaestra("collect", "oracle", *options, "--difficulty", 2)
    assert (code, said.startswith("6 episodes, 6 right, in ")) == (0, True)
    assert palaestra("collect", "random", *options, "--difficulty", 2)[0] == 0
    episodes = list(EpisodeStore(tmp_path / "log").read())
    assert len({episode.id for episode in episodes}) == 12
    assert len({episode.group_id for episode in episodes}) == 3
    assert episodes[0].env_kwargs == {"modulus": 10, "split": "train"}
    assert episodes[0].reset_options == {"difficulty": 2}
    code, said = palaestra("replay", tmp_path / "log")
    assert (code, said) == (0, "12 episodes replayed: every observation, reward and verdict is the same\n")


def test_without_a_level_the_easiest_is_asked(palaestra: Run, tmp_path: Path) -> None:
    rows = [{"problem": f"{k}?", "solution": f"\\boxed{{{k}}}", "level": f"Level {3 + k % 2}"} for k in range(40)]
    (tmp_path / "hard.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = ("--env", "palaestra/Dataset-v0", "--knobs", f"path={tmp_path / 'hard.jsonl'}", "--problems", 2)
    code, said = palaestra("collect", "oracle", "--to", tmp_path / "log", *given)
    assert (code, said.startswith("2 episodes, 2 right")) == (0, True)
    assert [episode.reset_options for episode in EpisodeStore(tmp_path / "log").read()] == [{"difficulty": 3}] * 2
    code, said = palaestra("evaluate", "oracle", *given)
    assert (code, "100.0%" in said) == (0, True)
    code, said = palaestra("evaluate", "oracle", *given, "--difficulties", 1)
    assert (code, "has difficulties 3 to 4, not 1" in said) == (2, True)


def test_a_group_of_a_collected_log_is_of_one_problem(palaestra: Run, tmp_path: Path) -> None:
    for other in (
        ("--difficulty", 2),
        ("--knobs", "modulus=7"),
        ("--seed", 1),
        ("--env", "palaestra/Countdown-v0"),
        (),
    ):
        assert palaestra("collect", "oracle", "--to", tmp_path, "--problems", 2, *other)[0] == 0
    asked: dict[str, set[str]] = {}
    for episode in EpisodeStore(tmp_path).read():
        asked.setdefault(episode.group_id, set()).add(str(episode.problem))
    assert [len(problems) for problems in asked.values()] == [1] * 10


def test_a_log_is_collected_by_one_process_at_a_time(palaestra: Run, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.hold()
    code, said = palaestra("collect", "oracle", "--to", tmp_path, "--problems", 3)
    run.release()
    assert (code, "is in use by another process" in said) == (2, True)


def test_a_folder_that_got_nothing_is_not_left(palaestra: Run, tmp_path: Path) -> None:
    assert palaestra("collect", "oracle", "--to", tmp_path / "new", "--problems", 0)[0] == 2
    assert not (tmp_path / "new").exists()
