"""What the loop asks of an objective."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Joint(Objective):
    """L = L_first + c L_second: one model with two heads, each with its loss, in one step."""

    first: Objective
    second: Objective
    coefficient: float

    @property
    def whole_groups(self) -> bool:
        return self.first.whole_groups or self.second.whole_groups

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        loss, metrics = self.first(batch, outputs)
        other, others = self.second(batch, outputs)
        return loss + self.coefficient * other, metrics | {f"second_{name}": part for name, part in others.items()}


def mean_entropy(batch: Batch, outputs: Outputs) -> Tensor:
    """The micro-batch's share of the step's mean entropy of an action token, in nats."""
    return outputs.entropy.detach().sum() / batch.n_tokens


def refuse(wrong: bool, message: str) -> None:
    """Raises ValueError with the message when an option is wrong."""
    if wrong:
        raise ValueError(message)


def above_zero(objective: Objective, *names: str) -> None:
    """Raises ValueError when one of the options is not above 0."""
    for name in names:
        refuse(not getattr(objective, name) > 0, f"{name} is above 0, not {getattr(objective, name)}")
