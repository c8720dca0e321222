"""One forward pass for all objectives: log-probabilities of the tokens that the policy chose, and nothing more.

The language-model head is applied only where an action follows, in chunks, so that logits of all tokens by the whole
vocabulary never exist at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from palaestra.agents.sharding import run

from .batch import Batch
from .layout import Layout, lay_out

CHUNK_ELEMENTS = 1 << 22  # logits held at once by the head: 16 MiB in fp32
ON_GPU = 64  # times as many on a GPU, which is fast at large products only


@dataclass(frozen=True, slots=True)
class Outputs:
    """logprobs, entropy (nats): (T,), with gradient, 0 where the batch's ``action_mask`` is False.

    value: (T,), what an evaluator's head says after reading each action token; empty for a policy.
    """

    logprobs: Tensor
    entropy: Tensor
    value: Tensor = field(default_factory=lambda: torch.empty(0))


def forward(model: PreTrainedModel, batch: Batch) -> Outputs:
    """Log-probability and entropy of every action token at the batch's temperature.

    Raises:
        ValueError: the model post-processes its logits (soft-capping, scaling), which the chunked head would miss.
    """
    refuse_unsupported(model)
    return Outputs(*run(model, _chosen, batch))


def forward_values(model: PreTrainedModel, batch: Batch) -> Outputs:
    """What an evaluator's head (``model.score``, one output) says at every action token, in fp32."""
    value = run(model, _values, batch)
    zeros = torch.zeros_like(value)
    return Outputs(zeros, zeros, value)


def _chosen(model: PreTrainedModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """Log-probabilities and entropies, (T,) each."""
    hidden, layout = hidden_states(model, batch)
    actions = batch.action_mask.cpu().numpy().nonzero()[0]
    actions = actions[batch.position.cpu().numpy()[actions] > 0]  # a first token has no prediction
    # An action is predicted where its packed predecessor stands: for an answer's first token, the prompt's last.
    before = hidden[layout.row[actions - 1], layout.column[actions - 1]]
    places = torch.from_numpy(actions).to(batch.ids.device)
    logprobs, entropy = action_logprobs(model, before, batch.ids[places], batch.temperature)
    zeros = torch.zeros(len(batch), device=hidden.device)
    return zeros.index_put((places,), logprobs), zeros.index_put((places,), entropy)


def _values(model: PreTrainedModel, batch: Batch) -> Tensor:
    """The head's values, (T,)."""
    hidden, layout = hidden_states(model, batch)
    actions = batch.action_mask.cpu().numpy().nonzero()[0]
    head: Any = model.score
    value = head(hidden[layout.row[actions], layout.column[actions]]).squeeze(-1).float()
    zeros = torch.zeros(len(batch), device=hidden.device)
    return zeros.index_put((torch.from_numpy(actions).to(hidden.device),), value)


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
    weight, bias = head.weight.float(), None if head.bias is None else head.bias.float()

    def chunk(states: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
        logits = linear(states.float(), weight, bias)
        apply: Any = Chosen.apply
        scored: tuple[Tensor, Tensor] = apply(logits if temperature == 1 else logits / temperature, chosen)
        return scored

    size = max(1, CHUNK_ELEMENTS * (ON_GPU if hidden.is_cuda else 1) // head.out_features)
    if len(targets) <= size:
        return chunk(hidden, targets)
    parts = [
        checkpoint(chunk, states, chosen, use_reentrant=False)
        for states, chosen in zip(hidden.split(size), targets.split(size), strict=True)
    ]
    return torch.cat([logp for logp, _ in parts]), torch.cat([entropy for _, entropy in parts])


class Chosen(torch.autograd.Function):
    """(N, V) logits and N targets to the targets' log-probabilities and the entropies, (N,) each.

    What autograd would make of log_softmax and gather, in half the time: between the passes it keeps the
    probabilities p alone, since the gradient of log p[target] by the logits is onehot(target) - p, and that of the
    entropy H is -p (log p + H).
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        logp = logits.log_softmax(-1)
        chosen = logp.gather(1, targets[:, None]).squeeze(1)
        probabilities = logp.exp()
        logp.clamp_(min=torch.finfo(logp.dtype).min)  # 0 log 0 is 0: a logit of -inf adds nothing to the entropy
        entropy = -torch.linalg.vecdot(probabilities, logp)
        ctx.save_for_backward(probabilities, targets, entropy)
        ctx.set_materialize_grads(False)
        return chosen, entropy

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, of_entropy: Tensor | None) -> tuple[Tensor, None]:
        probabilities, targets, entropy = ctx.saved_tensors
        if gradient is None:
            gradient = torch.zeros_like(entropy)
        by_logits = probabilities * -gradient[:, None]
        if of_entropy is not None:
            logp = probabilities.log().clamp_(min=torch.finfo(probabilities.dtype).min)
            by_logits -= of_entropy[:, None] * probabilities * (logp + entropy[:, None])
        return by_logits.scatter_add_(1, targets[:, None], gradient[:, None]), None


def refuse_unsupported(model: PreTrainedModel) -> None:
    for name in ("final_logit_softcapping", "logit_scale", "logits_scaling"):
        if getattr(model.config, name, None) not in (None, 1, 1.0):
            raise ValueError(f"models with {name} are not supported: their logits are more than a linear head's")
