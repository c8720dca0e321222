"""Decoding through the model's own forward pass: right for any causal language model."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from .engine import EngineError, TokenIds
from .slots import Reading, SlotCache, WholeCache

# Layers that keep keys and values of every token, or of the newest ones only: all are kept, and the model masks.
ATTENTION_LAYERS = (DynamicLayer, DynamicSlidingWindowLayer)


class SlotLayer(DynamicLayer):
    """One layer of a SlotCache, as transformers' models know it."""

    def __init__(self, cache: SlotCache, index: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # transformers leaves it without annotations
        self.cache, self.index = cache, index
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        return self.cache.write(self.index, key_states[:, :, 0], value_states[:, :, 0])

    def get_seq_length(self) -> int:
        return self.cache.column - self.cache.first


class PlainDecoder:
    """Reads prompts and decodes a token a row with the model itself."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Raises EngineError for a model without a cache."""
        self.model = model
        takes = inspect.signature(type(model).forward).parameters
        self.past_name = "past_key_values" if "past_key_values" in takes else "cache_params"
        if self.past_name not in takes:
            raise EngineError(f"{type(model).__name__} takes no cache, so this engine cannot sample from it")
        layers = DynamicCache(config=model.config).layers
        self.slotted = all(type(layer) in ATTENTION_LAYERS for layer in layers)
        self.attends = any(isinstance(layer, DynamicLayer) for layer in layers)

    def cache(self, slots: int, longest: int, room: int) -> SlotCache:
        """An empty cache for so many rows, prompts of at most ``longest`` tokens and ``room`` sampled columns."""
        return (SlotCache if self.slotted else WholeCache)(slots, longest, room, self.model.device)

    def read(self, prompts: Sequence[TokenIds]) -> Reading:
        """One forward pass over all of them, padded on the left."""
        ids, own = padded(prompts, self.model.device)
        past = DynamicCache(config=self.model.config)
        if self.slotted:
            past.layers = [DynamicLayer() for _ in past.layers]
        logits = self.model(
            input_ids=ids,
            attention_mask=own,
            position_ids=(own.cumsum(1) - 1).clamp(min=0),
            use_cache=True,
            logits_to_keep=1,
            **{self.past_name: past},
        ).logits[:, -1]
        attention: list[Any] = past.layers if self.slotted else []
        layers = [(layer.keys, layer.values) for layer in attention]
        return Reading([len(prompt) for prompt in prompts], logits, layers, past)

    def step(self, tokens: Tensor, positions: Tensor, cache: SlotCache) -> Tensor:
        """Logits (rows, vocabulary) of what follows ``tokens`` (rows,) at ``positions`` (rows,)."""
        cache.make_room()
        if isinstance(cache, WholeCache):
            past = cache.past
        else:
            past = Cache(layers=[SlotLayer(cache, index) for index in range(len(cache.buffers))])
        logits = self.model(
            input_ids=tokens[:, None],
            # A state has left out what is padded; Mamba would multiply one token by the columns of all before it.
            attention_mask=cache.own() if self.attends else None,
            position_ids=positions[:, None],
            use_cache=True,
            **{self.past_name: past},
        ).logits[:, -1]
        cache.column += 1
        return logits  # type: ignore[no-any-return]


def padded(prompts: Sequence[TokenIds], device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids and which of them are the prompt's own, (prompts, width) each, padded on the left."""
    width = max(map(len, prompts))
    ids = torch.zeros(len(prompts), width, dtype=torch.long)
    own = torch.zeros(len(prompts), width, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        own[row, width - len(prompt) :] = True
    return ids.to(device), own.to(device)
