"""Algorithms as rows of a table: what of a round is learned from, how it is scored, which loss that enters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from palaestra.episodes import choices, sources
from palaestra.episodes.advantages import Advantage
from palaestra.episodes.sources import Source, of

from .credit import (
    GAE,
    Credit,
    CriticalTokens,
    ForetoldSteps,
    ImplicitReturns,
    Rewritten,
    StepAdvantage,
    TokenAdvantage,
)
from .losses import (
    DPO,
    IPO,
    KTO,
    NCA,
    NLL,
    ORPO,
    AdvantageWeighted,
    ClippedValue,
    ClippedWeight,
    Expectile,
    ImplicitCrossEntropy,
    InfoNCA,
    MirrorDescent,
    Objective,
    PolicyGradient,
    RewriteGuided,
    SimPO,
    StepCrossEntropy,
    StepValue,
    ValueRegression,
)
from .modules import Critic, Judge


@dataclass(frozen=True, slots=True)
class Algorithm:
    """group: of the table. paper: where it comes from. tested: the test of its loss against a closed form.

    objective: the loss. source: what of a round is learned from.
    advantage: how whole answers are scored, credit: how their tokens are; None where the loss reads rewards or labels.
    critic, judge: the models that learn beside the policy.
    reference: the policy that log-ratios are against: as evolution began ("start"), as the round did ("round"), or the
        league's newest frozen self ("snapshot").
    attempts: how often fresh problems may replace those whose answers scored alike (dynamic sampling).
    """

    group: str
    paper: str
    tested: str
    objective: Objective
    source: Source = sources.answers
    advantage: Advantage | None = None
    credit: Credit | None = None
    critic: Critic | None = None
    judge: Judge | None = None
    reference: Literal["start", "round", "snapshot"] = "start"
    attempts: int = 0

    @property
    def reads_steps(self) -> bool:
        """Rows must have the verdicts of their steps."""
        return self.credit is not None and self.credit.reads_steps

    def for_answers_of(self, longest: int) -> Algorithm:
        """The same with what it says of lengths fitted to answers of at most so many tokens."""
        advantage, objective = self.advantage, self.objective
        if advantage is not None and advantage.longest is not None:
            advantage = replace(advantage, longest=longest, overlong=max(1, longest // 4))
        if isinstance(objective, PolicyGradient) and objective.constant is not None:
            objective = replace(objective, constant=longest)
        return replace(self, advantage=advantage, objective=objective)


GRADIENT, PREFERENCE, IMITATION, OFFLINE = "policy gradient", "preference", "imitation", "offline"
RUNS, PG, PAIRS, TOKENS = (
    f"tests/trainers/test_{name}.py" for name in ("algorithms", "policy_gradient", "preferences", "credit")
)
SUM = PolicyGradient(ratio="none", aggregation="sequence_sum")
CLIPPED = PolicyGradient(ratio="token", clip_low=0.2, clip_high=0.2, aggregation="token_mean")
GROUP = Advantage(baseline="group_mean", scale="group_std")
PAIR, DECIDED = of(choices.best_and_worst), of(choices.decided)

ALGORITHMS = {
    "rft": Algorithm(IMITATION, "RFT, arXiv 2308.01825; ReST-EM, arXiv 2312.06585", RUNS, NLL(), of(choices.solved)),
    "sft": Algorithm(IMITATION, "supervised fine-tuning on the oracle's answers", RUNS, NLL(), sources.demonstrated),
    "unlabelled": Algorithm(  # of a sampler that chose them: no verdict is looked at
        IMITATION, "ReST meets ReAct, arXiv 2312.10003", RUNS, NLL(), DECIDED
    ),
    "shortest": Algorithm(IMITATION, "Kimi k1.5, arXiv 2501.12599", RUNS, NLL(), of(choices.shortest)),
    "reward_weighted": Algorithm(
        IMITATION, "Reward-weighted regression, Peters and Schaal 2007", RUNS, NLL(), of(choices.weighted)
    ),
    "star": Algorithm(IMITATION, "STaR, arXiv 2203.14465", RUNS, NLL(), sources.rationalised),
    "alphamath": Algorithm(  # policy and value on one backbone
        *(IMITATION, "AlphaMath Almost Zero, arXiv 2405.03553", TOKENS, NLL(), sources.right_and_wrong),
        critic=Critic(ValueRegression(), shared=True, coefficient=0.1, after=True),
    ),
    "rstar": Algorithm(  # of searched answers: policy and preferences of steps on one backbone
        *(IMITATION, "rStar-Math, arXiv 2501.04519", TOKENS, NLL(), sources.searched),
        critic=Critic(StepValue(ranking=1.0, margin=0.2), shared=True, coefficient=0.1, after=True),
    ),
    "autoprm": Algorithm(IMITATION, "AutoPRM, arXiv 2402.11452", RUNS, NLL(), sources.right_steps),
    "lema": Algorithm(IMITATION, "LeMa, arXiv 2310.20689", RUNS, NLL(), sources.mended),
    "journey": Algorithm(IMITATION, "O1 Journey, arXiv 2410.18982", RUNS, NLL(), sources.journeys),
    "revthink": Algorithm(IMITATION, "RevThink, arXiv 2411.19865", RUNS, NLL(), sources.turned_round),
    "reinforce": Algorithm(GRADIENT, "REINFORCE, Williams 1992", PG, SUM, advantage=Advantage(baseline="none")),
    "role_baseline": Algorithm(  # a running mean of each environment and role
        *(GRADIENT, "SPIRAL's role-conditioned advantage, arXiv 2506.24119", PG, SUM),
        advantage=Advantage(baseline="running_mean"),
    ),
    "remax": Algorithm(
        *(GRADIENT, "ReMax, arXiv 2310.10505", PG, SUM, sources.against_likeliest), Advantage(baseline="given")
    ),
    "rloo": Algorithm(  # the whole answer is one action, so its log-probability is a sum
        GRADIENT, "Back to Basics, arXiv 2402.14740", PG, SUM, advantage=Advantage(baseline="leave_one_out")
    ),
    "grpo": Algorithm(
        *(GRADIENT, "DeepSeekMath, arXiv 2402.03300", PG),
        PolicyGradient(ratio="token", clip_low=0.2, clip_high=0.2, aggregation="sequence_mean"),
        advantage=GROUP,
    ),
    "dr_grpo": Algorithm(  # constant: becomes max_answer_tokens
        *(GRADIENT, "Understanding R1-Zero-Like Training, arXiv 2503.20783", PG),
        PolicyGradient(ratio="token", clip_low=0.2, clip_high=0.2, aggregation="constant", constant=64),
        advantage=Advantage(baseline="group_mean"),
    ),
    "dapo": Algorithm(  # longest, overlong: become max_answer_tokens and a quarter of it
        *(GRADIENT, "DAPO, arXiv 2503.14476", PG),
        PolicyGradient(ratio="token", clip_low=0.2, clip_high=0.28, aggregation="token_mean"),
        *(of(choices.ranked), Advantage(baseline="group_mean", scale="group_std", overlong=16, longest=64)),
        attempts=3,
    ),
    "gspo": Algorithm(
        *(GRADIENT, "GSPO, arXiv 2507.18071", PG),
        PolicyGradient(ratio="sequence", clip_low=3e-4, clip_high=4e-4, aggregation="sequence_mean"),
        advantage=GROUP,
    ),
    "cispo": Algorithm(
        *(GRADIENT, "MiniMax-M1, arXiv 2506.13585", "tests/trainers/test_clipped_weight.py"),
        ClippedWeight(clip_high=0.28),
        advantage=GROUP,
    ),
    "reinforce++": Algorithm(  # centred in the group, scaled by the batch
        *(GRADIENT, "REINFORCE++, arXiv 2501.03262", PG, CLIPPED),
        advantage=Advantage(baseline="group_mean", scale="batch_std"),
    ),
    "kimi": Algorithm(  # advantage.brevity makes short answers pay
        *(GRADIENT, "Kimi k1.5, arXiv 2501.12599", "tests/trainers/test_mirror_descent.py", MirrorDescent()),
        advantage=Advantage(baseline="group_mean"),
    ),
    "spag": Algorithm(  # of games: what winners said, its share of the point as its advantage
        *(GRADIENT, "SPAG, arXiv 2404.10642", PG),
        PolicyGradient(
            *("sequence", 0.2, 0.2),
            aggregation="sequence_mean",
            kl_coefficient=0.2,
            kl_estimator="k2",
            kl_placement="loss",
        ),
        source=sources.winners,
        advantage=Advantage(baseline="none"),
        reference="round",
    ),
    "ppo": Algorithm(
        *(GRADIENT, "PPO, arXiv 1707.06347; GAE, arXiv 1506.02438", TOKENS, CLIPPED),
        credit=GAE(),
        critic=Critic(ClippedValue()),
    ),
    "process_grpo": Algorithm(  # steps judged by the task's own rules
        GRADIENT, "DeepSeekMath 4.1.3, arXiv 2402.03300", TOKENS, CLIPPED, credit=StepAdvantage()
    ),
    "openr": Algorithm(  # steps judged by a process reward model, which learns how answers through them end
        *(GRADIENT, "OpenR, arXiv 2410.09671", TOKENS, CLIPPED, sources.valued_steps),
        credit=ForetoldSteps(),
        critic=Critic(StepCrossEntropy(), after=True),
    ),
    "prime": Algorithm(  # the judge learns outcomes and tells tokens
        *(GRADIENT, "PRIME, arXiv 2502.01456", TOKENS, CLIPPED),
        credit=ImplicitReturns(),
        judge=Judge(ImplicitCrossEntropy(beta=0.05), DECIDED, beta=0.05),
    ),
    "rto": Algorithm(  # the judge learns preferences first
        *(GRADIENT, "RTO, arXiv 2404.18922", TOKENS, CLIPPED),
        credit=GAE(),
        critic=Critic(ClippedValue()),
        judge=Judge(DPO(beta=0.1), PAIR, beta=0.05, clip=0.05, alone=5, frozen=True),
    ),
    "q_star": Algorithm(  # the judge's implicit token reward is the advantage
        *(GRADIENT, "From r to Q*, arXiv 2404.12358", TOKENS, CLIPPED),
        credit=TokenAdvantage(),
        judge=Judge(DPO(beta=0.1), PAIR, beta=1.0, clip=1.0, alone=5),
    ),
    "rlmec": Algorithm(  # the judge rewrites wrong answers, and is asked which tokens it would leave
        *(GRADIENT, "RLMEC, arXiv 2401.06081", TOKENS, RewriteGuided(), sources.with_rewritten),
        credit=Rewritten(),
        judge=Judge(NLL(), sources.rewrites, beta=1.0, alone=5, context=sources.in_rewriting),
    ),
    "dpo": Algorithm(PREFERENCE, "Direct preference optimisation, arXiv 2305.18290", PAIRS, DPO(beta=0.1), PAIR),
    "cdpo": Algorithm(PREFERENCE, "Conservative DPO, Mitchell 2023", PAIRS, DPO(beta=0.1, label_smoothing=0.1), PAIR),
    "rpo": Algorithm(
        *(PREFERENCE, "Iterative reasoning preference optimisation, arXiv 2404.19733", PAIRS),
        *(DPO(beta=0.1, nll_coefficient=1.0), PAIR),
    ),
    "ipo": Algorithm(
        *(PREFERENCE, "Identity preference optimisation, arXiv 2310.12036", PAIRS),
        *(IPO(tau=0.1, reduction="mean"), PAIR),
    ),
    "simpo": Algorithm(PREFERENCE, "SimPO, arXiv 2405.14734", PAIRS, SimPO(beta=2.0, gamma=1.0), PAIR),
    "orpo": Algorithm(PREFERENCE, "ORPO, arXiv 2403.07691", PAIRS, ORPO(coefficient=0.1), PAIR),
    "shorter": Algorithm(  # of right answers the shorter one is preferred
        *(PREFERENCE, "Do not think that much, arXiv 2412.21187", PAIRS),
        *(SimPO(beta=2.0, gamma=1.0), of(choices.shortest_and_longest)),
    ),
    "long2short": Algorithm(
        PREFERENCE, "Kimi k1.5, arXiv 2501.12599", PAIRS, DPO(beta=0.1), of(choices.short_over_long)
    ),
    "kto": Algorithm(
        PREFERENCE, "Kahneman-Tversky optimisation, arXiv 2402.01306", PAIRS, KTO(beta=0.1), of(choices.labelled)
    ),
    "infonca": Algorithm(
        *(PREFERENCE, "Noise contrastive alignment, arXiv 2402.05369", PAIRS),
        *(InfoNCA(beta=0.1, alpha=0.1), of(choices.ranked)),
    ),
    "nca": Algorithm(
        *(PREFERENCE, "Noise contrastive alignment, arXiv 2402.05369", PAIRS),
        *(NCA(beta=0.1, alpha=0.1), of(choices.ranked)),
    ),
    "spin": Algorithm(
        *(PREFERENCE, "Self-play fine-tuning, arXiv 2401.01335", PAIRS, DPO(beta=0.1), sources.real_and_generated),
        reference="round",
    ),
    "dice": Algorithm(
        *(PREFERENCE, "DICE, arXiv 2406.09760", PAIRS, DPO(beta=0.1), sources.bootstrapped), reference="round"
    ),
    "critical_tokens": Algorithm(  # the judge learns right answers, what it is held against wrong ones
        *(PREFERENCE, "Critical tokens matter (cDPO), arXiv 2411.19943", TOKENS, DPO(beta=0.1), PAIR),
        credit=CriticalTokens(),
        judge=Judge(NLL(), of(choices.solved), beta=1.0, against=of(choices.unsolved), alone=5),
    ),
    "svpo": Algorithm(  # policy and value on one backbone, pairs of steps
        *(PREFERENCE, "SVPO, arXiv 2406.10858", TOKENS, DPO(beta=0.1), sources.sibling_steps),
        critic=Critic(StepValue(ranking=1.0, margin=0.2), shared=True, coefficient=0.1, after=True),
    ),
    "searched_dpo": Algorithm(  # the same of the trees of a search
        *(PREFERENCE, "Slow Thinking with LLMs 1, arXiv 2411.11694", TOKENS, DPO(beta=0.1), sources.searched_steps),
        critic=Critic(StepValue(ranking=1.0, margin=0.2), shared=True, coefficient=0.1, after=True),
    ),
    "hindsight": Algorithm(  # of goal-conditioned environments
        OFFLINE, "Hindsight experience replay, arXiv 1707.01495", RUNS, NLL(), sources.in_hindsight
    ),
    "ilql": Algorithm(  # A = outcome - value of the good among what was tried, token by token
        *(OFFLINE, "ILQL, arXiv 2206.11871; policy by IQL, arXiv 2110.06169", TOKENS, AdvantageWeighted(beta=0.5)),
        credit=GAE(gae_lambda=1.0, whiten=False),
        critic=Critic(Expectile()),
    ),
    "awr": Algorithm(
        *(OFFLINE, "Advantage-weighted regression, arXiv 1910.00177", TOKENS, AdvantageWeighted(beta=0.5)),
        advantage=Advantage(baseline="group_mean"),
    ),
}
