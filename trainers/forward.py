"""One forward pass for all objectives: log-probabilities of the tokens that the policy chose, and nothing more.

Sequences that begin with the same prompt (a group's answers) are laid out in shared rows, prompt once, answers side by
side behind it, with a mask that lets each answer see the prompt and itself. The language-model head is applied only
where an action follows, in chunks, so that logits of all tokens by the whole vocabulary never exist at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from .batch import Batch

MAX_SHARED_ROW = 512  # no prompt is shared beyond this length
EVEN_ROW = (
    800  # the row length at which attention, which is quadratic in it, takes as long as all else (hidden size 128)
)
ROW_LENGTHS = (1, 1.25, 1.5, 2, 3, 4, 6, 8)  # tried for rows with a shared prompt, by the longest sequence
CHUNK_ELEMENTS = 1 << 22  # logits held at once by the head: 16 MiB in fp32


@dataclass(frozen=True, slots=True)
class Outputs:
    """logprobs: (T,) with gradient, 0 where the batch's ``action_mask`` is False; entropy: (T,), nats, no gradient."""

    logprobs: Tensor
    entropy: Tensor


@dataclass(frozen=True, slots=True)
class Layout:
    """Where packed tokens stand in a rectangle of R rows by L columns.

    ids, position: (R, L). branch: (R, L), 0 for a shared prompt, 1, 2, … for the answers behind it, -1 for padding.
    row, column: (T,), the place of each packed token.
    """

    ids: Tensor
    position: Tensor
    branch: Tensor
    row: NDArray[np.int64]
    column: NDArray[np.int64]

    @property
    def shares(self) -> bool:
        """Some row holds more than one answer."""
        return bool((self.branch > 1).any())

    def mask(self) -> Tensor:
        """(R, 1, L, L), True where a query (third axis) may look at a key (last axis)."""
        query, key = self.branch[:, :, None], self.branch[:, None, :]
        length = self.branch.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=self.branch.device).tril()
        own = torch.eye(length, dtype=torch.bool, device=self.branch.device)  # so that no row of the softmax is empty
        return ((((key == 0) | (key == query)) & (key >= 0) & causal) | own)[:, None]


def lay_out(batch: Batch, share_prompts: bool = True) -> Layout:
    """Place the sequences, neighbours with the same prompt behind one copy of it, in rows of the cheapest length."""
    lengths = batch.lengths()
    spans = list(pairwise(np.concatenate([[0], np.cumsum(lengths)]).tolist()))
    ids, action = batch.ids.cpu().numpy(), batch.action_mask.cpu().numpy()
    n_prompt = [int(action[a:b].argmax()) if action[a:b].any() else b - a for a, b in spans]
    prompts = [ids[a : a + n].tobytes() for (a, _), n in zip(spans, n_prompt, strict=True)]
    group = np.cumsum([0] + [one != other for one, other in pairwise(prompts)]).tolist()
    limits = [0, *(int(lengths.max() * factor) for factor in ROW_LENGTHS)] if share_prompts else [0]
    places = [place(group, n_prompt, lengths.tolist(), limit) for limit in limits if limit <= MAX_SHARED_ROW]
    rows, columns, branches, widths = min(places, key=lambda found: cost(found[-1]))
    row = np.repeat(rows, lengths)
    column, branch = np.zeros_like(row), np.zeros_like(row)
    for (a, b), n, answer_column, answer_branch in zip(spans, n_prompt, columns, branches, strict=True):
        column[a : a + n] = np.arange(n)
        column[a + n : b] = answer_column + np.arange(b - a - n)
        branch[a + n : b] = answer_branch
    shape = (len(widths), max(widths))
    placed = {name: torch.zeros(shape, dtype=torch.long) for name in ("ids", "position")}
    placed["branch"] = torch.full(shape, -1)
    for name, values in (("ids", batch.ids), ("position", batch.position), ("branch", torch.from_numpy(branch))):
        placed[name][row, column] = values.cpu()
    device = batch.ids.device
    return Layout(placed["ids"].to(device), placed["position"].to(device), placed["branch"].to(device), row, column)


def place(group: list[int], n_prompt: list[int], lengths: list[int], limit: int) -> tuple[list[int], ...]:
    """Put answers of one group in rows of at most ``limit`` columns, longest first, each in the first that has room.

    Returns (row, column of the answer, branch) of each sequence, and the rows' widths. A sequence of its own may be
    longer than the limit.
    """
    row, column, branch = [0] * len(group), [0] * len(group), [0] * len(group)
    widths: list[int] = []
    answers: list[int] = []  # in each row
    open_rows: dict[int, list[int]] = {}
    for s in sorted(range(len(group)), key=lambda s: n_prompt[s] - lengths[s]):
        n_answer = lengths[s] - n_prompt[s]
        candidates = open_rows.setdefault(group[s], [])
        r = next((r for r in candidates if widths[r] + n_answer <= limit), len(widths))
        if r == len(widths):
            candidates.append(r)
            widths.append(n_prompt[s])
            answers.append(0)
        answers[r] += 1
        row[s], column[s], branch[s] = r, widths[r], answers[r]
        widths[r] += n_answer
    return row, column, branch, widths


def cost(widths: list[int]) -> float:
    """Of a forward pass over a rectangle that holds rows of these widths, up to a factor."""
    length = max(widths)
    return len(widths) * length * (1 + length / EVEN_ROW)


def forward(model: PreTrainedModel, batch: Batch) -> Outputs:
    """Log-probability and entropy of every action token at the batch's temperature.

    Raises:
        ValueError: the model post-processes its logits (soft-capping, scaling), which the chunked head would miss.
    """
    refuse_unsupported(model)
    layout = lay_out(batch, share_prompts=model.config._attn_implementation == "sdpa")
    actions = batch.action_mask.cpu().numpy().nonzero()[0]
    actions = actions[batch.position.cpu().numpy()[actions] > 0]  # a first token has no prediction
    # Rows of one answer each need no mask: attention is causal, and what stands behind an answer is padding.
    shared = {"attention_mask": layout.mask(), "position_ids": layout.position} if layout.shares else {}
    hidden = model.base_model(input_ids=layout.ids, use_cache=False, **shared).last_hidden_state
    # An action is predicted where its packed predecessor stands: for an answer's first token, the prompt's last.
    before = hidden[layout.row[actions - 1], layout.column[actions - 1]]
    places = torch.from_numpy(actions).to(batch.ids.device)
    logprobs, entropy = action_logprobs(model, before, batch.ids[places], batch.temperature)
    zeros = torch.zeros(len(batch), device=hidden.device)
    return Outputs(zeros.index_put((places,), logprobs), zeros.index_put((places,), entropy))


def action_logprobs(
    model: PreTrainedModel, hidden: Tensor, targets: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Log-probability of each target and the entropy where it was chosen, from (N, hidden size) states, in fp32."""
    head: Any = model.get_output_embeddings()

    def chunk(states: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
        logits = head(states).float()
        apply: Any = Chosen.apply
        scored: tuple[Tensor, Tensor] = apply(logits if temperature == 1 else logits / temperature, chosen)
        return scored

    size = max(1, CHUNK_ELEMENTS // head.out_features)
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
    probabilities p alone, since the gradient of log p[target] by the logits is onehot(target) - p.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        logp = logits.log_softmax(-1)
        chosen = logp.gather(1, targets[:, None]).squeeze(1)
        probabilities = logp.exp()
        logp.clamp_(min=torch.finfo(logp.dtype).min)  # 0 log 0 is 0: a logit of -inf adds nothing to the entropy
        entropy = -torch.linalg.vecdot(probabilities, logp)
        ctx.save_for_backward(probabilities, targets)
        ctx.mark_non_differentiable(entropy)
        return chosen, entropy

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor, None]:
        probabilities, targets = ctx.saved_tensors
        by_logits = probabilities * -gradient[:, None]
        return by_logits.scatter_add_(1, targets[:, None], gradient[:, None]), None


def refuse_unsupported(model: PreTrainedModel) -> None:
    for name in ("final_logit_softcapping", "logit_scale", "logits_scaling"):
        if getattr(model.config, name, None) not in (None, 1, 1.0):
            raise ValueError(f"models with {name} are not supported: their logits are more than a linear head's")
