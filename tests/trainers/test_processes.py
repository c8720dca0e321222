"""Two processes learn what one learns: with whole copies of the model, and with the model cut up among them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from palaestra.agents import processes
from palaestra.agents.processes import LaunchError
from palaestra.arena.patterns.settings import SLOTS
from palaestra.arena.run_folder import RunFolder, read_json_lines

from .games import Play, Recipes, recipe_of

STOPPED, STOP_AFTER = "alphamath", 4  # rounds, as launched.py does; its critic is on the policy's backbone
LAUNCHERS = {"copies": ("--multi_gpu",), "parts": ("--use_fsdp", "--fsdp_version", "2")}
COMPARED = ("loss", "gradient_norm", "nll", "entropy", "reward", "accuracy", "ratio", "margin", "chosen_logprob")
MODULES = dict.fromkeys(SLOTS, "evolved") | {"strategy": "collaborative", "admit": "always"}
GAMES = {
    "seats": {"policies": "seats", "snapshot_every": 2},
    "exploited": {"opponents": "uniform", "snapshot_every": 1, "exploiter_every": 1, "exploiter_rounds": 1},
}
BESIDE = {  # models beside the policy, by the folder that one of them is saved in
    "modules": "agents/creator",
    "seats": "agents/seat_1",
    "exploited": "league/exploiter-00002",
}
WHOLE = ("grpo", "dpo", *BESIDE)  # of these two processes make whole runs


def recipe(tiny_recipe: Recipes, name: str) -> dict[str, Any]:
    """A recipe named after its algorithm, or with models beside the policy."""
    common = {"name": name, "evaluation": {"problems": 2, "self_consistency": 1}, "micro_batch_tokens": 128}
    if name in GAMES:
        made = recipe_of(tiny_recipe, self_play=GAMES[name], **common)
    else:
        made = tiny_recipe(**common) | ({"modules": MODULES} if name == "modules" else {})
    algorithm = "role_baseline" if name in GAMES else "rloo" if name == "modules" else name
    made["evolve"] |= {"algorithm": algorithm, "learning_rate": 1e-4}
    return made


@pytest.fixture(scope="module")
def alone(play_run: Play, tiny_recipe: Recipes) -> dict[str, Path]:
    """Runs of one process: two whole ones, and one that was stopped."""
    runs = {name: play_run(recipe(tiny_recipe, name)).path for name in (STOPPED, *WHOLE)}
    return runs | {"stopped": play_run(recipe(tiny_recipe, STOPPED), stop_after=STOP_AFTER).path}


@pytest.fixture(scope="module", params=LAUNCHERS)
def together(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    parity: Path,
    tiny_recipe: Recipes,
    alone: dict[str, Path],
) -> dict[str, Path]:
    """The same by two processes over gloo, and the stopped run of one process, gone on with by two."""
    folder = tmp_path_factory.mktemp(request.param)
    for name in (STOPPED, *WHOLE):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(recipe(tiny_recipe, name)))
    shutil.copytree(alone["stopped"], folder / "stopped")
    launcher = ("-m", "accelerate.commands.launch", "--num_processes", "2", "--main_process_port", "0")
    done = subprocess.run(
        [sys.executable, *launcher, *LAUNCHERS[request.param], Path(__file__).with_name("launched.py"), folder],
        cwd=parity,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": _path(parity)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("proof: palaestra replay") == 1 + len(WHOLE)  # only the first process speaks
    runs = {name: folder / name for name in ("halfway", "stopped")}
    return runs | {name: next((folder / name).iterdir()) for name in WHOLE}


def _path(parity: Path) -> str:
    return os.pathsep.join([str(parity), *(path for path in sys.path if path)])


def assert_same(one: Path, other: Path, *others: str) -> None:
    rows = [read_json_lines(run / "metrics.jsonl") for run in (one, other)]
    for ours, theirs in zip(*rows, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours.keys() & set(COMPARED):
            assert theirs[name] == pytest.approx(ours[name], rel=1e-5, abs=1e-5), (ours["step"], name)
    for agent in ("agents/warm", "agents/evolved", *others):
        ours, theirs = (load_file(run / agent / "model.safetensors") for run in (one, other))
        assert ours.keys() == theirs.keys()
        for name, weight in ours.items():
            torch.testing.assert_close(theirs[name], weight, atol=1e-5, rtol=0)


def test_two_processes_end_as_one(alone: dict[str, Path], together: dict[str, Path]) -> None:
    assert_same(alone["grpo"], together["grpo"])
    assert_same(alone["dpo"], together["dpo"])
    texts = [
        [(episode.id, episode.turns[0].text) for episode in RunFolder(run["grpo"]).episodes.read()]
        for run in (alone, together)
    ]
    assert texts[0] == texts[1]
    moved = [load_file(together["grpo"] / "agents" / agent / "model.safetensors") for agent in ("warm", "evolved")]
    assert not any(torch.equal(*weights) for weights in zip(*(m.values() for m in moved), strict=True))


@pytest.mark.parametrize(("name", "model"), BESIDE.items())
def test_models_beside_the_policy_end_as_in_one_process(
    alone: dict[str, Path], together: dict[str, Path], name: str, model: str
) -> None:
    assert_same(alone[name], together[name], model)


def test_two_processes_go_on_from_the_checkpoint_of_one(alone: dict[str, Path], together: dict[str, Path]) -> None:
    assert not (alone["stopped"] / "leaderboard.html").exists()
    assert_same(alone[STOPPED], together["stopped"])
    head = load_file(together["stopped"] / "agents" / "evolved" / "model.safetensors")["score.weight"]
    assert head.abs().max() > 1e-4  # it has learned


def test_one_process_goes_on_from_the_checkpoint_of_two(
    alone: dict[str, Path], together: dict[str, Path], play_run: Play
) -> None:
    assert [path.name for path in (together["halfway"] / "checkpoints").iterdir()] == ["round-00005"]
    play_run(run=RunFolder.open(together["halfway"]))
    assert_same(alone[STOPPED], together["halfway"])


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"ACCELERATE_MIXED_PRECISION": "bf16"}, "set model.dtype=bfloat16"),
        ({"ACCELERATE_USE_CPU": "True", "MASTER_ADDR": "127.0.0.1"}, "say --multi_gpu, on CPUs too"),
        ({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "1"}, "say --fsdp_version 2"),
        ({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_OFFLOAD_PARAMS": "true"}, "no effect here"),
    ],
)
def test_an_option_of_the_launcher_without_effect_is_refused(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], said: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LaunchError, match=said):
        processes.join()


def test_a_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    assert processes.device("auto") == torch.device("cpu")
    with pytest.raises(LaunchError, match=r"set model\.device=auto"):
        processes.device("cuda")
