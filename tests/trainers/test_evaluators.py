"""Objectives of evaluators against closed forms, and what a trained evaluator is worth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from palaestra.agents.adapters import add_adapter
from palaestra.agents.chat import ChatFormat
from palaestra.agents.checkpoint import save_checkpoint
from palaestra.agents.evaluator import Evaluator, new_evaluator
from palaestra.agents.judges import ImplicitReward, load_judge, mark
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.pretrained import MissingModel, load_model, weights_hash
from palaestra.arena.worth import ordered, worth
from palaestra.episodes import choices
from palaestra.episodes.choices import opposed
from palaestra.episodes.controls import CONTROLS
from palaestra.episodes.judged import judged_answers, split
from palaestra.episodes.views import Row, followed
from palaestra.trainers.batch import Batch, micro_batches, pack
from palaestra.trainers.critiques import marks, train_cloud, train_scorer
from palaestra.trainers.forward import Outputs, forward_values
from palaestra.trainers.losses import DPO, NLL, BradleyTerry, Joint, Objective, OutcomeCrossEntropy, ValueRegression
from palaestra.trainers.losses.evaluator import last_values
from palaestra.trainers.reward_model import EVALUATORS, fit, quiet, train_evaluator

Rows = Callable[..., list[Row]]
VALUES = torch.tensor([9.0, 0.3, -0.4, 1.2, 9.0, 0.8, -0.9, 9.0, 0.1, 9.0, 0.5, 0.7, -1.5])  # 9 stands on prompts


def row(length: int, reward: float, label: int, group: str) -> Row:
    action = np.array([False, *[True] * length])
    zeros = np.zeros(1 + length, np.float32)
    return Row(np.arange(1 + length), action, zeros, reward, f"{group}{label}", group, "e", "r", 1.0, 1.0, label)


def batch() -> Batch:
    return pack([row(3, 1.0, 1, "a"), row(2, 0.25, -1, "a"), row(1, 1.0, 1, "b"), row(3, 0.0, -1, "b")])


LAST = torch.tensor([1.2, -0.9, 0.1, -1.5])


def loss_of(objective: Objective) -> float:
    data = batch()
    return objective(data, Outputs(torch.zeros(13), torch.zeros(13), VALUES))[0].item()


def test_the_value_of_an_answer_is_that_at_its_last_token() -> None:
    data = batch()
    assert torch.equal(last_values(data, Outputs(torch.zeros(13), torch.zeros(13), VALUES)), LAST)


def test_bradley_terry_is_its_formula() -> None:
    gap, total = LAST[0::2] - LAST[1::2], LAST[0::2] + LAST[1::2]
    wanted = (-logsigmoid(gap - 0.4) + 0.1 * total**2).mean()
    assert loss_of(BradleyTerry(margin=0.4, centre=0.1)) == pytest.approx(wanted.item(), rel=1e-6)
    assert loss_of(BradleyTerry(centre=0.0)) == pytest.approx(-logsigmoid(gap).mean().item(), rel=1e-6)


def test_the_outcome_loss_takes_soft_labels() -> None:
    reward = torch.tensor([1.0, 0.25, 1.0, 0.0])
    wanted = -(reward * logsigmoid(LAST) + (1 - reward) * logsigmoid(-LAST)).mean()
    assert loss_of(OutcomeCrossEntropy()) == pytest.approx(wanted.item(), rel=1e-6)


def test_the_value_is_regressed_at_every_token() -> None:
    target = torch.tensor([1.0] * 3 + [-0.5] * 2 + [1.0] + [-1.0] * 3)
    values = VALUES[VALUES != 9]
    assert loss_of(ValueRegression()) == pytest.approx(((values.tanh() - target) ** 2).mean().item(), rel=1e-6)


@pytest.mark.parametrize("options", [{"margin": -1.0}, {"centre": -1.0}, {"margin": math.nan}])
def test_an_option_without_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        BradleyTerry(**options)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    tokenizer = nano_tokenizer()
    nano_model(tokenizer, hidden=32, layers=2, heads=2, seed=3).save_pretrained(tmp_path / "policy")
    tokenizer.save_pretrained(tmp_path / "policy")
    return tmp_path / "policy"


@pytest.fixture
def evaluator(policy: Path) -> Evaluator:
    return new_evaluator(policy)


@pytest.mark.parametrize(
    "objective", [BradleyTerry(), OutcomeCrossEntropy(), ValueRegression()], ids=lambda o: type(o).__name__
)
def test_gradients_do_not_depend_on_the_micro_batches(
    evaluator: Evaluator, make_rows: Rows, objective: Objective
) -> None:
    torch.manual_seed(0)
    torch.nn.init.normal_(evaluator.model.score.weight)  # type: ignore[union-attr, arg-type]
    data = pack([replace(row, label=1 if index % 2 else -1) for index, row in enumerate(make_rows(4, 2))])

    def gradient(most: int) -> Tensor:
        evaluator.model.zero_grad()
        for part in micro_batches(data, most, objective.whole_groups):
            objective(part, forward_values(evaluator.model, part))[0].backward()
        return torch.cat([p.grad.flatten() for p in evaluator.model.parameters() if p.grad is not None])

    whole = gradient(8192)
    assert whole.norm() > 1e-3
    assert (gradient(50) - whole).norm() < 1e-5 * whole.norm()


def test_the_trainer_and_the_agent_read_the_same_value(evaluator: Evaluator, make_rows: Rows) -> None:
    torch.nn.init.normal_(evaluator.model.score.weight)  # type: ignore[union-attr, arg-type]
    rows = make_rows(3, 3)
    data = pack(rows)
    ours = last_values(data, forward_values(evaluator.model, data)).tolist()
    prompts = [row.ids[~row.action].tolist() for row in rows]
    assert evaluator.score(prompts, [row.ids[row.action].tolist() for row in rows]) == pytest.approx(ours, abs=1e-5)


def planted(problems: int, answers: int = 4, seed: int = 0) -> list[Row]:
    """Answers of two tokens of which one tells the reward: 100 right, 101 wrong."""
    rng = np.random.default_rng(seed)
    rows = []
    for problem in range(problems):
        prompt = rng.integers(5, 90, size=4)
        for answer in range(answers):
            reward = float(rng.integers(2))
            ids = np.array([*prompt, 7, 100 if reward else 101])
            action = np.arange(6) >= 4
            row = Row(ids, action, np.zeros(6, np.float32), reward, f"{problem}/{answer}", f"{problem}", "e", "r")
            verdict = np.array([np.nan] * 5 + [reward], np.float32)
            rows.append(replace(row, token_rewards=verdict))
    return rows


def ends(row: Row) -> list[int]:
    """One step, the whole answer."""
    return [len(row.ids)]


@pytest.mark.parametrize("kind", EVALUATORS)
def test_a_trained_evaluator_orders_answers_that_it_has_not_seen(evaluator: Evaluator, kind: str) -> None:
    train, held_out = split(planted(200))
    assert not {row.group_id for row in train} & {row.group_id for row in held_out}
    assert len(train) + len(held_out) == 800
    assert worth(evaluator, held_out).ordered == 0  # it says the same to all: no pair is in order
    train_evaluator(evaluator, train, ends, EVALUATORS[kind], epochs=3, batch_size=32, learning_rate=2e-3)
    found = worth(evaluator, held_out)
    assert found.low > 0.9
    assert found.best > 0.9 > found.mean
    assert found.most == 1.0


@pytest.mark.parametrize("kind", ["bradley_terry", "generative", "cloud"])
def test_a_log_of_several_temperatures_is_learned_from(policy: Path, kind: str) -> None:
    warm = [replace(row, temperature=0.7 + 0.3 * (index // 4 % 2)) for index, row in enumerate(planted(8))]
    plain = [replace(row, temperature=1.0) for row in warm]
    one, other = (train_scorer(kind, policy, rows, ends, epochs=1, batch_size=32) for rows in (warm, plain))
    assert weights_hash(one.model) == weights_hash(other.model)  # what is learned was not sampled, or has no chances


@pytest.mark.parametrize("algorithm", ["star", "remax"])
def test_answers_beside_a_round_s_own_are_not_learned_from(
    play_run: Callable[..., Any], tiny_recipe: Callable[..., Any], algorithm: str
) -> None:
    """STaR's were given the answer, and ReMax's are the likeliest."""
    run = play_run(tiny_recipe(evolve={"algorithm": algorithm, "rounds": 2, "problems": 16, "samples": 2}))
    beside = [one for one in run.episodes.read() if one.tags["phase"] == "evolve" and one.id.endswith("/other")]
    rows, _ = judged_answers(run.episodes.read(), ChatFormat(nano_tokenizer()).text)
    assert beside
    assert {row.episode_id for row in rows} == {f"evolve/{n:05d}/{p:05d}/{i:03d}" for n, p, i in np.ndindex(2, 16, 2)}
    with pytest.raises(ValueError, match=rf"answered twice \({len(beside)} x given beside a round's own\)"):
        judged_answers(beside, str)


def test_a_pair_of_equals_is_a_tie() -> None:
    rows = [replace(row, reward=reward) for row, reward in zip(planted(1, 4), [1.0, 0.5, 0.5, 0.0], strict=True)]
    view = choices.opposed_or_tied(rows)
    assert [(row.reward, row.label) for row in view.rows] == [(1.0, 1), (0.0, -1), (0.5, 0), (0.5, 0)]
    assert view.rows[2].group_id == view.rows[3].group_id != view.rows[0].group_id


@pytest.mark.parametrize("kind", ["outcome", "value"])
def test_returns_of_a_game_are_no_chances_to_foretell(evaluator: Evaluator, kind: str) -> None:
    rows = [replace(row, reward=4 * row.reward - 2) for row in planted(8)]
    with pytest.raises(ValueError, match="rewards from -2 to 2 are no chances: compare answers"):
        train_evaluator(evaluator, rows, ends, EVALUATORS[kind])
    train_evaluator(evaluator, rows, ends, EVALUATORS["bradley_terry"], epochs=1)


def test_shuffled_verdicts_teach_nothing(evaluator: Evaluator) -> None:
    train, held_out = split(planted(200))
    dealt = CONTROLS["shuffled"](train, np.random.default_rng(0))
    train_evaluator(evaluator, dealt, ends, EVALUATORS["bradley_terry"], epochs=3, batch_size=32, learning_rate=2e-3)
    assert worth(evaluator, held_out).best < 0.9


def test_the_verdict_of_a_step_is_dealt_to_another_step() -> None:
    rows = planted(50)
    dealt = CONTROLS["shuffled"]([rows[0], replace(rows[1], token_rewards=None), *rows[2:]], np.random.default_rng(0))
    assert dealt.pop(1).token_rewards is None
    given = [np.stack([one.token_rewards for one in some]) for some in ([rows[0], *rows[2:]], dealt)]  # type: ignore[misc]
    assert np.isnan(given[0]).tolist() == np.isnan(given[1]).tolist()
    assert sorted(given[0][:, -1]) == sorted(given[1][:, -1])
    assert (given[0][:, -1] != given[1][:, -1]).any()


def test_a_pair_takes_the_best_with_the_worst_and_each_answer_once() -> None:
    rows = [replace(row, group_id="g", episode_id=str(index)) for index, row in enumerate(planted(1, 5))]
    rows = [replace(row, reward=reward) for row, reward in zip(rows, [0.5, 1.0, 0.0, 0.5, 0.2], strict=True)]
    view = opposed(rows)
    assert [(row.episode_id, row.label, row.group_id) for row in view.rows] == [
        ("1", 1, "g#0"),
        ("2", -1, "g#0"),
        ("0", 1, "g#1"),
        ("4", -1, "g#1"),
    ]
    assert view.dropped == {"no answer of another score to be paired with": 1}


@pytest.mark.parametrize("kind", ["outcome", "process_soft", "step_value"])
def test_a_game_s_returns_are_taken_for_no_chances(evaluator: Evaluator, kind: str) -> None:
    returns = [replace(row, reward=2 * row.reward - 1) for row in planted(5)]
    with pytest.raises(ValueError, match="rewards from -1 to 1 are no chances: compare answers"):
        train_evaluator(evaluator, returns, ends, EVALUATORS[kind], epochs=1)


def test_a_log_without_a_difference_teaches_nothing(evaluator: Evaluator) -> None:
    alike = [replace(row, reward=1.0) for row in planted(5)]
    with pytest.raises(ValueError, match="nothing to learn from"):
        train_evaluator(evaluator, alike, ends, EVALUATORS["bradley_terry"])
    with pytest.raises(ValueError, match="no held-out problem"):
        worth(evaluator, alike)
    assert choices.decided([replace(row, reward=math.nan) for row in alike]).rows == []


@pytest.mark.parametrize("kind", ["generative", "cloud"])
def test_a_judge_that_speaks_orders_answers_that_it_has_not_seen(policy: Path, kind: str, tmp_path: Path) -> None:
    train, held_out = split(planted(120))
    scorer = train_scorer(kind, policy, train, ends, epochs=6, batch_size=32, learning_rate=3e-3)
    found = worth(scorer, held_out)
    assert found.low > 0.8
    scorer.model.save_pretrained(tmp_path / "judge")
    scorer.tokenizer.save_pretrained(tmp_path / "judge")
    mark(tmp_path / "judge", kind=kind)
    again = load_judge(tmp_path / "judge")
    assert again.score([[5, 6]], [[7, 100]]) == pytest.approx(scorer.score([[5, 6]], [[7, 100]]), abs=1e-5)


@pytest.mark.parametrize("kind", ["generative", "cloud"])
def test_a_judge_that_begins_with_an_adapter_is_saved_with_all_that_it_learned(
    policy: Path, kind: str, tmp_path: Path
) -> None:
    model, tokenizer = load_model(policy)
    add_adapter(model, str(policy), rank=2)
    adapted = save_checkpoint(tmp_path, "adapted", model, tokenizer, None)
    scorer = train_scorer(kind, adapted, planted(8), ends, epochs=2, batch_size=8, learning_rate=3e-3)
    save_checkpoint(tmp_path, "judge", scorer.model, tokenizer, None)
    mark(tmp_path / "judge", kind=kind)
    (score,) = scorer.score([[5, 6]], [[7, 100]])
    assert score != 0
    assert load_judge(tmp_path / "judge").score([[5, 6]], [[7, 100]]) == pytest.approx([score], abs=1e-5)


def test_an_adapter_without_a_head_is_no_evaluator(policy: Path, tmp_path: Path) -> None:
    model, tokenizer = load_model(policy)
    add_adapter(model, str(policy), rank=2)
    adapted = save_checkpoint(tmp_path, "adapted", model, tokenizer, None)
    with pytest.raises(MissingModel, match=r"adapted is an adapter, .* lacks weights .*: score\.weight"):
        load_judge(adapted)


def test_cloud_without_a_critique_is_the_classic_reward_model(evaluator: Evaluator) -> None:
    """λ = 0 and nothing written: the loss and its gradient are Bradley and Terry's at the answer's last token."""
    model: Any = evaluator.model
    torch.nn.init.normal_(model.score.weight)
    rows = choices.opposed(planted(6)).rows
    classic, _ = BradleyTerry()(pack(rows), forward_values(model, pack(rows)))
    assert [row.ids.tolist() for row in rows] == [followed(row, [], []).ids.tolist() for row in rows]
    silent = Joint(BradleyTerry(), NLL(), 0.0)
    both, _ = silent(pack(rows), replace(forward_values(model, pack(rows)), logprobs=torch.zeros(len(pack(rows)))))
    assert both.item() == pytest.approx(classic.item(), rel=1e-6)


def test_the_oracle_s_critique_names_each_judged_step() -> None:
    row = replace(planted(1)[0], reward=0.0, token_rewards=np.array([np.nan, 1, np.nan, 0, np.nan, np.nan], np.float32))
    assert marks(row) == "ok bad wrong"


def test_a_judge_learns_to_write_the_critiques_that_it_is_shown(policy: Path) -> None:
    rows = planted(8)
    options = {"epochs": 30, "batch_size": 8, "learning_rate": 1e-2, "seed": 0}
    judge = train_cloud(*load_model(policy), rows, quiet, critique=lambda row: "bad ok", **options)
    (written,) = judge.write([rows[0].prompt.tolist()], [rows[0].answer.tolist()], temperature=0.0)
    assert judge.tokenizer.decode(written, skip_special_tokens=True).strip() == "bad ok"


def test_an_implicit_reward_is_the_sum_of_its_tokens(policy: Path) -> None:
    model, tokenizer = load_model(policy)
    reference = nano_model(tokenizer, hidden=32, layers=2, heads=2, seed=8)
    reward = ImplicitReward(model, reference, tokenizer, beta=0.2)
    assert reward.score([[5, 6]], [[7, 8]])[0] == pytest.approx(sum(reward.tokens([5, 6], [7, 8])))
    assert ImplicitReward(model, model, tokenizer).score([[5]], [[6, 7]]) == [0.0]


def test_each_problem_has_its_share_of_pairs_in_order_and_its_favourite(evaluator: Evaluator) -> None:
    class Longest:
        model, tokenizer = evaluator.model, evaluator.tokenizer

        def score(self, prompts: Any, answers: Any) -> list[float]:
            return [float(len(answer)) for answer in answers]

    rows = [row(3, 1.0, 0, "a"), row(2, 0.0, 1, "a"), row(1, 0.0, 2, "a"), row(1, 1.0, 0, "b"), row(2, 0.0, 1, "b")]
    found = ordered(Longest(), [*rows, row(1, 1.0, 0, "c")])
    assert found == {("a", "r"): (1.0, 1.0), ("b", "r"): (0.0, 0.0)}  # all answers to c scored alike
    sides = [replace(one, role=f"side {number % 2}") for number, one in enumerate(rows[:3])]
    assert ordered(Longest(), sides) == {("a", "side 0"): (1.0, 1.0)}
    whole = worth(Longest(), rows)
    assert (whole.problems, whole.ordered, whole.best, whole.most) == (2, 0.5, 0.5, 1.0)
    assert whole.mean == pytest.approx((1 / 3 + 1 / 2) / 2)


def test_pairs_are_fitted_against_a_reference(policy: Path) -> None:
    pairs = opposed(planted(8)).rows
    model, _ = load_model(policy)
    with pytest.raises(ValueError, match="give one"):
        fit(model, pairs, DPO(0.1))
    seen: list[dict[str, float]] = []
    fit(model, pairs, DPO(0.1), lambda step, steps, metrics: seen.append(metrics), reference=load_model(policy)[0])
    assert seen[0]["loss"] == pytest.approx(math.log(2), abs=1e-5)  # at first the model is its reference
