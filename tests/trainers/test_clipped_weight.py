"""Clipped weights against their formula, and that no token loses its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from palaestra.episodes.views import Row
from palaestra.trainers.batch import Batch, pack
from palaestra.trainers.forward import Outputs
from palaestra.trainers.losses import ClippedWeight

LOG_RATIO = torch.tensor([0.5, -0.4, 0.1, 0.6, -0.7])  # of three tokens with advantage 1, two with -2
ADVANTAGE = torch.tensor([1.0, 1.0, 1.0, -2.0, -2.0])


def batch() -> Batch:
    rows = []
    for index, length in enumerate((3, 2)):
        action = np.array([False, *[True] * length])
        rows.append(
            Row(np.arange(1 + length), action, np.where(action, -1, 0).astype(np.float32), 0, "", f"{index}", "", "")
        )
    return pack(rows, np.array([1.0, -2.0]))


def outputs(data: Batch) -> Outputs:
    logprobs = torch.full((len(data),), 7.0).index_put((data.action_mask.nonzero().squeeze(1),), LOG_RATIO - 1)
    return Outputs(logprobs.requires_grad_(), torch.zeros(len(data)))


@pytest.mark.parametrize(
    ("options", "weight"),
    [
        ({"clip_high": 0.28}, LOG_RATIO.exp().clamp(max=1.28) * ADVANTAGE),
        ({"clip_low": 0.3, "clip_high": 0.3}, LOG_RATIO.exp().clamp(0.7, 1.3) * ADVANTAGE),
        (
            {"clip_low": 0.3, "clip_high": 0.3, "pessimistic": True},
            torch.minimum(LOG_RATIO.exp() * ADVANTAGE, LOG_RATIO.exp().clamp(0.7, 1.3) * ADVANTAGE),
        ),
    ],
)
def test_the_gradient_is_the_clipped_weight_on_every_token(options: dict[str, Any], weight: torch.Tensor) -> None:
    data = batch()
    given = outputs(data)
    loss, metrics = ClippedWeight(**options)(data, given)
    loss.backward()
    assert loss.item() == pytest.approx(-(weight * (LOG_RATIO - 1)).sum().item() / 5, rel=1e-5)
    assert given.logprobs.grad is not None
    torch.testing.assert_close(given.logprobs.grad[data.action_mask], -weight / 5)
    assert (given.logprobs.grad[data.action_mask] != 0).all()
    assert given.logprobs.grad[~data.action_mask].abs().max() == 0
    assert metrics["clip_fraction"].item() == pytest.approx({True: 4, False: 2}["clip_low" in options] / 5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"clip_high": None}, "must be given"),
        ({"clip_low": -0.1}, "0 or more"),
        ({"aggregation": "constant"}, "aggregation is"),
    ],
)
def test_an_option_without_sense_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ClippedWeight(**options)
