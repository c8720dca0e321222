"""The engines that a policy in training can be sampled with, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from transformers import PreTrainedModel

from .adapters import plain
from .drift import CheckedEngine
from .engine import Engine
from .transformers_engine import TransformersEngine


def embedded(model: PreTrainedModel, eos_ids: Iterable[int]) -> Engine:
    """Computes with the model itself: its weights are always the trainer's."""
    return TransformersEngine(model, eos_ids)


def vllm(model: PreTrainedModel, eos_ids: Iterable[int]) -> Engine:
    """Computes with a copy in vLLM, compared with the model after each update."""
    from .vllm_engine import VllmEngine

    return CheckedEngine(VllmEngine(plain(model), eos_ids), model)


ENGINES: dict[str, Callable[[PreTrainedModel, Iterable[int]], Engine]] = {"transformers": embedded, "vllm": vllm}
