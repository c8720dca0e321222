"""A whole run samples with vLLM: the trainer's ratio is 1 on what it samples, and a vLLM left behind ends the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from palaestra.agents.engine import EngineError
from palaestra.agents.vllm_engine import VllmEngine
from palaestra.arena.leaderboard import read_leaderboard
from palaestra.arena.replay import replay
from palaestra.arena.run_folder import RunFolder, read_json_lines

pytestmark = pytest.mark.vllm
SMALL = {"hidden": 64, "layers": 2, "heads": 2}
Play = Callable[..., RunFolder]
Recipes = Callable[..., dict[str, Any]]


def test_a_whole_run_evolves_on_vllm(play_run: Play, tiny_recipe: Recipes) -> None:
    run = play_run(tiny_recipe(name="vllm", engine="vllm", model=SMALL, evolve={"rounds": 3}))
    rows = [row for row in read_json_lines(run.metrics) if "ratio" in row]
    assert len(rows) == 3
    for row in rows:
        assert row["ratio"] == pytest.approx(1, abs=1e-5)
        assert row["max/ratio_error"] < 1e-4
        assert row["abs_log_ratio"] < 1e-5
    played = [episode for episode in run.episodes.read() if episode.tags["phase"] == "evolve"]
    assert {episode.turns[0].weights_version for episode in played} == {2, 3, 4}
    assert len({episode.turns[0].text for episode in played}) > 20
    assert len(read_leaderboard(run.path)) == 4
    assert not [difference for _, found in replay(run.episodes.read()) for difference in found]


def test_adapters_and_modules_evolve_beside_vllm(play_run: Play, tiny_recipe: Recipes) -> None:
    modules = {"creator": "rule", "reasoner": "evolved", "evaluator": "evolved", "post_processor": "evolved"}
    recipe = tiny_recipe(
        name="vllm-lora",
        engine="vllm",
        model={**SMALL, "lora": {"rank": 4}},
        evolve={"rounds": 2, "algorithm": "rloo"},
        modules={**modules, "strategy": "collaborative", "gate": 4},
    )
    run = play_run(recipe)
    rows = [row for row in read_json_lines(run.metrics) if "reasoner_ratio" in row]
    assert [row["reasoner_max/ratio_error"] < 1e-4 for row in rows] == [True] * 2
    folders = [run.path / "agents" / name for name in ("warm", "evolved", "evaluator", "post_processor")]
    adapters = {(folder / "adapter_model.safetensors").read_bytes() for folder in folders}
    assert len(adapters) == 4
    played = [episode for episode in run.episodes.read() if episode.tags["phase"] == "evolve"]
    assert len({episode.turns[0].text for episode in played}) > 20


def test_a_run_that_was_stopped_goes_on_with_its_weights(play_run: Play, tiny_recipe: Recipes) -> None:
    run = play_run(tiny_recipe(name="vllm-stopped", engine="vllm", model=SMALL), stop_after=3)
    play_run(run=RunFolder.open(run.path))
    assert [row["max/ratio_error"] < 1e-4 for row in read_json_lines(run.metrics) if "ratio" in row] == [True] * 3
    assert len(read_leaderboard(run.path)) == 4


def test_a_run_stops_when_vllm_does_not_follow(
    play_run: Play, tiny_recipe: Recipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VllmEngine, "load", lambda self, weights, version: None)
    with pytest.raises(EngineError, match=r"a token away from the trainer's \(0\.0001 is allowed\)"):
        play_run(tiny_recipe(name="vllm-behind", engine="vllm", model=SMALL))
