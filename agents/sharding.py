"""A model cut up among processes: FSDP2 (arXiv 2304.11277), in which each holds a part of every weight.

Gradients and the optimiser's state are cut up alike. A whole copy, which samples, stays in each process.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from types import MethodType
from typing import Any, TypeVar

from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import PreTrainedModel

from . import processes

T = TypeVar("T")


def sharded(model: PreTrainedModel) -> PreTrainedModel:
    """A copy of the model, of which this process holds its part. Gradients of all are added up, not averaged."""
    mesh = init_device_mesh(model.device.type, (processes.count(),))
    again = os.environ.get("FSDP_RESHARD_AFTER_FORWARD", "true").lower() == "true"
    copied: Any = copy.deepcopy(model)
    layers = [module for module in copied.modules() if type(module).__name__ in (copied._no_split_modules or ())]
    for module in (*layers, copied):
        part: Any = fully_shard(module, mesh=mesh, reshard_after_forward=again)
        part.set_gradient_divide_factor(1.0)
        part.set_force_sum_reduction_for_comms(True)  # gloo knows no other
    copied.run = MethodType(_run, copied)
    register_fsdp_forward_method(copied, "run")
    parts: PreTrainedModel = copied
    return parts


def _run(model: Any, function: Callable[..., T], *arguments: Any) -> T:
    return function(model, *arguments)


def run(model: Any, function: Callable[..., T], *arguments: Any) -> T:
    """``function(model, *arguments)``; of a model in parts, the weights are gathered while it and its backward run.

    The function gives a tensor or a tuple of tensors.
    """
    result: T = (model.run if is_sharded(model) else MethodType(_run, model))(function, *arguments)
    return result


def is_sharded(model: Any) -> bool:
    return isinstance(model, FSDPModule)


def whole(value: T) -> T:
    """A tensor that is in parts put together; all processes must ask. Anything else is itself."""
    return value.full_tensor() if isinstance(value, DTensor) else value  # type: ignore[return-value]


def parted_like(value: Tensor, other: Tensor) -> Tensor:
    """A whole tensor cut up as ``other`` is, if it is."""
    if not isinstance(other, DTensor) or value.shape != other.shape:
        return value
    return distribute_tensor(value.to(other.device), other.device_mesh, other.placements, src_data_rank=None)
