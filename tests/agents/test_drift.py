"""An engine that computes with a copy of the weights is held to the model that is trained."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import pytest
import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from palaestra.agents.drift import CheckedEngine, check_drift
from palaestra.agents.engine import EngineError
from palaestra.agents.transformers_engine import TransformersEngine


class Deaf(TransformersEngine):
    """Says that it has taken the weights, and has not."""

    def load(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        self.version = version


def change(model: LlamaForCausalLM) -> None:
    with torch.no_grad():
        model.model.norm.weight.mul_(1.01)


def test_an_engine_that_follows_is_let_go_on(model: LlamaForCausalLM) -> None:
    engine = CheckedEngine(TransformersEngine(copy.deepcopy(model)), model)
    for version in (1, 2):
        change(model)
        engine.load(model.named_parameters(), version)
    assert check_drift(engine, model) == check_drift(TransformersEngine(model), model)  # one on the very model


def test_an_engine_that_stays_behind_is_found_out(model: LlamaForCausalLM) -> None:
    engine = CheckedEngine(Deaf(copy.deepcopy(model)), model)
    change(model)
    with pytest.raises(EngineError, match=r"are 0\.\d+ a token away from the trainer's \(0\.0001 is allowed\)"):
        engine.load(model.named_parameters(), 1)


def test_an_engine_that_begins_with_other_weights_is_found_out(model: LlamaForCausalLM) -> None:
    other = copy.deepcopy(model)
    change(other)
    with pytest.raises(EngineError, match="engine: transformers"):
        CheckedEngine(TransformersEngine(other), model)


def test_logprobs_that_are_no_numbers_are_found_out(model: LlamaForCausalLM) -> None:
    engine = TransformersEngine(copy.deepcopy(model))
    with torch.no_grad():
        model.model.norm.weight.fill_(torch.nan)
    with pytest.raises(EngineError, match="are nan a token away"):
        check_drift(engine, model)


def test_a_coarse_model_is_held_to_less(model: LlamaForCausalLM) -> None:
    engine = TransformersEngine(copy.deepcopy(model))
    assert 1e-4 < check_drift(engine, model.to(torch.bfloat16)) < 0.05


def test_a_short_context_and_a_model_in_training_will_do(model: LlamaForCausalLM) -> None:
    model.config.max_position_embeddings = 20
    model.train()
    assert check_drift(TransformersEngine(copy.deepcopy(model)), model) < 1e-6
    assert model.training
