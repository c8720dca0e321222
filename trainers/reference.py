"""The frozen reference model: its log-probabilities, and what the KL to it takes off rewards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from transformers import PreTrainedModel

from palaestra.agents import processes
from palaestra.agents.pretrained import weights_hash
from palaestra.episodes.views import Row, behind

from .batch import Batch, micro_batches, pack
from .forward import forward
from .losses.policy_gradient import reference_kl


def with_reference(batch: Batch, reference: PreTrainedModel, max_tokens: int) -> Batch:
    """The batch with log-probabilities of the reference model, and that model's hash."""
    scores = logprobs_under(reference, batch, max_tokens)
    return replace(
        batch, reference_logprobs=scores, reference_hash=processes.agreed(weights_hash(reference), "reference")
    )


def with_old(batch: Batch, policy: PreTrainedModel, max_tokens: int) -> Batch:
    """The batch with log-probabilities of the policy as it is now, as the trainer computes them."""
    return replace(batch, old_logprobs=logprobs_under(policy, batch, max_tokens))


def logprobs_under(model: PreTrainedModel, batch: Batch, max_tokens: int) -> Tensor:
    """Log-probability of each action token at the batch's temperature, (T,), in the batch's order."""
    return read_all(model, batch, max_tokens, lambda model, part: forward(model, part).logprobs)


@torch.no_grad()
def read_all(
    model: PreTrainedModel, batch: Batch, max_tokens: int, read: Callable[[PreTrainedModel, Batch], Tensor]
) -> Tensor:
    """What ``read`` gives of each token, (T,), in the batch's order, a micro-batch at a time, without gradient.

    Each process reads its share of the sequences.
    """
    width = int(batch.position.max()) + 1
    places = batch.sequence_id * width + batch.position
    known, order = places.sort()
    scores = torch.zeros(len(batch), device=model.device)
    for part in micro_batches(batch, processes.each(len(batch), max_tokens))[processes.rank() :: processes.count()]:
        found = read(model, part.to(model.device))
        scores[order[torch.searchsorted(known, part.sequence_id * width + part.position)]] = found
    processes.add_up([scores])
    return scores.to(batch.ids.device)


def kl_prices(rows: Sequence[Row], batch: Batch, coefficient: float, estimator: str) -> list[float]:
    """What each row's reward is to be less by: β Σ_t k(a_t), the estimate of KL(μ‖ref); with k1, β (log μ - log ref)
    (arXiv 2402.14740).

    The reward is of an episode's role, so the sum is over all of its rows.

    ``batch`` is the packed rows with reference log-probabilities; ``estimator`` is one of ``KL_ESTIMATORS``.
    """
    per_token = reference_kl(batch, batch.behaviour_logprobs, estimator)
    sides = [(row.episode_id, row.role) for row in rows]
    number = {side: index for index, side in enumerate(dict.fromkeys(sides))}
    side = torch.tensor([number[one] for one in sides])
    price = torch.zeros(len(number)).index_add(0, side[batch.sequence_id.cpu()], per_token.cpu())
    prices: list[float] = (coefficient * price[side]).tolist()
    return prices


def with_mismatch(
    batch: Batch, rows: Sequence[Row], policy: PreTrainedModel, reference: PreTrainedModel, max_tokens: int
) -> Batch:
    """The batch with the mean of Σ log π - Σ log ref over its answers, each given to the next group's prompt.

    0 when all rows answer one problem.
    """
    prompts = {row.group_id: row.prompt for row in reversed(rows)}
    groups = list(dict.fromkeys(row.group_id for row in rows))
    if len(groups) < 2:
        return batch
    following = dict(zip(groups, [*groups[1:], groups[0]], strict=True))
    crossed = pack([behind(prompts[following[row.group_id]], row) for row in rows])
    gaps = logprobs_under(policy, crossed, max_tokens) - logprobs_under(reference, crossed, max_tokens)
    return replace(batch, mismatch=gaps.sum().item() / len(rows))
