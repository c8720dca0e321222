"""Good answers and bad ones, without pairs: Kahneman–Tversky optimisation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..batch import Batch
from ..forward import Outputs
from .objective import Objective, above_zero, mean_entropy
from .sequences import sequences


@dataclass(frozen=True, slots=True)
class KTO(Objective):
    """L = mean over answers of w_d (1 - σ(β (Δ - z))) for good ones and w_u (1 - σ(β (z - Δ))) for bad ones.

    Δ = Σ_t log π(y_t) - Σ_t log ref(y_t); z = max(0, the mean of Δ over answers to *other* problems), an estimate of
    KL(π‖ref) without gradient, ``batch.mismatch`` (arXiv 2402.01306).
    """

    beta: float = 0.1
    desirable_weight: float = 1.0
    undesirable_weight: float = 1.0
    reads_reference = True
    reads_mismatch = True

    def __post_init__(self) -> None:
        above_zero(self, "beta", "desirable_weight", "undesirable_weight")

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        s = sequences(batch, outputs)
        good = s.label > 0
        gain = self.beta * (s.log_ratio - max(0.0, batch.mismatch))
        value = torch.sigmoid(torch.where(good, gain, -gain))
        weight = torch.where(good, self.desirable_weight, self.undesirable_weight)
        loss = (weight * (1 - value)).sum() / batch.n_sequences
        return loss, {
            "loss": loss.detach(),
            "pair_accuracy": (value.detach() > 0.5).float().sum() / batch.n_sequences,
            "implicit_reward": self.beta * s.log_ratio.detach().sum() / batch.n_sequences,
            "entropy": mean_entropy(batch, outputs),
        }
