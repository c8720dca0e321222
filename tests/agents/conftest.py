"""A tiny model with random weights that are far from uniform, and an engine on it."""

from __future__ import annotations

import pytest
import torch
from transformers import LlamaForCausalLM

from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.transformers_engine import TransformersEngine


@pytest.fixture
def model() -> LlamaForCausalLM:
    model = nano_model(nano_tokenizer(), hidden=32, layers=2, heads=2, seed=3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return model.eval()


@pytest.fixture
def engine(model: LlamaForCausalLM) -> TransformersEngine:
    return TransformersEngine(model)
