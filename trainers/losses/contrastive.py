"""K answers to a problem with a reward each: noise-contrastive alignment (arXiv 2402.05369).

Notation: r_i the reward of answer i, Δ_i = Σ_t log π(y_t) - Σ_t log ref(y_t), r̂_i = β Δ_i its implicit reward,
w = softmax(r / α) over the answers of a group; α = 0 gives all weight to the best, in equal parts where several are.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ..batch import Batch
from ..forward import Outputs
from .evaluator import cross_entropy
from .objective import Objective, above_zero, mean_entropy, refuse
from .sequences import Sequences, sequences


@dataclass(frozen=True, slots=True)
class Contrast(Objective):
    """The mean over groups of what ``terms`` says of their answers."""

    beta: float = 0.1
    alpha: float = 0.0
    reads_reference = True
    whole_groups = True

    def __post_init__(self) -> None:
        above_zero(self, "beta")
        refuse(self.alpha < 0, f"alpha is 0 or more, not {self.alpha}")

    @abstractmethod
    def terms(self, implicit: Tensor, weight: Tensor, group: Tensor) -> Tensor:
        """The loss of each answer, (S,), of its r̂, w and group."""

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        s = sequences(batch, outputs)
        implicit, weight = self.beta * s.log_ratio, best_weights(s, self.alpha)
        loss = self.terms(implicit, weight, s.group).sum() / batch.n_groups
        return loss, {
            "loss": loss.detach(),
            "best_implicit_reward": (weight * implicit.detach()).sum() / batch.n_groups,
            "implicit_reward": implicit.detach().sum() / batch.n_sequences,
            "entropy": mean_entropy(batch, outputs),
        }


class InfoNCA(Contrast):
    """L = mean over groups of -Σ_i w_i log softmax(r̂)_i. With two answers and α = 0 it is DPO's."""

    __slots__ = ()

    def terms(self, implicit: Tensor, weight: Tensor, group: Tensor) -> Tensor:
        return -weight * (implicit - log_sum_exp(implicit, group)[group])


class NCA(Contrast):
    """L = mean over groups of -Σ_i w_i log σ(r̂_i) - (1/K) Σ_i log σ(-r̂_i).

    Its minimum is r̂_i = log(K w_i): it pins each log-ratio, not only their differences, so that the likelihood of the
    best need not fall.
    """

    __slots__ = ()

    def terms(self, implicit: Tensor, weight: Tensor, group: Tensor) -> Tensor:
        return -weight * logsigmoid(implicit) - logsigmoid(-implicit) / group.bincount()[group]


@dataclass(frozen=True, slots=True)
class ImplicitCrossEntropy(Objective):
    """L = mean over answers of -R log σ(r̂) - (1 - R) log σ(-r̂): a reward model that is a policy (PRIME; 2502.01456).

    Trained on outcomes, its β (log π - log ref) of a token is that token's implicit process reward.
    """

    beta: float = 0.05
    reads_reference = True

    def __post_init__(self) -> None:
        above_zero(self, "beta")

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        s = sequences(batch, outputs)
        return cross_entropy(batch, self.beta * s.log_ratio, s.reward)


def best_weights(s: Sequences, alpha: float) -> Tensor:
    """w of each answer, (S,); 1 in all a group."""
    groups = int(s.group.max()) + 1
    top = s.reward.new_full((groups,), -torch.inf).scatter_reduce(0, s.group, s.reward, "amax")[s.group]
    raw = torch.exp((s.reward - top) / alpha) if alpha > 0 else (s.reward == top).float()
    return raw / torch.zeros(groups, device=raw.device).index_add(0, s.group, raw)[s.group]


def log_sum_exp(values: Tensor, group: Tensor) -> Tensor:
    """log Σ exp over each group, (groups,)."""
    groups = int(group.max()) + 1
    top = values.detach().new_full((groups,), -torch.inf).scatter_reduce(0, group, values.detach(), "amax")
    return top + torch.zeros_like(top).index_add(0, group, (values - top[group]).exp()).log()
