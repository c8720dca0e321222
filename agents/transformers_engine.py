"""The embedded engine: any Hugging Face causal language model, sampled in a running batch with a static cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from .batching import Decoder, Row, complete
from .engine import Completion, Sampling, TokenIds, check_request, check_weight, end_ids
from .fast_decode import FusedDecoder
from .llama_shape import PROBED, agrees, fits
from .plain_decode import PlainDecoder
from .slots import Memory


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
        self._memory = Memory()
        self._fused: bool | None = None  # whether the hand-written decoder agrees; None: not tried
        self.eos_ids = end_ids(eos_ids, model.generation_config, model.config)

    def load(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Copy weights in place by name (tensors that are already the model's own are left as they are)."""
        own = dict(self.model.named_parameters(remove_duplicate=False))
        shapes = {name: parameter.shape for name, parameter in own.items()}
        with torch.no_grad():
            for name, tensor in weights:
                check_weight(name, tensor, shapes)
                if own[name].data_ptr() != tensor.data_ptr():
                    own[name].copy_(tensor)
        self.version = version

    @property
    def context(self) -> int | None:
        """Most tokens of a prompt and its answer; None where the model sets no bound."""
        return getattr(self.model.config.get_text_config(), "max_position_embeddings", None)

    def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        """Raises EngineError for what ``check_request`` refuses."""
        embeddings = self.model.get_input_embeddings()
        vocabulary = embeddings.num_embeddings if isinstance(embeddings, torch.nn.Embedding) else None
        check_request(prompts, sampling, self.context, vocabulary)
        longest = max(map(len, prompts), default=0)
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
            fused = FusedDecoder(self.model, max(positions, PROBED), rows, self._memory)
            if self._fused is None:
                self._fused = agrees(self.model, fused)
            if self._fused:
                return fused
        return PlainDecoder(self.model)
