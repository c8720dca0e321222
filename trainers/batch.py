"""The one batch that every objective reads: sequences laid end to end in flat tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from palaestra.episodes.views import Row


@dataclass(frozen=True, slots=True)
class Batch:
    """T tokens of many sequences, packed; every tensor has shape (T,).

    ids: token ids. position: 0, 1, … within its sequence. sequence_id: which sequence of the optimiser step.
    action_mask: True where the policy chose the token. group_id: which group of answers to one problem.
    behaviour_logprobs: of the engine that sampled, at ``temperature``; reference_logprobs: of the frozen model
        whose weights hash to ``reference_hash``; old_logprobs: of the policy itself before the round's first update.
    advantage: of each action token, or its sequence's. weight: of each token's term in the loss.
    reward, label: the sequence's own, on each of its tokens.
    token_reward: what single action tokens were given beside the reward, nan at all others.
    value, returns: a critic's forecast of what is still to come where each action was chosen, and what it should have
        said; 0 where there is no critic.
    n_tokens, n_sequences, n_groups, n_judged: action tokens, sequences, groups and tokens with a reward of their own
        (1 where there are none) of the *whole optimiser step*, counted once before it was split, so that the gradient
        does not depend on the split.
    n_pairs: sequences of the step that are labelled 1, or 1.
    n_imitated: its action tokens but those of pairs that weigh nothing, which are there for a value head alone.
    n_measured: action tokens of the step that are in the batch at all, ``with_gradient`` having left some out;
        diagnostics are means over these.
    mismatch: mean of Σ log π - Σ log ref over answers that were given to other problems (KTO's reference point).
    """

    ids: Tensor
    position: Tensor
    sequence_id: Tensor
    action_mask: Tensor
    group_id: Tensor
    behaviour_logprobs: Tensor
    reference_logprobs: Tensor
    old_logprobs: Tensor
    advantage: Tensor
    reward: Tensor
    label: Tensor
    weight: Tensor
    token_reward: Tensor
    value: Tensor
    returns: Tensor
    n_tokens: int
    n_sequences: int
    n_groups: int
    n_measured: int
    n_pairs: int = 1
    n_imitated: int = 1
    n_judged: int = 1
    temperature: float = 1.0
    reference_hash: str = ""
    mismatch: float = 0.0

    def __len__(self) -> int:
        return len(self.ids)

    def each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """The same with each of its tensors changed."""
        changed: dict[str, Any] = {name: change(getattr(self, name)) for name in tensor_fields()}
        return replace(self, **changed)

    def to(self, device: torch.device) -> Batch:
        return self if self.ids.device == device else self.each(lambda tensor: tensor.to(device))

    @property
    def index(self) -> Tensor:
        """Which sequence of the batch each token is of, (T,): 0, 1, … in packed order."""
        return (self.position == 0).cumsum(0) - 1

    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each sequence, in packed order."""
        starts = (self.position == 0).nonzero().squeeze(1).cpu().numpy()
        return np.diff(np.append(starts, len(self)))

    def spread(self, per_row: ArrayLike) -> Tensor:
        """A number of each sequence on each of its tokens, (T,)."""
        return torch.from_numpy(np.repeat(np.asarray(per_row), self.lengths())).float()


@cache
def tensor_fields() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Batch) if field.type == "Tensor")


def pack(rows: Sequence[Row], advantages: NDArray[np.float64] | None = None) -> Batch:
    """Rows as one batch. ``advantages`` has one entry a row; without it they are 0, as imitation needs none.

    Raises:
        ValueError: no row, or rows sampled at different temperatures.
    """
    if not rows:
        raise ValueError("a batch needs at least one row")
    temperatures = {row.temperature for row in rows}
    if len(temperatures) > 1:
        raise ValueError(f"rows sampled at different temperatures cannot share a batch: {sorted(temperatures)}")
    lengths = np.array([len(row.ids) for row in rows])
    names = [(row.group_id, row.role) for row in rows]  # of a game's deal each side is a problem of its own
    groups = {name: index for index, name in enumerate(dict.fromkeys(names))}

    none = np.full(int(lengths.max()), np.nan, np.float32)
    judged = [none[: len(row.ids)] if row.token_rewards is None else row.token_rewards for row in rows]

    def spread(per_row: Sequence[float] | NDArray[np.float64], dtype: torch.dtype) -> Tensor:
        return torch.from_numpy(np.repeat(np.asarray(per_row), lengths)).to(dtype)

    action_mask = torch.from_numpy(np.concatenate([row.action for row in rows]))
    zeros = torch.zeros(len(action_mask))
    return Batch(
        ids=torch.from_numpy(np.concatenate([row.ids for row in rows])),
        position=torch.from_numpy(np.concatenate([np.arange(n) for n in lengths])),
        sequence_id=spread(range(len(rows)), torch.long),
        action_mask=action_mask,
        group_id=spread([groups[name] for name in names], torch.long),
        behaviour_logprobs=torch.from_numpy(np.concatenate([row.logprobs for row in rows])),
        reference_logprobs=zeros,
        old_logprobs=zeros,
        advantage=spread(np.zeros(len(rows)) if advantages is None else advantages, torch.float32),
        reward=spread([row.reward for row in rows], torch.float32),
        label=spread([row.label for row in rows], torch.float32),
        weight=spread([row.weight for row in rows], torch.float32),
        token_reward=torch.from_numpy(np.concatenate(judged)),
        value=zeros,
        returns=zeros,
        n_tokens=int(action_mask.sum()),
        n_sequences=len(rows),
        n_groups=len(groups),
        n_measured=int(action_mask.sum()),
        n_pairs=max(1, sum(row.label > 0 for row in rows)),
        n_imitated=max(1, sum(int(row.action.sum()) for row in rows if row.weight != 0 or row.label == 0)),
        n_judged=max(1, sum(int((~np.isnan(rewards)).sum()) for rewards in judged)),
        temperature=temperatures.pop(),
    )


def save_batch(batch: Batch, file: Path) -> None:
    """Write a batch down, for ``load_batch``."""
    torch.save({field.name: getattr(batch, field.name) for field in fields(Batch)}, file)


def load_batch(file: Path) -> Batch:
    """The batch that ``save_batch`` wrote."""
    return Batch(**torch.load(file, weights_only=True))


def select(batch: Batch, sequences: Sequence[int] | NDArray[np.int64]) -> Batch:
    """The given sequences (by packed order) in the given order; the step's counts stay what they were."""
    lengths = batch.lengths()
    taken = lengths[sequences]
    shift = (np.cumsum(lengths) - lengths)[sequences] - (np.cumsum(taken) - taken)  # from its new place to its old one
    chosen = torch.from_numpy(np.repeat(shift, taken) + np.arange(taken.sum())).to(batch.ids.device)
    return batch.each(itemgetter(chosen))


def with_gradient(batch: Batch) -> Batch | None:
    """Only the sequences with an advantage that is not 0; None when there are none. The step's counts stay."""
    moving = batch.index[batch.action_mask & (batch.advantage != 0)].unique()
    if not len(moving):
        return None
    chosen = select(batch, moving.cpu().numpy())
    return replace(chosen, n_measured=int(chosen.action_mask.sum()))


def micro_batches(batch: Batch, max_tokens: int, whole_groups: bool = False) -> list[Batch]:
    """Split into batches of at most ``max_tokens`` tokens, groups next to one another and long ones with long ones.

    whole_groups: none is cut in two. A sequence (or group) longer than ``max_tokens`` gets a batch of its own.
    """
    if len(batch) <= max_tokens:
        return [batch]
    lengths = batch.lengths()
    first = (batch.position == 0).nonzero().squeeze(1)
    group = batch.group_id[first].cpu().numpy()
    longest = np.zeros(int(group.max()) + 1, dtype=np.int64)
    np.maximum.at(longest, group, lengths)
    order = np.lexsort((lengths, group, longest[group]))  # by the group's longest, then group, then own length
    cuts, start, end = [], 0, 0
    for length in _unit_lengths(lengths[order], group[order]) if whole_groups else lengths[order].tolist():
        if end > start and end + length - start > max_tokens:
            cuts.append(slice(start, end))
            start = end
        end += length
    ordered = select(batch, order)
    return [ordered.each(itemgetter(cut)) for cut in [*cuts, slice(start, end)]]


def _unit_lengths(lengths: NDArray[np.int64], group: NDArray[np.int64]) -> list[int]:
    """Tokens of each run of sequences of one group."""
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    units: list[int] = np.add.reduceat(lengths, starts).tolist()
    return units
