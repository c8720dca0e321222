"""Preference objectives against closed forms, on answers whose log-probabilities are made by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid
from transformers import LlamaForCausalLM

from palaestra.episodes.choices import opposed
from palaestra.episodes.views import Row
from palaestra.trainers.batch import Batch, micro_batches, pack
from palaestra.trainers.forward import Outputs, forward
from palaestra.trainers.losses import DPO, IPO, KTO, NCA, ORPO, InfoNCA, Objective, SimPO
from palaestra.trainers.losses.sequences import sequences
from palaestra.trainers.optimise import update
from palaestra.trainers.reference import with_mismatch, with_reference

Rows = Callable[..., list[Row]]
LENGTHS = (3, 2, 4, 1)  # two pairs: chosen, rejected, chosen, rejected
LABELS = (1, -1, 1, -1)
POLICY = torch.tensor([-2.0, -5.0, -3.0, -0.5])  # Σ log π of each answer
REFERENCE = torch.tensor([-2.5, -4.0, -3.5, -1.0])
TOKENS = torch.tensor(LENGTHS, dtype=torch.float32)
GAP = (POLICY - REFERENCE)[0::2] - (POLICY - REFERENCE)[1::2]
MEAN = POLICY / TOKENS
DELTA = POLICY - REFERENCE

SIX: list[Objective] = [DPO(), DPO(label_smoothing=0.1, nll_coefficient=0.5), IPO(), SimPO(), ORPO(), KTO()]
ALL: list[Objective] = [*SIX, InfoNCA(alpha=0.3), NCA(alpha=0.3)]


def row(index: int, length: int, reward: float, label: int, group: str) -> Row:
    action = np.array([False, False, *[True] * length])
    return Row(
        np.arange(2 + length),
        action,
        np.zeros(2 + length, np.float32),
        reward,
        f"{index}",
        group,
        "e",
        "r",
        1,
        1,
        label,
    )


def batch(lengths: tuple[int, ...] = LENGTHS, reference: Tensor = REFERENCE, grouped: int = 2) -> Batch:
    rows = [
        row(index, length, float(index % grouped == 0), LABELS[index % 2], f"{index // grouped}")
        for index, length in enumerate(lengths)
    ]
    return replace(pack(rows), reference_logprobs=per_token(reference, lengths))


def per_token(totals: Tensor, lengths: tuple[int, ...]) -> Tensor:
    """Totals spread evenly over each answer's tokens; junk on the prompts."""
    return torch.cat([torch.tensor([9.0, 9.0, *[float(t) / n] * n]) for t, n in zip(totals, lengths, strict=True)])


def outputs(data: Batch, totals: Tensor = POLICY, lengths: tuple[int, ...] = LENGTHS) -> Outputs:
    return Outputs(per_token(totals, lengths).requires_grad_(), torch.where(data.action_mask, 0.5, 9.0))


def loss_of(objective: Objective) -> float:
    data = batch()
    return objective(data, outputs(data))[0].item()


@pytest.mark.parametrize(
    ("objective", "closed_form"),
    [
        (DPO(beta=0.3), -logsigmoid(0.3 * GAP)),
        (DPO(beta=0.3, label_smoothing=0.2), -0.8 * logsigmoid(0.3 * GAP) - 0.2 * logsigmoid(-0.3 * GAP)),
        (DPO(beta=0.3, nll_coefficient=0.7), -logsigmoid(0.3 * GAP) - 0.7 * MEAN[0::2]),
        (IPO(tau=0.4, reduction="sum"), (GAP - 1 / 0.8) ** 2),
        (IPO(tau=0.4), ((DELTA / TOKENS)[0::2] - (DELTA / TOKENS)[1::2] - 1 / 0.8) ** 2),
        (SimPO(beta=1.5, gamma=0.4), -logsigmoid(1.5 * (MEAN[0::2] - MEAN[1::2]) - 0.4)),
        (
            ORPO(coefficient=0.3),
            -MEAN[0::2]
            - 0.3
            * logsigmoid(
                torch.log(MEAN[0::2].exp() / (1 - MEAN[0::2].exp()))
                - torch.log(MEAN[1::2].exp() / (1 - MEAN[1::2].exp()))
            ),
        ),
    ],
)
def test_losses_of_pairs_are_their_formulas(objective: Objective, closed_form: Tensor) -> None:
    assert loss_of(objective) == pytest.approx(closed_form.mean().item(), rel=1e-5)


def test_kto_weighs_good_and_bad_answers_against_a_reference_point() -> None:
    data = replace(batch(), mismatch=0.6)
    good, bad = DELTA[0::2], DELTA[1::2]
    wanted = (2 * (1 - torch.sigmoid(0.5 * (good - 0.6)))).sum() + (3 * (1 - torch.sigmoid(0.5 * (0.6 - bad)))).sum()
    objective = KTO(beta=0.5, desirable_weight=2, undesirable_weight=3)
    assert objective(data, outputs(data))[0].item() == pytest.approx(wanted.item() / 4, rel=1e-5)
    below = replace(data, mismatch=-5.0)  # a divergence is not negative
    assert objective(below, outputs(below))[0] == objective(replace(data, mismatch=0.0), outputs(data))[0]


def test_contrasts_of_many_answers_are_their_formulas() -> None:
    data = replace(
        batch(grouped=4), reward=torch.repeat_interleave(torch.tensor([0.2, 0.9, 0.5, 0.1]), TOKENS.long() + 2)
    )
    weight = torch.softmax(torch.tensor([0.2, 0.9, 0.5, 0.1]) / 0.3, 0)
    implicit = 0.4 * DELTA
    info = -(weight * torch.log_softmax(implicit, 0)).sum()
    nca = -(weight * logsigmoid(implicit)).sum() - logsigmoid(-implicit).mean()
    assert InfoNCA(beta=0.4, alpha=0.3)(data, outputs(data))[0].item() == pytest.approx(info.item(), rel=1e-5)
    assert NCA(beta=0.4, alpha=0.3)(data, outputs(data))[0].item() == pytest.approx(nca.item(), rel=1e-5)


def test_infonca_of_two_answers_is_dpo() -> None:
    data, one, other = batch(), outputs(batch()), outputs(batch())
    first, second = InfoNCA(beta=0.3, alpha=0.0)(data, one)[0], DPO(beta=0.3)(data, other)[0]
    first.backward()
    second.backward()
    assert first.item() == pytest.approx(second.item(), rel=1e-6)
    assert one.logprobs.grad is not None
    assert other.logprobs.grad is not None
    torch.testing.assert_close(one.logprobs.grad, other.logprobs.grad)


def test_equal_best_answers_share_the_weight() -> None:
    data = replace(batch(grouped=4), reward=torch.ones(len(batch())))
    implicit = 0.1 * DELTA
    assert InfoNCA()(data, outputs(data))[0].item() == pytest.approx(
        -torch.log_softmax(implicit, 0).mean().item(), rel=1e-5
    )


def descend(objective: Objective, data: Batch, totals: Tensor, steps: int = 4000, rate: float = 0.05) -> Tensor:
    """The Σ log π of one-token answers at which the objective is least."""
    totals = totals.clone().requires_grad_()
    optimizer = torch.optim.Adam([totals], lr=rate)
    for _ in range(steps):
        spread = torch.zeros(len(data)).index_put((data.action_mask.nonzero().squeeze(1),), totals)
        optimizer.zero_grad()
        objective(data, Outputs(spread, torch.zeros(len(data))))[0].backward()
        optimizer.step()
    return totals.detach()


def test_the_minimum_of_nca_is_the_log_of_k_times_the_weight() -> None:
    rewards = torch.tensor([0.1, 0.3, 0.8])
    rows = [row(index, 1, float(reward), 0, "g") for index, reward in enumerate(rewards)]
    data = replace(pack(rows), reference_logprobs=torch.zeros(9))
    least = descend(NCA(beta=0.5, alpha=0.4), data, torch.zeros(3))
    wanted = torch.log(3 * torch.softmax(rewards / 0.4, 0))
    torch.testing.assert_close(0.5 * least, wanted, atol=1e-3, rtol=0)


def bandit(objective: Objective, steps: int = 3000) -> Tensor:
    """Logits of three arms after learning that a beats b, b beats c and a beats c, from a uniform reference."""
    pairs = [(0, 1), (1, 2), (0, 2)]
    rows = [row(index * 2 + side, 1, 0.0, (1, -1)[side], f"{index}") for index in range(3) for side in range(2)]
    data = replace(pack(rows), reference_logprobs=torch.full((18,), -math.log(3)))
    logits = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.02)
    places = data.action_mask.nonzero().squeeze(1)
    for _ in range(steps):
        logp = logits.log_softmax(0)
        spread = torch.zeros(18).index_put((places,), torch.stack([logp[arm] for pair in pairs for arm in pair]))
        optimizer.zero_grad()
        objective(data, Outputs(spread, torch.zeros(18)))[0].backward()
        optimizer.step()
    return logits.detach()


@pytest.mark.parametrize(("tau", "wanted"), [(1.0, (0.448, 0.321, 0.230)), (0.1, (0.964, 0.034, 0.001))])
def test_ipo_on_a_bandit_stays_where_its_closed_form_says(tau: float, wanted: tuple[float, ...]) -> None:
    logits = bandit(IPO(tau=tau, reduction="sum"))
    assert (logits[0] - logits[1]).item() == pytest.approx(1 / (3 * tau), abs=1e-3)
    assert torch.softmax(logits, 0).tolist() == pytest.approx(wanted, abs=2e-3)


def test_dpo_on_the_same_bandit_goes_to_one_arm() -> None:
    assert torch.softmax(bandit(DPO(beta=1.0)), 0).max() > 0.99


def test_spin_ends_where_the_policy_is_the_data() -> None:
    """Four strings, the opponent the previous iterate: the fixed point is the data's distribution."""
    pairs, target = 1000, torch.tensor([0.1, 0.2, 0.3, 0.4])
    generator = torch.Generator().manual_seed(0)
    data = pack([row(2 * pair + side, 1, 0.0, (1, -1)[side], f"{pair}") for pair in range(pairs) for side in range(2)])
    places = data.action_mask.nonzero().squeeze(1)
    logits = torch.zeros(4)
    visited = []
    for _ in range(60):
        previous = logits.log_softmax(0)
        real = torch.multinomial(target, pairs, replacement=True, generator=generator)
        own = torch.multinomial(previous.exp(), pairs, replacement=True, generator=generator)
        strings = torch.stack([real, own], 1).flatten()
        reference = torch.zeros(len(data)).index_put((places,), previous[strings])
        theta = logits.clone().requires_grad_()
        logp = torch.zeros(len(data)).index_put((places,), theta.log_softmax(0)[strings])
        loss, _ = DPO(beta=1.0)(replace(data, reference_logprobs=reference), Outputs(logp, torch.zeros(len(data))))
        assert loss.item() == pytest.approx(math.log(2))  # at the opponent's own weights
        loss.backward()
        assert theta.grad is not None
        logits = logits - 2.0 * theta.grad
        visited.append(torch.softmax(logits, 0))
    torch.testing.assert_close(torch.stack(visited[-20:]).mean(0), target, atol=0.02, rtol=0)


def test_at_the_reference_the_loss_of_a_pair_is_log_two() -> None:
    data = batch()
    assert DPO()(data, outputs(data, REFERENCE))[0].item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("objective", ALL, ids=lambda objective: type(objective).__name__)
def test_gradients_do_not_depend_on_the_micro_batches(
    model: LlamaForCausalLM, make_rows: Rows, objective: Objective
) -> None:
    rows = [replace(row, label=1 if index % 2 else -1) for index, row in enumerate(make_rows(4, 2))]
    data = with_reference(pack(rows), model, 8192)
    data = replace(data, reference_logprobs=data.reference_logprobs - 0.3 * data.action_mask, mismatch=0.2)

    def gradient(most: int) -> Tensor:
        model.zero_grad()
        for part in micro_batches(data, most, objective.whole_groups):
            objective(part, forward(model, part))[0].backward()
        return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    whole = gradient(8192)
    assert len(micro_batches(data, 50, objective.whole_groups)) > 1
    assert whole.norm() > 1e-3
    assert (gradient(50) - whole).norm() < 1e-5 * whole.norm()


def test_no_pair_is_cut_in_two(make_rows: Rows) -> None:
    data = pack(make_rows(5, 2))
    for most in (1, 30, 60, 100):
        parts = micro_batches(data, most, whole_groups=True)
        counts = [part.group_id[part.position == 0].bincount() for part in parts]
        assert all(count in (0, 2) for part in counts for count in part.tolist())
        assert sum(len(part) for part in parts) == len(data)


def test_the_sides_of_a_game_are_not_paired_with_one_another(make_rows: Rows) -> None:
    rows = [replace(row, role=f"side {index // 2 % 2}") for index, row in enumerate(make_rows(3, 8))]
    data = pack(opposed(rows).rows)
    sides = [row.role for row in opposed(rows).rows]
    assert data.n_groups == data.n_pairs == 12
    for part in micro_batches(data, 200, whole_groups=True):
        found = sequences(part, Outputs(*torch.zeros(2, len(part))))
        place = part.sequence_id[part.position == 0]
        for chosen, rejected in zip(*found.pairs(), strict=True):
            assert sides[place[chosen]] == sides[place[rejected]]


@pytest.mark.parametrize("objective", SIX[:5], ids=lambda objective: type(objective).__name__)
def test_learning_makes_the_chosen_answer_likelier_than_the_rejected(
    model: LlamaForCausalLM, make_rows: Rows, objective: Objective
) -> None:
    rows = [replace(row, label=1 if index % 2 else -1) for index, row in enumerate(make_rows(4, 2))]
    data = with_reference(pack(rows), model, 8192)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0)
    margins = [update(model, optimizer, data, objective, learning_rate=3e-3)["margin"] for _ in range(8)]
    assert margins[-1] > margins[0] + 0.01


OPTIONS: list[tuple[Objective, dict[str, Any]]] = [
    (DPO(), {"beta": 0.2}),
    (DPO(), {"label_smoothing": 0.2}),
    (DPO(), {"nll_coefficient": 0.5}),
    (IPO(), {"tau": 0.3}),
    (IPO(), {"reduction": "sum"}),
    (SimPO(), {"beta": 1.0}),
    (SimPO(), {"gamma": 0.2}),
    (ORPO(), {"coefficient": 0.5}),
    (KTO(), {"beta": 0.3}),
    (KTO(), {"desirable_weight": 2.0}),
    (KTO(), {"undesirable_weight": 2.0}),
    (InfoNCA(), {"beta": 0.3}),
    (InfoNCA(), {"alpha": 0.5}),
    (NCA(), {"beta": 0.3}),
    (NCA(), {"alpha": 0.5}),
]


@pytest.mark.parametrize(("objective", "change"), OPTIONS, ids=lambda value: str(value)[:24])
def test_every_option_changes_the_gradient(objective: Any, change: dict[str, Any]) -> None:
    def gradient(chosen: Objective) -> Tensor:
        data = batch()
        given = outputs(data)
        chosen(data, given)[0].backward()
        assert given.logprobs.grad is not None
        return given.logprobs.grad

    one, other = gradient(objective), gradient(replace(objective, **change))
    assert (one - other).norm() > 1e-3 * one.norm()


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (DPO, {"beta": 0.0}, "beta is above 0"),
        (DPO, {"label_smoothing": 0.5}, "labels tell nothing"),
        (DPO, {"nll_coefficient": -1.0}, "0 or more"),
        (IPO, {"tau": -1.0}, "tau is above 0"),
        (IPO, {"reduction": "max"}, "mean or sum"),
        (SimPO, {"beta": math.nan}, "beta is above 0"),
        (ORPO, {"coefficient": 0.0}, "coefficient is above 0"),
        (KTO, {"desirable_weight": 0.0}, "desirable_weight is above 0"),
        (NCA, {"alpha": -0.1}, "alpha is 0 or more"),
        (InfoNCA, {"beta": 0.0}, "beta is above 0"),
    ],
)
def test_an_option_without_sense_is_refused(kind: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        kind(**options)


def test_the_reference_point_is_the_mean_over_answers_to_other_problems(
    model: LlamaForCausalLM, make_rows: Rows
) -> None:
    rows = make_rows(3, 2)
    reference = type(model)(model.config).eval()
    reference.load_state_dict({name: value * 0.9 for name, value in model.state_dict().items()})
    found = with_mismatch(pack(rows), rows, model, reference, 60).mismatch
    gaps = []
    for index, one in enumerate(rows):
        other = rows[(index // 2 * 2 + 2) % 6]  # the next group's first
        ids = torch.from_numpy(np.concatenate([other.ids[~other.action], one.ids[one.action]]))
        with torch.no_grad():
            scores = [each(ids[None]).logits[0, :-1].log_softmax(-1) for each in (model, reference)]
        start = int((~other.action).sum())
        chosen = [score.gather(1, ids[1:, None]).squeeze(1)[start - 1 :].sum() for score in scores]
        gaps.append((chosen[0] - chosen[1]).item())
    assert found == pytest.approx(np.mean(gaps), rel=1e-4)
    assert with_mismatch(pack(rows[:2]), rows[:2], model, reference, 60).mismatch == 0
