"""A tiny model with random weights that are far from uniform, and an engine on it."""

from __future__ import annotations

from collections.abc import Iterator

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


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """With more, how a sum is split depends on the shape of its batch, so that the last bits do too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
