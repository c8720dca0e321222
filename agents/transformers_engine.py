"""The embedded engine: any Hugging Face causal language model, sampled in a running batch with a static cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from .batching import Decoder, Row, complete
from .engine import Completion, EngineError, Sampling, TokenIds
from .fast_decode import FusedDecoder
from .llama_shape import PROBED, agrees, fits
from .plain_decode import PlainDecoder
from .sampling import choose, restrict

__all__ = ["TransformersEngine", "choose", "restrict"]


class TransformersEngine:
    """Samples from a model in this process, on whatever device the model lives.

    Equal prompts are read once. Rows that have ended leave the batch, and prompts that wait take their place. A row's
    uniform numbers come from its own seed, so that its tokens do not depend on which rows it is batched with.

    eos_ids: ids that end a completion; those of the model's generation config always count.
    max_rows: rows sampled at once; more prompts wait until there is room.
    """

    def __init__(self, model: PreTrainedModel, eos_ids: Iterable[int] = (), max_rows: int = 512) -> None:
        self.model = model
        self.max_rows = max_rows
        self.version = 0
        self._fused: bool | None = None  # whether the hand-written decoder agrees; None: not tried
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
        draws = (np.random.default_rng(seed).random(sampling.max_tokens).tolist() for seed in seeds)
        rows = [Row(tuple(prompt), numbers) for prompt, numbers in zip(prompts, draws, strict=True)]
        eos = set(self.eos_ids)
        training = self.model.training
        self.model.eval()
        try:
            if rows:
                complete(
                    self.decoder(longest + sampling.max_tokens, min(len(rows), self.max_rows)),
                    rows,
                    sampling,
                    eos,
                    self.max_rows,
                )
        finally:
            self.model.train(training)
        return [
            Completion(
                tuple(row.token_ids),
                tuple(row.logprobs),
                "stop" if row.token_ids[-1] in eos else "length",
                self.version,
            )
            for row in rows
        ]

    @torch.no_grad()
    def decoder(self, positions: int, rows: int) -> Decoder:
        """What samples from the model as it is now: the hand-written decoder where it gives the model's own numbers.

        positions: tokens of a prompt and its answer, at most. rows: sampled at once, at most.
        """
        if self._fused is not False and fits(self.model):
            fused = FusedDecoder(self.model, max(positions, PROBED), rows)
            if self._fused is None:
                self._fused = agrees(self.model, fused)
            if self._fused:
                return fused
        return PlainDecoder(self.model)


def _configured_eos(model: PreTrainedModel) -> list[int]:
    configured = getattr(model.generation_config, "eos_token_id", None)
    if configured is None:
        configured = model.config.eos_token_id
    return [] if configured is None else [configured] if isinstance(configured, int) else list(configured)
