"""Small models that vLLM can hold (its attention on a CPU takes heads of 32), and an engine on one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM

from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.vllm_engine import VllmEngine

Pair = tuple[LlamaForCausalLM, VllmEngine]
ENDS = [1, *range(50, 70)]


def small_model(tied: bool = True) -> LlamaForCausalLM:
    """Random weights that are far from uniform, and many ways to end."""
    model = nano_model(nano_tokenizer(), hidden=64, layers=2, heads=2, seed=3)
    if not tied:
        model.config.tie_word_embeddings = False
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().flip(0).clone())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    model.generation_config.eos_token_id = ENDS
    return model.eval()


def start(model: Any, **options: Any) -> VllmEngine:
    """An engine; the first of a process takes half a minute, others a second."""
    return VllmEngine(model, kv_cache_memory_bytes=1 << 28, **options)


@pytest.fixture(name="start", scope="session")
def _start() -> Callable[..., VllmEngine]:
    torch.set_num_threads(1)
    return start


@pytest.fixture(scope="session")
def pairs(start: Callable[..., VllmEngine]) -> dict[bool, Pair]:
    """Models and engines with their weights, by whether the model's output layer is its embeddings."""
    models = {tied: small_model(tied) for tied in (True, False)}
    return {tied: (model, start(model)) for tied, model in models.items()}


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def either(pairs: dict[bool, Pair], request: pytest.FixtureRequest) -> Iterator[Pair]:
    yield from as_it_was(pairs[request.param])


@pytest.fixture
def pair(pairs: dict[bool, Pair]) -> Iterator[Pair]:
    yield from as_it_was(pairs[True])


def as_it_was(pair: Pair) -> Iterator[Pair]:
    """The pair, put back afterwards."""
    model, engine = pair
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    yield pair
    model.load_state_dict(before)
    engine.load(model.named_parameters(), 0)
