"""What the loop asks of an objective."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from ..batch import Batch
from ..forward import Outputs


class Objective(ABC):
    """A loss, and what it must be given. An objective is a frozen dataclass of its options."""

    __slots__ = ()

    @property
    def reads_reference(self) -> bool:
        """The batch's reference_logprobs."""
        return False

    @property
    def reads_old(self) -> bool:
        """The batch's old_logprobs."""
        return False

    @property
    def reads_mismatch(self) -> bool:
        """The batch's mismatch."""
        return False

    @property
    def reads_advantage(self) -> bool:
        """The batch's advantage, and nothing else moves it: sequences of advantage 0 need no forward pass."""
        return False

    @property
    def whole_groups(self) -> bool:
        """The sequences of a group must be in one micro-batch."""
        return False

    @abstractmethod
    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a micro-batch's share of the step, and metrics that add up over its micro-batches."""
