"""A log is proof: played again it comes out the same, and whatever was changed in it is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from palaestra.agents.scripted import OracleAgent, RandomAgent
from palaestra.arena.evaluate import held_out
from palaestra.arena.replay import Difference, replay
from palaestra.arena.rollout import Job, rollout
from palaestra.episodes import EpisodeStore
from palaestra.episodes.schema import SCHEMA

IDS = [f"palaestra/{name}-v0" for name in ("ChainArith", "Countdown", "KnightsAndKnaves", "LinearEquations")]
Change = Callable[[dict[str, Any]], None]


def differences(store: EpisodeStore) -> list[Difference]:
    return [difference for _, found in replay(store.read()) for difference in found]


def tamper(file: Path, row: int, change: Change) -> None:
    """Rewrite one episode of a committed batch."""
    rows = pq.read_table(file).to_pylist()
    change(rows[row])
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), file)


@pytest.fixture
def log(tmp_path: Path, counter: Any) -> EpisodeStore:
    """All tasks by two agents, and dialogues of one to seven turns that end in every way."""
    store = EpisodeStore(tmp_path / "log")
    for env_id in IDS:
        jobs = held_out(env_id, {}, (1, 4), 8)
        store.append([*rollout(OracleAgent(), jobs), *rollout(RandomAgent(), jobs)])
    endings = [{"ending": ending} for ending in ("verdict", "undecided", "silent", "never")]
    store.append(list(rollout(counter, [Job(f"d{i}", "tests/Countup-v0", endings[i % 4], i, "g") for i in range(12)])))
    return store


def test_a_log_plays_again_as_it_was(log: EpisodeStore) -> None:
    played = list(replay(log.read()))
    assert len(played) == 4 * 16 + 12
    assert [difference for _, found in played for difference in found] == []


def set_in_turn(name: str, value: Any, number: int = 0) -> Change:
    return lambda row: row["turns"][number].update({name: value})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (set_in_turn("reward", 0.25), "reward 0 is 0.25 in the log and 1.0 on replay"),
        (lambda row: row["outcome"][0].update(reward=0.0), "the outcome's reward is 0.0"),
        (lambda row: row["outcome"][0].update(status="wrong"), "the outcome's status is 'wrong'"),
        (lambda row: row["outcome"][0].update(reason="so it goes"), "the outcome's reason"),
        (lambda row: row["turns"][0]["verdicts"][0].update(status="wrong", score=0.0), "verdict 0"),
        (lambda row: row["turns"][0]["step_verdicts"][0].update(reason="x"), "step verdicts 0"),
        (set_in_turn("observation", "another question"), "observation 0 is 'another question'"),
        (set_in_turn("text", "\\boxed{-1}"), "verdict 0"),
        (lambda row: row.update(seed=row["seed"] + 1), "the problem"),
        (lambda row: row["problem"].update(reference="123456789"), "the problem"),
        (lambda row: row.update(reset_options='{"difficulty": 9}'), "the problem"),
        (lambda row: row.update(env_kwargs='{"split": "train"}'), "the problem"),
        (lambda row: row.update(env_id="palaestra/Nope-v0"), "UnknownEnvironment: no environment"),
        (lambda row: row.update(terminated=False), "terminated is False"),
        (lambda row: row.update(truncated=True), "truncated is True"),
        (lambda row: row.update(turns=row["turns"] * 2), "turn 1 is played in the log and after the end"),
        (lambda row: row.update(turns=[]), "terminated is True"),
    ],
)
def test_every_change_is_named(log: EpisodeStore, change: Change, told: str) -> None:
    tamper(log.files()[0], 2, change)
    found = differences(log)
    assert {difference.episode_id for difference in found} == {"held-out/00002"}
    assert any(told in str(difference) for difference in found), [str(difference) for difference in found]


@pytest.mark.parametrize("number", [0, 3])
def test_a_changed_turn_of_a_dialogue_is_named(log: EpisodeStore, number: int) -> None:
    def change(row: dict[str, Any]) -> None:
        assert row["id"] == "d4"
        row["turns"][number]["reward"] += 0.5

    rows = [row["id"] for row in pq.read_table(log.files()[-1]).to_pylist()]
    tamper(log.files()[-1], rows.index("d4"), change)
    assert [difference.what for difference in differences(log)] == [f"reward {number}"]


def test_an_undecided_reward_cannot_be_made_up(log: EpisodeStore) -> None:
    rows = [row["id"] for row in pq.read_table(log.files()[-1]).to_pylist()]
    for name in ("d1", "d3"):  # judged undecided, and cut off
        tamper(log.files()[-1], rows.index(name), lambda row: row["outcome"][0].update(reward=1.0, status="right"))
    assert {difference.episode_id for difference in differences(log)} == {"d1", "d3"}


def test_a_whole_run_replays_and_a_forged_reward_in_it_is_found(finished_run: Path, tmp_path: Path) -> None:
    assert differences(EpisodeStore(finished_run / "episodes")) == []
    copy = EpisodeStore(shutil.copytree(finished_run / "episodes", tmp_path / "episodes"))
    evolve = copy.find("evolve-00001")
    assert evolve is not None
    tamper(evolve, 5, lambda row: row["turns"][0].update(reward=1 - row["turns"][0]["reward"]))
    (difference,) = differences(copy)
    assert difference.episode_id == "evolve/00001/00001/001"
    assert difference.what == "reward 0"
