"""The embedded engine: any Hugging Face causal language model, sampled in batches with a key-value cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from .engine import Completion, EngineError, Sampling, TokenIds

REPACK_BELOW = 0.75  # share of unfinished rows under which finished ones are taken out of the batch


class TransformersEngine:
    """Samples from a model in this process, on whatever device the model lives.

    Equal prompts are read once. Rows that have ended leave the batch. A row's uniform numbers come from its own
    seed, so that its tokens do not depend on which rows it is batched with.

    eos_ids: ids that end a completion; those of the model's generation config always count.
    max_rows: rows sampled at once; more prompts go through in several batches.
    """

    def __init__(self, model: PreTrainedModel, eos_ids: Iterable[int] = (), max_rows: int = 512) -> None:
        self.model = model
        self.max_rows = max_rows
        self.version = 0
        self.eos_ids = tuple(sorted({*eos_ids, *_configured_eos(model)}))
        if not self.eos_ids:
            raise EngineError("the model names no end-of-sequence id: pass eos_ids, such as the tokenizer's")

    def load(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Copy weights in place by name (tensors that are already the model's own are left as they are)."""
        own = dict(self.model.named_parameters(remove_duplicate=False))
        with torch.no_grad():
            for name, tensor in weights:
                if name not in own:
                    raise EngineError(f"the model has no weight {name}")
                if own[name].shape != tensor.shape:
                    raise EngineError(f"{name} has shape {tuple(own[name].shape)}, not {tuple(tensor.shape)}")
                if own[name].data_ptr() != tensor.data_ptr():
                    own[name].copy_(tensor)
        self.version = version

    def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        """Raises EngineError for a prompt that is empty, holds a token that the model does not know, or is with its
        answer longer than the model's context, and for a number of seeds that is not that of the prompts."""
        if not all(len(prompt) for prompt in prompts):
            raise EngineError("an empty prompt cannot be continued")
        if sampling.seeds is not None and len(sampling.seeds) != len(prompts):
            raise EngineError(f"{len(sampling.seeds)} seeds for {len(prompts)} prompts")
        context = getattr(self.model.config, "max_position_embeddings", None)
        longest = max(map(len, prompts), default=0)
        if context is not None and longest + sampling.max_tokens > context:
            raise EngineError(
                f"a prompt of {longest} tokens and an answer of {sampling.max_tokens} exceed the model's context of "
                f"{context}: lower max_tokens"
            )
        unknown, embeddings = max(map(max, prompts), default=0), self.model.get_input_embeddings()
        if isinstance(embeddings, torch.nn.Embedding) and unknown >= embeddings.num_embeddings:
            raise EngineError(
                f"a prompt holds token {unknown}, which the model does not know: the tokenizer is another model's"
            )
        seeds = sampling.seeds if sampling.seeds is not None else (None,) * len(prompts)
        uniforms = np.array([np.random.default_rng(seed).random(sampling.max_tokens) for seed in seeds])
        training = self.model.training
        self.model.eval()
        try:
            completions: list[Completion] = []
            for start in range(0, len(prompts), self.max_rows):
                rows = slice(start, start + self.max_rows)
                completions += self._batch(prompts[rows], sampling, torch.from_numpy(uniforms[rows]))
            return completions
        finally:
            self.model.train(training)

    @torch.inference_mode()
    def _batch(self, prompts: Sequence[TokenIds], sampling: Sampling, uniforms: Tensor) -> list[Completion]:
        device = self.model.device
        eos = torch.tensor(self.eos_ids, device=device)
        uniforms = uniforms.to(device)
        mask, cache, logits = self._prefill(prompts, sampling.max_tokens)
        n_rows, width = len(prompts), mask.shape[1] - sampling.max_tokens
        token_ids = torch.zeros(n_rows, sampling.max_tokens, dtype=torch.long, device=device)
        logprobs = torch.zeros(n_rows, sampling.max_tokens, device=device)
        lengths = torch.full((n_rows,), sampling.max_tokens, device=device)
        stopped = torch.zeros(n_rows, dtype=torch.bool, device=device)
        rows = torch.arange(n_rows, device=device)  # which completion each row of the batch is
        position = mask.sum(1)
        for step in range(sampling.max_tokens):
            chosen, logp = choose(logits, sampling, uniforms[rows, step])
            ended = torch.isin(chosen, eos) & ~stopped[rows]
            token_ids[rows, step], logprobs[rows, step] = chosen, logp
            lengths[rows[ended]] = step + 1
            stopped[rows[ended]] = True
            alive = ~stopped[rows]
            if step + 1 == sampling.max_tokens or not alive.any():
                break
            if alive.sum() < REPACK_BELOW * len(rows):
                kept = alive.nonzero().squeeze(1)
                cache.batch_select_indices(kept)
                rows, chosen, mask, position = rows[kept], chosen[kept], mask[kept], position[kept]
            mask[:, width + step] = True
            logits = self.model(
                input_ids=chosen[:, None],
                attention_mask=mask[:, : width + step + 1],
                position_ids=(position + step)[:, None],
                past_key_values=cache,
                use_cache=True,
            ).logits[:, -1]
        return [
            Completion(tuple(ids[:n]), tuple(lps[:n]), "stop" if stop else "length", self.version)
            for ids, lps, n, stop in zip(
                token_ids.tolist(), logprobs.tolist(), lengths.tolist(), stopped.tolist(), strict=True
            )
        ]

    def _prefill(self, prompts: Sequence[TokenIds], room: int) -> tuple[Tensor, DynamicCache, Tensor]:
        """Read each distinct prompt once, padded on the left; give mask, cache and next-token logits a row."""
        device = self.model.device
        distinct = {tuple(prompt): None for prompt in prompts}
        index = {prompt: i for i, prompt in enumerate(distinct)}
        width = max(map(len, distinct))
        ids = torch.zeros(len(distinct), width, dtype=torch.long)
        mask = torch.zeros(len(distinct), width + room, dtype=torch.bool)
        for i, prompt in enumerate(distinct):
            ids[i, width - len(prompt) :] = torch.tensor(prompt)
            mask[i, width - len(prompt) : width] = True
        ids, mask = ids.to(device), mask.to(device)
        cache = growing_cache(self.model, width + room)
        logits = self.model(
            input_ids=ids,
            attention_mask=mask[:, :width],
            position_ids=(mask[:, :width].cumsum(1) - 1).clamp(min=0),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        of_row = torch.tensor([index[tuple(prompt)] for prompt in prompts], device=device)
        cache.batch_select_indices(of_row)
        return mask[of_row], cache, logits[of_row]


def choose(logits: Tensor, sampling: Sampling, uniforms: Tensor) -> tuple[Tensor, Tensor]:
    """Next token ids and their log-probabilities under the distribution they are drawn from.

    logits: (rows, vocabulary). uniforms: (rows,) in [0, 1), turned into tokens through the inverse of the
    cumulative distribution, so that one number a row decides.
    """
    logits = logits.float()
    if sampling.temperature == 0:
        logp = logits.log_softmax(-1)
        chosen = logp.argmax(-1)
    else:
        logp = restrict(logits / sampling.temperature, sampling).log_softmax(-1)
        cumulative = logp.double().exp().cumsum(-1)
        threshold = uniforms[:, None] * cumulative[:, -1:]
        chosen = torch.searchsorted(cumulative, threshold, right=True).squeeze(1).clamp(max=logits.shape[1] - 1)
    return chosen, logp.gather(1, chosen[:, None]).squeeze(1)


def restrict(logits: Tensor, sampling: Sampling) -> Tensor:
    """Set logits outside the top k, and outside the smallest set of mass ``top_p``, to minus infinity."""
    if sampling.top_k:
        kth = logits.topk(min(sampling.top_k, logits.shape[-1])).values[:, -1:]
        logits = logits.masked_fill(logits < kth, -torch.inf)
    if sampling.top_p < 1:
        ordered, order = logits.sort(descending=True)
        mass_before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
        outside = torch.zeros_like(logits, dtype=torch.bool).scatter(1, order, mass_before >= sampling.top_p)
        logits = logits.masked_fill(outside, -torch.inf)
    return logits


class GrowingLayer(DynamicLayer):
    """One layer's keys and values, written in place into a buffer; ``DynamicLayer`` copies them all for each token."""

    def __init__(self, capacity: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # transformers leaves it without annotations
        self.capacity = capacity
        self.length = 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.dtype, self.device = key_states.dtype, key_states.device
        self.buffers = [_room_for(states, self.capacity) for states in (key_states, value_states)]
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, self.length = self.length, self.length + key_states.shape[-2]
        for buffer, states in zip(self.buffers, (key_states, value_states), strict=True):
            buffer[:, :, start : self.length] = states
        return self._expose()

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep, or repeat, these rows."""
        self.buffers = [buffer[indices] for buffer in self.buffers]
        self._expose()

    def _expose(self) -> tuple[Tensor, Tensor]:
        keys, values = (buffer[:, :, : self.length] for buffer in self.buffers)
        self.keys, self.values = keys, values
        return keys, values


def growing_cache(model: PreTrainedModel, capacity: int) -> DynamicCache:
    """The cache the model would make for itself, with its plain layers replaced by preallocated ones."""
    cache = DynamicCache(config=model.config)
    cache.layers = [GrowingLayer(capacity) if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def _room_for(states: Tensor, capacity: int) -> Tensor:
    rows, heads, _, size = states.shape
    return states.new_empty(rows, heads, capacity, size)


def _configured_eos(model: PreTrainedModel) -> list[int]:
    configured = getattr(model.generation_config, "eos_token_id", None)
    if configured is None:
        configured = model.config.eos_token_id
    return [] if configured is None else [configured] if isinstance(configured, int) else list(configured)
