"""The static cache: keys and values of a batch whose rows come and go, in buffers that are made once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Cache

KeysValues = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading distinct prompts, padded on the left to one width, leaves behind.

    lengths: of the prompts. logits: (prompts, vocabulary) for the token after each.
    layers: a layer's keys and values, (prompts, heads, width, size) each; or past: all of it, when a model keeps
    something else than keys and values of every token.
    """

    lengths: Sequence[int]
    logits: Tensor
    layers: Sequence[KeysValues]
    past: Cache | None = None

    def only(self, prompt: int) -> Reading:
        """The reading of one of the prompts, without its padding."""
        length, row = self.lengths[prompt], slice(prompt, prompt + 1)
        layers = [(keys[row, :, -length:], values[row, :, -length:]) for keys, values in self.layers]
        return Reading([length], self.logits[row], layers)


class SlotCache:
    """A row is a slot of each buffer; the rows in use are the first ones. All write the same column, the next.

    So a row begins in a column of its own: a prompt is put in to end where the batch is, and what is before it belongs
    to nobody and is masked. ``joins``: rows can come in while others run.
    """

    joins = True

    def __init__(self, slots: int, longest: int, room: int, device: torch.device) -> None:
        """longest: tokens of the longest prompt that will come. room: columns for what is sampled; when they are full,
        the columns still in use are moved to the front."""
        self.slots, self.longest, self.capacity = slots, longest, longest + room
        self.device = device
        self.buffers: list[KeysValues] = []
        self.starts: list[int] = []  # each row's first column
        self.first = self.column = longest  # the first column in use by any row, and the next to be written
        self._note_starts()

    def join(self, reading: Reading, of_row: Sequence[int]) -> None:
        """Put rows into the next slots; row i begins with prompt ``of_row[i]`` of the reading."""
        if not self.starts:
            self.column = self.longest
        slots = slice(len(self.starts), len(self.starts) + len(of_row))
        prompts = torch.tensor(of_row, device=self.device)
        self._put(reading, slots, prompts)
        self.starts += [self.column - reading.lengths[prompt] for prompt in of_row]
        self._note_starts()

    def keep(self, alive: Sequence[int]) -> list[int]:
        """Drop all but these rows (ascending): the last ones take the place of the dropped. Give which row is where."""
        order = list(range(len(alive)))
        holes = sorted(set(order) - set(alive))
        movers = alive[len(alive) - len(holes) :]
        for hole, mover in zip(holes, movers, strict=True):
            order[hole] = mover
        self._move(holes, movers, order)
        self.starts = [self.starts[row] for row in order]
        self._note_starts()
        return order

    def make_room(self) -> None:
        """See to it that there is a column to write."""
        if self.column < self.capacity:
            return
        used = slice(self.first, self.column)
        self.column = max(self.column - self.first, self.longest)
        shift = used.stop - self.column
        n = len(self.starts)
        for buffer in (buffer for pair in self.buffers for buffer in pair):
            buffer[:n, :, used.start - shift : self.column] = buffer[:n, :, used].clone()
        self.starts = [start - shift for start in self.starts]
        self._note_starts()

    def write(self, layer: int, keys: Tensor, values: Tensor) -> KeysValues:
        """Put the rows' newest keys and values, (rows, heads, size), in; give all, (rows, heads, columns, size)."""
        n, column = len(self.starts), self.column
        all_keys, all_values = self.buffers[layer]
        all_keys[:n, :, column] = keys
        all_values[:n, :, column] = values
        return all_keys[:n, :, self.first : column + 1], all_values[:n, :, self.first : column + 1]

    def own(self) -> Tensor:
        """Which columns, the one being written among them, belong to each row: (rows, columns)."""
        return torch.arange(self.first, self.column + 1, device=self.device) >= self.start_column

    def _note_starts(self) -> None:
        self.first = min(self.starts, default=self.column)
        self.ragged = max(self.starts, default=self.column) > self.first
        self.start_column = torch.tensor(self.starts, device=self.device)[:, None]

    def _put(self, reading: Reading, slots: slice, prompts: Tensor) -> None:
        if not self.buffers:
            self.buffers = self._make(reading.layers)
        for pair, read in zip(self.buffers, reading.layers, strict=True):
            for buffer, states in zip(pair, read, strict=True):
                start = self.column - states.shape[2]
                buffer[slots, :, :start] = 0  # what is masked is multiplied by nought: it must not be infinite
                buffer[slots, :, start : self.column] = states[prompts]

    def _make(self, layers: Sequence[KeysValues]) -> list[KeysValues]:
        def buffer(states: Tensor) -> Tensor:
            return states.new_empty(self.slots, states.shape[1], self.capacity, states.shape[3])

        return [(buffer(keys), buffer(values)) for keys, values in layers]

    def _move(self, holes: Sequence[int], movers: Sequence[int], order: Sequence[int]) -> None:
        if holes:
            used = slice(self.first, self.column)
            for buffer in (buffer for pair in self.buffers for buffer in pair):
                buffer[holes, :, used] = buffer[movers, :, used]


class Memory:
    """Room that stays from one cache to the next: fresh pages would cost a tenth of the time that sampling takes."""

    def __init__(self) -> None:
        self.kept: Tensor | None = None

    def take(self, like: Tensor, *shape: int) -> Tensor:
        """A tensor of this shape, of what was kept if that is enough; its values are whatever was there."""
        size = math.prod(shape)
        kept = self.kept
        if kept is None or kept.numel() < size or (kept.dtype, kept.device) != (like.dtype, like.device):
            self.kept = kept = like.new_empty(size)
        return kept[:size].view(shape)


class StackedCache(SlotCache):
    """For layers that are all alike: one buffer of all, so that a step's views of it are made at once."""

    def __init__(self, slots: int, longest: int, room: int, device: torch.device, memory: Memory) -> None:
        super().__init__(slots, longest, room, device)
        self.memory = memory

    def columns(self) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """The column to write, (2, rows, heads, size) a layer, of keys and values; and all columns up to it,
        (rows, heads, columns, size), of the first layer's keys, its values, the second layer's keys and so on."""
        rows = self.stack[:, :, : len(self.starts)]
        return rows[:, :, :, :, self.column].unbind(), rows[..., self.first : self.column + 1, :].flatten(0, 1).unbind()

    def _make(self, layers: Sequence[KeysValues]) -> list[KeysValues]:
        _, heads, _, size = layers[0][0].shape
        self.stack = self.memory.take(layers[0][0], len(layers), 2, self.slots, heads, self.capacity, size)
        return [(keys, values) for keys, values in self.stack]


class WholeCache(SlotCache):
    """For models that keep something else than keys and values: what they keep is taken as it is, and rows come in
    only when all others have left."""

    joins = False
    past: Any  # its Cache

    def _put(self, reading: Reading, slots: slice, prompts: Tensor) -> None:
        assert reading.past is not None
        self.past = reading.past
        self.past.reorder_cache(prompts)  # which also repeats and drops
        self.column = max(reading.lengths)

    def _move(self, holes: Sequence[int], movers: Sequence[int], order: Sequence[int]) -> None:
        if order:
            self.past.reorder_cache(torch.tensor(order, device=self.device))

    def own(self) -> Tensor:
        return torch.arange(self.column + 1, device=self.device) >= self.start_column

    def make_room(self) -> None:
        """What the model keeps grows by itself."""
