"""vLLM samples from the model's own distribution, before and after updates; where it does not, it is found out."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from palaestra.agents.drift import CheckedEngine, check_drift
from palaestra.agents.engine import Completion, EngineError, Sampling
from palaestra.agents.vllm_engine import CPU_BATCH_TOKENS, VllmEngine

pytestmark = pytest.mark.vllm
Start = Callable[..., VllmEngine]
Pair = tuple[LlamaForCausalLM, VllmEngine]

PROMPTS = [[7, 8, 9], [40], [100, 3, 200, 17, 60, 61], [7, 8, 9], list(range(5, 260)) + list(range(260, 5, -2))]
SAMPLING = Sampling(max_tokens=24, seeds=(1, 2, 3, 2**63 + 5, 5))


@torch.no_grad()
def plain_logprobs(
    model: LlamaForCausalLM, prompt: list[int], answer: tuple[int, ...], temperature: float
) -> list[float]:
    """By one unpadded forward pass without a cache."""
    ids = torch.tensor([*prompt, *answer])
    logp = (model(ids[None]).logits[0] / temperature).log_softmax(-1)
    logprobs: list[float] = logp[len(prompt) - 1 : -1].gather(1, ids[len(prompt) :, None]).squeeze(1).tolist()
    return logprobs


def assert_parity(model: LlamaForCausalLM, engine: VllmEngine) -> list[Completion]:
    completions = []
    for temperature in (1.0, 0.7):
        completions += engine.generate(PROMPTS, replace(SAMPLING, temperature=temperature))
        for prompt, completion in zip(PROMPTS, completions[-len(PROMPTS) :], strict=True):
            expected = plain_logprobs(model, prompt, completion.token_ids, temperature)
            np.testing.assert_allclose(completion.logprobs, expected, rtol=0, atol=1e-5)
    return completions


def update(model: LlamaForCausalLM, optimizer: torch.optim.Optimizer) -> None:
    """A step that makes each prompt likelier."""
    for prompt in PROMPTS[2:]:
        ids = torch.tensor([prompt])
        model(ids, labels=ids).loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def test_logprobs_are_the_trainers_before_and_after_three_updates(either: Pair) -> None:
    model, engine = either
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    completions = assert_parity(model, engine)
    for version in (1, 2, 3):
        update(model, optimizer)
        old = [
            plain_logprobs(model, prompt, completion.token_ids, 1.0)
            for prompt, completion in zip(PROMPTS, completions, strict=False)
        ]
        stale = [abs(np.array(new) - c.logprobs).mean() for new, c in zip(old, completions, strict=False)]
        assert min(stale) > 1e-2  # so that the old weights would not pass
        engine.load(model.named_parameters(), version)
        completions = assert_parity(model, engine)
        assert {completion.weights_version for completion in completions} == {version}


def test_every_end_id_of_the_generation_config_ends_an_answer(pair: Pair) -> None:
    model, engine = pair
    ends = set(model.generation_config.eos_token_id)
    completions = engine.generate([[7, 8, 9]] * 60, Sampling(max_tokens=40, seeds=tuple(range(60))))
    last = {completion.token_ids[-1] for completion in completions if completion.finish_reason == "stop"}
    assert len(last & ends) > 5
    for completion in completions:
        assert len(completion.logprobs) == len(completion.token_ids)
        assert not set(completion.token_ids[:-1]) & ends
        assert (completion.finish_reason == "stop") == (completion.token_ids[-1] in ends)
        assert completion.finish_reason == "stop" or len(completion.token_ids) == 40


def test_an_answer_depends_on_its_seed_and_not_on_its_neighbours(pair: Pair) -> None:
    _, engine = pair
    together = engine.generate(PROMPTS, SAMPLING)
    assert SAMPLING.seeds is not None
    for prompt, seed, completion in zip(PROMPTS, SAMPLING.seeds, together, strict=True):
        (alone,) = engine.generate([prompt], replace(SAMPLING, seeds=(seed,)))
        assert alone.token_ids == completion.token_ids
        np.testing.assert_allclose(alone.logprobs, completion.logprobs, atol=1e-5)
    assert together[0].token_ids != together[3].token_ids
    free = engine.generate([[7, 8]] * 2, Sampling(max_tokens=12))
    assert free[0].token_ids != free[1].token_ids


def test_more_prompts_than_are_read_in_one_step_keep_their_seeds(pair: Pair) -> None:
    _, engine = pair
    prompts = [[5 + row, *range(20, 220)] * 5 for row in range(12)]
    assert sum(map(len, prompts)) > CPU_BATCH_TOKENS
    completions = engine.generate(prompts, Sampling(max_tokens=4, seeds=(3,) * 12))
    for row in (0, 11):
        assert engine.generate([prompts[row]], Sampling(max_tokens=4, seeds=(3,)))[0].token_ids == (
            completions[row].token_ids
        )


def test_the_greedy_answer_is_the_likeliest_token_each_time(pair: Pair) -> None:
    model, engine = pair
    answer = engine.generate([[7, 8, 9]], Sampling(temperature=0, max_tokens=6))[0].token_ids
    ids = [7, 8, 9]
    for token in answer:
        assert token == int(model(torch.tensor([ids])).logits[0, -1].argmax())
        ids.append(token)


def test_tokens_are_drawn_as_often_as_they_are_likely_and_logprobs_are_of_what_they_are_drawn_from(pair: Pair) -> None:
    model, engine = pair
    draws = 1500
    with torch.no_grad():
        best = (model(torch.tensor([[7, 8]])).logits[0, -1] / 0.5).softmax(-1).double().topk(3)
    share = (best.values / best.values.sum()).numpy()
    sampling = Sampling(temperature=0.5, top_k=3, max_tokens=1, seeds=tuple(range(draws)))
    completions = engine.generate([[7, 8]] * draws, sampling)
    drawn = np.array([best.indices.tolist().index(completion.token_ids[0]) for completion in completions])
    np.testing.assert_allclose([c.logprobs[0] for c in completions], np.log(share)[drawn], atol=1e-5)
    deviation = np.sqrt(draws * share * (1 - share))
    assert (abs(np.bincount(drawn, minlength=3) - draws * share) < 4 * deviation).all()


def test_a_cache_that_outlives_an_update_is_found_out(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    model, engine = pair
    checked = CheckedEngine(engine, model)
    with monkeypatch.context() as patch:
        patch.setattr(engine.llm, "reset_prefix_cache", lambda: True)
        update(model, torch.optim.AdamW(model.parameters(), lr=3e-3))
        with pytest.raises(EngineError, match=r"log-probabilities are 0\.\d+ a token away from the trainer's"):
            checked.load(model.named_parameters(), 1)
    checked.load(model.named_parameters(), 2)


def test_weights_that_do_not_arrive_are_found_out(pair: Pair) -> None:
    model, engine = pair
    update(model, torch.optim.AdamW(model.parameters(), lr=1e-4))
    with pytest.raises(EngineError, match="does not compute with the weights that are trained"):
        check_drift(engine, model)
    engine.load(model.named_parameters(), 1)
    assert check_drift(engine, model) < 1e-5


def test_what_vllm_cannot_do_is_refused_and_changes_nothing(pair: Pair) -> None:
    model, engine = pair
    assert engine.generate([], Sampling()) == []
    with pytest.raises(EngineError, match="empty prompt"):
        engine.generate([[7], []], Sampling())
    with pytest.raises(EngineError, match="context of 4096"):
        engine.generate([[7] * 4090], Sampling(max_tokens=7))
    with pytest.raises(EngineError, match="holds token 300"):
        engine.generate([[300]], Sampling())
    with pytest.raises(EngineError, match=r"no weight model\.nope"):
        engine.load([("model.norm.weight", torch.zeros(64)), ("model.nope", torch.zeros(1))], 8)
    with pytest.raises(EngineError, match=r"has shape \(64,\), not \(3,\)"):
        engine.load([("model.norm.weight", torch.zeros(3))], 8)
    assert engine.version == 0
    assert check_drift(engine, model) < 1e-5


def test_torch_is_left_as_it_was(pair: Pair) -> None:
    model, engine = pair
    state = torch.get_rng_state()
    engine.generate(PROMPTS, replace(SAMPLING, seeds=None))
    engine.load(model.named_parameters(), 0)
    engine.sleep()  # nothing to free on a CPU
    engine.generate(PROMPTS, SAMPLING)
    assert torch.equal(torch.get_rng_state(), state)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    assert torch.get_num_threads() == before + 1
    torch.set_num_threads(before)
    assert all(parameter.requires_grad and not parameter.is_inference() for parameter in model.parameters())


def test_a_folder_is_read_too_and_bfloat16_is_held_to_less(pair: Pair, start: Start, tmp_path: Path) -> None:
    model, _ = pair
    model.save_pretrained(tmp_path)
    engine = start(tmp_path, dtype="bfloat16")
    with pytest.raises(EngineError, match=r"0\.0001 is allowed"):
        check_drift(engine, model)
    assert 1e-4 < check_drift(engine, LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.bfloat16)) < 0.02


def test_an_engine_outlives_another_of_its_process(pair: Pair, start: Start) -> None:
    model, engine = pair
    other = start(model)
    del other
    gc.collect()
    assert check_drift(engine, model) < 1e-5


def test_what_keeps_vllm_from_starting_is_said_on_one_line(pair: Pair, start: Start) -> None:
    with pytest.raises(EngineError, match=r"vLLM does not start: [^\n]*$"):
        start(pair[0], max_num_seqs=0)
