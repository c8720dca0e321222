"""Preferences: of two answers to a problem, the chosen one is to become likelier than the rejected one.

P pairs a step; a pair is a group of one sequence labelled 1 and one labelled -1. Notation: lp = Σ_t log π(y_t),
Δ = lp - Σ_t log ref(y_t), |y| action tokens; w the chosen answer, l the rejected one, h = Δ_w - Δ_l.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ..batch import Batch
from ..forward import Outputs
from .objective import Objective, above_zero, mean_entropy, refuse
from .sequences import Sequences, sequences


class Preference(Objective):
    """The mean over pairs of what ``terms`` says of each."""

    __slots__ = ()
    whole_groups = True

    @abstractmethod
    def terms(self, s: Sequences, chosen: Tensor, rejected: Tensor) -> tuple[Tensor, Tensor]:
        """By how much each chosen answer is preferred, and the pair's loss, (P,) each."""

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        s = sequences(batch, outputs)
        chosen, rejected = s.pairs()
        margin, loss = self.terms(s, chosen, rejected)
        shares = {
            "loss": loss,
            "margin": margin,
            "pair_accuracy": (margin > 0).float(),
            "chosen_logprob": s.logprob[chosen],  # many objectives lower both: watch this one
            "rejected_logprob": s.logprob[rejected],
        }
        metrics = {name: share.detach().sum() / batch.n_groups for name, share in shares.items()}
        return loss.sum() / batch.n_groups, {**metrics, "entropy": mean_entropy(batch, outputs)}


@dataclass(frozen=True, slots=True)
class DPO(Preference):
    """L = mean over pairs of -(1-ε) log σ(β h) - ε log σ(-β h) - α lp_w / |y_w|.

    Direct preference optimisation (arXiv 2305.18290); ε, ``label_smoothing``, the chance that a label is wrong (cDPO;
    Mitchell 2023); α, ``nll_coefficient``, of imitating the chosen answer (RPO, IRPO; arXiv 2404.19733). With the
    previous iterate as reference and own answers as rejected ones it is SPIN's loss (arXiv 2401.01335). A token's part
    of Δ is multiplied by its weight, 1 unless a token-level credit set it (the other cDPO; arXiv 2411.19943).
    """

    beta: float = 0.1
    label_smoothing: float = 0.0
    nll_coefficient: float = 0.0
    reads_reference = True

    def __post_init__(self) -> None:
        above_zero(self, "beta")
        smoothing = self.label_smoothing
        refuse(not 0 <= smoothing < 0.5, f"label_smoothing is in [0, 0.5), not {smoothing}: at 0.5 labels tell nothing")
        refuse(self.nll_coefficient < 0, f"nll_coefficient is 0 or more, not {self.nll_coefficient}")

    def terms(self, s: Sequences, chosen: Tensor, rejected: Tensor) -> tuple[Tensor, Tensor]:
        margin = self.beta * (s.weighted[chosen] - s.weighted[rejected])
        smoothing = self.label_smoothing
        loss = -(1 - smoothing) * logsigmoid(margin) - smoothing * logsigmoid(-margin)
        return margin, loss - self.nll_coefficient * s.mean[chosen]


@dataclass(frozen=True, slots=True)
class IPO(Preference):
    """L = mean over pairs of (h - 1/(2τ))², the identity preference objective (arXiv 2310.12036).

    reduction: "mean" divides each Δ by its |y|, as its authors say they do; "sum" is the paper's formula. One τ means
        different things in the two.
    """

    tau: float = 0.1
    reduction: Literal["mean", "sum"] = "mean"
    reads_reference = True

    def __post_init__(self) -> None:
        above_zero(self, "tau")
        refuse(self.reduction not in ("mean", "sum"), f"reduction is mean or sum, not {self.reduction!r}")

    def terms(self, s: Sequences, chosen: Tensor, rejected: Tensor) -> tuple[Tensor, Tensor]:
        score = s.log_ratio / s.tokens if self.reduction == "mean" else s.log_ratio
        margin = score[chosen] - score[rejected]
        return margin, (margin - 1 / (2 * self.tau)).square()


@dataclass(frozen=True, slots=True)
class SimPO(Preference):
    """L = mean over pairs of -log σ(β (lp_w / |y_w| - lp_l / |y_l|) - γ); no reference (arXiv 2405.14734)."""

    beta: float = 2.0
    gamma: float = 1.0

    def __post_init__(self) -> None:
        above_zero(self, "beta")

    def terms(self, s: Sequences, chosen: Tensor, rejected: Tensor) -> tuple[Tensor, Tensor]:
        margin = self.beta * (s.mean[chosen] - s.mean[rejected])
        return margin, -logsigmoid(margin - self.gamma)


@dataclass(frozen=True, slots=True)
class ORPO(Preference):
    """L = mean over pairs of -lp_w / |y_w| - λ log σ(log odds_w - log odds_l); no reference (arXiv 2403.07691).

    odds = p / (1 - p) of p = exp(lp / |y|), an answer's likelihood a token.
    """

    coefficient: float = 0.1

    def __post_init__(self) -> None:
        above_zero(self, "coefficient")

    def terms(self, s: Sequences, chosen: Tensor, rejected: Tensor) -> tuple[Tensor, Tensor]:
        mean = s.mean.clamp(max=-1e-7)  # at likelihood 1 the odds are infinite
        odds = mean - torch.log(-torch.expm1(mean))
        margin = odds[chosen] - odds[rejected]
        return margin, -s.mean[chosen] - self.coefficient * logsigmoid(margin)
