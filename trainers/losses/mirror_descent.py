"""Online policy mirror descent: a step towards better answers, held near the policy that gave them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..batch import Batch
from ..forward import Outputs
from .objective import Objective, above_zero
from .policy_gradient import diagnostics, sequence_sums


@dataclass(frozen=True, slots=True)
class MirrorDescent(Objective):
    """L = mean over answers of -A log π(y) + (τ / 2) (log π(y) - log μ(y))², A = r less the mean of the group.

    Its gradient is that of Kimi k1.5 (arXiv 2501.12599, equation 3), whose log Z is the mean of the group's rewards: a
    squared log-ratio of the whole answer takes the place of a clip. log π(y) is the sum over the answer's tokens.
    """

    tau: float = 0.1

    def __post_init__(self) -> None:
        above_zero(self, "tau")

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        raw = torch.where(batch.action_mask, outputs.logprobs - batch.behaviour_logprobs, 0.0)
        gap, count = sequence_sums(batch, raw)
        moved = -batch.advantage * outputs.logprobs + self.tau / 2 * gap.square() / count  # summed, the gap's is once
        loss = torch.where(batch.action_mask, batch.weight * moved, 0.0).sum() / batch.n_sequences
        return loss, {"loss": loss.detach(), **diagnostics(batch, outputs, raw)}
