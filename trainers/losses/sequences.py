"""From tokens to sequences: sums over the tokens that the policy chose."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ..batch import Batch
from ..forward import Outputs


class Sequences(NamedTuple):
    """The S sequences of a micro-batch, every tensor of shape (S,).

    logprob, reference: Σ log π and Σ log ref over the action tokens. tokens: how many these are.
    weighted: Σ w (log π - log ref), w the batch's weight of each token.
    label: 1 chosen, -1 rejected, 0 neither. reward: its own. group: 0, 1, … by the sequence's group.
    """

    logprob: Tensor
    reference: Tensor
    tokens: Tensor
    weighted: Tensor
    label: Tensor
    reward: Tensor
    group: Tensor

    @property
    def log_ratio(self) -> Tensor:
        """Σ log π - Σ log ref: the implicit reward without its β (DPO; arXiv 2305.18290)."""
        return self.logprob - self.reference

    @property
    def mean(self) -> Tensor:
        """Log-probability a token."""
        return self.logprob / self.tokens

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Places of the chosen and of the rejected sequences, (P,) each, pair by pair."""
        order = self.group.argsort(stable=True)
        return order[self.label[order] > 0], order[self.label[order] < 0]

    def ties(self) -> tuple[Tensor, Tensor]:
        """The same of pairs without a better one: two sequences labelled 0."""
        order = self.group.argsort(stable=True)
        even = order[self.label[order] == 0]
        return even[0::2], even[1::2]


def sequences(batch: Batch, outputs: Outputs) -> Sequences:
    first, index = batch.position == 0, batch.index
    zeros = torch.zeros(int(index[-1]) + 1, device=batch.ids.device)

    def total(per_token: Tensor) -> Tensor:
        return zeros.index_add(0, index, torch.where(batch.action_mask, per_token, 0.0))

    return Sequences(
        logprob=total(outputs.logprobs),
        reference=total(batch.reference_logprobs),
        tokens=total(torch.ones_like(batch.weight)).clamp(min=1),
        weighted=total(batch.weight * (outputs.logprobs - batch.reference_logprobs)),
        label=batch.label[first],
        reward=batch.reward[first],
        group=batch.group_id[first].unique(return_inverse=True)[1],
    )
