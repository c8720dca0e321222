"""What of a round is learned from, in whole runs and by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from palaestra.agents.evaluator import load_evaluator
from palaestra.agents.judges import ImplicitReward, load_judge
from palaestra.arena.replay import replay
from palaestra.arena.run_folder import RunFolder, read_json_lines
from palaestra.episodes import Actor, Episode, Outcome, Turn, choices
from palaestra.episodes.spans import line_spans
from palaestra.episodes.views import Row, groups
from palaestra.trainers import model_evolution
from palaestra.trainers.algorithms import ALGORITHMS
from palaestra.trainers.batch import pack
from palaestra.trainers.forward import Outputs, forward_critique
from palaestra.trainers.losses import Joint
from palaestra.verifiers import Status, right, undecided, wrong

Play = Callable[..., RunFolder]
Recipes = Callable[..., dict[str, Any]]


def weights(run: RunFolder, agent: str) -> dict[str, torch.Tensor]:
    return load_file(run.path / "agents" / agent / "model.safetensors")


def answer(length: int, name: str, group: str = "g", reward: float = 0.0) -> Row:
    action = np.arange(2 + length) >= 2
    return Row(np.arange(2 + length), action, np.zeros(2 + length, np.float32), reward, name, group, "e", "r")


def test_the_price_of_length_makes_chosen_and_rejected_equally_long() -> None:
    """DICE's α* on the full grid: the least mean gap, though the gap is no monotone function of α."""
    rng = np.random.default_rng(3)
    rows = [answer(int(rng.integers(2, 60)), f"{g}/{i}", str(g)) for g in range(12) for i in range(6)]
    scores = [0.4 * int(row.action.sum()) + float(rng.normal(0, 3)) for row in rows]  # long ones score high
    alphas = np.linspace(0, 1, 101)

    def gap(alpha: float) -> float:
        total = 0
        for g in range(12):
            lengths = [int(row.action.sum()) for row in rows[6 * g : 6 * g + 6]]
            price = [s - alpha * n for s, n in zip(scores[6 * g : 6 * g + 6], lengths, strict=True)]
            total += lengths[int(np.argmax(price))] - lengths[int(np.argmin(price))]
        return abs(total)

    view = choices.length_regularised(rows, scores, alphas)
    lengths = np.array([int(row.action.sum()) * row.label for row in view.rows])
    assert abs(lengths.sum()) == min(map(gap, alphas))
    assert min(map(gap, alphas)) < gap(0.0) / 4
    forked = [answer(300, "0/forked", "0"), answer(300, "0/forked", "0")]  # which are in no pair
    beside = choices.length_regularised([*rows, *forked], [*scores, 200.0, 250.0], alphas)
    assert [row.episode_id for row in beside.rows] == [row.episode_id for row in view.rows]


def test_a_judge_that_learns_first_leaves_the_policy_alone(play_run: Play, tiny_recipe: Recipes) -> None:
    evolve = {"algorithm": "rto", "rounds": 2, "samples": 6, "problems": 6, "judge": {"alone": 2}}
    run = play_run(tiny_recipe(evolve=evolve))
    start, end, judge = (weights(run, name) for name in ("warm", "evolved", "judge"))
    assert all(torch.equal(start[name], end[name]) for name in start)
    assert any(not torch.equal(start[name], judge[name]) for name in start)
    scorer = load_judge(run.path / "agents" / "judge")  # beside the policy that it was held against
    assert isinstance(scorer, ImplicitReward)
    assert scorer.beta == 0.05
    (score,) = scorer.score([[5, 6]], [[7, 8]])
    assert math.isfinite(score)
    assert score != 0


def test_a_critic_is_an_evaluator_when_the_run_has_ended(play_run: Play, tiny_recipe: Recipes) -> None:
    run = play_run(tiny_recipe(evolve={"algorithm": "ppo", "rounds": 2, "samples": 6, "problems": 6}))
    critic = load_evaluator(run.path / "agents" / "critic")
    scores = critic.score([[5, 6], [7]], [[8], [9, 10]])
    assert all(map(math.isfinite, scores))
    assert any(scores)
    rows = [row for row in read_json_lines(run.metrics) if "critic_loss" in row]
    assert len(rows) == 2


def test_a_shared_critic_learns_in_the_policy_s_own_step(play_run: Play, tiny_recipe: Recipes) -> None:
    critic = {"shared": True, "coefficient": 0.5}
    recipe = tiny_recipe(evolve={"algorithm": "ppo", "rounds": 3, "samples": 6, "problems": 6, "critic": critic})
    run = play_run(recipe)
    assert all("second_loss" in row for row in read_json_lines(run.metrics) if row["phase"] == "evolve")
    assert not (run.path / "agents" / "critic").exists()
    stopped = play_run(recipe, stop_after=4)
    resumed = play_run(run=RunFolder(stopped.path))
    one, other = weights(run, "evolved"), weights(resumed, "evolved")
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert all(map(math.isfinite, load_evaluator(run.path / "agents" / "evolved").score([[5]], [[6]])))


def test_learning_from_the_base_forgets_the_rounds_before(play_run: Play, tiny_recipe: Recipes) -> None:
    """Two runs whose last rounds learn from the same answers end alike, whatever came between, only from the base."""
    run = play_run(tiny_recipe(evolve={"algorithm": "rft", "rounds": 3, "start": "base", "warmup": 0}))
    rows = [row for row in read_json_lines(run.metrics) if row["phase"] == "evolve" and "loss" in row]
    latest = play_run(tiny_recipe(evolve={"algorithm": "rft", "rounds": 3, "warmup": 0}))
    others = [row for row in read_json_lines(latest.metrics) if row["phase"] == "evolve" and "loss" in row]
    assert rows[0]["loss"] == others[0]["loss"]  # the first round begins from the base either way
    assert rows[-1]["loss"] != others[-1]["loss"]
    # one step of at most the learning rate a weight away from the base, though three rounds were learned from
    base, end, far = weights(run, "warm"), weights(run, "evolved"), weights(latest, "evolved")
    moved, moved_far = (max((other[name] - base[name]).abs().max().item() for name in base) for other in (end, far))
    assert moved < 0.75 * moved_far


def test_an_adapter_too_learns_each_round_from_the_base(play_run: Play, tiny_recipe: Recipes) -> None:
    def moved(start: str) -> float:
        evolve = {"algorithm": "dpo", "rounds": 3, "start": start, "learning_rate": 0.01}
        run = play_run(tiny_recipe(model={"lora": {"rank": 2}}, evolve=evolve))
        files = (run.path / "agents" / agent / "adapter_model.safetensors" for agent in ("warm", "evolved"))
        warm, evolved = map(load_file, files)
        return max((evolved[name] - warm[name]).abs().max().item() for name in warm)

    assert 0 < moved("base") < 1.1 * 0.01  # a step of Adam's, of the three that were made
    assert moved("latest") > 1.1 * 0.01


def test_each_round_from_the_base_learns_at_the_whole_rate(play_run: Play, tiny_recipe: Recipes) -> None:
    def rates(start: str) -> list[float]:
        evolve = {"algorithm": "rft", "rounds": 3, "updates": 2, "start": start, "warmup": 0, "learning_rate": 0.01}
        rows = read_json_lines(play_run(tiny_recipe(evolve=evolve)).metrics)
        return [row["learning_rate"] for row in rows if row["phase"] == "evolve" and "learning_rate" in row]

    assert rates("base") == [0.01] * 3
    falling = rates("latest")
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] < falling[0] == 0.01


CHAINS = {"id": "palaestra/ChainArith-v0", "modulus": 10, "operators": "+", "wording": 0}


@pytest.fixture(scope="module")
def on_chains(play_run: Play, tiny_recipe: Recipes) -> Callable[[str], tuple[RunFolder, dict[str, Any]]]:
    """One round of an algorithm on chains of one sum, after a warm start; the run and the round's metrics."""

    def play(algorithm: str, **evolve: Any) -> tuple[RunFolder, dict[str, Any]]:
        alone = {"judge": {"alone": 0}} if ALGORITHMS[algorithm].judge else {}
        run = play_run(
            tiny_recipe(
                environment=CHAINS,
                warm_start={"rounds": 40, "problems": 64, "batch_size": 16, "learning_rate": 0.003},
                evolve={
                    "algorithm": algorithm,
                    "rounds": 1,
                    "samples": 8,
                    "problems": 8,
                    "top_difficulty": 1,
                    **alone,
                    **evolve,
                },
                max_answer_tokens=32,
            )
        )
        (row,) = [row for row in read_json_lines(run.metrics) if row["phase"] == "evolve"]
        return run, row

    return play


def test_steps_of_chains_are_judged_token_by_token(on_chains: Any) -> None:
    run, row = on_chains("process_grpo")
    assert 0 < row["judged_tokens"] < 0.5
    episodes = [episode for episode in run.episodes.read() if episode.tags.get("phase") == "evolve"]
    verdicts = [verdict.status for episode in episodes for verdict in episode.turns[0].step_verdicts]
    tokens = sum(len(episode.turns[0].action_ids) for episode in episodes)
    decided = sum(status is not Status.UNDECIDED for status in verdicts)
    assert row["judged_tokens"] <= decided / tokens + 1e-6  # two verdicts may fall on one token, none between


@pytest.mark.parametrize("algorithm", ["lema", "revthink", "rlmec", "journey", "autoprm", "openr"])
def test_what_chains_tell_beside_the_outcome_is_learned_from(on_chains: Any, algorithm: str) -> None:
    run, row = on_chains(algorithm)
    assert row["learned_from"] > 0
    assert math.isfinite(row["loss"])
    before, after = weights(run, "warm"), weights(run, "evolved")
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_a_shared_critic_of_steps_is_asked_behind_them_as_it_learns(
    on_chains: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, learned = list[Any](), list[Any]()
    told, made = model_evolution.with_values, model_evolution.learn
    monkeypatch.setattr(model_evolution, "with_values", lambda *args: asked.append(args[2]) or told(*args))
    monkeypatch.setattr(model_evolution, "learn", lambda *args: learned.append(args[-1]) or made(*args))
    on_chains("openr", critic={"shared": True, "coefficient": 0.1})
    assert asked
    assert {*asked, *learned} == {forward_critique}


@pytest.mark.parametrize("algorithm", ["rstar", "searched_dpo"])
def test_the_trees_of_a_search_are_learned_from_and_play_again(on_chains: Any, algorithm: str) -> None:
    run, row = on_chains(algorithm, samples=2, sampler={"search": "mcts:4", "value": "verdict"})
    episodes = [episode for episode in run.episodes.read() if episode.tags.get("phase") == "evolve"]
    assert all("tree" in episode.turns[0].meta for episode in episodes)
    assert row["learned_from"] > 0
    assert math.isfinite(row["loss"])
    assert "second_pair_accuracy" in row
    assert not [difference for _, found in replay(episodes) for difference in found]


def chained(texts: dict[str, str]) -> Any:
    """A round of answers whose tokens are letters and whose lines are r(ight), w(rong) or u(ndecided)."""
    given = {"r": right("so"), "w": wrong("not so"), "u": undecided("who knows")}
    episodes = [
        Episode(
            *(f"g/{number}", "e", {}, {}, 0, "g", {"r": Actor("a")}),
            turns=(
                Turn(
                    *("r", "?", text, 0.0),
                    prompt_ids=(63,),
                    action_ids=(*map(ord, text), 0),
                    logprobs=(-1.0,) * (len(text) + 1),
                    step_spans=line_spans(text),
                    step_verdicts=tuple(given[letter] for letter in judged),
                ),
            ),
            outcome={"r": Outcome(float(judged[-1] == "r"), Status.RIGHT if judged[-1] == "r" else Status.WRONG)},
            terminated=True,
            truncated=False,
        )
        for number, (text, judged) in enumerate(texts.items())
    ]

    def decode(ids):
        return "".join(map(chr, filter(None, ids)))

    return SimpleNamespace(episodes=episodes, rows=groups(episodes).rows, decode=decode, number=0)


@pytest.mark.parametrize("name", [name for name, row in ALGORITHMS.items() if row.group != "policy gradient"])
def test_an_answer_that_nobody_could_decide_on_is_not_learned_from(name: str) -> None:
    """In a policy gradient its advantage is 0; all others would imitate it, or prefer another one to it."""
    made = chained({"ab": "r", "cd": "w", "ef\ngh": "rr", "ij": "w"})
    dead = {"r": Outcome(math.nan, Status.UNDECIDED)}
    made.episodes = [one if index % 3 else replace(one, outcome=dead) for index, one in enumerate(made.episodes)]
    made.rows, made.number = groups(made.episodes).rows, 2
    assert [math.isnan(row.reward) for row in made.rows] == [True, False, False, True]
    made.earlier, made.task_of, made.encode, made.encode_turns = lambda number: made, lambda episode: None, None, None
    shown = [replace(made.rows[1], reward=1.0, episode_id="shown", ids=made.rows[1].ids + 1)]
    made.demonstrations, made.hinted = lambda: shown, lambda asked: []
    made.implicit_rewards = lambda rows: [9.0, 1.0, 2.0, -9.0]
    learned = {row.episode_id for row in ALGORITHMS[name].source(made).rows}
    assert learned.isdisjoint({"g/0", "g/3"})
    assert learned or name in ("lema", "journey", "revthink", "rstar", "searched_dpo", "svpo", "shorter", "long2short")


def test_each_utterance_of_a_winner_has_its_own_share_as_advantage() -> None:
    turns = tuple(
        Turn(role, "?", "x", 0.0, prompt_ids=(number,), action_ids=(9,), logprobs=(-1.0,))
        for number, role in enumerate(("one", "other", "one"))
    )
    outcome = {"one": Outcome(1.0, Status.RIGHT), "other": Outcome(-1.0, Status.WRONG)}
    roles = {role: Actor("a") for role in outcome}
    game = Episode("g/0", "e", {}, {}, 0, "g", roles, turns, outcome, True, False)
    rows = ALGORITHMS["spag"].source(SimpleNamespace(episodes=[game], rows=[])).rows  # type: ignore[arg-type]
    advantage = ALGORITHMS["spag"].advantage
    assert advantage is not None
    assert advantage(rows)[0].tolist() == pytest.approx([0.8 / 1.8, 1 / 1.8])


def test_right_steps_are_kept_up_to_the_first_wrong_one() -> None:
    view = ALGORITHMS["autoprm"].source(chained({"ab\ncd\nef": "rwr", "gh\nij": "rr", "kl\nmn": "wr", "op": "u"}))
    assert ["".join(map(chr, row.ids[row.action])) for row in view.rows] == ["ab", "gh\nij\0"]
    assert all(len(row.ids) == len(row.action) == len(row.logprobs) for row in view.rows)
    assert view.dropped == {"no right step": 2}


def test_steps_that_nobody_could_judge_are_kept_only_before_right_ones() -> None:
    """A policy that is paid for them would soon write no others."""
    view = ALGORITHMS["autoprm"].source(chained({"ab\ncd": "ru", "ab\ncd\nef": "uru", "gh\nij\nkl": "ruw"}))
    assert ["".join(map(chr, row.ids[row.action])) for row in view.rows] == ["ab", "ab\ncd", "gh"]


def test_a_step_is_worth_the_share_of_answers_through_it_that_end_well() -> None:
    view = ALGORITHMS["openr"].source(chained({"ab\ncd": "rr", "ab\nef": "rw", "gh": "w"}))
    worth = [row.token_rewards[~np.isnan(row.token_rewards)].tolist() for row in view.rows]  # type: ignore[index]
    assert worth == [[0.5, 1.0], [0.5, 0.0], [0.0]]
    assert view.rows[0].token_rewards is not None
    assert np.flatnonzero(~np.isnan(view.rows[0].token_rewards)).tolist() == [2, 5]  # "b" and "d", behind "?"


@pytest.mark.parametrize("name", ["autoprm", "openr", "svpo", "infonca"])
def test_a_dialogue_in_several_rows_is_left_out_where_its_steps_or_answers_are_compared(name: str) -> None:
    made = chained({"ab\ncd": "rr", "ab\nef": "rw", "ab\ncg": "rr", "ab\neh": "rw"})
    made.episodes[0] = replace(made.episodes[0], turns=made.episodes[0].turns * 2)
    made.rows = groups(made.episodes).rows
    assert len(made.rows) == 5
    view = ALGORITHMS[name].source(made)
    assert "g/0" not in {row.episode_id for row in view.rows}
    assert view.dropped["its dialogue was forked into several rows"] == 1


def test_svpo_compares_what_follows_the_same_steps() -> None:
    """After "x" comes "a", which ends well twice, or "b", which never does; "y" was said once, and is not compared."""
    told = {"x\na": (1.0, 2), "x\nb": (0.0, 2), "y\na": (1.0, 1)}
    answers = [(text, reward) for text, (reward, times) in told.items() for _ in range(times)]
    episodes = [
        Episode(
            *(f"g/{number}", "e", {}, {}, 0, "g", {"r": Actor("a")}),
            turns=(
                Turn(
                    *("r", "?", text, reward),
                    prompt_ids=(63,),
                    action_ids=tuple(map(ord, text)),
                    logprobs=(-1.0,) * len(text),
                    step_spans=((0, 1), (2, 3)),
                ),
            ),
            outcome={"r": Outcome(reward, Status.RIGHT if reward else Status.WRONG)},
            terminated=True,
            truncated=False,
        )
        for number, (text, reward) in enumerate(answers)
    ]
    played: Any = SimpleNamespace(
        episodes=episodes, rows=groups(episodes).rows, decode=lambda ids: "".join(map(chr, ids)), number=0
    )
    view = ALGORITHMS["svpo"].source(played)
    assert [("".join(map(chr, row.ids[row.action])), row.label, row.reward) for row in view.rows] == [
        ("\na", 1, 1.0),
        ("\nb", -1, 0.0),
    ]
    assert [row.token_rewards.tolist()[-1] for row in view.rows if row.token_rewards is not None] == [1.0, 0.0]
    batch = replace(pack(view.rows), reference_logprobs=torch.zeros(8))
    critic = ALGORITHMS["svpo"].critic
    assert critic is not None
    outputs = Outputs(torch.full((8,), -1.0), torch.zeros(8), torch.zeros(8))
    loss, _ = Joint(ALGORITHMS["svpo"].objective, critic.objective, 0.5)(batch, outputs)
    assert loss.item() == pytest.approx(math.log(2) + 0.5 * (1.0 + 0.2))  # no preference, no forecast yet


def test_hindsight_learns_from_dialogues_that_missed_their_goal(play_run: Play, tiny_recipe: Recipes) -> None:
    bits = {"id": "palaestra/BitFlip-v0"}
    run = play_run(
        tiny_recipe(
            environment=bits,
            warm_start={"rounds": 20, "problems": 32, "batch_size": 5, "learning_rate": 0.003},
            evolve={"algorithm": "hindsight", "rounds": 1, "samples": 4, "problems": 8, "top_difficulty": 1},
            max_answer_tokens=12,
        )
    )
    (row,) = [row for row in read_json_lines(run.metrics) if row["phase"] == "evolve"]
    assert row["learned_from"] > 0
    assert math.isfinite(row["loss"])
