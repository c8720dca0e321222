"""Runs that learn by self-play: what they log, that stopping changes nothing, and what a broken league does."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.pretrained import load_model, weights_hash
from palaestra.arena.anchors import Anchor, scores_of
from palaestra.arena.intervals import interval
from palaestra.arena.leaderboard import read_leaderboard
from palaestra.arena.matches import play_matches
from palaestra.arena.replay import replay
from palaestra.arena.run_folder import RunFolder
from palaestra.arena.self_play import SelfPlay
from palaestra.arena.settings import SettingsError
from palaestra.episodes import Episode, views
from palaestra.trainers import self_play
from palaestra.trainers.recipe import dump_recipe, parse_recipe
from palaestra.trainers.self_play import log_chances
from palaestra.trainers.session import Session

from .games import BRIEF, GAME, PULL, Play, Recipes, metrics, recipe_of, weights_hash_of


@pytest.fixture(scope="module")
def played(play_run: Play, tiny_recipe: Recipes) -> RunFolder:
    return play_run(recipe_of(tiny_recipe))


def test_the_log_of_a_run_is_of_matches_and_plays_again(played: RunFolder) -> None:
    episodes = list(played.episodes.read())
    assert not [difference for _, found in replay(episodes) for difference in found]
    assert {tuple(episode.roles) for episode in episodes} == {("player_0", "player_1")}
    evolved = [episode for episode in episodes if episode.tags.get("phase") == "evolve"]
    assert len(evolved) == 4 * 4 * 4
    sides = Counter(
        role for episode in evolved for role, actor in episode.roles.items() if actor.agent_id.startswith("play@")
    )
    assert sides == {"player_0": 32, "player_1": 32}
    others = {actor.agent_id for episode in evolved for actor in episode.roles.values()} - {"greedy"}
    assert {"round-00000", "round-00002"} & others


def test_the_warm_start_imitates_its_teachers_in_every_seat(play_run: Play, tiny_recipe: Recipes) -> None:
    taught = {"opponents": "self", "teachers": ["random", "greedy"]}
    warm = {"rounds": 2, "problems": 16, "batch_size": 8}
    run = play_run(recipe_of(tiny_recipe, self_play=taught, warm_start=warm, evolve={"rounds": 0}))
    shown = [episode for episode in run.episodes.read() if episode.tags.get("phase") == "warm"]
    pairs = {tuple(actor.agent_id for actor in episode.roles.values()) for episode in shown}
    assert pairs == {(one, other) for one in taught["teachers"] for other in taught["teachers"]}
    assert not [difference for _, found in replay(shown) for difference in found]


def test_teachers_are_players_of_the_game() -> None:
    kuhn = "palaestra/KuhnPoker-v0"
    with pytest.raises(
        SettingsError, match=r"unknown player of palaestra/KuhnPoker-v0: 'greedi' \(did you mean 'greedy'"
    ):
        parse_recipe({"environment": kuhn, "self_play": {"teachers": ["greedi"]}})
    with pytest.raises(SettingsError, match=r"self_play.teachers names scripted players, such as \[random\]"):
        parse_recipe({"environment": kuhn, "self_play": {"teachers": []}})


def test_what_winners_said_is_learned_from_and_a_league_is_refused_for_it(play_run: Play, tiny_recipe: Recipes) -> None:
    evolve = {"algorithm": "spag", "rounds": 2, "problems": 8, "samples": 4, "updates": 2}
    warm = {"rounds": 12, "problems": 16, "batch_size": 8, "learning_rate": 0.01}  # some moves are legal then
    run = play_run(recipe_of(tiny_recipe, evolve=evolve, warm_start=warm, self_play={"opponents": "self"}))
    rows = [row for row in metrics(run) if row["phase"] == "evolve"]
    assert all(row["learned_from"] > 0 and np.isfinite(row["loss"]) for row in rows)
    assert rows[0]["max/ratio_error"] < 1e-3
    with pytest.raises(SettingsError, match=r"spag learns from whoever won: set self_play\.opponents: self"):
        parse_recipe(recipe_of(tiny_recipe, evolve=evolve))


def test_a_run_is_held_against_every_scripted_player_and_its_rows_stand_on_the_board(played: RunFolder) -> None:
    rows = read_leaderboard(played.path)
    players = ("start", "warm", "evolved", "random player", "greedy player", "optimal player")
    assert {row.agent for row in rows} == set(players)
    assert {row.env_id for row in rows} == {
        f"palaestra/TicTacToe-vs-{name}-v0" for name in ("random", "greedy", "optimal")
    }
    assert len(rows) == 18
    last = [row for row in metrics(played) if "accuracy" in row][-1]
    for other in ("random", "greedy", "optimal"):
        assert last[f"won/{other}"] + last[f"drawn/{other}"] + last[f"lost/{other}"] == pytest.approx(1)
        assert last[f"score/{other}"] == pytest.approx(0.5 + last[f"mean_return/{other}"] / 2)
    summary = json.loads((played.path / "summary.json").read_text())
    assert summary["accuracy/optimal player/palaestra/TicTacToe-vs-random-v0"] == 0.5  # in each seat once


def test_the_interval_of_a_rounds_score_is_over_its_matches(
    played: RunFolder, tiny_recipe: Recipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    kuhn = recipe_of(tiny_recipe, environment="palaestra/KuhnPoker-v0", evaluation={"problems": 40})
    session = Session.resume(parse_recipe(kuhn), played)
    monkeypatch.setattr(self_play, "policies", lambda _, name, policy: {name: Anchor("random", name)})
    monkeypatch.setattr(self_play, "exploitable", lambda *_: {})
    matches = list[float]()

    def recorded(agents: Any, jobs: Any, tags: Any) -> list[Episode]:
        episodes = list(play_matches(agents, jobs, tags))
        matches.extend(scores_of(episodes, session.policy.actor.agent_id))
        return episodes

    monkeypatch.setattr(session, "play_matches", recorded)
    found = self_play.held_out(session)
    assert len({*matches}) > 2  # chips
    assert found["accuracy"] == pytest.approx(np.mean(matches))
    assert (found["low"], found["high"]) == interval(matches)


def test_going_on_from_a_finished_run_counts_the_matches_in_its_log(
    played: RunFolder, play_run: Play, tmp_path: Path
) -> None:
    run = RunFolder(shutil.copytree(played.path, tmp_path / "run"))
    before = json.loads((run.path / "summary.json").read_text())["tokens_sampled"]
    play_run(run=run)
    assert json.loads((run.path / "summary.json").read_text())["tokens_sampled"] == before


def test_the_league_is_on_disk_with_its_results(played: RunFolder) -> None:
    league = json.loads((played.path / "league" / "league.json").read_text())
    assert league["selves"] == ["round-00000", "round-00002", "round-00004"]
    assert all((played.path / "league" / name / "model.safetensors").is_file() for name in league["selves"])
    assert sum(games for met in league["results"].values() for _, games in met.values()) == 64


def test_the_first_frozen_self_is_the_policy_as_evolution_began(played: RunFolder) -> None:
    first = played.path / "league" / "round-00000" / "model.safetensors"
    assert first.read_bytes() == (played.path / "agents" / "warm" / "model.safetensors").read_bytes()


def test_the_pull_is_towards_the_newest_frozen_self(play_run: Play, tiny_recipe: Recipes) -> None:
    evolve = {"algorithm": "role_baseline", "rounds": 4, "problems": 4, "samples": 4, "objective": PULL}
    still, moved = (
        play_run(recipe_of(tiny_recipe, name=name, evolve={**evolve, "reference": reference}))
        for name, reference in (("still", "start"), ("moved", "snapshot"))
    )
    towards = [[row["reference_hash"] for row in metrics(run) if "reference_hash" in row] for run in (still, moved)]
    assert len(towards[0]) == 4
    assert set(towards[0]) == {towards[0][0]}
    assert towards[1][:2] == towards[0][:2]  # until the first snapshot, after two rounds
    assert towards[1][2] == towards[1][3] == weights_hash(load_model(moved.path / "league" / "round-00002")[0])
    assert towards[1][2] != towards[1][0]


@pytest.mark.parametrize("stop_after", [3, 5])
@pytest.mark.parametrize("opponents", ["uniform", "prioritised"])
def test_a_run_stopped_after_a_round_ends_as_one_that_was_not(
    play_run: Play, tiny_recipe: Recipes, opponents: str, stop_after: int
) -> None:
    league = {"opponents": opponents, "anchors": ["greedy"], "snapshot_every": 1, "keep": 2}
    whole = play_run(recipe_of(tiny_recipe, self_play=league))
    run = play_run(recipe_of(tiny_recipe, self_play=league), stop_after=stop_after)
    play_run(run=RunFolder.open(run.path))
    assert metrics(run) == metrics(whole)
    for file in ("agents/evolved/model.safetensors", "league/league.json"):
        assert (run.path / file).read_bytes() == (whole.path / file).read_bytes()
    assert sorted(path.name for path in (run.path / "league").iterdir()) == sorted(
        path.name for path in (whole.path / "league").iterdir()
    )


def test_a_broken_snapshot_is_told_and_the_run_goes_on(play_run: Play, tiny_recipe: Recipes) -> None:
    league = {"opponents": "latest", "snapshot_every": 2}
    run = play_run(recipe_of(tiny_recipe, self_play=league), stop_after=4)  # two of imitation, two of matches
    broken = run.path / "league" / "round-00002" / "model.safetensors"
    broken.write_bytes(b"no weights")
    with pytest.warns(UserWarning, match="round-00002 of the league could not be loaded and is left out"):
        play_run(run=RunFolder.open(run.path))
    state = json.loads((run.path / "league" / "league.json").read_text())
    assert state["broken"] == ["round-00002"]
    rivals = {actor.agent_id for e in run.episodes.read() for actor in e.roles.values() if e.tags.get("round") == "3"}
    assert "round-00000" in rivals


def test_in_self_play_proper_every_seat_learns_by_a_baseline_of_its_own(play_run: Play, tiny_recipe: Recipes) -> None:
    run = play_run(recipe_of(tiny_recipe, self_play={"opponents": "self"}))
    episodes = [episode for episode in run.episodes.read() if episode.tags.get("phase") == "evolve"]
    assert all(len(set(episode.roles.values())) == 1 for episode in episodes)
    session = Session.resume(parse_recipe(recipe_of(tiny_recipe, self_play={"opponents": "self"})), run)
    sides = Counter(
        f"palaestra/TicTacToe-v0/{role}" for e in episodes for role in e.outcome if any(t.role == role for t in e.turns)
    )
    assert {stream: updates for stream, (_, updates) in session.running.streams.items()} == sides
    assert sides["palaestra/TicTacToe-v0/player_0"] == 64


def test_several_games_are_played_by_their_shares(play_run: Play, tiny_recipe: Recipes) -> None:
    games = [{**GAME, "share": 3}, {"id": "palaestra/KuhnPoker-v0", **BRIEF}]
    evolve = {"algorithm": "role_baseline", "rounds": 1, "problems": 8, "samples": 2}
    data = recipe_of(tiny_recipe, environment=games, evolve=evolve, self_play={"opponents": "self"})
    assert parse_recipe(yaml.safe_load(dump_recipe(parse_recipe(data)))) == parse_recipe(data)
    run = play_run(data)
    counts = Counter(e.env_id for e in run.episodes.read() if e.tags.get("phase") == "evolve")
    assert counts == {"palaestra/TicTacToe-v0": 12, "palaestra/KuhnPoker-v0": 4}
    last = [row for row in metrics(run) if "accuracy" in row][-1]
    assert {"score/TicTacToe-optimal", "score/KuhnPoker-optimal", "exploitability/KuhnPoker"} <= set(last)


def test_a_game_that_is_there_with_other_knobs_is_held_against_its_players_apart(
    play_run: Play, tiny_recipe: Recipes
) -> None:
    games = [{**GAME, "size": size} for size in (2, 3)]
    run = play_run(recipe_of(tiny_recipe, environment=games, evolve={"rounds": 0}, self_play={"opponents": "self"}))
    rows = read_leaderboard(run.path)
    assert len({(row.agent, row.env_id) for row in rows}) == len(rows) == 2 * 18
    held = [episode for episode in run.episodes.read() if episode.tags.get("phase") == "held-out"]
    sizes = Counter(episode.env_kwargs["size"] for episode in held)
    assert sizes[2] == sizes[3] > 0
    last = [row for row in metrics(run) if "accuracy" in row][-1]
    assert len([name for name in last if name.startswith("score/")]) == 2 * 3
    with pytest.raises(SettingsError, match=r"palaestra/TicTacToe-v0 .* is there twice: name each environment once"):
        parse_recipe(recipe_of(tiny_recipe, environment=[GAME, GAME]))


def test_chances_are_those_that_the_engine_sampled_by(played: RunFolder, tiny_recipe: Recipes) -> None:
    session = Session.resume(parse_recipe(recipe_of(tiny_recipe)), played)
    observations = ["1 2\n3 4\nYou are x.", "1 x\n3 4\nYou are o."]
    replies = session.policy.respond(
        [Dialogue((Message("user", text),), seed) for seed, text in enumerate(observations)]
    )
    for observation, reply in zip(observations, replies, strict=True):
        completion = reply.completions[0]
        if completion.finish_reason == "stop":
            said = log_chances(session, session.model, [observation], [[reply.text]])[0][0]
            assert said == pytest.approx(sum(completion.logprobs), abs=1e-3)
    both = log_chances(session, session.model, observations, [["1", "2"], ["4"]])
    assert [len(row) for row in both] == [2, 1]
    assert all(-np.inf < chance < 0 for row in both for chance in row)


def test_momentum_is_adams_first_beta_while_evolving(play_run: Play, tiny_recipe: Recipes) -> None:
    evolve = {"algorithm": "ppo", "rounds": 2, "problems": 4, "samples": 4}
    runs = [play_run(recipe_of(tiny_recipe, evolve={**evolve, "momentum": beta})) for beta in (0.9, 0.0)]
    assert len({weights_hash_of(run.path / "agents" / "evolved") for run in runs}) == 2
    session = Session.resume(parse_recipe(recipe_of(tiny_recipe, evolve={**evolve, "momentum": 0.0})), runs[1])
    assert [group["betas"] for group in session.optimizer.param_groups] == [(0.0, 0.95)] * 2


def test_a_critic_learns_to_foretell_what_a_turns_side_got(play_run: Play, tiny_recipe: Recipes) -> None:
    """Nearly every side forfeits, which costs 1, and a critic begins at 0: a squared error of 1, halved."""
    evolve = {
        "algorithm": "ppo",
        "credit": {"gae_lambda": 1.0, "whiten": False},
        "rounds": 9,
        "problems": 8,
        "learning_rate": 3e-3,
    }
    run = play_run(recipe_of(tiny_recipe, evolve=evolve, self_play={"opponents": "self"}))
    losses = [row["critic_loss"] for row in metrics(run) if "critic_loss" in row]
    assert losses[0] == pytest.approx(0.5, abs=0.05)
    assert losses[-1] < 0.3


def test_a_game_is_self_play_unless_told_otherwise() -> None:
    assert parse_recipe({"environment": "palaestra/Nim-v0"}).self_play == SelfPlay()
    assert parse_recipe({}).self_play is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"self_play": {}}, "palaestra/ChainArith-v0 has one player"),
        ({"environment": "palaestra/Nim-v0", "self_play": {"opponents": "lastest"}}, "did you mean 'latest'"),
        ({"environment": "palaestra/Nim-v0", "evolve": {"algorithm": "dpo"}}, "learns from returns, as role_baseline"),
        (
            {"environment": "palaestra/Nim-v0", "evolve": {"algorithm": "openr"}},
            "learns from returns, as role_baseline",
        ),
        (
            {"environment": "palaestra/Nim-v0", "evolve": {"algorithm": "ppo"}, "self_play": {"policies": "seats"}},
            "ppo has one critic: leave self_play.policies: seats away",
        ),
        (
            {"environment": "palaestra/Nim-v0", "evolve": {"samples": 3}, "self_play": {"opponents": "latest"}},
            "evolve.samples is 4 or more for grpo: it compares answers of one seat",
        ),
        ({"evolve": {"momentum": 1.0}}, "evolve.momentum is 0 or more and below 1, not 1.0"),
        ({"evolve": {"reference": "snapshot", "objective": PULL}}, "a snapshot in self-play alone"),
        ({"environment": "palaestra/Nim-v0", "self_play": {"snapshots": 3}}, "unknown key in self_play: 'snapshots'"),
    ],
)
def test_what_cannot_be_played_is_told(data: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse_recipe(data)


def test_a_side_that_alone_came_to_move_does_not_end_a_run_that_compares(
    play_run: Play, tiny_recipe: Recipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = views.matches

    def but_one(*given: Any) -> views.View:  # as where the others of a deal were forfeit before their first move
        view = whole(*given)
        first = view.rows[0]
        rows = [row for row in view.rows if row.group_id != first.group_id or row.episode_id == first.episode_id]
        return views.View(rows, view.dropped)

    monkeypatch.setattr(views, "matches", but_one)
    evolve = {"algorithm": "grpo", "rounds": 1, "problems": 2, "samples": 4}
    run = play_run(recipe_of(tiny_recipe, evolve=evolve, self_play={"opponents": "self"}))
    (row,) = [one for one in metrics(run) if one["phase"] == "evolve"]
    assert row["learned_from"] < 1


def test_the_view_of_matches_is_of_one_agents_sides(played: RunFolder) -> None:
    file = played.episodes.find("evolve-00001")
    assert file is not None
    episodes = list(played.episodes.read(file))
    name = next(a.agent_id for a in episodes[0].roles.values() if a.agent_id.startswith("play@"))
    view = views.matches(episodes, name)
    mine = {(e.id, role) for e in episodes for role, actor in e.roles.items() if actor.agent_id == name}
    assert {(row.episode_id, row.role) for row in view.rows} <= mine
    assert len({(row.episode_id, row.role) for row in view.rows}) + view.dropped.get("no sampled tokens", 0) == len(
        mine
    )
    prompts = [views.prompt_of(row) for row in view.rows]
    assert prompts == sorted(prompts)


def test_no_snapshot_is_taken_below_the_score_that_it_takes(play_run: Play, tiny_recipe: Recipes) -> None:
    league = {"opponents": "anchors", "anchors": ["optimal"], "snapshot_every": 1, "snapshot_at": 0.9}
    run = play_run(recipe_of(tiny_recipe, self_play=league))
    assert json.loads((run.path / "league" / "league.json").read_text())["selves"] == ["round-00000"]
    shutil.rmtree(Path(run.path))
