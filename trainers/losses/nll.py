"""Imitation: negative log-likelihood of the chosen tokens."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..batch import Batch
from ..forward import Outputs
from .objective import Objective


@dataclass(frozen=True, slots=True)
class NLL(Objective):
    """L = -(1 / n_tokens) Σ_t w_t log π(a_t), over action tokens; ``n_tokens`` is the whole optimiser step's.

    w is the row's weight: 1 for plain imitation, the reward for reward-weighted regression.
    """

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        logprobs = torch.where(batch.action_mask, outputs.logprobs, 0.0)
        loss = -(batch.weight * logprobs).sum() / batch.n_tokens
        return loss, {
            "loss": loss.detach(),
            "nll": -logprobs.detach().sum() / batch.n_tokens,
            "entropy": outputs.entropy.detach().sum() / batch.n_tokens,
        }
