"""Objectives for evaluators: models with one number for what they have read (``Outputs.value``).

v is the value at an answer's last token, V_t that at each of its tokens, R the answer's reward in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from ..batch import Batch
from ..forward import Outputs
from .objective import Objective
from .sequences import sequences


@dataclass(frozen=True, slots=True)
class BradleyTerry(Objective):
    """L = mean over pairs of -log σ(v_w - v_l - margin) + centre (v_w + v_l)².

    Bradley and Terry 1952; ``centre`` (arXiv 2312.09244) keeps scores of different problems near one another, which the
    pairs alone leave free.
    """

    margin: float = 0.0
    centre: float = 0.01
    whole_groups = True

    def __post_init__(self) -> None:
        for name in ("margin", "centre"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is 0 or more, not {getattr(self, name)}")

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        chosen, rejected = sequences(batch, outputs).pairs()
        last = last_values(batch, outputs)
        gap = last[chosen] - last[rejected]
        loss = -logsigmoid(gap - self.margin) + self.centre * (last[chosen] + last[rejected]).square()
        share = loss.sum() / batch.n_groups
        return share, {"loss": share.detach(), "pair_accuracy": (gap.detach() > 0).float().sum() / batch.n_groups}


@dataclass(frozen=True, slots=True)
class OutcomeCrossEntropy(Objective):
    """L = mean over answers of -R log σ(v) - (1 - R) log σ(-v), R a label or a soft one (arXiv 2110.14168)."""

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        reward = sequences(batch, outputs).reward
        last = last_values(batch, outputs)
        loss = binary_cross_entropy_with_logits(last, reward, reduction="sum") / batch.n_sequences
        right = ((last.detach() > 0) == (reward > 0.5)).float().sum() / batch.n_sequences
        return loss, {"loss": loss.detach(), "accuracy": right}


@dataclass(frozen=True, slots=True)
class ValueRegression(Objective):
    """L = (1 / n_tokens) Σ_t (tanh V_t - (2R - 1))²: the outcome, foretold at every token (AlphaMath; 2405.03553)."""

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        error = torch.where(batch.action_mask, outputs.value.tanh() - (2 * batch.reward - 1), 0.0)
        loss = error.square().sum() / batch.n_tokens
        return loss, {"loss": loss.detach(), "bias": error.detach().sum() / batch.n_tokens}


def last_values(batch: Batch, outputs: Outputs) -> Tensor:
    """The value at the last action token of each sequence, (S,)."""
    index = (batch.position == 0).cumsum(0) - 1
    places = torch.where(batch.action_mask, torch.arange(len(batch), device=batch.ids.device), 0)
    last = torch.zeros(int(index[-1]) + 1, dtype=torch.long, device=batch.ids.device)
    return outputs.value[last.scatter_reduce(0, index, places, "amax")]
