"""Continuous batching: rows that end leave the batch, and prompts that wait enter it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from .engine import Sampling, TokenIds
from .sampling import choose
from .slots import Reading, SlotCache

FREE = 1 / 8  # share of the slots that are free before waiting prompts are read, since a read of few costs a step


class Decoder(Protocol):
    """What computes logits: PlainDecoder for any model, FusedDecoder for some."""

    def cache(self, slots: int, longest: int, room: int) -> SlotCache: ...

    def read(self, prompts: Sequence[TokenIds]) -> Reading: ...

    def step(self, tokens: Tensor, positions: Tensor, cache: SlotCache) -> Tensor: ...


@dataclass(slots=True)
class Row:
    """A prompt and its answer so far. numbers: one in [0, 1) for each token that may be sampled."""

    prompt: tuple[int, ...]
    numbers: Sequence[float]
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)


@torch.inference_mode()
def complete(decoder: Decoder, rows: Sequence[Row], sampling: Sampling, eos: Collection[int], max_rows: int) -> None:
    """Sample every row to its end. Rows of one prompt enter one after the other, so that it is read once."""
    siblings: dict[tuple[int, ...], list[Row]] = {}
    for row in rows:
        siblings.setdefault(row.prompt, []).append(row)
    waiting = deque(row for family in siblings.values() for row in family)
    slots, longest = min(max_rows, len(rows)), max(map(len, siblings))
    cache = decoder.cache(slots, longest, sampling.max_tokens * (1 if len(rows) == slots else 2))
    reader = Reader(decoder, cache)
    running: list[Row] = []
    logits, positions = torch.empty(0, device=cache.device), torch.empty(0, dtype=torch.long, device=cache.device)
    while waiting or running:
        free = min(slots - len(running), len(waiting))
        if free and (not running or (cache.joins and free >= min(len(waiting), FREE * slots))):
            entering = [waiting.popleft() for _ in range(free)]
            first = reader.enter(entering, waiting[0] if waiting else None)
            logits = torch.cat([logits, first]) if running else first
            lengths = torch.tensor([len(row.prompt) for row in entering], device=cache.device)
            positions = torch.cat([positions, lengths])
            running += entering
        numbers = [row.numbers[len(row.token_ids)] for row in running]
        chosen, logp = choose(logits, sampling, torch.tensor(numbers, dtype=torch.double, device=cache.device))
        for row, token, logprob in zip(running, chosen.tolist(), logp.tolist(), strict=True):
            row.token_ids.append(token)
            row.logprobs.append(logprob)
        ended = [row.token_ids[-1] in eos or len(row.token_ids) == sampling.max_tokens for row in running]
        if any(ended):
            order = cache.keep([slot for slot, left in enumerate(ended) if not left])
            running = [running[slot] for slot in order]
            chosen, positions = chosen[order], positions[order]
        if running:
            logits = decoder.step(chosen, positions, cache)
            positions = positions + 1


class Reader:
    """Reads prompts into the cache; keeps the one reading that rows still waiting will need."""

    def __init__(self, decoder: Decoder, cache: SlotCache) -> None:
        self.decoder, self.cache = decoder, cache
        self.kept: dict[tuple[int, ...], Reading] = {}

    def enter(self, rows: Sequence[Row], next_row: Row | None) -> Tensor:
        """Put rows into the cache; give the logits (rows, vocabulary) of their first tokens.

        rows: siblings side by side, and first of all those of the kept reading. next_row: the first to wait on.
        """
        known = [row for row in rows if row.prompt in self.kept]
        fresh = rows[len(known) :]
        logits = [self._join(self.kept[known[0].prompt], [0] * len(known))] if known else []
        if fresh:
            index = {prompt: i for i, prompt in enumerate(dict.fromkeys(row.prompt for row in fresh))}
            reading = self.decoder.read(list(index))
            again = index.get(next_row.prompt) if next_row is not None and self.cache.joins else None
            self.kept = {} if again is None or next_row is None else {next_row.prompt: reading.only(again)}
            logits.append(self._join(reading, [index[row.prompt] for row in fresh]))
        return torch.cat(logits)

    def _join(self, reading: Reading, of_row: list[int]) -> Tensor:
        self.cache.join(reading, of_row)
        return reading.logits[of_row]
