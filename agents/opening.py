"""Which model a run starts from, and that model: of a folder or the hub, or a new small one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from . import processes
from .adapters import add_adapter, whereabouts
from .checkpoint import save_checkpoint
from .memory import stored_in
from .nano import nano_model, nano_tokenizer
from .pretrained import load_pretrained


@dataclass(frozen=True, slots=True)
class Lora:
    """Adapters of this rank on ``targets`` (names of linear layers, or all but the head), scaled by alpha / rank."""

    rank: int = 8
    alpha: float = 16.0
    targets: str | tuple[str, ...] = "all-linear"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Which policy to start from: ``path`` (a folder or hub id), or, without it, a small Llama with random weights.

    lora: adapters learn instead of the weights. dtype: of the weights; the head and the optimiser compute in fp32.
    gradient_checkpointing: activations are computed again instead of kept. offload_optimizer: its state is kept, and
        its steps are taken, on the CPU. device: "auto" is cuda where there is one.
    """

    path: str | None = None
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    lora: Lora | None = None
    dtype: Literal["float32", "bfloat16"] = "float32"
    gradient_checkpointing: bool = False
    offload_optimizer: bool = False
    device: Literal["auto", "cpu", "cuda"] = "auto"


def open_model(spec: ModelSpec, seed: int, base: Path) -> tuple[PreTrainedModel, Any]:
    """The model that a recipe names: a folder or hub id, or a new small one; with a new adapter, if it asks for one.

    base: where the model is saved that an adapter belongs to, if it is nowhere yet.
    """
    device, dtype = processes.device(spec.device), getattr(torch, spec.dtype)
    model: Any
    tokenizer: Any = nano_tokenizer()
    if spec.path is None:
        model = stored_in(nano_model(tokenizer, spec.hidden, spec.layers, spec.heads, seed), dtype)
    else:
        model, tokenizer = load_pretrained(spec.path, AutoModelForCausalLM, dtype=dtype, merge=True)
    if spec.lora is not None:
        if spec.path is None:
            save_checkpoint(base.parent, base.name, model, tokenizer)
        add_adapter(model, whereabouts(spec.path or base), **dataclasses.asdict(spec.lora), seed=seed)
    return model.to(device), tokenizer
