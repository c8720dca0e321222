"""REINFORCE whose importance weight is clipped and carries no gradient: no token is ever left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..batch import Batch
from ..forward import Outputs
from .objective import Objective
from .policy_gradient import AGGREGATIONS, MAX_LOG_RATIO, diagnostics


@dataclass(frozen=True, slots=True)
class ClippedWeight(Objective):
    """L = -agg_t[ sg(c_t) log π(a_t) ], with ρ_t = π(a_t) / μ(a_t) and sg what stops the gradient.

    pessimistic=False: c = A clip(ρ, 1 - clip_low, 1 + clip_high) (CISPO; arXiv 2506.13585).
    pessimistic=True: c = min(ρ A, clip(ρ, …) A), so that a token keeps a gradient where PPO's would be clipped away
        (RLMEC; arXiv 2401.06081).
    aggregation: as in ``PolicyGradient``.
    """

    clip_low: float | None = None
    clip_high: float | None = 0.28
    pessimistic: bool = False
    aggregation: Literal["token_mean", "sequence_mean", "sequence_sum"] = "token_mean"
    reads_advantage = True

    def __post_init__(self) -> None:
        if self.aggregation not in ("token_mean", "sequence_mean", "sequence_sum"):
            raise ValueError(f"aggregation is token_mean, sequence_mean or sequence_sum, not {self.aggregation!r}")
        if self.clip_low is None and self.clip_high is None:
            raise ValueError("clip_low or clip_high must be given: an unclipped weight is what this is there to avoid")
        if any(clip is not None and clip < 0 for clip in (self.clip_low, self.clip_high)):
            raise ValueError(f"clip_low and clip_high are 0 or more, not {(self.clip_low, self.clip_high)}")

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        log_ratio = torch.where(batch.action_mask, outputs.logprobs - batch.behaviour_logprobs, 0.0)
        ratio = log_ratio.detach().clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO).exp()
        low = 0.0 if self.clip_low is None else 1 - self.clip_low
        high = torch.inf if self.clip_high is None else 1 + self.clip_high
        clipped = ratio.clamp(low, high)
        weight = clipped * batch.advantage
        if self.pessimistic:
            weight = torch.minimum(ratio * batch.advantage, weight)
        per_token = torch.where(batch.action_mask, batch.weight * weight * outputs.logprobs, 0.0)
        loss = -AGGREGATIONS[self.aggregation](batch, per_token, None)
        metrics = diagnostics(batch, outputs, log_ratio)
        metrics["clip_fraction"] = (
            torch.where(batch.action_mask, (clipped != ratio).float(), 0).sum() / batch.n_measured
        )
        return loss, {"loss": loss.detach(), **metrics}
