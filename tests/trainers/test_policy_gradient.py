"""Policy gradient against closed forms on tensors made by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from palaestra.episodes.views import Row
from palaestra.trainers.batch import Batch, micro_batches, pack
from palaestra.trainers.forward import Outputs, forward
from palaestra.trainers.losses import PolicyGradient
from palaestra.trainers.losses.policy_gradient import reference_kl, sequence_sums

Rows = Callable[..., list[Row]]
LOG_RATIO = torch.tensor([[0.3, -0.1, 0.2], [-0.5, 0.4, 0.0]])  # two answers of three and two tokens
LENGTHS = (3, 2)
ADVANTAGE = torch.tensor([1.0, -2.0])


def batch(advantage: torch.Tensor = ADVANTAGE) -> Batch:
    """Two sequences: two prompt tokens each, then the answers above; behaviour log-probability -1 everywhere."""
    rows = []
    for index, length in enumerate(LENGTHS):
        action = np.array([False, False, *[True] * length])
        logprobs = np.where(action, -1, 0).astype(np.float32)
        rows.append(Row(np.arange(2 + length), action, logprobs, 0.0, f"{index}", f"{index}", "e", "r"))
    return pack(rows, advantage.numpy().astype(np.float64))


def outputs(data: Batch, log_ratio: torch.Tensor = LOG_RATIO) -> Outputs:
    """Log-probabilities whose ratios to the behaviour policy are ``log_ratio``'s; junk outside the mask."""
    logprobs = torch.full((len(data),), 7.0)
    wanted = torch.cat([row[:length] for row, length in zip(log_ratio, LENGTHS, strict=True)])
    logprobs = logprobs.index_put((data.action_mask.nonzero().squeeze(1),), wanted - 1.0)
    return Outputs(logprobs.requires_grad_(), torch.where(data.action_mask, 0.5, 9.0))


def answers(per_token: torch.Tensor) -> list[torch.Tensor]:
    return [row[:length] for row, length in zip(per_token, LENGTHS, strict=True)]


def loss_of(objective: PolicyGradient, log_ratio: torch.Tensor = LOG_RATIO) -> float:
    data = batch()
    return objective(data, outputs(data, log_ratio))[0].item()


def surrogate(low: float = math.inf, high: float = math.inf) -> list[torch.Tensor]:
    ratio = LOG_RATIO.exp()
    a = ADVANTAGE[:, None]
    return answers(torch.minimum(ratio * a, ratio.clamp(1 - low, 1 + high) * a))


@pytest.mark.parametrize(
    ("aggregation", "closed_form"),
    [
        ("token_mean", lambda parts: sum(part.sum() for part in parts) / 5),
        ("sequence_mean", lambda parts: sum(part.mean() for part in parts) / 2),
        ("sequence_sum", lambda parts: sum(part.sum() for part in parts) / 2),
        ("constant", lambda parts: sum(part.sum() for part in parts) / (2 * 11)),
    ],
)
def test_aggregations_are_their_closed_forms(
    aggregation: Any, closed_form: Callable[[list[torch.Tensor]], Any]
) -> None:
    objective = PolicyGradient(aggregation=aggregation, constant=11 if aggregation == "constant" else None)
    assert loss_of(objective) == pytest.approx(-float(closed_form(surrogate())), rel=1e-5)


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.2), (0.2, 0.28), (0.05, None), (None, 0.05)])
def test_the_clip_is_ppo_s_pessimistic_one(low: float | None, high: float | None) -> None:
    objective = PolicyGradient(clip_low=low, clip_high=high, aggregation="sequence_sum")
    wanted = surrogate(math.inf if low is None else low, math.inf if high is None else high)
    assert loss_of(objective) == pytest.approx(-float(sum(part.sum() for part in wanted) / 2), rel=1e-5)


def test_the_clip_fraction_counts_tokens_that_lost_their_gradient() -> None:
    data = batch()
    given = outputs(data)
    loss, metrics = PolicyGradient(clip_low=0.2, clip_high=0.2)(data, given)
    loss.backward()
    assert given.logprobs.grad is not None
    stuck = (given.logprobs.grad[data.action_mask] == 0).sum().item()
    # exp(0.3), exp(0.2) > 1.2 with A > 0; exp(-0.5) < 0.8 with A < 0
    assert stuck == 3
    assert metrics["clip_fraction"].item() == pytest.approx(3 / 5)


def test_the_sequence_ratio_is_the_geometric_mean() -> None:
    ratios = torch.stack([part.mean().exp() for part in answers(LOG_RATIO)])
    wanted = (ratios * ADVANTAGE).mean()
    objective = PolicyGradient(ratio="sequence", aggregation="sequence_mean")
    assert loss_of(objective) == pytest.approx(-float(wanted), rel=1e-5)


def test_without_a_ratio_it_is_reinforce() -> None:
    logprobs = answers(LOG_RATIO - 1)
    wanted = sum(a * part.sum() for a, part in zip(ADVANTAGE, logprobs, strict=True)) / 2
    assert loss_of(PolicyGradient(ratio="none", aggregation="sequence_sum")) == pytest.approx(-float(wanted), rel=1e-5)


@pytest.mark.parametrize("ratio", ["token", "sequence"])
def test_at_ratio_one_the_gradient_is_reinforce_s(model: LlamaForCausalLM, make_rows: Rows, ratio: Any) -> None:
    rows = make_rows()
    advantages = np.linspace(-1, 1, len(rows))
    data = pack(rows, advantages)
    data = replace(data, behaviour_logprobs=forward(model, data).logprobs.detach())

    def gradient(objective: PolicyGradient) -> torch.Tensor:
        model.zero_grad()
        objective(data, forward(model, data))[0].backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    one = gradient(PolicyGradient(ratio=ratio, clip_low=0.2, clip_high=0.2, aggregation="sequence_mean"))
    other = gradient(PolicyGradient(ratio="none", aggregation="sequence_mean"))
    assert other.norm() > 1e-2
    assert (one - other).norm() < 1e-5 * other.norm()


@pytest.mark.parametrize(
    ("estimator", "value"),
    [("k1", lambda d: -d), ("k2", lambda d: d * d / 2), ("k3", lambda d: d.exp() - d - 1)],
)
def test_kl_estimators_are_their_formulas(estimator: str, value: Callable[[torch.Tensor], torch.Tensor]) -> None:
    data = batch()
    given = outputs(data)
    reference = torch.where(data.action_mask, torch.linspace(-2, 0, len(data)), torch.nan)
    data = replace(data, reference_logprobs=reference)
    kl = reference_kl(data, given.logprobs, estimator)
    mask = data.action_mask
    torch.testing.assert_close(kl[mask], value(reference[mask] - given.logprobs[mask]))
    assert kl[~mask].abs().max() == 0


def test_kl_estimators_agree_with_the_divergence_in_expectation() -> None:
    """Summed over a whole distribution: k1 and k3 give KL(π‖ref) exactly, and k2's gradient is its gradient."""
    logits = torch.tensor([0.3, -0.4, 1.0], requires_grad=True)
    reference = torch.tensor([0.1, 0.5, -0.2]).log_softmax(0)
    p = logits.detach().softmax(0)
    kl = (logits.softmax(0) * (logits.log_softmax(0) - reference)).sum()
    (wanted,) = torch.autograd.grad(kl, logits)
    data = replace(batch(), action_mask=torch.ones(7, dtype=torch.bool)[:3], reference_logprobs=reference)
    for estimator in ("k1", "k3"):
        assert (p * reference_kl(data, logits.log_softmax(0), estimator)).sum().item() == pytest.approx(kl.item())
    (given,) = torch.autograd.grad((p * reference_kl(data, logits.log_softmax(0), "k2")).sum(), logits)
    torch.testing.assert_close(given, wanted)


@pytest.mark.parametrize("estimator", ["k2", "k3"])
def test_kl_in_the_loss_is_added_with_its_coefficient(estimator: Any) -> None:
    data = replace(batch(), reference_logprobs=torch.full((9,), -1.5))
    given = outputs(data)
    with_kl = PolicyGradient(kl_coefficient=0.3, kl_estimator=estimator, kl_placement="loss")
    loss, metrics = with_kl(data, given)
    kl = reference_kl(data, given.logprobs, estimator).sum() / 5
    assert loss.item() == pytest.approx(loss_of(PolicyGradient()) + 0.3 * kl.item(), rel=1e-5)
    assert metrics["kl_reference"].item() == pytest.approx(kl.item())


def test_kl_in_the_reward_leaves_the_loss_alone() -> None:
    objective = PolicyGradient(ratio="none", kl_coefficient=0.3, kl_estimator="k1", kl_placement="reward")
    assert loss_of(objective) == loss_of(PolicyGradient(ratio="none"))


OPTIONS: list[dict[str, Any]] = [
    {"ratio": "none"},
    {"ratio": "sequence"},
    {"clip_low": 0.1},
    {"clip_high": 0.1},
    {"aggregation": "sequence_mean"},
    {"aggregation": "sequence_sum"},
    {"aggregation": "constant", "constant": 9},
    {"kl_coefficient": 0.1, "kl_estimator": "k2", "kl_placement": "loss"},
    {"kl_coefficient": 0.1, "kl_estimator": "k3", "kl_placement": "loss"},
    {"kl_coefficient": 0.2, "kl_estimator": "k3", "kl_placement": "loss"},
    {"dual_clip": 1.1},
    {"importance_cap": 1.05},
    {"importance_cap": 0.9},
]


def test_every_option_changes_the_gradient() -> None:
    seen = []
    for options in [{}, *OPTIONS]:
        old = torch.linspace(-1.4, -0.7, 9)
        data = replace(batch(), reference_logprobs=torch.linspace(-3, 0, 9), old_logprobs=old)
        given = outputs(data)
        PolicyGradient(**options)(data, given)[0].backward()
        assert given.logprobs.grad is not None
        seen.append(given.logprobs.grad)
    for one in range(len(seen)):
        for other in range(one):
            assert (seen[one] - seen[other]).abs().max() > 1e-4, (one, other)


def test_a_weight_multiplies_its_sequence() -> None:
    data = batch()
    heavy = replace(data, weight=torch.where(data.sequence_id == 1, 3.0, 1.0))
    wanted = PolicyGradient()(batch(ADVANTAGE * torch.tensor([1.0, 3.0])), outputs(data))[0]
    torch.testing.assert_close(PolicyGradient()(heavy, outputs(data))[0], wanted)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"ratio": "tokens"}, "ratio is one of"),
        ({"aggregation": "mean"}, "aggregation is one of"),
        ({"ratio": "none", "clip_low": 0.2}, "need a ratio"),
        ({"ratio": "none", "clip_high": 0.2}, "need a ratio"),
        ({"clip_low": -0.1}, "0 or more"),
        ({"ratio": "none", "dual_clip": 3.0}, "need a ratio"),
        ({"ratio": "none", "importance_cap": 2.0}, "need a ratio"),
        ({"dual_clip": 1.0}, "dual_clip is above 1"),
        ({"importance_cap": 0.0}, "importance_cap is above 0"),
        ({"entropy_coefficient": -0.1}, "entropy_coefficient is 0 or more"),
        ({"constant": 10}, "constant"),
        ({"aggregation": "constant"}, "constant"),
        ({"kl_estimator": "k3"}, "no effect"),
        ({"kl_placement": "loss"}, "no effect"),
        ({"kl_coefficient": 0.1}, "needs kl_estimator"),
        ({"kl_coefficient": 0.1, "kl_estimator": "k3"}, "needs kl_estimator"),
        ({"kl_coefficient": 0.1, "kl_placement": "loss"}, "needs kl_estimator"),
        ({"kl_coefficient": 0.1, "kl_estimator": "k4", "kl_placement": "loss"}, "kl_estimator is one of"),
        ({"kl_coefficient": 0.1, "kl_estimator": "k3", "kl_placement": "somewhere"}, "kl_placement is loss or reward"),
        ({"kl_coefficient": 0.1, "kl_estimator": "k1", "kl_placement": "loss"}, "k1 in the loss has no gradient"),
        ({"aggregation": "constant", "constant": 0}, "constant is 1 or more"),
        ({"kl_coefficient": -0.1, "kl_estimator": "k3", "kl_placement": "loss"}, "0 or more"),
    ],
)
def test_options_without_effect_or_sense_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        PolicyGradient(**options)


def test_a_dual_clip_bounds_what_a_bad_token_can_do() -> None:
    far = LOG_RATIO + torch.tensor([[0.0], [2.0]])  # the second answer, advantage -2, has become far likelier
    ratio, a = far.exp(), ADVANTAGE[:, None]
    wanted = torch.maximum(torch.minimum(ratio * a, ratio.clamp(0.8, 1.2) * a), torch.where(a < 0, 3 * a, -torch.inf))
    objective = PolicyGradient(clip_low=0.2, clip_high=0.2, dual_clip=3.0)
    assert loss_of(objective, far) == pytest.approx(-float(sum(part.sum() for part in answers(wanted))) / 5, rel=1e-5)
    assert loss_of(objective, far) < loss_of(PolicyGradient(clip_low=0.2, clip_high=0.2), far) - 1


def test_an_engine_s_gap_is_a_capped_weight_beside_the_policy_s_own_ratio() -> None:
    """π_old / μ of each token is the weight, π / π_old what is clipped."""
    gap = torch.tensor([[0.5, -0.3, 1.5], [0.2, 0.0, 0.0]])  # log π_old - log μ
    data = batch()
    placed = torch.cat(answers(gap)) - 1.0
    data = replace(data, old_logprobs=torch.full((9,), 7.0).index_put((data.action_mask.nonzero().squeeze(1),), placed))
    moved, a = (LOG_RATIO - gap).exp(), ADVANTAGE[:, None]
    wanted = gap.exp().clamp(max=2.0) * torch.minimum(moved * a, moved.clamp(0.8, 1.2) * a)
    loss, metrics = PolicyGradient(clip_low=0.2, clip_high=0.2, importance_cap=2.0)(data, outputs(data))
    assert loss.item() == pytest.approx(-float(sum(part.sum() for part in answers(wanted))) / 5, rel=1e-5)
    raw = torch.cat(answers(LOG_RATIO))
    assert metrics["abs_log_ratio"].item() == pytest.approx(raw.abs().mean().item())  # to the engine, before any cap


def test_the_entropy_bonus_has_the_entropy_s_gradient(model: LlamaForCausalLM, make_rows: Rows) -> None:
    rows = make_rows()
    data = pack(rows, np.zeros(len(rows)))

    def gradient(loss: torch.Tensor) -> torch.Tensor:
        model.zero_grad()
        loss.backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    bonus = gradient(PolicyGradient(entropy_coefficient=0.3)(data, forward(model, data))[0])
    entropies = []
    for row in rows:
        logp = model(torch.from_numpy(row.ids)[None]).logits[0, :-1].log_softmax(-1)
        entropies.append(-(logp.exp() * logp).sum(-1)[torch.from_numpy(row.action[1:])])
    wanted = gradient(-0.3 * torch.cat(entropies).mean())
    assert wanted.norm() > 1e-3
    assert (bonus - wanted).norm() < 1e-4 * wanted.norm()
    assert not PolicyGradient(entropy_coefficient=0.3).reads_advantage  # sequences of advantage 0 have a gradient too


def test_ratios_far_off_stay_finite() -> None:
    data = batch()
    given = outputs(data, torch.full((2, 3), 400.0))
    loss, metrics = PolicyGradient(kl_coefficient=0.1, kl_estimator="k3", kl_placement="loss")(data, given)
    loss.backward()
    assert loss.isfinite()
    assert given.logprobs.grad is not None
    assert given.logprobs.grad.isfinite().all()
    assert all(value.isfinite() for value in metrics.values())


def test_diagnostics_are_means_over_the_tokens_that_were_measured() -> None:
    data = batch()
    _, metrics = PolicyGradient()(data, outputs(data))
    moved = torch.cat(answers(LOG_RATIO))
    assert metrics["abs_log_ratio"].item() == pytest.approx(moved.abs().mean().item())
    assert metrics["kl_behaviour"].item() == pytest.approx((moved.exp() - 1 - moved).mean().item(), rel=1e-4)
    assert metrics["ratio"].item() == pytest.approx(moved.exp().mean().item())
    assert metrics["max/ratio_error"].item() == pytest.approx(math.exp(0.4) - 1, rel=1e-5)
    assert metrics["entropy"].item() == pytest.approx(0.5)


def test_sums_over_a_sequence_do_not_need_its_neighbours() -> None:
    second = micro_batches(batch(), 1)
    assert sorted(len(part) for part in second) == [4, 5]
    for part in second:
        total, count = sequence_sums(part, torch.ones(len(part)))
        assert total.tolist() == count.tolist() == [float(part.action_mask.sum())] * len(part)
