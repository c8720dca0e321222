"""A tiny model, and rows made by hand, for exact tests of the learner."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.episodes.views import Row


@pytest.fixture
def model() -> LlamaForCausalLM:
    model = nano_model(nano_tokenizer(), hidden=32, layers=2, heads=2, seed=3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)  # away from the uniform distribution that small initial weights give
    return model


def make_rows(prompts: int = 3, answers: int = 3, seed: int = 0, temperature: float = 1.0) -> list[Row]:
    """Rows of random ids: ``prompts`` groups of ``answers`` rows each, lengths all different."""
    rng = np.random.default_rng(seed)
    rows = []
    for group in range(prompts):
        prompt = rng.integers(5, 250, size=4 + 3 * group)
        for answer in range(answers):
            ids = np.concatenate([prompt, rng.integers(5, 250, size=int(rng.integers(1, 20)))])
            action = np.arange(len(ids)) >= len(prompt)
            logprobs = np.where(action, rng.normal(-5, 0.3, len(ids)), 0).astype(np.float32)
            rows.append(
                Row(ids, action, logprobs, float(answer % 2), f"{group}/{answer}", f"{group}", "e", "r", temperature)
            )
    return rows


@pytest.fixture(name="make_rows")
def _make_rows() -> Callable[..., list[Row]]:
    return make_rows


def gradient(model: LlamaForCausalLM) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
