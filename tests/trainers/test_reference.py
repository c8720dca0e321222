"""The reference's log-probabilities stay with their tokens, and what KL costs is taken off the reward."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from transformers import LlamaForCausalLM

from palaestra.agents.pretrained import weights_hash
from palaestra.episodes.views import Row
from palaestra.trainers.batch import micro_batches, pack
from palaestra.trainers.forward import forward
from palaestra.trainers.reference import kl_prices, with_reference

Rows = Callable[..., list[Row]]


@pytest.fixture
def reference(model: LlamaForCausalLM) -> LlamaForCausalLM:
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.model.norm.weight.mul_(0.8)
    return other


@pytest.mark.parametrize("max_tokens", [30, 70, 8192])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_logprobs_stay_with_their_tokens_however_the_batch_is_split(
    reference: LlamaForCausalLM, make_rows: Rows, max_tokens: int, temperature: float
) -> None:
    rows = make_rows(temperature=temperature)
    batch = pack(rows)
    scored = with_reference(batch, reference, max_tokens)
    alone = torch.cat([forward(reference, pack([row])).logprobs for row in rows])
    torch.testing.assert_close(scored.reference_logprobs, alone.detach(), atol=1e-5, rtol=1e-5)
    assert not scored.reference_logprobs.requires_grad
    assert (batch.reference_logprobs == 0).all()
    for part in micro_batches(scored, 50):
        torch.testing.assert_close(part.reference_logprobs, forward(reference, part).logprobs, atol=1e-5, rtol=1e-5)


def test_which_reference_it_was_is_kept(model: LlamaForCausalLM, reference: LlamaForCausalLM, make_rows: Rows) -> None:
    scored = with_reference(pack(make_rows()), reference, 60)
    assert scored.reference_hash == weights_hash(reference) != weights_hash(model)
    assert all(part.reference_hash == scored.reference_hash for part in micro_batches(scored, 60))


@pytest.mark.parametrize(
    ("estimator", "price"),
    [("k1", lambda d: -d), ("k2", lambda d: d * d / 2), ("k3", lambda d: d.exp() - d - 1)],
)
def test_the_price_is_summed_over_each_answer(
    make_rows: Rows, estimator: str, price: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    rows = make_rows()
    batch = pack(rows)
    junk = torch.linspace(-6, -4, len(batch))
    batch = replace(batch, reference_logprobs=junk)
    for index, found in enumerate(kl_prices(rows, batch, 0.25, estimator)):
        own = (batch.sequence_id == index) & batch.action_mask
        cost = price(junk[own] - batch.behaviour_logprobs[own]).sum().item()
        assert found == pytest.approx(0.25 * cost, rel=1e-4)


def test_all_rows_of_an_episode_s_role_pay_for_all_of_them(make_rows: Rows) -> None:
    one, other, opponent, alone = make_rows(1, 4)
    rows = [*(replace(row, episode_id="e") for row in (one, other, opponent)), alone]
    rows[2] = replace(rows[2], role="opponent")
    batch = pack(rows)
    apart = torch.tensor([1.0, 2.0, 4.0, 8.0])[batch.sequence_id] / batch.spread([row.action.sum() for row in rows])
    batch = replace(batch, reference_logprobs=batch.behaviour_logprobs - apart)
    assert kl_prices(rows, batch, 0.1, "k1") == pytest.approx([0.3, 0.3, 0.4, 0.8], abs=1e-5)


def test_a_policy_that_is_its_reference_pays_nothing(model: LlamaForCausalLM, make_rows: Rows) -> None:
    rows = make_rows()
    batch = pack(rows)
    behaviour = forward(model, batch).logprobs.detach()
    batch = replace(with_reference(batch, model, 50), behaviour_logprobs=behaviour)
    assert kl_prices(rows, batch, 1.0, "k1") == pytest.approx([0.0] * len(rows), abs=1e-4)
