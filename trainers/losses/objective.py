"""What the loop asks of an objective."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from ..batch import Batch
from ..forward import Outputs


class Objective(Protocol):
    """A loss, and what it must be given. An objective is a frozen dataclass of its options.

    reads_reference, reads_old, reads_mismatch: the batch's reference_logprobs, old_logprobs, mismatch.
    reads_advantage: ``batch.advantage``, and nothing else moves it: sequences of advantage 0 need no forward pass.
    whole_groups: the sequences of a group must be in one micro-batch.
    """

    @property
    def reads_reference(self) -> bool: ...

    @property
    def reads_old(self) -> bool: ...

    @property
    def reads_advantage(self) -> bool: ...

    @property
    def reads_mismatch(self) -> bool: ...

    @property
    def whole_groups(self) -> bool: ...

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a micro-batch's share of the step, and metrics that add up over its micro-batches."""
