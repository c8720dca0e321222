"""The hand-written decoder gives the model's own numbers, is used only where it does, and never with old weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GraniteConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)

from palaestra.agents.engine import Completion, Sampling
from palaestra.agents.fast_decode import FusedDecoder
from palaestra.agents.llama_shape import fits
from palaestra.agents.plain_decode import PlainDecoder
from palaestra.agents.transformers_engine import TransformersEngine

SIZES = {
    "vocab_size": 267,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
    "eos_token_id": 1,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 64}
FAST: dict[str, PreTrainedConfig] = {
    "llama": LlamaConfig(**SIZES, num_key_value_heads=4, tie_word_embeddings=False),
    "llama with biases": LlamaConfig(**SIZES, num_key_value_heads=1, attention_bias=True, mlp_bias=True),
    "llama 3": LlamaConfig(**SIZES, num_key_value_heads=2, rope_parameters=LLAMA3, head_dim=8),
    "yarn": LlamaConfig(**SIZES, num_key_value_heads=2, rope_parameters=YARN),
    "qwen2": Qwen2Config(**SIZES, num_key_value_heads=2, tie_word_embeddings=True),
    "mistral": MistralConfig(**SIZES, num_key_value_heads=2, sliding_window=None),
}
PLAIN: dict[str, PreTrainedConfig] = {
    "gpt2": GPT2Config(vocab_size=267, n_embd=32, n_layer=2, n_head=2, n_positions=256, eos_token_id=1),
    "sliding window": MistralConfig(**SIZES, num_key_value_heads=2, sliding_window=8),
    "norms of queries": Qwen3Config(**SIZES, num_key_value_heads=2, head_dim=16),
    "dynamic rotation": LlamaConfig(
        **SIZES, rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}
    ),
    "other sums": GraniteConfig(**SIZES, num_key_value_heads=2, residual_multiplier=0.5),
}
PROMPTS = [[3 + i % 5, 9, *range(20, 20 + i % 7)] for i in range(24)]
ENDS = range(0, 260, 25)  # a tenth of all ids, so that rows leave all the time
SAMPLING = Sampling(max_tokens=30, seeds=tuple(range(24)))


def build(config: PreTrainedConfig) -> PreTrainedModel:
    """A model with transformers' own random weights, and biases and norms that do something."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: PreTrainedModel = AutoModelForCausalLM.from_config(copy.deepcopy(config), dtype=torch.float32)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() == 1:
                    parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def largest_error(model: PreTrainedModel, answers: list[Completion], prompts: list[list[int]] = PROMPTS) -> float:
    """Of the answers' log-probabilities, beside one unpadded forward pass each without a cache."""
    errors = []
    for prompt, answer in zip(prompts, answers, strict=True):
        ids = torch.tensor([*prompt, *answer.token_ids], device=model.device)
        with torch.no_grad():
            logp = model(ids[None]).logits[0].log_softmax(-1)[len(prompt) - 1 : -1]
        expected = logp.gather(1, ids[len(prompt) :, None]).squeeze(1).double().cpu()
        errors.append(float((torch.tensor(answer.logprobs, dtype=torch.double) - expected).abs().max()))
    return max(errors)


@pytest.mark.parametrize("name", FAST)
def test_logprobs_are_those_of_the_plain_forward_pass(name: str) -> None:
    """Rows in the dozens, which leave one by one, and a single one: both ways to attend."""
    model = build(FAST[name])
    engine = TransformersEngine(model, eos_ids=ENDS)
    assert isinstance(engine.decoder(42, 24), FusedDecoder)
    answers = engine.generate(PROMPTS, SAMPLING)
    assert len({len(answer.token_ids) for answer in answers}) > 5
    assert largest_error(model, answers) <= 1e-6
    for seed in (0, 6, 13):
        alone = engine.generate([PROMPTS[seed]], replace(SAMPLING, seeds=(seed,)))
        assert alone[0].token_ids == answers[seed].token_ids
        assert largest_error(model, alone, [PROMPTS[seed]]) <= 1e-6


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_not_of_llamas_shape_decodes_by_its_own_forward_pass(name: str) -> None:
    model = build(PLAIN[name])
    engine = TransformersEngine(model, eos_ids=ENDS)
    assert isinstance(engine.decoder(42, 24), PlainDecoder)
    assert largest_error(model, engine.generate(PROMPTS, SAMPLING)) <= 1e-6


def test_far_from_uniform_both_decoders_are_as_near_the_truth_as_the_plain_forward_pass(
    model: LlamaForCausalLM,
) -> None:
    """Where rounding itself is more than 1e-6: beside the same model in fp64."""
    exact = copy.deepcopy(model).double()
    engine = TransformersEngine(model, eos_ids=ENDS)
    answers = engine.generate(PROMPTS, SAMPLING)
    plain_pass = [
        replace(answer, logprobs=tuple(plain_logprobs(model, prompt, answer.token_ids)))
        for prompt, answer in zip(PROMPTS, answers, strict=True)
    ]
    assert isinstance(engine.decoder(42, 24), FusedDecoder)
    assert largest_error(exact, answers) <= 2 * largest_error(exact, plain_pass)


def plain_logprobs(model: PreTrainedModel, prompt: list[int], answer: tuple[int, ...]) -> list[float]:
    ids = torch.tensor([*prompt, *answer])
    with torch.no_grad():
        logp = model(ids[None]).logits[0].log_softmax(-1)[len(prompt) - 1 : -1]
    found: list[float] = logp.gather(1, ids[len(prompt) :, None]).squeeze(1).tolist()
    return found


def test_both_decoders_sample_the_same_tokens(model: LlamaForCausalLM) -> None:
    fused = TransformersEngine(model, eos_ids=ENDS)
    plain = TransformersEngine(model, eos_ids=ENDS)
    model.model.layers[0].register_forward_hook(lambda *_: None)
    by_the_model = plain.generate(PROMPTS, SAMPLING)
    assert isinstance(plain.decoder(42, 24), PlainDecoder)
    model.model.layers[0]._forward_hooks.clear()
    assert isinstance(fused.decoder(42, 24), FusedDecoder)
    for one, other in zip(fused.generate(PROMPTS, SAMPLING), by_the_model, strict=True):
        assert one.token_ids == other.token_ids


@pytest.mark.parametrize("through_data", [False, True])
def test_weights_changed_in_place_are_used_at_once(model: LlamaForCausalLM, through_data: bool) -> None:
    """As an optimiser does, and as nothing in torch takes note of; without a word to the engine."""
    engine = TransformersEngine(model, eos_ids=ENDS)
    before = engine.generate(PROMPTS, SAMPLING)
    for parameter in model.parameters():
        if through_data:
            parameter.data.neg_()
        else:
            with torch.no_grad():
                parameter.neg_()
    assert isinstance(engine.decoder(42, 24), FusedDecoder)
    after = engine.generate(PROMPTS, SAMPLING)
    assert [a.token_ids for a in after] != [b.token_ids for b in before]
    assert largest_error(model, after) <= 1e-5


def hooked(model: LlamaForCausalLM) -> None:
    model.model.layers[1].mlp.register_forward_hook(lambda module, given, result: 2 * result)


def replaced_forward(model: LlamaForCausalLM) -> None:
    plain = model.model.norm.forward
    model.model.norm.forward = lambda x: 2 * plain(x)  # type: ignore[method-assign]


def adapted(model: LlamaForCausalLM) -> None:
    inject_adapter_in_model(LoraConfig(target_modules=["q_proj"], init_lora_weights=False), model)


def parametrised(model: LlamaForCausalLM) -> None:
    nn.utils.parametrizations.weight_norm(model.model.layers[0].mlp.up_proj)


def doubled_gate(model: LlamaForCausalLM) -> None:
    """The same modules, another formula: only the numbers tell."""

    class Doubled(type(model.model.layers[0].mlp)):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)  # type: ignore[no-any-return]

    model.model.layers[0].mlp.__class__ = Doubled
    assert fits(model)


@pytest.mark.parametrize("change", [hooked, replaced_forward, adapted, parametrised, doubled_gate])
def test_a_model_that_is_not_what_it_seems_decodes_by_its_own_forward_pass(
    model: LlamaForCausalLM, change: Callable[[LlamaForCausalLM], None]
) -> None:
    change(model)
    engine = TransformersEngine(model, eos_ids=ENDS)
    assert isinstance(engine.decoder(42, 24), PlainDecoder)
    assert largest_error(model, engine.generate(PROMPTS, SAMPLING)) <= 1e-5


@pytest.mark.parametrize("change", [hooked, replaced_forward, adapted, parametrised])
def test_a_model_that_is_changed_later_is_looked_at_anew(
    model: LlamaForCausalLM, change: Callable[[LlamaForCausalLM], None]
) -> None:
    engine = TransformersEngine(model, eos_ids=ENDS)
    engine.generate(PROMPTS, SAMPLING)
    change(model)
    assert isinstance(engine.decoder(42, 24), PlainDecoder)
    assert largest_error(model, engine.generate(PROMPTS, SAMPLING)) <= 1e-5


def test_other_precisions_are_not_decoded_by_hand(model: LlamaForCausalLM) -> None:
    assert fits(model)
    assert not fits(copy.deepcopy(model).to(torch.bfloat16))
    model.model.layers[0].mlp.to(torch.float64)
    assert not fits(model)


def test_the_hand_written_decoder_draws_no_random_numbers_and_leaves_no_trace(model: LlamaForCausalLM) -> None:
    model.train()
    state = torch.get_rng_state()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    TransformersEngine(model).generate(PROMPTS, SAMPLING)
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    model(torch.tensor([[5, 6]])).logits.sum().backward()  # the weights are no inference tensors
