"""The same on a GPU: whole runs in bf16, stopped and gone on with, and the optimiser's state on the CPU."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM

from palaestra.agents.agent_folder import load_agent
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.pretrained import load_policy
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.arena.run_folder import RunFolder, read_json_lines
from palaestra.episodes.views import Row
from palaestra.trainers.batch import pack
from palaestra.trainers.forward import forward
from palaestra.trainers.losses import NLL
from palaestra.trainers.optimise import adamw, update

pytestmark = pytest.mark.gpu

Play = Callable[..., RunFolder]
Recipes = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("algorithm", ["grpo", "dpo"])
@pytest.mark.parametrize("changes", [{}, {"offload_optimizer": True}, {"lora": {"rank": 4}}])
def test_a_run_in_bf16_learns_stops_and_goes_on(
    play_run: Play, tiny_recipe: Recipes, changes: dict[str, Any], algorithm: str
) -> None:
    recipe = tiny_recipe(model={"device": "cuda", "dtype": "bfloat16", "gradient_checkpointing": True, **changes})
    recipe["evolve"]["algorithm"] = algorithm
    run = play_run(recipe, stop_after=4)
    play_run(run=RunFolder.open(run.path))
    rows = read_json_lines(run.metrics)
    assert [row["phase"] for row in rows] == ["start", "warm", "warm", "evolve", "evolve", "evolve"]
    assert all(row.get("abs_log_ratio", 0) < 0.05 for row in rows)
    hashes = {load_policy(run.path / "agents" / name).actor.weights_hash for name in ("start", "warm", "evolved")}
    assert len(hashes) == 3
    evolved = load_agent(run.path / "agents" / "evolved")
    assert isinstance(evolved, PolicyLLM)
    assert isinstance(evolved.engine, TransformersEngine)
    assert evolved.engine.model.device.type == "cuda"


def test_the_gpu_computes_what_the_cpu_does(model: LlamaForCausalLM, make_rows: Callable[..., list[Row]]) -> None:
    batch, there = pack(make_rows()), copy.deepcopy(model).to("cuda")
    on_gpu = forward(there, batch.to(torch.device("cuda"))).logprobs.cpu()
    torch.testing.assert_close(on_gpu, forward(model, batch).logprobs, atol=1e-4, rtol=0)


def test_an_optimiser_on_the_cpu_takes_the_same_steps(
    model: LlamaForCausalLM, make_rows: Callable[..., list[Row]]
) -> None:
    ours, theirs = model.to("cuda"), copy.deepcopy(model).to("cuda")
    for one, device in ((ours, torch.device("cpu")), (theirs, None)):
        optimizer = adamw(one, device=device)
        for _ in range(3):
            update(one, optimizer, pack(make_rows()), NLL(), learning_rate=1e-3, max_tokens=60)
        assert all(state["exp_avg"].device.type == (device or one.device).type for state in optimizer.state.values())
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q, atol=1e-4, rtol=0)
