"""Algorithms as rows of a table: what of a round is learned from, how it is scored, which loss that enters."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from palaestra.episodes import choices, sources
from palaestra.episodes.advantages import Advantage
from palaestra.episodes.sources import Source, of

from . import credit as by_token
from .credit import GAE, Credit
from .losses.clipped_weight import ClippedWeight, RewriteGuided
from .losses.contrastive import NCA, ImplicitCrossEntropy, InfoNCA
from .losses.evaluator import StepCrossEntropy, StepValue, ValueRegression
from .losses.kto import KTO
from .losses.mirror_descent import MirrorDescent
from .losses.nll import NLL, AdvantageWeighted
from .losses.objective import Objective
from .losses.policy_gradient import PolicyGradient
from .losses.preference import DPO, IPO, ORPO, SimPO
from .losses.value import ClippedValue, Expectile
from .modules import Critic, Judge


@dataclass(frozen=True, slots=True)
class Algorithm:
    """paper: where it comes from. objective: the loss. source: what of a round is learned from.

    advantage: how whole answers are scored, credit: how their tokens are; None where the loss reads rewards or labels.
    critic, judge: the models that learn beside the policy.
    reference: the policy that log-ratios are against: as evolution began ("start"), as the round did ("round"), or the
        league's newest frozen self ("snapshot").
    attempts: how often fresh problems may replace those whose answers scored alike (dynamic sampling).
    group: of the table. tested: the test of its loss against a closed form.
    """

    paper: str
    objective: Objective
    source: Source = sources.answers
    advantage: Advantage | None = None
    credit: Credit | None = None
    critic: Critic | None = None
    judge: Judge | None = None
    reference: Literal["start", "round", "snapshot"] = "start"
    attempts: int = 0
    group: str = field(kw_only=True)
    tested: str = field(kw_only=True)

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


RUNS, PG, PAIRS, TOKENS = (
    f"tests/trainers/test_{name}.py" for name in ("algorithms", "policy_gradient", "preferences", "credit")
)
imitation = partial(Algorithm, group="imitation", tested=RUNS)
gradient = partial(Algorithm, group="policy gradient", tested=PG)
token_gradient = partial(gradient, tested=TOKENS)
preference = partial(Algorithm, group="preference", tested=PAIRS)
offline = partial(Algorithm, group="offline", tested=TOKENS)

SUM = PolicyGradient(ratio="none", aggregation="sequence_sum")
CLIPPED = PolicyGradient(ratio="token", clip_low=0.2, clip_high=0.2, aggregation="token_mean")
CENTRED, GROUP = Advantage(baseline="group_mean"), Advantage(baseline="group_mean", scale="group_std")
PAIR, DECIDED, CONTRAST = of(choices.best_and_worst), of(choices.decided), of(choices.contrasted)
STEP_VALUES = Critic(StepValue(ranking=1.0, margin=0.2), shared=True, coefficient=0.1, after=True)

ALGORITHMS = {
    "rft": imitation("RFT, arXiv 2308.01825; ReST-EM, arXiv 2312.06585", NLL(), of(choices.solved)),
    "sft": imitation("supervised fine-tuning on the oracle's answers", NLL(), sources.demonstrated),
    "unlabelled": imitation("ReST meets ReAct, arXiv 2312.10003", NLL(), DECIDED),  # as a sampler chose them
    "shortest": imitation("Kimi k1.5, arXiv 2501.12599", NLL(), of(choices.shortest)),
    "reward_weighted": imitation("Reward-weighted regression, Peters and Schaal 2007", NLL(), of(choices.weighted)),
    "star": imitation("STaR, arXiv 2203.14465", NLL(), sources.rationalised),
    "alphamath": imitation(  # policy and value on one backbone
        *("AlphaMath Almost Zero, arXiv 2405.03553", NLL(), sources.right_and_wrong),
        critic=Critic(ValueRegression(), shared=True, coefficient=0.1, after=True),
        tested=TOKENS,
    ),
    "rstar": imitation(  # of searched answers: policy and preferences of steps on one backbone
        "rStar-Math, arXiv 2501.04519", NLL(), sources.searched, critic=STEP_VALUES, tested=TOKENS
    ),
    "autoprm": imitation("AutoPRM, arXiv 2402.11452", NLL(), sources.right_steps),
    "lema": imitation("LeMa, arXiv 2310.20689", NLL(), sources.mended),
    "journey": imitation("O1 Journey, arXiv 2410.18982", NLL(), sources.journeys),
    "revthink": imitation("RevThink, arXiv 2411.19865", NLL(), sources.turned_round),
    "reinforce": gradient("REINFORCE, Williams 1992", SUM, advantage=Advantage(baseline="none")),
    "role_baseline": gradient(  # a running mean of each environment and role
        "SPIRAL's role-conditioned advantage, arXiv 2506.24119", SUM, advantage=Advantage(baseline="running_mean")
    ),
    "remax": gradient("ReMax, arXiv 2310.10505", SUM, sources.against_likeliest, Advantage(baseline="given")),
    "rloo": gradient(  # the whole answer is one action, so its log-probability is a sum
        "Back to Basics, arXiv 2402.14740", SUM, advantage=Advantage(baseline="leave_one_out")
    ),
    "grpo": gradient("DeepSeekMath, arXiv 2402.03300", replace(CLIPPED, aggregation="sequence_mean"), advantage=GROUP),
    "dr_grpo": gradient(  # constant: becomes max_answer_tokens
        "Understanding R1-Zero-Like Training, arXiv 2503.20783",
        replace(CLIPPED, aggregation="constant", constant=64),
        advantage=CENTRED,
    ),
    "dapo": gradient(  # longest, overlong: become max_answer_tokens and a quarter of it
        "DAPO, arXiv 2503.14476",
        replace(CLIPPED, clip_high=0.28),
        of(choices.ranked),
        replace(GROUP, overlong=16, longest=64),
        attempts=3,
    ),
    "gspo": gradient(
        "GSPO, arXiv 2507.18071",
        PolicyGradient(ratio="sequence", clip_low=3e-4, clip_high=4e-4, aggregation="sequence_mean"),
        advantage=GROUP,
    ),
    "cispo": gradient(
        "MiniMax-M1, arXiv 2506.13585",
        ClippedWeight(clip_high=0.28),
        advantage=GROUP,
        tested="tests/trainers/test_clipped_weight.py",
    ),
    "reinforce++": gradient(  # centred in the group, scaled by the batch
        "REINFORCE++, arXiv 2501.03262", CLIPPED, advantage=replace(CENTRED, scale="batch_std")
    ),
    "kimi": gradient(  # advantage.brevity makes short answers pay
        "Kimi k1.5, arXiv 2501.12599",
        MirrorDescent(),
        advantage=CENTRED,
        tested="tests/trainers/test_mirror_descent.py",
    ),
    "spag": gradient(  # of games: what winners said, its share of the point as its advantage
        "SPAG, arXiv 2404.10642",
        PolicyGradient(
            *("sequence", 0.2, 0.2),
            aggregation="sequence_mean",
            kl_coefficient=0.2,
            kl_estimator="k2",
            kl_placement="loss",
        ),
        sources.winners,
        Advantage(baseline="none"),
        reference="round",
    ),
    "ppo": token_gradient(
        "PPO, arXiv 1707.06347; GAE, arXiv 1506.02438", CLIPPED, credit=GAE(), critic=Critic(ClippedValue())
    ),
    "process_grpo": token_gradient(  # steps judged by the task's own rules
        "DeepSeekMath 4.1.3, arXiv 2402.03300", CLIPPED, credit=by_token.StepAdvantage()
    ),
    "openr": token_gradient(  # steps judged by a process reward model, which learns how answers through them end
        *("OpenR, arXiv 2410.09671", CLIPPED, sources.valued_steps),
        credit=by_token.ForetoldSteps(),
        critic=Critic(StepCrossEntropy(), after=True),
    ),
    "prime": token_gradient(  # the judge learns outcomes and tells tokens
        *("PRIME, arXiv 2502.01456", CLIPPED),
        credit=by_token.ImplicitReturns(),
        judge=Judge(ImplicitCrossEntropy(beta=0.05), DECIDED, beta=0.05),
    ),
    "rto": token_gradient(  # the judge learns preferences first
        *("RTO, arXiv 2404.18922", CLIPPED),
        credit=GAE(),
        critic=Critic(ClippedValue()),
        judge=Judge(DPO(beta=0.1), PAIR, beta=0.05, clip=0.05, alone=5, frozen=True),
    ),
    "q_star": token_gradient(  # the judge's implicit token reward is the advantage
        *("From r to Q*, arXiv 2404.12358", CLIPPED),
        credit=by_token.TokenAdvantage(),
        judge=Judge(DPO(beta=0.1), PAIR, beta=1.0, clip=1.0, alone=5),
    ),
    "rlmec": token_gradient(  # the judge rewrites wrong answers, and is asked which tokens it would leave
        *("RLMEC, arXiv 2401.06081", RewriteGuided(), sources.with_rewritten),
        credit=by_token.Rewritten(),
        judge=Judge(NLL(), sources.rewrites, beta=1.0, alone=5, context=sources.in_rewriting),
    ),
    "dpo": preference("Direct preference optimisation, arXiv 2305.18290", DPO(beta=0.1), PAIR),
    "cdpo": preference("Conservative DPO, Mitchell 2023", DPO(beta=0.1, label_smoothing=0.1), PAIR),
    "rpo": preference(
        "Iterative reasoning preference optimisation, arXiv 2404.19733", DPO(beta=0.1, nll_coefficient=1.0), PAIR
    ),
    "ipo": preference("Identity preference optimisation, arXiv 2310.12036", IPO(tau=0.1, reduction="mean"), PAIR),
    "simpo": preference("SimPO, arXiv 2405.14734", SimPO(beta=2.0, gamma=1.0), PAIR),
    "orpo": preference("ORPO, arXiv 2403.07691", ORPO(coefficient=0.1), PAIR),
    "shorter": preference(  # of right answers the shorter one is preferred
        "Do not think that much, arXiv 2412.21187", SimPO(beta=2.0, gamma=1.0), of(choices.shortest_and_longest)
    ),
    "long2short": preference("Kimi k1.5, arXiv 2501.12599", DPO(beta=0.1), of(choices.short_over_long)),
    "kto": preference("Kahneman-Tversky optimisation, arXiv 2402.01306", KTO(beta=0.1), of(choices.labelled)),
    "infonca": preference("Noise contrastive alignment, arXiv 2402.05369", InfoNCA(beta=0.1, alpha=0.1), CONTRAST),
    "nca": preference("Noise contrastive alignment, arXiv 2402.05369", NCA(beta=0.1, alpha=0.1), CONTRAST),
    "spin": preference(
        "Self-play fine-tuning, arXiv 2401.01335", DPO(beta=0.1), sources.real_and_generated, reference="round"
    ),
    "dice": preference("DICE, arXiv 2406.09760", DPO(beta=0.1), sources.bootstrapped, reference="round"),
    "critical_tokens": preference(  # the judge learns right answers, what it is held against wrong ones
        *("Critical tokens matter (cDPO), arXiv 2411.19943", DPO(beta=0.1), PAIR),
        credit=by_token.CriticalTokens(),
        judge=Judge(NLL(), of(choices.solved), beta=1.0, against=of(choices.unsolved), alone=5),
        tested=TOKENS,
    ),
    "svpo": preference(  # policy and value on one backbone, pairs of steps
        "SVPO, arXiv 2406.10858", DPO(beta=0.1), sources.sibling_steps, critic=STEP_VALUES, tested=TOKENS
    ),
    "searched_dpo": preference(  # the same of the trees of a search
        *("Slow Thinking with LLMs 1, arXiv 2411.11694", DPO(beta=0.1), sources.searched_steps),
        critic=STEP_VALUES,
        tested=TOKENS,
    ),
    "hindsight": offline(  # of goal-conditioned environments
        "Hindsight experience replay, arXiv 1707.01495", NLL(), sources.in_hindsight, tested=RUNS
    ),
    "ilql": offline(  # A = outcome - value of the good among what was tried, token by token
        *("ILQL, arXiv 2206.11871; policy by IQL, arXiv 2110.06169", AdvantageWeighted(beta=0.5), DECIDED),
        credit=GAE(gae_lambda=1.0, whiten=False),
        critic=Critic(Expectile()),
    ),
    "awr": offline(
        "Advantage-weighted regression, arXiv 1910.00177", AdvantageWeighted(beta=0.5), DECIDED, advantage=CENTRED
    ),
}
