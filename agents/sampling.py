"""From logits to tokens: one number a row decides, through the inverse of the cumulative distribution."""

from __future__ import annotations

import torch
from torch import Tensor

from .engine import Sampling


def choose(logits: Tensor, sampling: Sampling, uniforms: Tensor) -> tuple[Tensor, Tensor]:
    """Next token ids and their log-probabilities under the distribution they are drawn from.

    logits: (rows, vocabulary). uniforms: (rows,) in [0, 1), turned into tokens through the inverse of the
    cumulative distribution, so that one number a row decides.
    """
    logits = logits.float()
    if sampling.temperature == 0:
        logp = logits.log_softmax(-1)
        chosen = logp.argmax(-1)
    else:
        logp = restrict(logits / sampling.temperature, sampling).log_softmax(-1)
        cumulative = logp.double().exp_()
        torch.cumsum(cumulative, -1, out=cumulative)
        threshold = uniforms[:, None] * cumulative[:, -1:]
        chosen = torch.searchsorted(cumulative, threshold, right=True).squeeze(1).clamp_(max=logits.shape[1] - 1)
    return chosen, logp.gather(1, chosen[:, None]).squeeze(1)


def restrict(logits: Tensor, sampling: Sampling) -> Tensor:
    """Set logits outside the top k, and outside the smallest set of mass ``top_p``, to minus infinity."""
    if sampling.top_k:
        kth = logits.topk(min(sampling.top_k, logits.shape[-1])).values[:, -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if sampling.top_p < 1:
        ordered, order = logits.sort(descending=True)
        mass_before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
        outside = torch.zeros_like(logits, dtype=torch.bool).scatter(1, order, mass_before >= sampling.top_p)
        logits = logits.masked_fill(outside, -torch.inf)
    return logits
