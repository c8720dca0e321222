"""The harness of ``make bench``: figures, rows and errors. No test here measures anything."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import gymnasium
import numpy as np
import pytest
import torch

from benchmarks import __main__ as bench
from benchmarks import data_evolution, dpo, games, gpu, patterns, whole_step
from benchmarks.figure import Figure
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.envs import registration
from palaestra.episodes import EpisodeStore, scan
from palaestra.episodes.views import Row
from palaestra.trainers.batch import pack

FASTER = Figure("toy/speed", 300.0, 200.0, "tokens/s")
BIGGER = Figure("toy/memory", 300.0, 200.0, "MiB", higher_is_better=False)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A benchmark named toy that yields the two figures above, as the only one there is."""

    def measure(say: Callable[[str], None]) -> Iterator[Figure]:
        say("measuring")
        yield from (FASTER, BIGGER)

    module = ModuleType("benchmarks.toy")
    module.measure = measure  # type: ignore[attr-defined]  # a module made by hand
    monkeypatch.setitem(sys.modules, "benchmarks.toy", module)
    monkeypatch.setattr(bench, "BENCHMARKS", ("toy",))


@pytest.mark.parametrize("name", bench.BENCHMARKS)
def test_every_benchmark_finds_what_it_takes_from_palaestra(name: str) -> None:
    try:
        importlib.import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as error:  # a peer that only `make bench` installs
        if str(error.name).startswith(("palaestra", "benchmarks")):
            raise


def test_ratio_is_ours_over_the_peer_and_better_follows_the_direction() -> None:
    assert FASTER.ratio == BIGGER.ratio == 1.5
    assert FASTER.better
    assert not BIGGER.better


@pytest.mark.usefixtures("toy")
def test_each_run_appends_a_row_a_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "runs" / "bench.jsonl"
    assert bench.main(["--out", str(out)]) == 0
    assert bench.main(["--only", "toy", "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["name"] for row in rows] == ["toy/speed", "toy/memory"] * 2
    keys = {"name", "ours", "peer", "ratio", "unit", "higher_is_better", "commit", "hardware"}
    assert all(row.keys() == keys and row["ratio"] == 1.5 for row in rows)
    assert [row["higher_is_better"] for row in rows] == [True, False] * 2
    assert "toy/memory" in capsys.readouterr().out


def test_an_unknown_benchmark_is_refused_with_the_nearest_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "bench.jsonl"
    assert bench.main(["--only", "lerner", "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert "lerner" in error
    assert "did you mean learner?" in error
    assert not out.exists()


@pytest.mark.usefixtures("toy")
def test_a_missing_peer_library_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "benchmarks.toy", None)
    assert bench.main(["--out", str(tmp_path / "bench.jsonl")]) == 2
    assert "make bench" in capsys.readouterr().err


@pytest.mark.parametrize("name", games.PEERS)
def test_the_moves_of_our_games_play_textarenas_to_the_end(name: str) -> None:
    peer = games.PEERS[name]
    moves = games.record(name, peer, 5)
    assert games.ours(name, peer, moves, 1) > 0
    assert games.theirs(peer, [peer.translate(game) for game in moves], 1) > 0


@pytest.mark.parametrize("name", ["TicTacToe", "KuhnPoker"])
def test_a_game_that_has_not_ended_is_not_measured(name: str) -> None:
    peer = games.PEERS[name]
    cut = [game[:-1] for game in games.record(name, peer, 1)]
    with pytest.raises(AssertionError, match="does not end"):
        games.ours(name, peer, cut, 1)
    with pytest.raises(AssertionError, match="does not end"):
        games.theirs(peer, [peer.translate(game) for game in cut], 1)


def test_the_benchmark_for_gpus_measures_a_tiny_model_on_a_cpu(capsys: pytest.CaptureFixture[str]) -> None:
    gpu.main(["tiny", "--device", "cpu", "--gradient-checkpointing"])
    shown = capsys.readouterr().out
    assert "tiny" in shown
    assert "unknown" in shown


def test_the_flops_of_an_update_are_those_of_its_shape() -> None:
    size = gpu.SIZES["tiny"]
    model = gpu.build(size, torch.device("cpu"))
    row = Row(np.arange(5), np.arange(5) >= 3, np.zeros(5, np.float32), 1.0, "0/0", "0", "e", "r")
    layers = 2 * (32 * 32 * 2 + 2 * 32 * 16 + 3 * 32 * 64)  # q, o; k, v; the three of the inner layer
    exact = 6 * layers * 5 + 6 * 2 * 32 * 25 + 6 * 128 * 32 * 2
    assert gpu.update_flops(model, size, pack([row])) == pytest.approx(exact, rel=0.02)  # biases and norms are counted


def test_the_plain_script_beside_our_view_makes_the_same_rows(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    store.append([data_evolution.episode(number) for number in range(16)])
    view = scan.groups(store, size=data_evolution.GROUP)
    assert len(view.rows) == 16
    for row, (ids, action, logprobs, reward, group) in zip(view.rows, data_evolution.plain(store), strict=True):
        assert np.array_equal(row.ids, ids)
        assert np.array_equal(row.action, action)
        assert np.array_equal(row.logprobs, logprobs)
        assert (row.reward, row.group_id) == (reward, group)


@pytest.mark.parametrize("precompute", [True, False], ids=["reference known before", "reference in the step"])
def test_both_sides_of_the_dpo_benchmark_compute_the_same_gradient(precompute: bool) -> None:
    model = nano_model(nano_tokenizer(), hidden=32, layers=1)
    pairs = dpo.record_pairs(model, 4)
    *seconds, said = dpo.compare(model, dpo.weakened(model), pairs, 2, repeats=0, precompute=precompute)
    assert [len(side) for side in seconds] == [1, 1]
    assert "relative difference" in said


def test_sides_that_compute_different_gradients_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nano_model(nano_tokenizer(), hidden=32, layers=1)
    pairs = dpo.record_pairs(model, 2)
    swapped = [(rejected, chosen) for chosen, rejected in pairs]
    train = dpo.trl_dpo.train
    monkeypatch.setattr(dpo.trl_dpo, "train", lambda m, r, _, *rest, **named: train(m, r, swapped, *rest, **named))
    with pytest.raises(AssertionError, match="different updates"):
        dpo.compare(model, dpo.weakened(model), pairs, 2, repeats=0)


def test_a_methods_seconds_are_counted_while_it_is_timed_and_no_longer() -> None:
    class Sleeper:
        def sleep(self, seconds: float) -> str:
            time.sleep(seconds)
            return "slept"

    plain = Sleeper.sleep
    with patterns.Timed(Sleeper, "sleep") as timed:
        assert Sleeper().sleep(0.01) == Sleeper().sleep(seconds=0.02) == "slept"
    assert timed.seconds >= 0.03
    assert Sleeper.sleep is plain


@pytest.fixture
def no_new_task() -> Iterator[None]:
    """Forgets the task that the benchmark registers."""
    yield
    gymnasium.registry.pop(whole_step.RECIPE.env_id)
    registration._tasks.pop(whole_step.RECIPE.env_id)


@pytest.mark.usefixtures("no_new_task")
def test_a_whole_step_is_timed_on_the_same_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    small = dataclasses.replace(whole_step.RECIPE.evolve, problems=2, samples=4)
    monkeypatch.setattr(whole_step, "RECIPE", dataclasses.replace(whole_step.RECIPE, evolve=small, max_answer_tokens=8))
    for name, value in {"PROBLEMS": 2, "SAMPLES": 4, "LONGEST": 8}.items():
        monkeypatch.setattr(whole_step, name, value)
    for side in whole_step.compare(4, repeats=1):
        assert [len(side[what]) for what in ("tokens", "seconds", "inside")] == [2, 2, 2]
        assert all(0 < inside < whole for inside, whole in zip(side["inside"], side["seconds"], strict=True))
        assert all(8 <= tokens <= 64 for tokens in side["tokens"])
