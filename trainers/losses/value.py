"""What a critic learns from: the returns of a policy's own answers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..batch import Batch
from ..forward import Outputs
from .objective import Objective, refuse


@dataclass(frozen=True, slots=True)
class ClippedValue(Objective):
    """L = (1 / n_tokens) Σ_t ½ max((V_t - G_t)², (clip(V_t, V_old ± clip) - G_t)²), G the returns.

    PPO's value loss (arXiv 1707.06347); clip None: plain squared error. V_t is read where token t was chosen.
    """

    clip: float | None = 0.2

    def __post_init__(self) -> None:
        refuse(self.clip is not None and not self.clip > 0, f"clip is above 0, or null, not {self.clip}")

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        error = torch.where(batch.action_mask, outputs.value - batch.returns, 0.0).square()
        if self.clip is not None:
            near = batch.value + (outputs.value - batch.value).clamp(-self.clip, self.clip)
            error = torch.maximum(error, torch.where(batch.action_mask, near - batch.returns, 0.0).square())
        loss = error.sum() / (2 * batch.n_tokens)
        return loss, {"loss": loss.detach()}


@dataclass(frozen=True, slots=True)
class Expectile(Objective):
    """L = (1 / n_tokens) Σ_t |τ - 1[R < V_t]| (R - V_t)²: the value of what is good among what was tried.

    The value of implicit Q-learning for language (ILQL; arXiv 2206.11871), with the outcome R as the return: at τ = ½
    the mean outcome from here, towards τ = 1 the best one in the log.
    """

    tau: float = 0.8

    def __post_init__(self) -> None:
        refuse(not 0 < self.tau < 1, f"tau is between 0 and 1, not {self.tau}")

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        error = torch.where(batch.action_mask, batch.reward - outputs.value, 0.0)
        weight = torch.where(error.detach() < 0, 1 - self.tau, self.tau)
        loss = (weight * error.square()).sum() / batch.n_tokens
        return loss, {"loss": loss.detach(), "bias": -error.detach().sum() / batch.n_tokens}
