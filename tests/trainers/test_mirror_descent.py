"""Mirror descent against its formula, and what short answers are paid."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from palaestra.episodes.advantages import Advantage
from palaestra.episodes.choices import short_over_long, shortest
from palaestra.episodes.views import Row
from palaestra.trainers.batch import pack
from palaestra.trainers.forward import Outputs
from palaestra.trainers.losses import MirrorDescent


def row(length: int, reward: float, name: str = "a") -> Row:
    action = np.array([False, *[True] * length])
    return Row(np.arange(1 + length), action, np.where(action, -1, 0).astype(np.float32), reward, name, "g", "e", "r")


def test_the_gradient_is_the_advantage_less_tau_times_the_log_ratio_of_the_whole_answer() -> None:
    data = pack([row(3, 1, "a"), row(2, 0, "b")], np.array([0.5, -0.5]))
    moved = torch.tensor([0.5, -0.4, 0.1, 0.6, -0.7])
    logprobs = torch.full((len(data),), 7.0).index_put((data.action_mask.nonzero().squeeze(1),), moved - 1)
    given = Outputs(logprobs.requires_grad_(), torch.zeros(len(data)))
    loss, metrics = MirrorDescent(tau=0.3)(data, given)
    loss.backward()
    gaps = torch.tensor([0.2] * 3 + [-0.1] * 2)  # 0.5 - 0.4 + 0.1, and 0.6 - 0.7
    pulls = torch.tensor([0.5] * 3 + [-0.5] * 2)
    by_hand = -(pulls * (moved - 1)).sum() / 2 + 0.15 * (0.2**2 + 0.1**2) / 2
    assert loss.item() == pytest.approx(by_hand.item(), rel=1e-5)
    assert given.logprobs.grad is not None
    torch.testing.assert_close(given.logprobs.grad[data.action_mask], (-pulls + 0.3 * gaps) / 2)
    assert given.logprobs.grad[~data.action_mask].abs().max() == 0
    assert metrics["abs_log_ratio"].item() == pytest.approx(moved.abs().mean().item())


def test_an_answer_that_has_moved_far_is_pulled_back_the_more() -> None:
    data = pack([row(30, 1)])
    given = Outputs(torch.zeros(len(data), requires_grad=True), torch.zeros(len(data)))  # each token by one nat
    MirrorDescent(tau=0.3)(data, given)[0].backward()
    assert given.logprobs.grad is not None
    torch.testing.assert_close(given.logprobs.grad[data.action_mask], torch.full((30,), 0.3 * 30))


def test_tau_is_above_zero() -> None:
    with pytest.raises(ValueError, match="tau is above 0, not 0"):
        MirrorDescent(tau=0)


def test_short_right_answers_are_paid_and_short_wrong_ones_are_not() -> None:
    lengths, rewards = (4, 6, 8, 4), (1, 1, 1, 0)
    rows = [row(*pair, name=str(index)) for index, pair in enumerate(zip(lengths, rewards, strict=True))]
    found, _ = Advantage("none", brevity=2.0)(rows)
    np.testing.assert_allclose(found, [1 + 1, 1 + 0, 1 - 1, 0])
    worst, _ = Advantage("none", brevity=2.0)([row(4, 1, "a"), row(8, 0, "b")])
    np.testing.assert_allclose(worst, [2, -1])
    even, _ = Advantage("none", brevity=2.0)([row(4, 1, "a"), row(4, 0, "b")])
    np.testing.assert_allclose(even, [1, 0])


def test_a_right_answer_that_has_a_price_is_paid_for_its_brevity_all_the_same() -> None:
    rows = [row(4, 1, "a"), row(8, 1, "b"), row(8, float("nan"), "c")]
    found, metrics = Advantage("none", brevity=2.0)(rows, prices=[0.25, 0.5, 1.0])
    np.testing.assert_allclose(found, [1 + 1 - 0.25, 1 - 1 - 0.5, 0])
    assert metrics["reward"] == 1


def test_the_shortest_right_answer_is_imitated_and_preferred_to_what_is_longer() -> None:
    rows = [row(5, 1, "right"), row(7, 1, "little longer"), row(6, 0, "wrong"), row(3, 0, "short"), row(8, 1, "long")]
    assert [one.episode_id for one in shortest(rows).rows] == ["right"]
    pair = short_over_long(rows).rows
    assert [(one.episode_id, one.label) for one in pair] == [("right", 1), ("long", -1)]
    assert [one.episode_id for one in short_over_long(rows[:3]).rows] == ["right", "wrong"]
    assert not short_over_long([row(5, 1, "right"), row(7, 1, "little longer")]).rows
    assert not short_over_long(rows[2:4]).rows
