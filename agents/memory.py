"""More model in the same memory.

Half precision, with a head and an optimiser in fp32; an optimiser on another device; activations computed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer


class ExactLinear(torch.nn.Linear):
    """A linear layer that computes in fp32 whatever its weights are stored in."""

    def forward(self, input: Tensor) -> Tensor:
        return linear(input.float(), self.weight.float(), None if self.bias is None else self.bias.float())


def with_exact_head(model: PreTrainedModel) -> PreTrainedModel:
    """The same model; in half precision its head computes in fp32, for logits rounded to bf16 are off by whole nats.

    A weight that the head shares with the embeddings stays shared.
    """
    head: Any = model.get_output_embeddings() or getattr(model, "score", None)
    if type(head) is torch.nn.Linear and head.weight.dtype != torch.float32:
        head.__class__ = ExactLinear
    return model


def stored_in(model: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    """The same model with its weights in another type; what it computes from none, as angles of positions, stays."""
    for weight in model.parameters():
        weight.data = weight.data.to(dtype)
    return with_exact_head(model)


def recompute_layers(model: PreTrainedModel) -> None:
    """Let each of the model's layers keep its input alone for the backward pass, and compute the rest once more.

    Gradient checkpointing (arXiv 1604.06174), at the price of one more forward pass.

    Raises:
        ValueError: the model does not say what its layers are.
    """
    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    if not layers:
        raise ValueError(f"{type(model).__name__} cannot have gradient_checkpointing: it does not name its layers")
    for layer in layers:
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)


def master_weights(weights: Sequence[Tensor], device: torch.device | None = None) -> list[Tensor]:
    """For each weight its copy in fp32 on ``device``; a weight that is both already stands for itself.

    A copy gets its weight's gradient as soon as there is one, so that gradients add up in fp32, on the copy's device.
    Copies that were made of the weights before get none any more.
    """
    return [weight if _is_master(weight, device) else _master(weight, device) for weight in weights]


def write_back(optimizer: torch.optim.Optimizer, weights: Sequence[Tensor], masters: Sequence[Tensor]) -> None:
    """Let every step of the optimiser of ``masters`` set the weights too."""
    pairs = [(weight, master) for weight, master in zip(weights, masters, strict=True) if weight is not master]

    def write(*_: object) -> None:
        with torch.no_grad():
            for weight, master in pairs:
                weight.copy_(master)

    if pairs:
        optimizer.register_step_post_hook(write)


def apart(optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> list[Tensor]:
    """What an optimiser moves that are not the model's own weights, but their fp32 copies."""
    own = {id(weight) for weight in model.parameters()}
    return [weight for group in optimizer.param_groups for weight in group["params"] if id(weight) not in own]


def _is_master(weight: Tensor, device: torch.device | None) -> bool:
    return weight.dtype == torch.float32 and device in (None, weight.device)


def _master(weight: Tensor, device: torch.device | None) -> Tensor:
    master = weight.detach().to(device or weight.device, torch.float32, copy=True)

    def take(weight: Tensor) -> None:
        assert weight.grad is not None
        gradient = weight.grad.to(master.device, master.dtype)
        master.grad = gradient if master.grad is None else master.grad.add_(gradient)
        weight.grad = None

    if (earlier := getattr(weight, "gives_gradient", None)) is not None:
        earlier.remove()  # to the copy of an optimiser before this one
    weight.gives_gradient = weight.register_post_accumulate_grad_hook(take)  # type: ignore[attr-defined]
    return master
