"""A model that reads pictures too, whose sizes are in a part of its config, is a policy as any other."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import AutoModelForCausalLM, Gemma3Config, Gemma3TextConfig, SiglipVisionConfig

from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.chat import ChatFormat
from palaestra.agents.drift import check_drift
from palaestra.agents.engine import Outgrown, Sampling
from palaestra.agents.evaluator import Evaluator, add_value_head
from palaestra.agents.nano import nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.strategies.cot_decoding import CoTDecoding
from palaestra.agents.transformers_engine import TransformersEngine


@pytest.fixture
def policy() -> PolicyLLM:
    tokenizer = nano_tokenizer()
    text = Gemma3TextConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=400,
    )
    vision = SiglipVisionConfig(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)
    config = Gemma3Config(text_config=text, vision_config=vision, image_token_index=1)
    model: Any = AutoModelForCausalLM.from_config(config).float()
    return PolicyLLM(TransformersEngine(model, [tokenizer.eos_token_id]), ChatFormat(tokenizer), Sampling(max_tokens=8))


def test_its_context_is_known(policy: PolicyLLM) -> None:
    with pytest.raises(Outgrown, match="context of 400"):
        policy.generate([[7] * 393], policy.sampling)


def test_its_first_tokens_its_drift_and_a_head_on_it_are_found(policy: PolicyLLM) -> None:
    (reply,) = CoTDecoding(policy, 2).respond([Dialogue((Message("user", "Q"),))])
    assert reply.meta["of"] == 2
    model: Any = policy.engine.model  # type: ignore[attr-defined]
    assert check_drift(policy.engine, model) < 1e-4
    add_value_head(model)
    assert Evaluator(model, policy.chat.tokenizer).score([[7, 8]], [[9]]) == [0.0]
