"""Algorithms as rows of a table: what of the log is learned from, how it is scored, which loss that enters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from palaestra.episodes import choices
from palaestra.episodes.views import Row, View

from .advantages import Advantage
from .losses import DPO, IPO, KTO, NCA, NLL, ORPO, ClippedWeight, InfoNCA, Objective, PolicyGradient, SimPO

Select = Callable[[list[Row]], View]


@dataclass(frozen=True, slots=True)
class Algorithm:
    """group: of the table. paper: where it comes from. tested: the test of its loss against a closed form.

    objective: the loss. advantage: how it is scored, None where the loss reads rewards or labels itself.
    select: the rows of a round's groups of answers that are learned from; None takes all.
    reference: the policy that log-ratios are against: as evolution began ("start"), or as the round did ("round").
    attempts: how often fresh problems may replace those whose answers scored alike (dynamic sampling).
    greedy: the policy's likeliest answer to each problem is asked for too, for ``choices.against``.
    demonstrations: the oracle solves the round's problems too, for ``choices.real_and_generated``.
    """

    group: str
    paper: str
    tested: str
    objective: Objective
    advantage: Advantage | None = None
    select: Select | None = None
    reference: Literal["start", "round"] = "start"
    attempts: int = 0
    greedy: bool = False
    demonstrations: bool = False

    def for_answers_of(self, longest: int) -> Algorithm:
        """The same with what it says of lengths fitted to answers of at most so many tokens."""
        advantage, objective = self.advantage, self.objective
        if advantage is not None and advantage.longest is not None:
            advantage = replace(advantage, longest=longest, overlong=max(1, longest // 4))
        if isinstance(objective, PolicyGradient) and objective.constant is not None:
            objective = replace(objective, constant=longest)
        return replace(self, advantage=advantage, objective=objective)

    def rows(self, sampled: list[Row], others: Sequence[Row] = ()) -> View:
        """What of a round is learned from. others: the demonstrations, or the greedy answers."""
        if self.demonstrations:
            return choices.real_and_generated(others, sampled)
        if self.greedy:
            return choices.against(sampled, others)
        return self.select(sampled) if self.select else View(sampled)


GRADIENT, PREFERENCE, IMITATION = "policy gradient", "preference", "imitation"
_PG = "tests/trainers/test_policy_gradient.py"
_PREFERENCES = "tests/trainers/test_preferences.py"

ALGORITHMS = {
    "rft": Algorithm(
        *(IMITATION, "RFT, arXiv 2308.01825; ReST-EM, arXiv 2312.06585", "tests/trainers/test_algorithms.py"),
        NLL(),
        select=choices.solved,
    ),
    "reward_weighted": Algorithm(
        *(IMITATION, "Reward-weighted regression, Peters and Schaal 2007", "tests/trainers/test_algorithms.py"),
        NLL(),
        select=choices.weighted,
    ),
    "reinforce": Algorithm(
        *(GRADIENT, "REINFORCE, Williams 1992", _PG),
        PolicyGradient(ratio="none", aggregation="sequence_sum"),
        Advantage(baseline="none"),
    ),
    "role_baseline": Algorithm(  # a running mean of each environment and role
        *(GRADIENT, "SPIRAL's role-conditioned advantage, arXiv 2506.24119", _PG),
        PolicyGradient(ratio="none", aggregation="sequence_sum"),
        Advantage(baseline="running_mean"),
    ),
    "remax": Algorithm(
        *(GRADIENT, "ReMax, arXiv 2310.10505", "tests/trainers/test_policy_gradient.py"),
        PolicyGradient(ratio="none", aggregation="sequence_sum"),
        Advantage(baseline="given"),
        greedy=True,
    ),
    "rloo": Algorithm(  # the whole answer is one action, so its log-probability is a sum
        *(GRADIENT, "Back to Basics, arXiv 2402.14740", _PG),
        PolicyGradient(ratio="none", aggregation="sequence_sum"),
        Advantage(baseline="leave_one_out"),
    ),
    "grpo": Algorithm(
        *(GRADIENT, "DeepSeekMath, arXiv 2402.03300", _PG),
        PolicyGradient(ratio="token", clip_low=0.2, clip_high=0.2, aggregation="sequence_mean"),
        Advantage(baseline="group_mean", scale="group_std"),
    ),
    "dr_grpo": Algorithm(  # constant: becomes max_answer_tokens
        *(GRADIENT, "Understanding R1-Zero-Like Training, arXiv 2503.20783", _PG),
        PolicyGradient(ratio="token", clip_low=0.2, clip_high=0.2, aggregation="constant", constant=64),
        Advantage(baseline="group_mean"),
    ),
    "dapo": Algorithm(  # longest, overlong: become max_answer_tokens and a quarter of it
        *(GRADIENT, "DAPO, arXiv 2503.14476", _PG),
        PolicyGradient(ratio="token", clip_low=0.2, clip_high=0.28, aggregation="token_mean"),
        Advantage(baseline="group_mean", scale="group_std", overlong=16, longest=64),
        select=choices.ranked,
        attempts=3,
    ),
    "gspo": Algorithm(
        *(GRADIENT, "GSPO, arXiv 2507.18071", _PG),
        PolicyGradient(ratio="sequence", clip_low=3e-4, clip_high=4e-4, aggregation="sequence_mean"),
        Advantage(baseline="group_mean", scale="group_std"),
    ),
    "cispo": Algorithm(
        *(GRADIENT, "MiniMax-M1, arXiv 2506.13585", "tests/trainers/test_clipped_weight.py"),
        ClippedWeight(clip_high=0.28),
        Advantage(baseline="group_mean", scale="group_std"),
    ),
    "reinforce++": Algorithm(  # centred in the group, scaled by the batch
        *(GRADIENT, "REINFORCE++, arXiv 2501.03262", _PG),
        PolicyGradient(ratio="token", clip_low=0.2, clip_high=0.2, aggregation="token_mean"),
        Advantage(baseline="group_mean", scale="batch_std"),
    ),
    "dpo": Algorithm(
        *(PREFERENCE, "Direct preference optimisation, arXiv 2305.18290", _PREFERENCES),
        DPO(beta=0.1),
        select=choices.best_and_worst,
    ),
    "cdpo": Algorithm(
        *(PREFERENCE, "Conservative DPO, Mitchell 2023", _PREFERENCES),
        DPO(beta=0.1, label_smoothing=0.1),
        select=choices.best_and_worst,
    ),
    "rpo": Algorithm(
        *(PREFERENCE, "Iterative reasoning preference optimisation, arXiv 2404.19733", _PREFERENCES),
        DPO(beta=0.1, nll_coefficient=1.0),
        select=choices.best_and_worst,
    ),
    "ipo": Algorithm(
        *(PREFERENCE, "Identity preference optimisation, arXiv 2310.12036", _PREFERENCES),
        IPO(tau=0.1, reduction="mean"),
        select=choices.best_and_worst,
    ),
    "simpo": Algorithm(
        *(PREFERENCE, "SimPO, arXiv 2405.14734", _PREFERENCES),
        SimPO(beta=2.0, gamma=1.0),
        select=choices.best_and_worst,
    ),
    "orpo": Algorithm(
        *(PREFERENCE, "ORPO, arXiv 2403.07691", _PREFERENCES),
        ORPO(coefficient=0.1),
        select=choices.best_and_worst,
    ),
    "shorter": Algorithm(  # of right answers the shorter one is preferred
        *(PREFERENCE, "Do not think that much, arXiv 2412.21187", _PREFERENCES),
        SimPO(beta=2.0, gamma=1.0),
        select=choices.shortest_and_longest,
    ),
    "kto": Algorithm(
        *(PREFERENCE, "Kahneman-Tversky optimisation, arXiv 2402.01306", _PREFERENCES),
        KTO(beta=0.1),
        select=choices.labelled,
    ),
    "infonca": Algorithm(
        *(PREFERENCE, "Noise contrastive alignment, arXiv 2402.05369", _PREFERENCES),
        InfoNCA(beta=0.1, alpha=0.1),
        select=choices.ranked,
    ),
    "nca": Algorithm(
        *(PREFERENCE, "Noise contrastive alignment, arXiv 2402.05369", _PREFERENCES),
        NCA(beta=0.1, alpha=0.1),
        select=choices.ranked,
    ),
    "spin": Algorithm(
        *(PREFERENCE, "Self-play fine-tuning, arXiv 2401.01335", _PREFERENCES),
        DPO(beta=0.1),
        reference="round",
        demonstrations=True,
    ),
}
