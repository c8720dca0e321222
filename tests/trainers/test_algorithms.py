"""Each row of the table, in whole runs: it learns from what it says, and a run of it stops, goes on and replays."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from palaestra.arena.replay import replay
from palaestra.arena.run_folder import RunFolder, read_json_lines
from palaestra.arena.settings import SettingsError
from palaestra.episodes import Episode, EpisodeStore
from palaestra.episodes.views import Row
from palaestra.trainers.algorithms import ALGORITHMS
from palaestra.trainers.batch import pack
from palaestra.trainers.forward import Outputs
from palaestra.trainers.losses import NLL
from palaestra.trainers.recipe import parse_recipe

Play = Callable[..., RunFolder]
Recipes = Callable[..., dict[str, Any]]
ROOT = Path(__file__).resolve().parents[2]


def weights(run: RunFolder, agent: str) -> bytes:
    return (run.path / "agents" / agent / "model.safetensors").read_bytes()


# what only some environments have (judged lines, backward questions, goals, opponents, shared steps), or trees
PARTICULAR = {"lema", "revthink", "hindsight", "svpo", "rlmec", "journey", "autoprm", "spag", "rstar", "searched_dpo"}


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if name not in PARTICULAR])
def test_every_algorithm_learns_in_a_whole_run(play_run: Play, tiny_recipe: Recipes, name: str) -> None:
    alone = {"judge": {"alone": 1}} if ALGORITHMS[name].judge else {}
    run = play_run(tiny_recipe(evolve={"algorithm": name, "rounds": 2, "samples": 6, "problems": 6, **alone}))
    rows = [row for row in read_json_lines(run.metrics) if row["phase"] == "evolve"]
    learned = [row for row in rows if "loss" in row]
    assert all(math.isfinite(row["loss"]) and math.isfinite(row["gradient_norm"]) for row in learned)
    assert all(0 <= row["learned_from"] <= 2 for row in rows)
    assert (weights(run, "warm") != weights(run, "evolved")) == bool(learned)
    if name not in ("shorter", "long2short"):  # no right answer of the tiny task is shorter than others, as sampled
        assert learned


@pytest.mark.parametrize("name", ["dpo", "kto", "spin", "dapo", "remax", "star", "alphamath", "ppo", "prime"])
def test_a_run_that_was_stopped_ends_like_one_that_was_not(play_run: Play, tiny_recipe: Recipes, name: str) -> None:
    recipe = tiny_recipe(evolve={"algorithm": name, "rounds": 3, "samples": 6})
    whole = play_run(recipe)
    stopped = play_run(recipe, stop_after=3)
    assert not (stopped.path / "agents" / "evolved").exists()
    resumed = play_run(run=RunFolder(stopped.path))
    assert weights(resumed, "evolved") == weights(whole, "evolved")
    assert not [difference for _, found in replay(resumed.episodes.read()) for difference in found]


@pytest.mark.parametrize(
    "sampler", [{"search": "mcts:4", "value": "verdict"}, {"best_of": 2}, {"temperatures": [0.7, 1.3]}]
)
def test_a_run_with_a_sampler_that_was_stopped_ends_like_one_that_was_not(
    play_run: Play, tiny_recipe: Recipes, sampler: dict[str, Any]
) -> None:
    recipe = tiny_recipe(evolve={"algorithm": "rft", "rounds": 3, "samples": 4, "sampler": sampler})
    whole = play_run(recipe)
    resumed = play_run(run=RunFolder(play_run(recipe, stop_after=3).path))
    assert weights(resumed, "evolved") == weights(whole, "evolved") != weights(whole, "warm")
    said = [[turn.text for one in run.episodes.read() for turn in one.turns] for run in (whole, resumed)]
    assert said[0] == said[1]


def test_spin_asks_the_oracle_for_the_round_s_own_problems(play_run: Play, tiny_recipe: Recipes) -> None:
    run = play_run(tiny_recipe(evolve={"algorithm": "spin", "rounds": 1}))
    shown, own = (run.episodes.find(f"evolve-00000{part}") for part in ("-other", ""))
    assert shown is not None
    assert own is not None
    demonstrations, samples = list(run.episodes.read(shown)), list(run.episodes.read(own))
    assert {episode.group_id: episode.seed for episode in demonstrations} == {
        episode.group_id: episode.seed for episode in samples
    }
    assert all(episode.outcome["reasoner"].reward == 1 for episode in demonstrations)
    assert all(not episode.turns[0].action_ids for episode in demonstrations)


def test_remax_asks_for_the_likeliest_answer_to_each_problem(play_run: Play, tiny_recipe: Recipes) -> None:
    run = play_run(tiny_recipe(evolve={"algorithm": "remax", "rounds": 1}))
    greedy, own = (run.episodes.find(f"evolve-00000{part}") for part in ("-other", ""))
    assert greedy is not None
    assert own is not None
    likeliest = list(run.episodes.read(greedy))
    assert {episode.turns[0].temperature for episode in likeliest} == {0.0}
    groups = {episode.group_id: episode.problem for episode in run.episodes.read(own)}
    assert {episode.group_id: episode.problem for episode in likeliest} == groups


def test_what_is_asked_beside_a_round_that_is_in_the_log_is_the_policy_s_by_name_and_weights(
    play_run: Play, tiny_recipe: Recipes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def killed(self: EpisodeStore, episodes: Sequence[Episode], name: str = "batch") -> Path:
        file = append(self, episodes, name)
        if name == "evolve-00000":
            raise KeyboardInterrupt
        return file

    append, run = EpisodeStore.append, RunFolder.create(tmp_path, "killed")
    with monkeypatch.context() as patch:
        patch.setattr(EpisodeStore, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            play_run(tiny_recipe(evolve={"algorithm": "remax", "rounds": 1}), run=run)
    run.release()
    play_run(run=RunFolder.open(run.path))
    own, likeliest = (run.episodes.named(f"evolve-00000{part}") for part in ("", "-other"))
    assert likeliest[0].roles == own[0].roles
    assert all(actor.weights_hash for actor in likeliest[0].roles.values())


def test_problems_that_told_nothing_are_replaced(play_run: Play, tiny_recipe: Recipes) -> None:
    run = play_run(tiny_recipe(evolve={"algorithm": "dapo", "rounds": 1, "problems": 6, "samples": 3}))
    names = ["evolve-00000", "evolve-00000-1", "evolve-00000-2", "evolve-00000-3"]
    parts = [list(run.episodes.read(file)) for file in map(run.episodes.find, names) if file is not None]
    assert len(parts) > 1
    spread: set[str] = set()
    for number, part in enumerate(parts):
        rewards: dict[str, set[float]] = {}
        for episode in part:
            rewards.setdefault(episode.group_id, set()).add(episode.outcome["reasoner"].reward)
        assert len(rewards) == 6 - len(spread)  # as many as were missing
        assert not spread & set(rewards)  # and none asked twice
        spread |= {group for group, seen in rewards.items() if len(seen) > 1}
        assert number == len(parts) - 1 or len(spread) < 6
    assert len(spread) == 6 or len(parts) == 4
    (row,) = [row for row in read_json_lines(run.metrics) if row["phase"] == "evolve"]
    assert row["learned_from"] == pytest.approx(3 * len(spread) / sum(map(len, parts)))


def learned_from(algorithm: str, rows: list[Row]) -> list[Row]:
    played: Any = SimpleNamespace(rows=rows)
    return ALGORITHMS[algorithm].source(played).rows


def test_imitation_is_weighted_by_reward() -> None:
    rows = [
        Row(np.arange(4), np.arange(4) > 1, np.zeros(4, np.float32), reward, f"{reward}", "g", "e", "r")
        for reward in (1.0, 0.25, 0.0)
    ]
    kept = learned_from("reward_weighted", rows)
    logprobs = torch.tensor([7.0, 7.0, -1.0, -2.0, 7.0, 7.0, -4.0, -3.0])
    loss, _ = NLL()(pack(kept), Outputs(logprobs, torch.zeros(8)))
    assert loss.item() == pytest.approx((1.0 * 3 + 0.25 * 7) / 4)
    assert [row.weight for row in learned_from("rft", rows)] == [1.0]
    assert [row.weight for row in learned_from("alphamath", rows)] == [1.0, 0.0, 0.0]


PRICE = {"kl_coefficient": 0.1, "kl_estimator": "k1", "kl_placement": "reward"}


def test_a_price_is_taken_off_rewards_that_are_read(tiny_recipe: Recipes) -> None:
    for name in ("grpo", "ppo", "process_grpo", "prime"):
        parse_recipe(tiny_recipe(evolve={"algorithm": name, "objective": PRICE}))


@pytest.mark.parametrize(
    ("evolve", "said"),
    [
        ({"algorithm": "dop"}, "did you mean 'dpo'"),
        ({"algorithm": "dpo", "advantage": {"scale": "none"}}, "evolve.advantage has no effect on dpo"),
        ({"algorithm": "dpo", "objective": {"gamma": 1.0}}, "unknown key in evolve.objective: 'gamma'"),
        ({"algorithm": "simpo", "objective": {"bate": 1.0}}, "did you mean 'beta'"),
        ({"algorithm": "ipo", "objective": {"tau": 0}}, "tau is above 0"),
        ({"algorithm": "cispo", "objective": {"clip_high": None}}, "must be given"),
        ({"algorithm": "dpo", "samples": 1}, "samples is 2 or more"),
        ({"algorithm": "reinforce", "updates": 2}, "second is off-policy"),
        ({"algorithm": "grpo", "objective": {"reads_mismatch": True}}, "unknown key"),
        ({"algorithm": "grpo", "critic": {"shared": True}}, "evolve.critic has no effect on grpo"),
        ({"algorithm": "ppo", "critic": {"shared": True}}, "coefficient weighs the loss of a shared critic"),
        ({"algorithm": "ppo", "credit": {"gamma": 1.5}}, "gamma is from 0 to 1"),
        ({"algorithm": "prime", "credit": {"gamma": -1}}, "gamma is from 0 to 1, not -1"),
        ({"algorithm": "ppo", "credit": {"lambda": 1}}, "did you mean 'gae_lambda'"),
        ({"algorithm": "prime", "judge": {"betta": 1}}, "did you mean 'beta'"),
        ({"algorithm": "prime", "judge": {"beta": 0}}, "judge.beta is above 0, not 0"),
        ({"algorithm": "rto", "judge": {"clip": -0.05}}, "judge.clip is above 0, not -0.05"),
        ({"algorithm": "rlmec", "judge": {"clip": 0.5}}, "judge.clip has no effect"),
        ({"algorithm": "rto", "judge": {"alone": -1}}, "judge.alone is 0 or more, not -1"),
        ({"algorithm": "prime", "judge": {"frozen": True}}, "judge.frozen needs judge.alone"),
        ({"algorithm": "alphamath", "critic": {"coefficient": -0.1}}, "critic.coefficient is above 0"),
        ({"algorithm": "ppo", "critic": {"after": True}}, "evolve.critic.after is not true for ppo"),
        ({"algorithm": "alphamath", "critic": {"after": False}}, "evolve.critic.after is not false for alphamath"),
        ({"algorithm": "openr", "critic": {"after": False}}, "evolve.critic.after is not false for openr"),
        ({"algorithm": "grpo", "start": "base"}, "evolve.start is latest for grpo: its ratio is to the policy"),
        ({"algorithm": "cispo", "start": "base"}, "evolve.start is latest for cispo"),
        ({"algorithm": "ppo", "start": "bases"}, "start is one of latest, base"),
        ({"advantage": {"baseline": "given"}}, "evolve.advantage.baseline given is of remax, not of grpo"),
        ({"algorithm": "q_star", "objective": PRICE}, "kl_placement is loss for q_star: it reads no reward"),
    ],
)
def test_what_does_not_go_together_is_refused(tiny_recipe: Recipes, evolve: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_recipe(tiny_recipe(evolve=evolve))


@pytest.mark.parametrize(
    ("algorithm", "said"),
    [
        ("spag", "spag learns from whoever won a game, which palaestra/GcdLcm-v0 is not"),
        ("autoprm", "autoprm learns nothing from palaestra/GcdLcm-v0, which judges no steps"),
        ("revthink", "revthink learns nothing from palaestra/GcdLcm-v0, which has no backward questions"),
    ],
)
def test_an_algorithm_that_would_learn_nothing_from_a_task_is_refused(algorithm: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_recipe({"environment": "palaestra/GcdLcm-v0", "evolve": {"algorithm": algorithm}})
    if algorithm != "spag":
        parse_recipe({"evolve": {"algorithm": algorithm}})


def test_lengths_are_those_of_the_recipe_s_answers(tiny_recipe: Recipes) -> None:
    def chosen(**evolve: Any) -> Any:
        return parse_recipe(tiny_recipe(evolve=evolve, max_answer_tokens=256)).algorithm()

    advantage = chosen(algorithm="dapo").advantage
    assert (advantage.longest, advantage.overlong) == (256, 64)
    assert chosen(algorithm="dr_grpo").objective.constant == 256
    assert chosen(algorithm="dr_grpo", objective={"constant": 9}).objective.constant == 9  # unless it says so
    assert chosen(algorithm="grpo") == ALGORITHMS["grpo"]


def test_spin_s_oracle_keeps_the_habits_that_the_warm_start_ended_with(play_run: Play, tiny_recipe: Recipes) -> None:
    drift = {"habits": {"steps": 1.0}, "final_habits": {"direct": 1.0}}
    run = play_run(tiny_recipe(warm_start=drift, evolve={"algorithm": "spin", "rounds": 1}))
    shown = run.episodes.find("evolve-00000-other")
    assert shown is not None
    assert {episode.turns[0].meta["habit"] for episode in run.episodes.read(shown)} == {"direct"}


def test_a_recipe_changes_the_options_of_its_algorithm(tiny_recipe: Recipes) -> None:
    recipe = parse_recipe(tiny_recipe(evolve={"algorithm": "dpo", "objective": {"beta": 0.5}}))
    assert recipe.algorithm() == replace(ALGORITHMS["dpo"], objective=replace(ALGORITHMS["dpo"].objective, beta=0.5))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_test_that_a_row_names_is_there(name: str) -> None:
    row = ALGORITHMS[name]
    assert (ROOT / row.tested).is_file()
    parts = [part for part in (row.credit or row.objective, row.critic and row.critic.objective) if part is not None]
    assert all(type(part).__name__ in (ROOT / row.tested).read_text() for part in parts)


def test_the_page_of_objectives_is_what_the_command_writes(tmp_path: Path) -> None:
    page = tmp_path / "objectives.md"
    command = [sys.executable, "-m", "palaestra", "objectives", "--out", str(page)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    assert page.read_text() == (ROOT / "docs" / "objectives.md").read_text()
