"""REINFORCE whose importance weight is clipped and carries no gradient: no token is ever left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..batch import Batch
from ..forward import Outputs
from .objective import Objective, above_zero, mean_entropy
from .policy_gradient import AGGREGATIONS, MAX_LOG_RATIO, check_clips, clip, diagnostics, measured_mean


@dataclass(frozen=True, slots=True)
class RewriteGuided(Objective):
    """L = -(1 / n_judged) Σ_t sg(min(ρ_t A_t, clip(ρ_t, 1 ± clip) A_t)) log π(a_t) - (λ / n_tokens) Σ_t w_t log π(a_t).

    The first sum is over sampled answers, the second over rewritten ones, which are labelled 1 (RLMEC; arXiv
    2401.06081). A token's A is what a rewriter thinks of it; w is ½, or 1 where the token was changed. λ: imitation.
    """

    clip: float = 0.3
    imitation: float = 1.0

    def __post_init__(self) -> None:
        above_zero(self, "clip", "imitation")

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        sampled = batch.action_mask & (batch.label <= 0)
        log_ratio = torch.where(sampled, outputs.logprobs - batch.behaviour_logprobs, 0.0).detach()
        ratio = log_ratio.clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO).exp()
        clipped = ratio.clamp(1 - self.clip, 1 + self.clip)
        weight = torch.minimum(ratio * batch.advantage, clipped * batch.advantage)
        guided = -torch.where(sampled, weight * outputs.logprobs, 0.0).sum() / batch.n_judged
        rewritten = batch.action_mask & (batch.label > 0)
        imitated = -torch.where(rewritten, batch.weight * outputs.logprobs, 0.0).sum() / batch.n_tokens
        loss = guided + self.imitation * imitated
        return loss, {"loss": loss.detach(), "imitation": imitated.detach(), "entropy": mean_entropy(batch, outputs)}


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
        check_clips(self.clip_low, self.clip_high)

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        log_ratio = torch.where(batch.action_mask, outputs.logprobs - batch.behaviour_logprobs, 0.0)
        ratio = log_ratio.detach().clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO).exp()
        clipped = clip(ratio, self.clip_low, self.clip_high)
        weight = clipped * batch.advantage
        if self.pessimistic:
            weight = torch.minimum(ratio * batch.advantage, weight)
        per_token = torch.where(batch.action_mask, batch.weight * weight * outputs.logprobs, 0.0)
        loss = -AGGREGATIONS[self.aggregation](batch, per_token, 1)
        metrics = diagnostics(batch, outputs, log_ratio)
        metrics["clip_fraction"] = measured_mean(batch, (clipped != ratio).float())
        return loss, {"loss": loss.detach(), **metrics}
