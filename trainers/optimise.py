"""The one optimisation loop: it knows batches and losses, and no algorithm by name."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer
from transformers import PreTrainedModel

from palaestra.agents import processes
from palaestra.agents.memory import master_weights, write_back
from palaestra.agents.sharding import is_sharded, whole

from .batch import Batch, micro_batches
from .forward import Outputs, forward
from .losses import Objective

Read = Callable[[PreTrainedModel, Batch], Outputs]


class TrainingError(RuntimeError):
    """An update that must not be taken."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Learning rate: linear warm-up over ``warmup`` steps, then constant, or a cosine down to ``final`` of the peak.

    total: the step at which the cosine ends; None keeps the peak.
    """

    peak: float
    warmup: int = 0
    total: int | None = None
    final: float = 0.05

    def __call__(self, step: int) -> float:
        """The rate of the update that follows ``step`` earlier ones."""
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        if self.total is None:
            return self.peak
        progress = min(1.0, (step - self.warmup) / max(1, self.total - self.warmup))
        return self.peak * (self.final + (1 - self.final) * (1 + math.cos(math.pi * progress)) / 2)


def adamw(model: PreTrainedModel, weight_decay: float = 0.01, device: torch.device | None = None) -> torch.optim.AdamW:
    """AdamW that decays matrices only; the rate is set at each update by the schedule.

    The second moment forgets in some 20 steps, not 1000: a run here takes a few hundred, a policy's gradient changes.

    device: where moments and the weights' fp32 copy live, and steps are computed (ZeRO-Offload, arXiv 2101.06840);
        the model's own without it.
    """
    weights = [p for p in model.parameters() if p.requires_grad]
    masters = master_weights(weights, device)
    matrices, vectors = [p for p in masters if p.ndim >= 2], [p for p in masters if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.95), fused=True)
    write_back(optimizer, weights, masters)
    return optimizer


def update(
    model: PreTrainedModel,
    optimizer: Optimizer,
    batch: Batch,
    objective: Objective,
    *,
    learning_rate: float,
    max_tokens: int = 8192,
    clip_norm: float = 1.0,
    read: Read = forward,
) -> dict[str, float]:
    """One optimiser step over a whole batch, in micro-batches of at most ``max_tokens``, shared out among processes.

    Gradients of the micro-batches add up to that of the whole, since the batch's denominators are the step's own. When
    memory runs out, in one process or more, all make the step once more in micro-batches of half the size, with a
    warning; not of a model in parts, whose passes all processes must make together.

    read: what of the model the objective is given: ``forward`` or ``forward_values``.
    ``model_seconds`` in the result is the wall time of forward and backward passes.

    Raises:
        TrainingError: the loss or the gradient is not finite, or half is too much too; the weights are as they were.
    """
    if model.training:
        model.eval()  # no dropout: the policy that learns is the one that sampled
    gradient = partial(_gradient, model, optimizer, batch, objective, read)
    most = processes.each(len(batch), max_tokens)
    metrics = gradient(most)
    if metrics is None:
        half = max(1, most // 2)
        warnings.warn(f"out of memory: this step is made with {half} tokens at once instead", stacklevel=2)
        metrics = gradient(half)
        if metrics is None:
            raise TrainingError(
                f"out of memory, with {half} tokens at once too: lower micro_batch_tokens, or take a smaller model"
            )
    parameters = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    processes.add_up(p.grad for p in parameters if not isinstance(p.grad, DTensor))  # parts have been added up already
    norm = whole(torch.nn.utils.get_total_norm([p.grad for p in parameters]))
    if not math.isfinite(norm.item()):
        raise TrainingError(f"the gradient's norm is {norm.item()}")
    if norm > clip_norm:  # most are not: a pass over all gradients is spared
        torch.nn.utils.clip_grads_with_norm_(parameters, clip_norm, norm)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.step()
    return {**metrics, "gradient_norm": norm.item(), "learning_rate": learning_rate}


def _gradient(
    model: PreTrainedModel, optimizer: Optimizer, batch: Batch, objective: Objective, read: Read, max_tokens: int
) -> dict[str, float] | None:
    """Each process's part of the step's gradient in its parameters, and the metrics of all of them together.

    None, and no gradient, where one ran out of memory: a split that not all agree on would leave sequences out.
    """
    optimizer.zero_grad(set_to_none=True)
    try:
        mine = _accumulate(model, batch, objective, read, max_tokens)
    except Exception as error:
        if not _is_out_of_memory(error) or is_sharded(model):
            raise
        mine = None
    parts = [part for part in processes.gather(mine) if part is not None]
    if mine is None or len(parts) < processes.count():
        optimizer.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None
    metrics: dict[str, float] = {}
    for part in parts:
        metrics |= {name: combine(name, metrics.get(name), value) for name, value in part.items()}
    return {**metrics, "model_seconds": mine["model_seconds"]}


def _accumulate(
    model: PreTrainedModel, batch: Batch, objective: Objective, read: Read, max_tokens: int
) -> dict[str, float]:
    """Add the step's gradient to that of the parameters; the metrics of this process's micro-batches together."""
    metrics: dict[str, float] = {}
    model_seconds = 0.0
    micros = micro_batches(batch, max_tokens, objective.whole_groups)
    for index in range(processes.rank(), processes.rank() + len(micros), processes.count()):
        counts = index < len(micros)  # else others have one more: a pass that changes nothing, which FSDP waits for
        micro = micros[index if counts else 0].to(model.device)
        began = time.perf_counter()
        outputs = read(model, micro)
        forward_ended = time.perf_counter()
        value, parts = objective(micro, outputs)
        if not math.isfinite(value.item()):
            raise TrainingError(f"the loss is {value.item()} on sequences {micro.sequence_id.unique().tolist()}")
        backward_began = time.perf_counter()
        (value if counts else 0 * value).backward()
        model_seconds += forward_ended - began + time.perf_counter() - backward_began
        for name, part in parts.items() if counts else ():
            metrics[name] = combine(name, metrics.get(name), part.item())
    return {**metrics, "model_seconds": model_seconds}


def _is_out_of_memory(error: Exception) -> bool:
    """torch says it by a type of its own on a GPU, and by a RuntimeError's text on a CPU."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


def combine(name: str, so_far: float | None, value: float) -> float:
    """Metrics of micro-batches: shares of the step's mean add up, and "max/…" keep the largest."""
    if so_far is None:
        return value
    return max(so_far, value) if name.startswith("max/") else so_far + value
