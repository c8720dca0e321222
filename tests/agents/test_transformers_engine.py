"""The engine samples from the model's own distribution, whatever else is in the batch."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from palaestra.agents.engine import EngineError, Sampling
from palaestra.agents.sampling import choose, restrict
from palaestra.agents.transformers_engine import TransformersEngine

PROMPTS = [[7, 8, 9], [40], [100, 3, 200, 17, 60, 61, 62, 9, 5, 11, 30, 31], [7, 8, 9], [90, 91]]
SAMPLING = Sampling(max_tokens=12, seeds=(1, 2, 3, 4, 5))


def plain_logprobs(
    model: LlamaForCausalLM, prompt: list[int], answer: tuple[int, ...], temperature: float
) -> list[float]:
    """By one unpadded forward pass without a cache."""
    ids = torch.tensor([*prompt, *answer])
    with torch.no_grad():
        logp = (model(ids[None]).logits[0] / temperature).log_softmax(-1)
    return logp[len(prompt) - 1 : -1].gather(1, ids[len(prompt) :, None]).squeeze(1).tolist()


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_logprobs_are_those_of_the_plain_forward_pass(
    model: LlamaForCausalLM, engine: TransformersEngine, temperature: float
) -> None:
    completions = engine.generate(PROMPTS, replace(SAMPLING, temperature=temperature))
    for prompt, completion in zip(PROMPTS, completions, strict=True):
        expected = plain_logprobs(model, prompt, completion.token_ids, temperature)
        np.testing.assert_allclose(completion.logprobs, expected, atol=1e-5)


def test_an_answer_does_not_depend_on_its_neighbours(engine: TransformersEngine, model: LlamaForCausalLM) -> None:
    together = engine.generate(PROMPTS, SAMPLING)
    assert SAMPLING.seeds is not None
    alone = [
        engine.generate([p], replace(SAMPLING, seeds=(s,)))[0] for p, s in zip(PROMPTS, SAMPLING.seeds, strict=True)
    ]
    chunks = TransformersEngine(model, max_rows=2).generate(PROMPTS, SAMPLING)
    for one, two, three in zip(together, alone, chunks, strict=True):
        assert one.token_ids == two.token_ids == three.token_ids
        assert one.finish_reason == two.finish_reason == three.finish_reason
        np.testing.assert_allclose(one.logprobs, two.logprobs, atol=1e-5)
        np.testing.assert_allclose(one.logprobs, three.logprobs, atol=1e-5)


def test_answers_stay_right_when_finished_ones_leave_the_batch(model: LlamaForCausalLM) -> None:
    """Half of all ids end an answer, so that rows leave at nearly every step."""
    engine = TransformersEngine(model, eos_ids=range(0, 260, 12))
    prompts = [[5 + i % 3, 9, *range(20, 20 + i)] for i in range(24)]
    sampling = Sampling(max_tokens=30, seeds=tuple(range(24)))
    completions = engine.generate(prompts, sampling)
    lengths = {len(completion.token_ids) for completion in completions}
    assert len(lengths) > 5
    for i, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        assert completion.token_ids == engine.generate([prompt], replace(sampling, seeds=(i,)))[0].token_ids
        expected = plain_logprobs(model, prompt, completion.token_ids, 1.0)
        np.testing.assert_allclose(completion.logprobs, expected, atol=1e-5)


def test_every_end_id_of_the_generation_config_ends_an_answer(model: LlamaForCausalLM) -> None:
    ends = list(range(50, 70))
    model.generation_config.eos_token_id = ends
    engine = TransformersEngine(model, eos_ids=[1])
    completions = engine.generate([[7, 8, 9]] * 60, Sampling(max_tokens=40, seeds=tuple(range(60))))
    last = {completion.token_ids[-1] for completion in completions if completion.finish_reason == "stop"}
    assert len(last & set(ends)) > 5
    assert last <= {1, *ends}
    for completion in completions:
        assert not set(completion.token_ids[:-1]) & {1, *ends}
        assert (completion.finish_reason == "stop") == (completion.token_ids[-1] in {1, *ends})
        assert completion.finish_reason == "stop" or len(completion.token_ids) == 40


def test_a_model_without_an_end_is_refused(model: LlamaForCausalLM) -> None:
    model.generation_config.eos_token_id = model.config.eos_token_id = None
    with pytest.raises(EngineError, match="end-of-sequence"):
        TransformersEngine(model)


def test_an_answer_that_ends_on_the_last_token_stopped(model: LlamaForCausalLM, engine: TransformersEngine) -> None:
    first = engine.generate([[7]], Sampling(max_tokens=1, seeds=(0,)))[0]
    assert first.finish_reason == "length"
    ending = TransformersEngine(model, eos_ids=first.token_ids)
    assert ending.generate([[7]], Sampling(max_tokens=1, seeds=(0,)))[0].finish_reason == "stop"


def test_seeds_repeat_and_differ(engine: TransformersEngine) -> None:
    again = engine.generate([[7, 8]] * 3, Sampling(max_tokens=12, seeds=(1, 1, 2)))
    assert again[0] == again[1]
    assert again[0].token_ids != again[2].token_ids
    free = engine.generate([[7, 8]] * 2, Sampling(max_tokens=12))
    assert free[0].token_ids != free[1].token_ids


def test_the_greedy_answer_is_the_likeliest_token_each_time(
    model: LlamaForCausalLM, engine: TransformersEngine
) -> None:
    answer = engine.generate([[7, 8, 9]], Sampling(temperature=0, max_tokens=6))[0].token_ids
    ids = [7, 8, 9]
    for token in answer:
        assert token == int(model(torch.tensor([ids])).logits[0, -1].argmax())
        ids.append(token)


def test_tokens_are_drawn_as_often_as_they_are_likely(model: LlamaForCausalLM, engine: TransformersEngine) -> None:
    draws = 4000
    completions = engine.generate([[7, 8]] * draws, Sampling(temperature=0.6, max_tokens=1, seeds=tuple(range(draws))))
    with torch.no_grad():
        expected = draws * (model(torch.tensor([[7, 8]])).logits[0, -1] / 0.6).softmax(-1).double().numpy()
    counts = np.bincount([completion.token_ids[0] for completion in completions], minlength=len(expected))
    often = expected >= 5
    observed, wanted = (
        np.append(counts[often], counts[~often].sum()),
        np.append(expected[often], expected[~often].sum()),
    )
    statistic = float(((observed - wanted) ** 2 / wanted).sum())
    freedom = len(observed) - 1
    assert freedom > 10
    assert abs(statistic - freedom) < 4 * (2 * freedom) ** 0.5  # mean k and deviation sqrt(2k) of a chi-square


def test_top_k_leaves_the_k_likeliest(engine: TransformersEngine) -> None:
    logits = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    kept = restrict(logits, Sampling(top_k=3)).isfinite()
    assert kept.sum(1).tolist() == [3, 3]
    assert logits[0][kept[0]].min() > logits[0][~kept[0]].max()
    seen = {
        c.token_ids[0] for c in engine.generate([[7]] * 200, Sampling(max_tokens=1, top_k=2, seeds=tuple(range(200))))
    }
    assert len(seen) == 2


def test_top_p_leaves_the_smallest_set_of_that_mass() -> None:
    logits = torch.tensor([[0.5, 0.05, 0.3, 0.15]]).log()
    assert restrict(logits, Sampling(top_p=0.75)).isfinite().tolist() == [[True, False, True, False]]
    assert restrict(logits, Sampling(top_p=0.1)).isfinite().tolist() == [[True, False, False, False]]


def test_logprobs_are_of_the_restricted_distribution() -> None:
    logits = torch.tensor([[0.5, 0.05, 0.3, 0.15]]).log()
    chosen, logp = choose(logits, Sampling(top_p=0.75), torch.tensor([0.99], dtype=torch.double))
    assert chosen.tolist() == [2]
    assert logp.item() == pytest.approx(np.log(0.3 / 0.8))


def test_every_uniform_number_chooses_a_token_that_has_probability() -> None:
    logits = torch.tensor([-torch.inf, 0.0, -torch.inf, 1.0, -torch.inf]).repeat(3, 1)
    chosen, _ = choose(logits, Sampling(), torch.tensor([0.0, 0.5, 1 - 2**-53], dtype=torch.double))
    assert chosen.tolist() == [1, 3, 3]


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.5}, {"top_k": -1}, {"max_tokens": 0}], ids=str
)
def test_impossible_sampling_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="are needed"):
        Sampling(**wrong)  # type: ignore[arg-type]


def test_what_cannot_be_continued_is_refused(engine: TransformersEngine) -> None:
    assert engine.generate([], Sampling()) == []
    with pytest.raises(EngineError, match="empty prompt"):
        engine.generate([[7], []], Sampling())
    with pytest.raises(EngineError, match="1 seeds for 2 prompts"):
        engine.generate([[7], [8]], Sampling(seeds=(1,)))
    with pytest.raises(EngineError, match="context of 4096"):
        engine.generate([[7] * 4090], Sampling(max_tokens=7))


def test_new_weights_are_taken_by_name(model: LlamaForCausalLM, engine: TransformersEngine) -> None:
    before = engine.generate(PROMPTS, SAMPLING)
    weights = {name: -tensor for name, tensor in model.named_parameters()}
    engine.load(weights.items(), version=7)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.named_parameters())
    after = engine.generate(PROMPTS, SAMPLING)
    assert [c.token_ids for c in after] != [c.token_ids for c in before]
    assert {c.weights_version for c in before} == {0}
    assert {c.weights_version for c in after} == {7}
    for prompt, completion in zip(PROMPTS, after, strict=True):  # nothing computed with the old weights is used
        np.testing.assert_allclose(
            completion.logprobs, plain_logprobs(model, prompt, completion.token_ids, 1.0), atol=1e-5
        )
    with pytest.raises(EngineError, match=r"no weight model\.nope"):
        engine.load([("model.nope", torch.zeros(1))], 8)
    with pytest.raises(EngineError, match=r"has shape \(32,\), not \(3,\)"):
        engine.load([("model.norm.weight", torch.zeros(3))], 8)
    assert engine.version == 7


def test_sampling_leaves_model_and_random_state_as_they_were(
    model: LlamaForCausalLM, engine: TransformersEngine
) -> None:
    model.train()
    state = torch.get_rng_state()
    engine.generate(PROMPTS, SAMPLING)
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.requires_grad and not p.is_inference() for p in model.parameters())


def test_an_equal_prompt_is_read_once(model: LlamaForCausalLM, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes: list[tuple[int, ...]] = []
    plain = model.forward
    monkeypatch.setattr(model, "forward", lambda **given: shapes.append(given["input_ids"].shape) or plain(**given))
    TransformersEngine(model).generate([[7, 8], [9], [7, 8], [7, 8]], Sampling(max_tokens=3, seeds=(1, 2, 3, 4)))
    assert shapes[0] == (2, 2)
    assert all(rows <= 4 and width == 1 for rows, width in shapes[1:])
    assert all(before[0] >= after[0] for before, after in pairwise(shapes[1:]))
