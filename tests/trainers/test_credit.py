"""Credit of single tokens against sums written out, and what critics and judges learn against closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid
from transformers import LlamaForCausalLM

from palaestra.agents.evaluator import add_value_head
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.episodes import Turn
from palaestra.episodes.sources import answers
from palaestra.episodes.views import Row, step_rewards
from palaestra.trainers.batch import Batch, micro_batches, pack, with_gradient
from palaestra.trainers.credit import (
    GAE,
    CriticalTokens,
    ForetoldSteps,
    ImplicitReturns,
    Rewritten,
    StepAdvantage,
    TokenAdvantage,
)
from palaestra.trainers.forward import Outputs, forward, forward_critique, forward_states, forward_values
from palaestra.trainers.losses import (
    DPO,
    NLL,
    AdvantageWeighted,
    BradleyTerry,
    ClippedValue,
    Expectile,
    ImplicitCrossEntropy,
    Joint,
    RewriteGuided,
    StepCrossEntropy,
    StepValue,
    ValueRegression,
)
from palaestra.trainers.modules import Judge, with_token_rewards, with_values
from palaestra.verifiers import right, undecided, wrong

Rows = Callable[..., list[Row]]
NAN = math.nan


def row(actions: str, reward: float, group: str = "a", given: dict[int, float] | None = None, label: int = 0) -> Row:
    """A row whose tokens are actions where ``actions`` has an "a", observations at "o"."""
    action = np.array([letter == "a" for letter in actions])
    judged = np.full(len(actions), np.nan, np.float32)
    for place, value in (given or {}).items():
        judged[place] = value
    zeros = np.zeros(len(actions), np.float32)
    name = f"{group}{actions}{reward}{label}"
    return Row(np.arange(len(actions)), action, zeros, reward, name, group, "e", "r", 1.0, 1.0, label, NAN, judged)


def on_actions(batch: Batch, values: Tensor) -> list[float]:
    return [round(value, 5) for value in values[batch.action_mask].tolist()]


def outputs(batch: Batch, value: Tensor | None = None, logprobs: Tensor | None = None) -> Outputs:
    zeros = torch.zeros(len(batch))
    return Outputs(zeros if logprobs is None else logprobs, zeros, zeros if value is None else value)


def test_gae_is_its_sum_and_is_carried_through_observations() -> None:
    """Two actions, an observation of two tokens, one action: the third action is the second's successor in time."""
    batch = pack([row("oaaooa", 1.0, given={2: 0.5})])
    batch = replace(batch, value=torch.tensor([9, 0.1, 0.2, 9, 9, 0.4]))
    gamma, lam = 0.9, 0.8
    d2 = 1.0 - 0.4
    d1 = 0.5 + gamma * 0.4 - 0.2
    d0 = gamma * 0.2 - 0.1
    a1 = d1 + gamma * lam * d2
    wanted = [d0 + gamma * lam * a1, a1, d2]
    scored, _ = GAE(gamma, lam, whiten=False)(batch)
    assert on_actions(batch, scored.advantage) == pytest.approx(wanted, abs=1e-5)
    assert on_actions(batch, scored.returns) == pytest.approx(np.add(wanted, [0.1, 0.2, 0.4]), abs=1e-5)
    assert scored.advantage[~batch.action_mask].abs().max() == 0


def test_gae_between_its_ends() -> None:
    batch = replace(pack([row("oaaa", 1.0)]), value=torch.tensor([0, 0.3, 0.6, 0.2]))
    to_go, _ = GAE(1.0, 1.0, whiten=False)(batch)
    assert on_actions(batch, to_go.advantage) == pytest.approx([0.7, 0.4, 0.8])
    one_step, _ = GAE(1.0, 0.0, whiten=False)(batch)
    assert on_actions(batch, one_step.advantage) == pytest.approx([0.3, -0.4, 0.8])  # delta, as λ = 0 gives


def test_undecided_answers_get_no_credit_and_enter_no_scale() -> None:
    decided = [row("oaa", 1.0), row("oaaa", 0.0)]
    for credit in (GAE(), StepAdvantage(), ImplicitReturns(), TokenAdvantage()):
        alone, _ = credit(pack(decided))
        both, _ = credit(pack([*decided, row("oaaaa", NAN)]))
        assert torch.equal(both.advantage[: len(alone)], alone.advantage)
        assert both.advantage[len(alone) :].abs().max() == 0
        assert not both.returns.isnan().any()


def test_whitened_advantages_have_mean_0_and_deviation_1_over_actions() -> None:
    batch = pack([row("ooaaa", 1.0), row("oaa", 0.0), row("oaooa", 0.5)])
    scored, metrics = GAE()(batch)
    kept = scored.advantage[batch.action_mask]
    assert kept.mean().item() == pytest.approx(0, abs=1e-6)
    assert kept.std().item() == pytest.approx(1, abs=1e-5)
    assert math.isfinite(metrics["explained_variance"])


def test_steps_are_normalised_over_the_group_and_summed_from_where_they_end() -> None:
    """Rewards of the group: 1 at the first answer's first step, 1 at its end; 0 and 0 for the other's."""
    batch = pack([row("oaaa", 1.0, given={1: 1.0}), row("oaaa", 0.0, given={2: 0.0})])
    scored, _ = StepAdvantage()(batch)
    z = 0.5 / np.std([1, 1, 0, 0], ddof=1)
    assert on_actions(batch, scored.advantage) == pytest.approx([2 * z, z, z, -2 * z, -2 * z, -z], abs=1e-5)
    alike, _ = StepAdvantage()(pack([row("oaa", 1.0), row("oaaa", 1.0)]))
    assert alike.advantage.abs().max() == 0


def test_foretold_steps_are_paid_what_the_model_says_of_them_and_its_targets_stay() -> None:
    rows = [row("oaaa", 1.0, given={1: 0.25}), row("oaaa", 0.0, given={2: 0.5})]
    batch = replace(pack(rows), value=torch.tensor([9.0, 2.0, 9.0, 9.0, 9.0, 9.0, -1.0, 9.0]))
    scored, _ = ForetoldSteps()(batch)
    told = [1 / (1 + math.exp(-value)) for value in (2.0, -1.0)]
    same, _ = StepAdvantage()(pack([row("oaaa", 1.0, given={1: told[0]}), row("oaaa", 0.0, given={2: told[1]})]))
    assert on_actions(batch, scored.advantage) == pytest.approx(on_actions(batch, same.advantage), abs=1e-5)
    assert scored.token_reward[[1, 6]].tolist() == [0.25, 0.5]
    assert scored.token_reward.isnan().sum() == 6


def test_prime_adds_implicit_returns_to_the_outcome_each_against_the_others() -> None:
    batch = pack([row("oaa", 1.0, given={1: 0.2, 2: 0.4}), row("oa", 0.0, given={1: -0.6})])
    scored, _ = ImplicitReturns(gamma=0.5)(batch)
    first = [0.2 + 0.6, 0.4 + 0.6]  # less the mean of the other's, -0.6
    second = -0.6 - 0.3
    wanted = [first[0] + 0.5 * first[1] + 1, first[1] + 1, second - 1]
    assert on_actions(batch, scored.advantage) == pytest.approx(wanted, abs=1e-5)


def test_only_tokens_of_rejected_answers_weigh_by_whose_they_are() -> None:
    batch = pack(
        [row("oaa", 1.0, given={1: 3.0, 2: -1.0}, label=1), row("oaa", 0.0, given={1: 2.0, 2: -5.0}, label=-1)]
    )
    scored, _ = CriticalTokens()(batch)
    assert on_actions(batch, scored.weight) == pytest.approx(
        [1, 1, 1 / (1 + math.exp(2)), 1 / (1 + math.exp(-5))], abs=1e-5
    )


def test_a_rewriter_s_chances_become_rewards_by_rlmec_s_clips() -> None:
    kept = {1: math.log(1.0), 2: math.log(0.2)}
    batch = pack([row("oaa", 1.0, given=kept), row("oaa", 0.0, given={1: math.log(0.2), 2: math.log(0.9)})])
    scored, metrics = Rewritten()(batch)
    assert on_actions(batch, scored.advantage) == pytest.approx([0.5, 0.0, -0.1, 0.0])
    assert scored.n_judged == 2
    assert metrics["rewritten_tokens"] == 0.5


def test_rlmec_imitates_the_rewritten_beside_the_guided_answers() -> None:
    """ρ = 1.5: a right token weighs 1.3 A, not 1.5 A; the rewritten row's tokens weigh what they were given."""
    rows = [row("oaa", 1.0, given={1: 0.0, 2: math.log(0.2)}), row("oa", 1.0, given={1: 0.5}, label=1)]
    scored, _ = Rewritten()(pack(rows))
    behaviour = torch.tensor([0, -1.0 - math.log(1.5), -1.0, 0, 0])
    logprobs = torch.tensor([0, -1.0, -1.0, 0, -3.0])
    batch = replace(scored, behaviour_logprobs=behaviour)
    loss, _ = RewriteGuided(clip=0.3, imitation=2.0)(batch, outputs(batch, logprobs=logprobs))
    assert loss.item() == pytest.approx(1.3 * 0.5 + 2.0 * (0.5 * 3.0) / 3, rel=1e-5)


def test_token_weights_enter_dpo_token_by_token() -> None:
    batch = pack([row("oaa", 1.0, label=1), row("oaa", 0.0, label=-1)])
    weight = torch.tensor([1, 1, 1, 1, 0.25, 0.5])
    logprobs = torch.tensor([0, -1.0, -2.0, 0, -0.4, -0.8])
    loss, _ = DPO(beta=0.3)(replace(batch, weight=weight), outputs(batch, logprobs=logprobs))
    assert loss.item() == pytest.approx(-logsigmoid(torch.tensor(0.3 * (-3.0 + 0.1 + 0.4))).item(), rel=1e-6)


def test_a_sequence_moves_when_any_of_its_tokens_has_an_advantage() -> None:
    batch = replace(pack([row("oaa", 1.0), row("oaa", 0.0)]), advantage=torch.tensor([0, 0, 0, 0, 0, 0.5]))
    kept = with_gradient(batch)
    assert kept is not None
    assert kept.sequence_id.tolist() == [1, 1, 1]
    assert with_gradient(replace(batch, advantage=torch.zeros(6))) is None


def test_a_judge_s_token_rewards_sum_to_beta_times_the_log_ratio(model: LlamaForCausalLM, make_rows: Rows) -> None:
    other = nano_model(nano_tokenizer(), hidden=32, layers=2, heads=2, seed=9)
    batch = pack(make_rows(2, 3))
    judge = Judge(NLL(), answers, beta=0.3)
    told = with_token_rewards(batch, judge, model, other, 64)
    gap = forward(model, batch).logprobs - forward(other, batch).logprobs
    sums = torch.zeros(6).index_add(0, batch.sequence_id, told.token_reward.nan_to_num())
    assert torch.allclose(sums, 0.3 * torch.zeros(6).index_add(0, batch.sequence_id, gap), atol=1e-5)
    assert told.token_reward[~batch.action_mask].isnan().all()
    clipped = with_token_rewards(batch, replace(judge, clip=0.01), model, other, 64)
    assert clipped.token_reward.nan_to_num().abs().max() == pytest.approx(0.01)


def test_the_optimal_policy_s_log_ratio_is_reward_and_change_of_value() -> None:
    """From r to Q*: in a tabular token MDP, beta log(pi*/ref) = r + V(s') - V(s), and the sums telescope."""
    rng = np.random.default_rng(0)
    beta, tokens, depth = 0.7, 3, 3
    reference = {path: rng.dirichlet(np.ones(tokens)) for path in paths(tokens, depth)}
    reward = {path: rng.normal() for path in paths(tokens, depth + 1) if len(path) == depth}
    value = {path: reward.get(path, 0.0) for path in paths(tokens, depth + 1)}
    policy = {}
    for length in range(depth - 1, -1, -1):
        for path in (path for path in reference if len(path) == length):
            q = np.array([value[(*path, token)] for token in range(tokens)])
            value[path] = beta * math.log(float(np.sum(reference[path] * np.exp(q / beta))))
            policy[path] = reference[path] * np.exp((q - value[path]) / beta)
    value = {path: (0.0 if len(path) == depth else of) for path, of in value.items()}
    for path, chosen in policy.items():
        assert chosen.sum() == pytest.approx(1)
        for token in range(tokens):
            told = beta * math.log(chosen[token] / reference[path][token])
            after = (*path, token)
            assert told == pytest.approx(reward.get(after, 0.0) + value[after] - value[path], abs=1e-6)


def paths(tokens: int, depth: int) -> list[tuple[int, ...]]:
    """Every sequence of fewer than ``depth`` tokens."""
    found: list[tuple[int, ...]] = [()]
    for path in found:
        if len(path) < depth - 1:
            found += [(*path, token) for token in range(tokens)]
    return found


def test_a_step_s_verdict_stands_on_the_token_that_completes_it() -> None:
    pieces = ["a=", "1", "\nb", "=2\nc", "=", "3"]
    ids = tuple(range(len(pieces)))
    turn = Turn(
        *("r", "o", "".join(pieces), 1.0),
        action_ids=(*ids, 99),
        step_spans=((0, 3), (4, 7), (8, 11)),
        step_verdicts=(right("yes"), wrong("no"), undecided("who knows")),
    )
    found = step_rewards(turn, lambda some: "".join(pieces[i] for i in some if i < len(pieces)))
    assert [None if math.isnan(score) else score for score in found] == [None, 1.0, None, 0.0, None, None, None]


def test_the_clipped_value_loss_takes_the_larger_error() -> None:
    batch = replace(pack([row("oaa", 1.0)]), value=torch.tensor([0, 0.0, 0.5]), returns=torch.tensor([0, 1.0, 1.0]))
    value = torch.tensor([5.0, 0.9, 0.6])  # the first moved too far: held at 0.2
    loss, _ = ClippedValue(clip=0.2)(batch, outputs(batch, value))
    assert loss.item() == pytest.approx((0.8**2 + 0.4**2) / 4)
    plain, _ = ClippedValue(clip=None)(batch, outputs(batch, value))
    assert plain.item() == pytest.approx((0.1**2 + 0.4**2) / 4)


def test_an_expectile_of_a_half_is_the_mean_and_a_high_one_nears_the_best() -> None:
    batch = pack([row("oa", reward, str(reward)) for reward in (0.0, 0.0, 0.0, 1.0)])

    def minimiser(tau: float) -> float:
        losses = [Expectile(tau)(batch, outputs(batch, torch.full((8,), v)))[0].item() for v in np.linspace(0, 1, 201)]
        return float(np.linspace(0, 1, 201)[int(np.argmin(losses))])

    assert minimiser(0.5) == pytest.approx(0.25)
    assert minimiser(0.9) == pytest.approx(0.75, abs=0.005)  # 0.9 (1 - v) = 0.1 * 3 v


def test_step_losses_read_judged_steps_only() -> None:
    batch = pack([row("oaaa", 1.0, given={1: 1.0, 3: 0.0}), row("oa", 0.0, given={1: 0.25})])
    value = torch.tensor([9, 0.4, 9, -0.3, 9, 0.8])
    wanted = [-logsigmoid(torch.tensor(0.4)), -logsigmoid(torch.tensor(0.3))]
    wanted.append(-0.25 * logsigmoid(torch.tensor(0.8)) - 0.75 * logsigmoid(torch.tensor(-0.8)))
    assert StepCrossEntropy()(batch, outputs(batch, value))[0].item() == pytest.approx(sum(wanted).item() / 3, rel=1e-6)
    errors = [math.tanh(0.4) - 1, math.tanh(-0.3) + 1, math.tanh(0.8) + 0.5]
    wanted_value = sum(error**2 for error in errors) / 3
    assert StepValue()(batch, outputs(batch, value))[0].item() == pytest.approx(wanted_value, rel=1e-6)


def test_svpo_s_value_loss_ranks_siblings_too() -> None:
    batch = pack([row("oa", 1.0, given={1: 0.9}, label=1), row("oa", 0.0, given={1: 0.1}, label=-1)])
    value = torch.tensor([0, 0.2, 0, 0.1])
    plain = StepValue()(batch, outputs(batch, value))[0].item()
    ranked = StepValue(ranking=2.0, margin=0.5)(batch, outputs(batch, value))[0].item()
    assert ranked - plain == pytest.approx(2 * (0.5 - math.tanh(0.2) + math.tanh(0.1)), rel=1e-5)


def test_answers_beside_pairs_change_nothing_of_these_nor_pairs_of_the_answers() -> None:
    """rStar-Math's batch: right answers are imitated, pairs of steps are ranked, each a mean of its own."""
    solved = [row("oaa", 1.0, f"{number}") for number in range(3)]
    pair = [row("oa", 1.0, given={1: 0.9}, label=1), row("oaaaa", 0.0, given={4: 0.1}, label=-1)]
    both, alone = pack([*solved, *(replace(one, weight=0.0) for one in pair)]), pack(pair)
    for part in micro_batches(both, 10, whole_groups=True):
        assert (part.n_pairs, part.n_imitated) == (1, 6)
    assert NLL()(both, outputs(both, logprobs=torch.full((len(both),), -2.0)))[0].item() == 2
    value = torch.linspace(1, 0, len(alone))
    told = torch.cat([torch.zeros(len(both) - len(alone)), value])
    (mixed, metrics), (ranked, _) = (
        StepValue(ranking=1.0, margin=0.5)(batch, outputs(batch, one)) for batch, one in ((both, told), (alone, value))
    )
    assert mixed.item() == pytest.approx(ranked.item())
    assert metrics["pair_accuracy"] == 1


def test_ties_are_likeliest_where_scores_agree() -> None:
    """Rao and Kupper: the chances of a win, a loss and a tie add up to 1."""
    tie = pack([row("oa", 0.5), row("oaa", 0.5)])
    won = pack([row("oa", 1.0, label=1), row("oaa", 0.0, label=-1)])
    objective = BradleyTerry(margin=0.6, centre=0.0)
    for gap in (0.0, 0.4, 2.0):
        value = torch.tensor([0, gap, 0, 0, 0.0])
        tied = math.exp(-objective(tie, outputs(tie, value))[0].item())
        win = math.exp(-objective(won, outputs(won, value))[0].item())
        lost = math.exp(-objective(won, outputs(won, -value))[0].item())
        assert tied + win + lost == pytest.approx(1, abs=1e-5)
    with pytest.raises(ValueError, match="ties need a margin"):
        BradleyTerry()(tie, outputs(tie))


def test_advantage_weighted_regression_imitates_by_the_exponential() -> None:
    batch = replace(pack([row("oaa", 1.0), row("oa", 0.0)]), advantage=torch.tensor([0.5, 0.5, 0.5, 9.0, 9.0]))
    logprobs = torch.tensor([0, -1.0, -2.0, 0, -0.5])
    loss, metrics = AdvantageWeighted(beta=0.5, cap=4.0)(batch, outputs(batch, logprobs=logprobs))
    assert loss.item() == pytest.approx((math.e * 3 + 4 * 0.5) / 3, rel=1e-5)
    assert metrics["capped"].item() == pytest.approx(1 / 3)


def test_a_judge_of_outcomes_is_a_logistic_regression_on_its_log_ratio() -> None:
    batch = pack([row("oaa", 1.0), row("oa", 0.0)])
    logprobs = torch.tensor([0, -1.0, 3.0, 0, 0.5])
    loss, _ = ImplicitCrossEntropy(beta=0.5)(batch, outputs(batch, logprobs=logprobs))
    wanted = (-logsigmoid(torch.tensor(1.0)) - logsigmoid(torch.tensor(-0.25))) / 2
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-6)


def test_a_joint_objective_is_the_weighted_sum_of_both() -> None:
    batch = replace(pack([row("oaa", 1.0)]), returns=torch.tensor([0, 1.0, 1.0]))
    given = outputs(batch, torch.tensor([0, 0.5, 0.0]), torch.tensor([0, -1.0, -2.0]))
    parts = NLL()(batch, given)[0] + 0.3 * ClippedValue(None)(batch, given)[0]
    loss, metrics = Joint(NLL(), ClippedValue(None), 0.3)(batch, given)
    assert loss.item() == pytest.approx(parts.item())
    assert {"nll", "second_loss"} <= metrics.keys()


def test_alphamath_imitates_the_right_answers_and_foretells_all() -> None:
    batch = replace(pack([row("oa", 1.0), row("oa", 0.0)]), weight=torch.tensor([1.0, 1.0, 0.0, 0.0]))
    given = outputs(batch, torch.tensor([0, 0.3, 0, -0.2]), torch.tensor([0, -1.5, 0, -2.0]))
    loss, _ = Joint(NLL(), ValueRegression(), 0.1)(batch, given)
    errors = (math.tanh(0.3) - 1) ** 2 + (math.tanh(-0.2) + 1) ** 2
    assert loss.item() == pytest.approx((1.5 + 0.1 * errors) / 2, rel=1e-5)


def test_both_heads_on_one_backbone_say_what_each_says_alone(model: LlamaForCausalLM, make_rows: Rows) -> None:
    batch = pack(make_rows(2, 2))
    alone = forward(model, batch)
    add_value_head(model)
    torch.nn.init.normal_(model.score.weight)
    both = forward(model, batch)
    assert torch.equal(both.logprobs, alone.logprobs)
    assert torch.allclose(both.value, forward_states(model, batch).value)
    after = forward_critique(model, batch)
    assert torch.allclose(after.value, forward_values(model, batch).value)
    assert torch.equal(after.logprobs, alone.logprobs)
    # the state in which an action is chosen is the one after the action before it
    second = batch.action_mask & batch.action_mask.roll(1) & (batch.sequence_id == batch.sequence_id.roll(1))
    assert torch.allclose(both.value[second], after.value.roll(1)[second], atol=1e-6)
    assert not torch.allclose(both.value, after.value)


def test_forecasts_do_not_depend_on_how_the_batch_was_split(model: LlamaForCausalLM, make_rows: Rows) -> None:
    add_value_head(model)
    torch.nn.init.normal_(model.score.weight)
    model.double()  # forecasts are in the tens: single precision is as far off as the bound
    batch = pack(make_rows(3, 3))
    whole, split = (with_values(batch, model, forward, size).value for size in (10_000, 40))
    assert len(micro_batches(batch, 40)) > 1
    assert torch.allclose(whole, split, atol=1e-5)
