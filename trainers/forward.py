"""One forward pass for all objectives: log-probabilities of the tokens that the policy chose, and nothing more.

The language-model head is applied only where an action follows, in chunks, so that logits of all tokens by the whole
vocabulary never exist at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import embedding, linear, pad
from transformers import PreTrainedModel

from palaestra.agents.sharding import run

from .batch import Batch
from .layout import Layout, lay_out

CHUNK_ELEMENTS = 1 << 22  # logits held at once by the head: 16 MiB in fp32
ON_GPU = 64  # times as many on a GPU, which is fast at large products only

BEFORE, AFTER = 1, 0  # how far before an action token the state stands that tells of it


@dataclass(frozen=True, slots=True)
class Outputs:
    """logprobs, entropy (nats): (T,), with gradient, 0 where the batch's ``action_mask`` is False.

    value: (T,), what the value head says where each action was chosen, or after it; empty for a model without one.
    """

    logprobs: Tensor
    entropy: Tensor
    value: Tensor = field(default_factory=lambda: torch.empty(0))


def forward(model: PreTrainedModel, batch: Batch) -> Outputs:
    """Log-probability and entropy of every action token at the batch's temperature; a shared value head's forecasts.

    Raises:
        ValueError: the model post-processes its logits (soft-capping, scaling), which the chunked head would miss.
    """
    return Outputs(*run(model, _policy, batch, BEFORE))


def forward_critique(model: PreTrainedModel, batch: Batch) -> Outputs:
    """Of a model with both heads: as ``forward``, but the value after each action token."""
    return Outputs(*run(model, _policy, batch, AFTER))


def forward_values(model: PreTrainedModel, batch: Batch) -> Outputs:
    """What an evaluator's head (``model.score``, one output) says after every action token, in fp32."""
    return Outputs(*run(model, _values, batch, AFTER))


def forward_states(model: PreTrainedModel, batch: Batch) -> Outputs:
    """What a critic's head says where every action token was chosen, before it was read."""
    return Outputs(*run(model, _values, batch, BEFORE))


def _policy(model: PreTrainedModel, batch: Batch, back: int) -> tuple[Tensor, ...]:
    refuse_unsupported(model)
    hidden, layout = hidden_states(model, batch)
    places = _predicted(batch)
    targets = batch.ids[torch.from_numpy(places).to(batch.ids.device)]
    told = action_logprobs(model, _at(places - BEFORE, hidden, layout), targets, batch.temperature)
    of_policy = tuple(_onto(batch, places, each) for each in told)
    if not hasattr(model, "score"):
        return of_policy
    return (*of_policy, _of_value(model, batch, _at(places - back, hidden, layout)))


def _values(model: PreTrainedModel, batch: Batch, back: int) -> tuple[Tensor, ...]:
    hidden, layout = hidden_states(model, batch)
    zeros = torch.zeros(len(batch), device=hidden.device)
    return zeros, zeros, _of_value(model, batch, _at(_predicted(batch) - back, hidden, layout))


def _predicted(batch: Batch) -> NDArray[np.int64]:
    """Places of the action tokens; a first token has no prediction."""
    return (batch.action_mask & (batch.position > 0)).cpu().numpy().nonzero()[0]


def _at(places: NDArray[np.int64], hidden: Tensor, layout: Layout) -> Tensor:
    """The states of the batch's tokens at ``places``.

    Answers to one prompt share its last state: indexing would add their gradients in whatever order threads come.
    """
    flat = layout.row[places] * hidden.shape[1] + layout.column[places]
    return embedding(torch.from_numpy(flat).to(hidden.device), hidden.flatten(0, 1))


def _onto(batch: Batch, places: NDArray[np.int64], values: Tensor) -> Tensor:
    """The values at their tokens' places, (T,), and 0 elsewhere."""
    index = torch.from_numpy(places).to(values.device)
    return torch.zeros(len(batch), device=values.device).index_put((index,), values)


def _of_value(model: PreTrainedModel, batch: Batch, states: Tensor) -> Tensor:
    head: Any = model.score
    return _onto(batch, _predicted(batch), head(states.to(head.weight.dtype)).squeeze(-1).float())


def hidden_states(model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Layout]:
    """The transformer's last hidden states, (R, L, hidden size), and where the batch's tokens stand in them."""
    layout = lay_out(batch, share_rows=model.config._attn_implementation == "sdpa")
    # Rows of one sequence each need no mask: attention is causal, and what stands behind a sequence is padding.
    shared = {"attention_mask": layout.mask(), "position_ids": layout.position} if layout.shares else {}
    hidden: Tensor = model.base_model(input_ids=layout.ids, use_cache=False, **shared).last_hidden_state
    return hidden, layout


def action_logprobs(
    model: PreTrainedModel, hidden: Tensor, targets: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Log-probability of each target and the entropy where it was chosen, from (N, hidden size) states, in fp32."""
    head: Any = model.get_output_embeddings()
    states, weight = hidden.float(), head.weight.float()
    if head.bias is not None:  # as the weight of a last state that is always 1
        states, weight = pad(states, (0, 1), value=1.0), torch.cat([weight, head.bias.float()[:, None]], 1)
    size = max(1, CHUNK_ELEMENTS * (ON_GPU if hidden.is_cuda else 1) // head.out_features)
    apply: Any = Chosen.apply
    scored: tuple[Tensor, Tensor] = apply(states if temperature == 1 else states / temperature, weight, targets, size)
    return scored


class Chosen(torch.autograd.Function):
    """(N, H) states, a head and N targets to the targets' log-probabilities and the entropies, (N,) each.

    What autograd would make of log_softmax and gather, in half the time: between the passes it keeps the
    probabilities p alone, since the gradient of log p[target] by the logits is onehot(target) - p, and that of the
    entropy H is -p (log p + H). Of more than ``size`` targets it goes through so many at a time, keeps nothing of
    them, and computes each chunk's p once more on the way back. What stays is allocated before the first chunk: behind
    it the C library could not join what the chunks leave free.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, targets: Tensor, size: int) -> tuple[Tensor, Tensor]:
        chosen, entropy = states.new_empty(len(targets)), states.new_empty(len(targets))
        for chunk in _chunks(len(targets), size):
            logp = linear(states[chunk], weight).log_softmax(-1)
            torch.gather(logp, 1, targets[chunk, None], out=chosen[chunk, None])
            p = logp.exp()
            logp.clamp_(min=torch.finfo(logp.dtype).min)  # 0 log 0 is 0: a logit of -inf adds nothing to the entropy
            torch.linalg.vecdot(p, logp, out=entropy[chunk])
            kept = p if len(targets) <= size else None
        entropy.neg_()
        ctx.save_for_backward(states, weight, targets, entropy, kept)
        ctx.size = size
        ctx.set_materialize_grads(False)
        return chosen, entropy

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, of_entropy: Tensor | None) -> tuple[Tensor | None, ...]:
        states, weight, targets, entropy, kept = ctx.saved_tensors
        gradient = torch.zeros_like(entropy) if gradient is None else gradient
        by_states = torch.empty_like(states)
        by_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        for chunk in _chunks(len(targets), ctx.size):
            p = linear(states[chunk], weight).log_softmax(-1).exp_() if kept is None else kept
            by_logits = p * -gradient[chunk, None]
            if of_entropy is not None:
                logp = p.log().clamp_(min=torch.finfo(p.dtype).min)
                by_logits -= of_entropy[chunk, None] * p * (logp + entropy[chunk, None])
            by_logits.scatter_add_(1, targets[chunk, None], gradient[chunk, None])
            torch.mm(by_logits, weight, out=by_states[chunk])
            if by_weight is not None:
                by_weight.addmm_(by_logits.T, states[chunk])
        return by_states, by_weight, None, None


def _chunks(n: int, size: int) -> list[slice]:
    """Of n targets, ``size`` at a time; one chunk of none where there are none."""
    return [slice(start, start + size) for start in range(0, max(1, n), size)]


def refuse_unsupported(model: PreTrainedModel) -> None:
    for name in ("final_logit_softcapping", "logit_scale", "logits_scaling"):
        if getattr(model.config, name, None) not in (None, 1, 1.0):
            raise ValueError(f"models with {name} are not supported: their logits are more than a linear head's")
