"""The log holds what it was given, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palaestra.envs.task import Problem
from palaestra.episodes import Actor, Cost, Episode, EpisodeStore, Goal, Outcome, StoreError, Turn
from palaestra.episodes import store as store_module
from palaestra.verifiers import Status, right, undecided, wrong

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
IDS = st.lists(st.integers(0, 2**31 - 1), max_size=5).map(tuple)
SPANS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=2).map(tuple)
VERDICTS = st.lists(st.sampled_from([right("yes", answer="7"), wrong("no", 0.5), undecided("dead")]), max_size=2)


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    actions = draw(IDS)
    return Turn(
        role=draw(TEXT),
        observation=draw(TEXT),
        text=draw(TEXT),
        reward=draw(st.floats(0, 1)),
        prompt_ids=draw(IDS),
        action_ids=actions,
        logprobs=tuple(draw(st.floats(-50, 0, width=32)) for _ in actions),
        temperature=draw(st.floats(0.1, 2)),
        finish_reason=draw(st.sampled_from(["stop", "length", "scripted"])),
        weights_version=draw(st.integers(-1, 10**9)),
        step_spans=draw(SPANS),
        solution_spans=draw(SPANS),
        tool_calls=tuple(draw(st.lists(OBJECT, max_size=2))),
        verdicts=tuple(draw(VERDICTS)),
        step_verdicts=tuple(draw(VERDICTS)),
        meta=draw(OBJECT),
    )


@st.composite
def episodes(draw: st.DrawFn) -> Episode:
    return Episode(
        id=draw(TEXT),
        env_id=draw(TEXT),
        env_kwargs=draw(OBJECT),
        reset_options=draw(OBJECT),
        seed=draw(st.integers(0, 2**63 - 1)),
        group_id=draw(TEXT),
        roles={draw(TEXT): Actor(draw(TEXT), draw(TEXT))},
        turns=tuple(draw(st.lists(turns(), max_size=2))),
        outcome={draw(TEXT): Outcome(draw(st.floats(0, 1)), Status.WRONG, draw(TEXT))},
        terminated=draw(st.booleans()),
        truncated=draw(st.booleans()),
        problem=draw(st.none() | st.builds(Problem, TEXT, JSON, st.integers(0, 10), OBJECT)),
        parent_id=draw(st.none() | TEXT),
        goal=draw(st.none() | st.builds(Goal, TEXT, TEXT)),
        cost=Cost(draw(st.integers(0, 99)), 2, 3, 0.5),
        tags=draw(st.dictionaries(TEXT, TEXT, max_size=2)),
    )


def episode(name: str = "e", reward: float = 1.0) -> Episode:
    status = Status.UNDECIDED if math.isnan(reward) else Status.RIGHT
    return Episode(
        id=name,
        env_id="palaestra/ChainArith-v0",
        env_kwargs={},
        reset_options={},
        seed=1,
        group_id="g",
        roles={"reasoner": Actor("a")},
        turns=(Turn("reasoner", "1+1?", "2", 1.0),),
        outcome={"reasoner": Outcome(reward, status)},
        terminated=True,
        truncated=False,
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batch=st.lists(episodes(), min_size=1, max_size=3))
def test_what_is_read_equals_what_was_written(batch: list[Episode], tmp_path_factory: pytest.TempPathFactory) -> None:
    store = EpisodeStore(tmp_path_factory.mktemp("log"))
    store.append(batch)
    assert list(store.read()) == batch


def test_an_undecided_outcome_stays_nan(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    store.append([episode(reward=math.nan)])
    (read,) = store.read()
    assert math.isnan(read.outcome["reasoner"].reward)
    assert not read.outcome["reasoner"].decided


def test_batches_keep_their_order_and_are_found_by_name(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    store.append([episode("a"), episode("b")], "warm-00000")
    second = store.append([episode("c")], "evolve-00000")
    assert [e.id for e in store.read()] == ["a", "b", "c"]
    assert store.find("evolve-00000") == second
    assert store.find("evolve-00001") is None
    assert len(store) == 3


def test_other_readers_need_no_palaestra(tmp_path: Path) -> None:
    file = EpisodeStore(tmp_path).append([episode()])
    row = pq.read_table(file).to_pylist()[0]
    assert row["turns"][0]["text"] == "2"
    assert row["outcome"][0]["reward"] == 1.0


def test_an_empty_batch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="at least one"):
        EpisodeStore(tmp_path).append([])


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "000000-batch.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(StoreError, match="000000-batch"):
        list(EpisodeStore(tmp_path).read())


def test_a_file_damaged_in_its_middle_is_named(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    file = store.append([episode()])
    whole = bytearray(file.read_bytes())
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    for place in range(4, len(whole) - footer):  # all but what says where things are
        whole[place] ^= 0xFF
    file.write_bytes(whole)
    with pytest.raises(StoreError, match="000000-batch"):
        list(store.read())


def test_a_flipped_bit_is_never_read_as_something_else(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    batch = [replace(episode(f"{n * 7919 % 1000}", n / 40), seed=n * n) for n in range(40)]
    file = store.append(batch)
    whole = file.read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little") + 8  # which Parquet gives no checksum
    for place in range(4, len(whole) - footer, 29):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with contextlib.suppress(StoreError):
            assert list(store.read()) == batch, place


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"accuracy": [0.5]}), tmp_path / "000000-board.parquet")
    with pytest.raises(StoreError, match=r"000000-board\.parquet is not a readable episode file"):
        list(EpisodeStore(tmp_path).read())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"reference": np.int64(3)}, "reference is not JSON: Object of type int64"),
        ({"difficulty": "hard"}, "could not be written"),
        ({"meta": {"of": {1}}}, "meta is not JSON: Object of type set"),
    ],
)
def test_a_value_that_cannot_be_logged_is_named(tmp_path: Path, wrong: dict[str, Any], told: str) -> None:
    problem = replace(Problem("1+2?", 3, 1), **wrong)
    with pytest.raises(StoreError, match=told):
        EpisodeStore(tmp_path).append([replace(episode(), problem=problem)])
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_batch_is_let_be_and_what_is_one_is_never_written_over(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    first = store.append([episode("a")])
    store.append([episode("b")])
    (tmp_path / "2024.parquet").write_bytes(b"something of the user's")
    shutil.copy(first, tmp_path / "0-batch.parquet")
    assert store.append([episode("c")]).name == "000002-batch.parquet"
    assert [e.id for e in store.read()] == ["a", "a", "b", "c"]
    assert store.find("evolve-00000") is None


def test_several_writers_lose_no_batch(tmp_path: Path) -> None:
    def write(writer: int) -> None:
        for number in range(10):
            EpisodeStore(tmp_path).append([episode(f"{writer}-{number}")])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert {e.id for e in EpisodeStore(tmp_path).read()} == {f"{w}-{n}" for w in range(4) for n in range(10)}


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = EpisodeStore(tmp_path)
    store.append([episode("a")])

    def full(table: object, where: Path, **options: object) -> None:
        where.write_bytes(b"PAR1 half a file")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_module.pq, "write_table", full)
    with pytest.raises(StoreError, match="No space left"):
        store.append([episode("b")])
    assert [e.id for e in store.read()] == ["a"]
    assert [path.name for path in tmp_path.iterdir()] == ["000000-batch.parquet"]


WRITER = """
import sys
from palaestra.episodes import Actor, Episode, EpisodeStore, Outcome, Turn
from palaestra.verifiers import Status
store = EpisodeStore(sys.argv[1])
for number in range(10**6):
    batch = [
        Episode(f"{number}-{i}", "e", {}, {}, i, "g", {"r": Actor("a")}, (Turn("r", "x" * 500, "y" * 500, 1.0),),
                {"r": Outcome(1.0, Status.RIGHT)}, True, False)
        for i in range(50)
    ]
    store.append(batch)
    print(number, flush=True)
"""


@pytest.mark.parametrize("delay", [0.02, 0.05, 0.11])
def test_kill_loses_no_committed_batch(tmp_path: Path, delay: float) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    committed = int(writer.stdout.readline())
    time.sleep(delay)
    writer.send_signal(signal.SIGKILL)
    committed = max([committed, *map(int, writer.stdout.read().split())])
    writer.wait()
    store = EpisodeStore(tmp_path)
    read = [e.id for e in store.read()]
    assert len(read) % 50 == 0
    assert f"{committed}-49" in read
    store.discard_unfinished()
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]
