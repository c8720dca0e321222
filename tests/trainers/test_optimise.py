"""The one loop: schedules, clipping, and updates that must not be taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, LlamaForCausalLM

from palaestra.agents.engine import Sampling
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.episodes.views import Row
from palaestra.trainers.batch import Batch, pack, with_gradient
from palaestra.trainers.forward import Outputs, forward
from palaestra.trainers.losses import NLL, PolicyGradient
from palaestra.trainers.model_evolution import check_on_policy
from palaestra.trainers.optimise import Schedule, TrainingError, adamw, update

Rows = Callable[..., list[Row]]


def weights(model: torch.nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten().clone() for p in model.parameters()])


def sampled(engine: TransformersEngine, temperature: float = 1.0, answers: int = 6) -> list[Row]:
    """Fresh rows of the engine's own tokens, as a rollout logs them."""
    prompts = [[7, 8, 9, 10 + i // 2] for i in range(answers)]
    sampling = Sampling(temperature=temperature, max_tokens=10, seeds=tuple(range(answers)))
    rows = []
    for i, (prompt, completion) in enumerate(zip(prompts, engine.generate(prompts, sampling), strict=True)):
        ids = np.array([*prompt, *completion.token_ids])
        action = np.arange(len(ids)) >= len(prompt)
        logprobs = np.zeros(len(ids), dtype=np.float32)
        logprobs[action] = completion.logprobs
        rows.append(Row(ids, action, logprobs, float(i % 2), f"{i}", f"{i // 2}", "e", "r", temperature))
    return rows


def first_update(model: LlamaForCausalLM, rows: list[Row]) -> dict[str, float]:
    batch = pack(rows, np.array([row.reward - 0.5 for row in rows]))
    return update(model, adamw(model), batch, PolicyGradient(clip_low=0.2, clip_high=0.2), learning_rate=1e-3)


def test_the_schedule_warms_up_and_cools_down() -> None:
    schedule = Schedule(2.0, warmup=4, total=14, final=0.1)
    assert [schedule(step) for step in range(4)] == [0.5, 1.0, 1.5, 2.0]
    assert schedule(4) == 2.0
    assert schedule(9) == pytest.approx(2.0 * (0.1 + 0.9 * 0.5))
    assert schedule(14) == schedule(1000) == pytest.approx(0.2)
    assert Schedule(2.0)(0) == Schedule(2.0, warmup=3)(500) == 2.0


def test_a_step_goes_down_the_loss_at_the_given_rate(model: LlamaForCausalLM, make_rows: Rows) -> None:
    batch = pack(make_rows())
    optimizer = adamw(model)
    losses = [update(model, optimizer, batch, NLL(), learning_rate=0.01)["loss"] for _ in range(5)]
    assert losses == sorted(losses, reverse=True)
    assert {group["lr"] for group in optimizer.param_groups} == {0.01}


def test_a_rate_of_nothing_changes_nothing(model: LlamaForCausalLM, make_rows: Rows) -> None:
    before = weights(model)
    update(model, adamw(model), pack(make_rows()), NLL(), learning_rate=0.0)
    assert torch.equal(weights(model), before)


def test_matrices_decay_and_vectors_do_not(model: LlamaForCausalLM) -> None:
    matrices, vectors = adamw(model, weight_decay=0.3).param_groups
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.3, 0.0)
    assert all(p.ndim == 1 for p in vectors["params"])
    assert sum(p.numel() for group in (matrices, vectors) for p in group["params"]) == model.num_parameters()


@pytest.mark.parametrize("clip_norm", [1e-3, 1e9])
def test_the_gradient_is_clipped_to_its_norm(model: LlamaForCausalLM, make_rows: Rows, clip_norm: float) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    before = weights(model)
    metrics = update(model, optimizer, pack(make_rows()), NLL(), learning_rate=0.5, clip_norm=clip_norm)
    moved = (weights(model) - before).norm().item()
    assert moved == pytest.approx(0.5 * min(clip_norm, metrics["gradient_norm"]), rel=0.02)


@pytest.mark.parametrize("max_tokens", [40, 8192])
def test_metrics_do_not_depend_on_the_split(model: LlamaForCausalLM, make_rows: Rows, max_tokens: int) -> None:
    rows = make_rows()
    batch = pack(rows, np.linspace(-1, 1, len(rows)))
    whole = PolicyGradient(clip_low=0.2, clip_high=0.2)(batch, forward(model, batch))[1]
    metrics = update(
        model,
        adamw(model),
        batch,
        PolicyGradient(clip_low=0.2, clip_high=0.2),
        learning_rate=0.0,
        max_tokens=max_tokens,
    )
    assert {name: metrics[name] for name in whole} == pytest.approx({k: v.item() for k, v in whole.items()}, rel=1e-4)


def test_an_infinite_loss_is_refused_and_leaves_the_weights(model: LlamaForCausalLM, make_rows: Rows) -> None:
    rows = make_rows()
    advantages = np.ones(len(rows))
    advantages[4] = math.nan
    before, optimizer = weights(model), adamw(model)
    with pytest.raises(TrainingError, match=r"the loss is nan on sequences \[.*4.*\]"):
        update(model, optimizer, pack(rows, advantages), PolicyGradient(), learning_rate=0.1, max_tokens=40)
    assert torch.equal(weights(model), before)
    assert not optimizer.state


def test_an_infinite_gradient_is_refused_and_leaves_the_weights(model: LlamaForCausalLM, make_rows: Rows) -> None:
    class Steep(NLL):
        def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
            return (outputs.logprobs * 0).abs().sqrt().sum(), {}  # finite, with slope 0 times infinity

    before = weights(model)
    with pytest.raises(TrainingError, match="gradient"):
        update(model, adamw(model), pack(make_rows()), Steep(), learning_rate=0.1)
    assert torch.equal(weights(model), before)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_fresh_samples_have_ratio_one(model: LlamaForCausalLM, temperature: float) -> None:
    metrics = first_update(model, sampled(TransformersEngine(model), temperature))
    assert metrics["max/ratio_error"] < 1e-4
    assert metrics["ratio"] == pytest.approx(1, abs=1e-5)
    check_on_policy(metrics)


def test_stale_weights_in_the_engine_are_found(model: LlamaForCausalLM) -> None:
    rows = sampled(TransformersEngine(model))
    with torch.no_grad():
        model.model.norm.weight.mul_(1.02)
    metrics = first_update(model, rows)
    assert metrics["kl_behaviour"] > 0
    with pytest.raises(TrainingError, match="does not run the trainer's weights"):
        check_on_policy(metrics)


def test_another_temperature_in_the_engine_is_found(model: LlamaForCausalLM) -> None:
    rows = [replace(row, temperature=1.0) for row in sampled(TransformersEngine(model), 0.9)]
    with pytest.raises(TrainingError, match="temperature"):
        check_on_policy(first_update(model, rows))


def test_zero_advantage_answers_count_in_the_loss_and_not_in_the_diagnostics(model: LlamaForCausalLM) -> None:
    rows = sampled(TransformersEngine(model))
    batch = with_gradient(pack(rows, np.array([1.0, -1, 0, 0, 0, 0])))
    assert batch is not None
    _, metrics = PolicyGradient()(batch, forward(model, batch))
    assert metrics["ratio"].item() == pytest.approx(1, abs=1e-5)
    assert batch.n_measured < batch.n_tokens


def test_dropout_is_off_while_learning() -> None:
    """Else fresh samples would not have ratio 1 with the many models that are published with dropout."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        gpt2 = GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=2, n_head=2, vocab_size=300, n_positions=64))
    assert gpt2.config.resid_pdrop > 0
    gpt2.train()
    rows = sampled(TransformersEngine(gpt2, eos_ids=[1]))
    batch = pack(rows, np.ones(len(rows)))
    metrics = update(gpt2, adamw(gpt2), batch, PolicyGradient(), learning_rate=1e-3)
    check_on_policy(metrics)
