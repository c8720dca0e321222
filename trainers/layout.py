"""Where packed sequences stand in the rectangle that a transformer reads: several to a row, so that little is padding.

Sequences that begin with the same prompt (a group's answers) stand behind one copy of it, and a mask lets each answer
see its prompt and itself, whatever else is in its row.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .batch import Batch

MAX_WIDE_ROW = 512  # a row is no longer than this, or than the longest sequence
EVEN_ROW = 800  # the row length at which attention, quadratic in it, takes as long as all else (hidden size 128)
ROW_LENGTHS = (1, 1.25, 1.5, 2, 3, 4, 6, 8)  # of rows that are tried, by the longest sequence


@dataclass(frozen=True, slots=True)
class Layout:
    """Where packed tokens stand in a rectangle of R rows by L columns.

    ids, position: (R, L). prompt: (R, L), which prompt a token belongs to, -1 for padding. branch: (R, L), 0 for the
    prompt itself, 1, 2, … for the answers of a row.
    row, column: (T,), the place of each packed token.
    """

    ids: Tensor
    position: Tensor
    prompt: Tensor
    branch: Tensor
    row: NDArray[np.int64]
    column: NDArray[np.int64]

    @property
    def shares(self) -> bool:
        """Some row holds more than one answer."""
        return bool((self.branch > 1).any())

    def mask(self) -> Tensor:
        """(R, 1, L, L), True where a query (third axis) may look at a key (last axis)."""
        length = self.branch.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=self.branch.device).tril()
        same_prompt = self.prompt[:, :, None] == self.prompt[:, None, :]
        query, key = self.branch[:, :, None], self.branch[:, None, :]
        return (same_prompt & ((key == 0) | (key == query)) & causal)[:, None]


class Places(NamedTuple):
    """Of each sequence: its row, the columns where its prompt and its answer begin, and its branch. widths: of rows."""

    row: list[int]
    prompt_column: list[int]
    answer_column: list[int]
    branch: list[int]
    widths: list[int]


def lay_out(batch: Batch, share_rows: bool = True) -> Layout:
    """Place the sequences in rows of the cheapest length, neighbours with the same prompt behind one copy of it."""
    lengths = batch.lengths()
    spans = list(pairwise(np.concatenate([[0], np.cumsum(lengths)]).tolist()))
    ids, action = batch.ids.cpu().numpy(), batch.action_mask.cpu().numpy()
    n_prompt = [int(action[a:b].argmax()) if action[a:b].any() else b - a for a, b in spans]
    prompts = [ids[a : a + n].tobytes() for (a, _), n in zip(spans, n_prompt, strict=True)]
    prompt = np.cumsum([0] + [one != other for one, other in pairwise(prompts)]).tolist()
    longest = int(lengths.max())
    limits = [0, *(int(longest * factor) for factor in ROW_LENGTHS)] if share_rows else [0]
    tried = [
        place(prompt, n_prompt, lengths.tolist(), limit) for limit in limits if limit <= max(MAX_WIDE_ROW, longest)
    ]
    places = min(tried, key=lambda found: cost(found.widths))
    row = np.repeat(places.row, lengths)
    column, branch = np.zeros_like(row), np.zeros_like(row)
    for s, (a, b) in enumerate(spans):
        n = n_prompt[s]
        column[a : a + n] = places.prompt_column[s] + np.arange(n)
        column[a + n : b] = places.answer_column[s] + np.arange(b - a - n)
        branch[a + n : b] = places.branch[s]
    shape = (len(places.widths), max(places.widths))
    values = {"ids": batch.ids.cpu(), "position": batch.position.cpu(), "branch": torch.from_numpy(branch)}
    values["prompt"] = torch.from_numpy(np.repeat(prompt, lengths))
    placed = {name: torch.full(shape, -1 if name == "prompt" else 0) for name in values}
    for name, value in values.items():
        placed[name][row, column] = value
    device = batch.ids.device
    return Layout(**{name: tensor.to(device) for name, tensor in placed.items()}, row=row, column=column)


def place(prompt: list[int], n_prompt: list[int], lengths: list[int], limit: int) -> Places:
    """Put sequences in rows of at most ``limit`` columns, longest first, each where it leaves the least room.

    A sequence whose prompt stands in a row with room for its answer goes there. One that is longer than the limit gets
    a row of its own.
    """
    n = len(prompt)
    places = Places([0] * n, [0] * n, [0] * n, [0] * n, [])
    widths, answers = places.widths, []  # of each row
    copies: dict[int, list[tuple[int, int]]] = {}  # by prompt: the rows where it stands, and at which column
    free: list[tuple[int, int]] = []  # the room that rows have left, smallest first
    for s in sorted(range(n), key=lambda s: -lengths[s]):
        n_answer = lengths[s] - n_prompt[s]
        known = copies.setdefault(prompt[s], [])
        found = next((copy for copy in known if widths[copy[0]] + n_answer <= limit), None)
        if found is not None:
            row, start = found
            free.remove((limit - widths[row], row))
        else:
            at = bisect_left(free, (lengths[s], 0))
            row = free.pop(at)[1] if at < len(free) else len(widths)
            if row == len(widths):
                widths.append(0)
                answers.append(0)
            start = widths[row]
            known.append((row, start))
            widths[row] += n_prompt[s]
        answers[row] += 1
        places.row[s], places.branch[s] = row, answers[row]
        places.prompt_column[s], places.answer_column[s] = start, widths[row]
        widths[row] += n_answer
        if widths[row] <= limit:
            insort(free, (limit - widths[row], row))
    return places


def cost(widths: list[int]) -> float:
    """Of a forward pass over a rectangle that holds rows of these widths, up to a factor."""
    length = max(widths)
    return len(widths) * length * (1 + length / EVEN_ROW)
