"""Imitation: negative log-likelihood of the chosen tokens, weighted."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..batch import Batch
from ..forward import Outputs
from .objective import Objective, above_zero, mean_entropy


@dataclass(frozen=True, slots=True)
class NLL(Objective):
    """L = -(1 / n_imitated) Σ_t w_t log π(a_t), over action tokens; ``n_imitated`` is the whole optimiser step's.

    w is the row's weight: 1 for plain imitation, the reward for reward-weighted regression.
    """

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        logprobs = torch.where(batch.action_mask, outputs.logprobs, 0.0)
        loss = -(batch.weight * logprobs).sum() / batch.n_imitated
        return loss, {
            "loss": loss.detach(),
            "nll": -logprobs.detach().sum() / batch.n_tokens,
            "entropy": mean_entropy(batch, outputs),
        }


@dataclass(frozen=True, slots=True)
class AdvantageWeighted(Objective):
    """L = -(1 / n_tokens) Σ_t min(exp(A / β), cap) log π(a_t): advantage-weighted regression (AWR; arXiv 1910.00177).

    Every answer is imitated, the better ones more; a smaller β listens to the advantage more.
    """

    beta: float = 0.5
    cap: float = 20.0

    def __post_init__(self) -> None:
        above_zero(self, "beta", "cap")

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        weight = (batch.advantage / self.beta).exp().clamp(max=self.cap)
        weighted = torch.where(batch.action_mask, weight * outputs.logprobs, 0.0)
        loss = -weighted.sum() / batch.n_tokens
        capped = torch.where(batch.action_mask, (weight >= self.cap).float(), 0.0).sum() / batch.n_tokens
        return loss, {"loss": loss.detach(), "capped": capped, "entropy": mean_entropy(batch, outputs)}
