"""Rows that end leave the batch, prompts that wait enter it, and no answer shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, Lfm2Config, LlamaForCausalLM, Mamba2Config, MambaConfig, PreTrainedConfig

from palaestra.agents.batching import Row, complete
from palaestra.agents.engine import EngineError, Sampling, TokenIds
from palaestra.agents.fast_decode import FusedDecoder
from palaestra.agents.plain_decode import PlainDecoder
from palaestra.agents.slots import Reading, SlotCache
from palaestra.agents.transformers_engine import TransformersEngine

ENDS = range(0, 260, 25)  # a tenth of all ids, so that lengths are skewed


class Recorder:
    """A decoder that notes what it was asked."""

    def __init__(self, decoder: PlainDecoder | FusedDecoder) -> None:
        self.decoder = decoder
        self.read_prompts: list[tuple[int, ...]] = []
        self.steps: list[int] = []  # rows of each
        self.columns: list[int] = []

    def cache(self, slots: int, longest: int, room: int) -> SlotCache:
        return self.decoder.cache(slots, longest, room)

    def read(self, prompts: Sequence[TokenIds]) -> Reading:
        self.read_prompts += map(tuple, prompts)
        return self.decoder.read(prompts)

    def step(self, tokens: torch.Tensor, positions: torch.Tensor, cache: SlotCache) -> torch.Tensor:
        self.steps.append(len(tokens))
        logits = self.decoder.step(tokens, positions, cache)
        self.columns.append(cache.column)
        return logits


@pytest.fixture(params=["fused", "plain"])
def recorder(model: LlamaForCausalLM, request: pytest.FixtureRequest) -> Recorder:
    with torch.no_grad():
        return Recorder(FusedDecoder(model, 256, 4) if request.param == "fused" else PlainDecoder(model))


def rows_of(prompts: Sequence[Sequence[int]], max_tokens: int) -> list[Row]:
    return [
        Row(tuple(prompt), np.random.default_rng(seed).random(max_tokens).tolist())
        for seed, prompt in enumerate(prompts)
    ]


def answers(decoder: Recorder, prompts: Sequence[Sequence[int]], max_tokens: int, max_rows: int) -> list[Row]:
    rows = rows_of(prompts, max_tokens)
    complete(decoder, rows, Sampling(max_tokens=max_tokens), set(ENDS), max_rows)
    return rows


def same(ones: Sequence[Row], others: Sequence[Row]) -> None:
    for one, other in zip(ones, others, strict=True):
        assert one.token_ids == other.token_ids
        np.testing.assert_allclose(one.logprobs, other.logprobs, atol=1e-5)


def alone(decoder: Recorder, prompts: Sequence[Sequence[int]], max_tokens: int) -> list[Row]:
    rows = rows_of(prompts, max_tokens)
    for row in rows:
        complete(decoder, [row], Sampling(max_tokens=max_tokens), set(ENDS), 1)
    return rows


def test_waiting_prompts_take_the_place_of_rows_that_ended(recorder: Recorder) -> None:
    prompts = [[3 + i, 9, *range(20, 20 + i % 9)] for i in range(40)]
    rows = answers(recorder, prompts, 30, max_rows=6)
    assert max(recorder.steps) == 6
    waves = [rows[start : start + 6] for start in range(0, 40, 6)]
    by_waves = sum(max(len(row.token_ids) - 1 for row in wave) for wave in waves)
    assert len(recorder.steps) < 0.75 * by_waves
    assert sum(recorder.steps) == sum(len(row.token_ids) - 1 for row in rows)  # and no ended row is decoded
    refilled = [before < after for before, after in pairwise(recorder.steps)]
    assert sum(refilled) > 5
    same(rows, alone(recorder, prompts, 30))


def test_the_columns_are_used_again_when_they_are_full(recorder: Recorder) -> None:
    """Prompts grow, so that the longest come in late; a full batch never empties, so that columns only run on."""
    prompts = [[3 + i % 50, *range(20, 20 + i // 4)] for i in range(60)]
    rows = answers(recorder, prompts, 8, max_rows=4)
    shifts = [before - after for before, after in pairwise(recorder.columns) if after <= before]
    assert len(shifts) > 3
    assert max(recorder.columns) <= max(map(len, prompts)) + 2 * 8
    same(rows, alone(recorder, prompts, 8))


@pytest.mark.parametrize("max_rows", [1, 3, 7, 100])
def test_an_equal_prompt_is_read_once_however_its_rows_enter(recorder: Recorder, max_rows: int) -> None:
    kinds = [[7, 8, 9], [40], [5, 6, 7, 8, 9, 10], [90, 91]]
    prompts = [kinds[i % 4] for i in range(16)]
    rows = answers(recorder, prompts, 8, max_rows)
    assert sorted(recorder.read_prompts) == sorted(map(tuple, kinds))
    same(rows, alone(recorder, prompts, 8))


def test_the_answers_come_in_the_order_of_the_prompts(engine: TransformersEngine, model: LlamaForCausalLM) -> None:
    prompts = [[7, 8], [9], [7, 8], [40, 41, 42]] * 5
    sampling = Sampling(max_tokens=10, seeds=tuple(range(20)))
    few = TransformersEngine(model, max_rows=3)
    together, waiting = engine.generate(prompts, sampling), few.generate(prompts, sampling)
    assert [one.token_ids for one in together] == [one.token_ids for one in waiting]
    assert waiting == few.generate(prompts, sampling)  # the same batches give the same bits


KEEPS_MORE: list[PreTrainedConfig] = [
    Lfm2Config(
        vocab_size=267,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        layer_types=["conv", "full_attention"],
    ),
    Mamba2Config(
        vocab_size=267, hidden_size=32, num_hidden_layers=2, num_heads=4, head_dim=16, state_size=8, n_groups=1
    ),
    MambaConfig(vocab_size=267, hidden_size=32, num_hidden_layers=2, state_size=8),
]


@pytest.mark.parametrize("config", KEEPS_MORE, ids=lambda config: config.model_type)
def test_models_that_keep_something_else_than_keys_and_values_are_sampled_from(config: PreTrainedConfig) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    prompts = [[5 + i % 3, 9, *range(20, 20 + i % 5)] for i in range(12)]
    sampling = Sampling(max_tokens=12, seeds=tuple(range(12)))
    engine = TransformersEngine(model, eos_ids=ENDS, max_rows=5)
    for i, (prompt, answer) in enumerate(zip(prompts, engine.generate(prompts, sampling), strict=True)):
        assert answer.token_ids == engine.generate([prompt], replace(sampling, seeds=(i,)))[0].token_ids
        ids = torch.tensor([*prompt, *answer.token_ids])
        with torch.no_grad():
            logp = model(ids[None]).logits[0].log_softmax(-1)[len(prompt) - 1 : -1]
        expected = logp.gather(1, ids[len(prompt) :, None]).squeeze(1)
        np.testing.assert_allclose(answer.logprobs, expected, atol=1e-5)


def test_a_model_without_a_cache_is_refused(model: LlamaForCausalLM) -> None:
    class Bare(LlamaForCausalLM):
        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            raise NotImplementedError

    model.__class__ = Bare
    with pytest.raises(EngineError, match="Bare takes no cache"):
        PlainDecoder(model)
