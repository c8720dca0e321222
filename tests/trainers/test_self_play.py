"""Runs that learn by self-play: what they log, that stopping changes nothing, and what a broken league does."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.pretrained import load_model, weights_hash
from palaestra.arena.exploitability import exploitability, strategy_of
from palaestra.arena.leaderboard import read_leaderboard
from palaestra.arena.replay import replay
from palaestra.arena.run_folder import RunFolder, read_json_lines
from palaestra.arena.self_play import SelfPlay
from palaestra.arena.settings import SettingsError
from palaestra.envs.games import make_game
from palaestra.episodes import views
from palaestra.trainers.optimise import Schedule
from palaestra.trainers.recipe import dump_recipe, parse_recipe
from palaestra.trainers.self_play import chances, held_out
from palaestra.trainers.session import Session

Play = Callable[..., RunFolder]
Recipes = Callable[..., dict[str, Any]]
TIMES = ("time", "seconds", "overhead", "tokens_per_second")
BRIEF = {"tell_rules": False, "list_legal": False, "illegal_retries": 0}
PULL = {"kl_coefficient": 0.1, "kl_estimator": "k2", "kl_placement": "loss"}
KUHN = {"environment": "palaestra/KuhnPoker-v0", "evolve": {"algorithm": "role_baseline"}}
OWN, HUNTED = {"policies": "seats"}, {"opponents": "uniform", "exploiter_every": 2}
GAME = {"id": "palaestra/TicTacToe-v0", "size": 2, **BRIEF}  # who begins wins with the second mark


def recipe_of(tiny_recipe: Recipes, **changes: Any) -> dict[str, Any]:
    """Self-play of a second or two: the model hardly knows a legal move, so that most matches are soon forfeit."""
    evolve = {"algorithm": "role_baseline", "rounds": 4, "problems": 4, "samples": 4}
    league = {"opponents": "uniform", "anchors": ["greedy"], "snapshot_every": 2}
    given = {"environment": GAME, "self_play": league, "evolve": evolve, **changes}
    return {**tiny_recipe(name="play", evolve=given.pop("evolve"), max_answer_tokens=3), **given}


WARM = {"rounds": 12, "problems": 16, "batch_size": 8, "learning_rate": 0.01}  # both seats come to move then
SEATS = {"warm_start": WARM, "self_play": {"policies": "seats", "snapshot_every": 2}}
EXPLOITED = {  # rounds 2 and 3 are an exploiter's, and 6 and 7
    "warm_start": WARM,
    "self_play": {"opponents": "uniform", "snapshot_every": 3, "exploiter_every": 2, "exploiter_rounds": 2},
    "evolve": {"algorithm": "role_baseline", "rounds": 9, "problems": 4, "samples": 4}
    | {"objective": PULL, "reference": "snapshot"},
}


@pytest.fixture(scope="module")
def seated_run(play_run: Play, tiny_recipe: Recipes) -> RunFolder:
    return play_run(recipe_of(tiny_recipe, **SEATS))


@pytest.fixture(scope="module")
def exploited_run(play_run: Play, tiny_recipe: Recipes) -> RunFolder:
    return play_run(recipe_of(tiny_recipe, **EXPLOITED))


@pytest.fixture(scope="module")
def played(play_run: Play, tiny_recipe: Recipes) -> RunFolder:
    return play_run(recipe_of(tiny_recipe))


def weights_hash_of(folder: Path) -> str:
    return weights_hash(load_model(folder)[0])


def metrics(run: RunFolder) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in TIMES} for row in read_json_lines(run.metrics)]


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


def test_a_policy_of_each_seat_learns_from_its_own_sides_alone(seated_run: RunFolder, tiny_recipe: Recipes) -> None:
    evolve = [row for row in metrics(seated_run) if row["phase"] == "evolve"]
    assert all(row["max/ratio_error"] < 1e-3 for row in evolve)  # it learns from what it sampled itself
    assert all(row["seat_1_max/ratio_error"] < 1e-3 for row in evolve)
    warm, first, second = (weights_hash_of(seated_run.path / "agents" / name) for name in ("warm", "evolved", "seat_1"))
    assert len({warm, first, second}) == 3
    session = Session.resume(parse_recipe(recipe_of(tiny_recipe, **SEATS)), seated_run)
    assert session.running.streams.keys() == {"palaestra/TicTacToe-v0/player_0"}
    assert session.module("seat_1").running.streams.keys() == {"palaestra/TicTacToe-v0/player_1"}
    assert weights_hash(session.module("seat_1").model) == second


def test_the_log_says_whose_weights_sat_where_in_training_and_on_the_board(seated_run: RunFolder) -> None:
    own = {
        f"player_{seat}": weights_hash_of(seated_run.path / "agents" / name)
        for seat, name in enumerate(("evolved", "seat_1"))
    }
    last = [episode for episode in seated_run.episodes.read() if episode.tags.get("round") == "3"]
    sat = [{role: actor.weights_hash for role, actor in e.roles.items()} for e in last if e.tags["phase"] == "evolve"]
    assert len({tuple(hashes.values()) for hashes in sat}) == 1
    assert len(set(sat[0].values())) == 2
    file = seated_run.episodes.find("held-out-evolved-vs-random-TicTacToe-v0")
    assert file is not None
    sides = {
        (role, actor.weights_hash)
        for episode in seated_run.episodes.read(file)
        for role, actor in episode.roles.items()
        if actor.agent_id == "evolved"
    }
    assert sides == set(own.items())


@pytest.mark.parametrize("stop_after", [14, 16])  # in the middle of evolution, and after its last round
def test_policies_of_seats_end_a_stopped_run_as_one_that_was_not(
    play_run: Play, tiny_recipe: Recipes, seated_run: RunFolder, stop_after: int
) -> None:
    run = play_run(recipe_of(tiny_recipe, **SEATS), stop_after=stop_after)
    play_run(run=RunFolder.open(run.path))
    assert metrics(run) == metrics(seated_run)
    for file in ("agents/evolved", "agents/seat_1", "league/round-00004", "league/round-00004/seat_1"):
        ended = [(path / file / "model.safetensors").read_bytes() for path in (run.path, seated_run.path)]
        assert ended[0] == ended[1]


def test_each_seat_is_pulled_towards_its_own_frozen_self(play_run: Play, tiny_recipe: Recipes) -> None:
    evolve = {"algorithm": "role_baseline", "rounds": 3, "problems": 4, "samples": 4, "objective": PULL}
    run = play_run(recipe_of(tiny_recipe, **SEATS, evolve={**evolve, "reference": "snapshot"}))
    rows = [row for row in metrics(run) if row["phase"] == "evolve"]
    frozen = run.path / "league" / "round-00002"
    assert (
        rows[0]["reference_hash"] == rows[0]["seat_1_reference_hash"] == weights_hash_of(run.path / "agents" / "warm")
    )
    assert rows[2]["reference_hash"] == weights_hash_of(frozen)
    assert rows[2]["seat_1_reference_hash"] == weights_hash_of(frozen / "seat_1") != rows[2]["reference_hash"]


def test_a_best_response_is_to_both_seats_policies(tiny_recipe: Recipes, tmp_path: Path) -> None:
    game = {"id": "palaestra/KuhnPoker-v0", **BRIEF}
    data = recipe_of(tiny_recipe, environment=game, self_play=OWN, evaluation={"problems": 2})
    session = Session.begin(parse_recipe(data), RunFolder.create(tmp_path, "seats"))
    session.export("warm")
    session.stage = "evolve"
    one = held_out(session)
    second = session.module("seat_1").model
    with torch.no_grad():
        second.get_output_embeddings().weight.mul_(-5)  # another policy
    table = make_game(game["id"], **BRIEF)
    wanted = strategy_of(table, *(partial(chances, session, model) for model in (session.model, second)))
    both = held_out(session)
    assert both["exploitability"] == pytest.approx(exploitability(table.game, wanted[0]))
    assert both["legal"] == pytest.approx(wanted[1])
    assert both["legal"] != pytest.approx(one["legal"], rel=1e-3)


@pytest.mark.parametrize(("changes", "what"), [(SEATS, "policies: seats"), (EXPLOITED, "exploiter_every")])
def test_models_beside_the_policy_are_refused_in_several_processes(
    tiny_recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], what: str
) -> None:
    monkeypatch.setattr("palaestra.agents.processes.count", lambda: 2)
    with pytest.raises(SettingsError, match=f"{what} is for one process: start this recipe without accelerate launch"):
        Session.begin(parse_recipe(recipe_of(tiny_recipe, **changes)), RunFolder.create(tmp_path, "seats"))


def test_an_exploiter_learns_against_a_policy_that_stays_as_it_is(exploited_run: RunFolder) -> None:
    sat: dict[str, dict[str, set[str]]] = {}  # by round and name: the weights that played
    for episode in exploited_run.episodes.read():
        for actor in episode.roles.values() if episode.tags.get("phase") == "evolve" else ():
            name = actor.agent_id.partition("@")[0]
            sat.setdefault(episode.tags["round"], {}).setdefault(name, set()).add(actor.weights_hash)
    assert sat["2"].keys() == sat["3"].keys() == sat["6"].keys() == sat["7"].keys() == {"play", "exploiter"}
    assert all("exploiter" not in sat[number] for number in "01458")
    assert sat["2"]["play"] == sat["3"]["play"] == sat["4"]["play"]
    assert sat["6"]["play"] == sat["7"]["play"] == sat["8"]["play"]
    assert len({min(sat[number]["play"]) for number in "01456"}) == 5  # it moves in its own rounds
    assert sat["2"]["exploiter"] == sat["2"]["play"]  # where it begins
    assert sat["6"]["exploiter"] == sat["6"]["play"]
    assert len({min(sat[number]["exploiter"]) for number in "2367"}) == 4


def test_exploiters_join_the_league_and_are_met(exploited_run: RunFolder) -> None:
    league = json.loads((exploited_run.path / "league" / "league.json").read_text())
    assert league["exploiters"] == ["exploiter-00004", "exploiter-00008"]
    assert league["selves"] == ["round-00000", "round-00005"]  # after three rounds of the policy's own
    assert "exploiter-00004" in {name for met in league["results"].values() for name in met}
    rows = metrics(exploited_run)
    theirs = [row["step"] for row in rows if "exploiter_reward" in row]
    assert theirs == [16, 17, 20, 21]  # after twelve of imitation and the one that ends it
    assert not any("reward" in row for row in rows if row["step"] in theirs)
    peak = 5e-4  # the policy's rate falls over its own five rounds, an exploiter's begins anew
    rates = {row["step"]: row.get("learning_rate", row.get("exploiter_learning_rate")) for row in rows[-9:]}
    assert [rates[step] for step in (14, 16, 20)] == pytest.approx([peak] * 3)
    assert rates[22] == pytest.approx(Schedule(peak, total=5)(4))
    newest = weights_hash_of(exploited_run.path / "league" / "round-00005")
    assert [row["exploiter_reference_hash"] for row in rows if row["step"] in (20, 21)] == [newest] * 2


@pytest.mark.parametrize("stop_after", [15, 16])  # an exploiter's first round, and its last
def test_a_run_stopped_while_an_exploiter_learns_ends_as_one_that_was_not(
    play_run: Play, tiny_recipe: Recipes, exploited_run: RunFolder, stop_after: int
) -> None:
    run = play_run(recipe_of(tiny_recipe, **EXPLOITED), stop_after=stop_after)
    play_run(run=RunFolder.open(run.path))
    assert metrics(run) == metrics(exploited_run)
    for file in (*(f"league/exploiter-0000{n}/model.safetensors" for n in (4, 8)), "league/league.json"):
        assert (run.path / file).read_bytes() == (exploited_run.path / file).read_bytes()


def test_several_games_are_played_by_their_shares(play_run: Play, tiny_recipe: Recipes) -> None:
    games = [{**GAME, "share": 3}, {"id": "palaestra/KuhnPoker-v0", **BRIEF}]
    evolve = {"algorithm": "role_baseline", "rounds": 1, "problems": 8, "samples": 2}
    data = recipe_of(tiny_recipe, environment=games, evolve=evolve, self_play={"opponents": "self"})
    assert parse_recipe(yaml.safe_load(dump_recipe(parse_recipe(data)))) == parse_recipe(data)
    run = play_run(data)
    counts = Counter(e.env_id for e in run.episodes.read() if e.tags.get("phase") == "evolve")
    assert counts == {"palaestra/TicTacToe-v0": 12, "palaestra/KuhnPoker-v0": 4}
    last = [row for row in metrics(run) if "accuracy" in row][-1]
    assert {"score/TicTacToe-optimal", "score/KuhnPoker-optimal", "exploitability"} <= set(last)


def test_chances_are_those_that_the_engine_sampled_by(played: RunFolder, tiny_recipe: Recipes) -> None:
    session = Session.resume(parse_recipe(recipe_of(tiny_recipe)), played)
    observations = ["1 2\n3 4\nYou are x.", "1 x\n3 4\nYou are o."]
    replies = session.policy.respond(
        [Dialogue((Message("user", text),), seed) for seed, text in enumerate(observations)]
    )
    for observation, reply in zip(observations, replies, strict=True):
        completion = reply.completions[0]
        if completion.finish_reason == "stop":
            said = chances(session, session.model, [observation], [[reply.text]])[0][0]
            assert np.log(said) == pytest.approx(sum(completion.logprobs), abs=1e-3)
    both = chances(session, session.model, observations, [["1", "2"], ["4"]])
    assert [len(row) for row in both] == [2, 1]
    assert all(0 < chance < 1 for row in both for chance in row)


def test_a_game_is_self_play_unless_told_otherwise() -> None:
    assert parse_recipe({"environment": "palaestra/Nim-v0"}).self_play == SelfPlay()
    assert parse_recipe({}).self_play is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"self_play": {}}, "palaestra/ChainArith-v0 has one player"),
        ({"environment": "palaestra/Nim-v0", "self_play": {"opponents": "lastest"}}, "did you mean 'latest'"),
        ({"environment": "palaestra/Nim-v0", "evolve": {"algorithm": "dpo"}}, "learns from returns, as role_baseline"),
        ({"evolve": {"reference": "snapshot", "objective": PULL}}, "a snapshot in self-play alone"),
        ({"environment": "palaestra/Nim-v0", "self_play": {"snapshots": 3}}, "unknown key in self_play: 'snapshots'"),
        (
            {**KUHN, "self_play": {**OWN, "opponents": "uniform"}},
            "seats play one another: set self_play.opponents: self",
        ),
        ({**KUHN, "self_play": {"exploiter_every": 2}}, "no effect on opponents self: take one of uniform"),
        ({**KUHN, "self_play": {"exploiter_every": 2, "opponents": "latest"}}, "no effect on opponents latest"),
        ({**KUHN, "self_play": {**HUNTED, "exploiter_rounds": 0}}, "exploiter_rounds 1 or more"),
        ({**KUHN, "self_play": HUNTED, "model": {"lora": {}}}, r"exploiter_every is .* leave model\.lora away"),
        ({**KUHN, "self_play": OWN, "model": {"lora": {}}}, r"in float32: leave model\.lora away"),
        ({**KUHN, "self_play": OWN, "model": {"dtype": "bfloat16"}}, r"in float32: leave model\.dtype away"),
        ({**KUHN, "self_play": OWN, "model": {"offload_optimizer": True}}, r"leave model\.offload_optimizer away"),
        ({**KUHN, "self_play": OWN, "engine": "vllm"}, "seats is for engine transformers, not vllm"),
        ({**KUHN, "self_play": OWN, "evolve": {"algorithm": "awr", "start": "base"}}, r"leave evolve\.start away"),
        ({**KUHN, "self_play": OWN, "evolve": {"algorithm": "spag"}}, r"whoever won: set self_play\.policies: shared"),
        ({**KUHN, "self_play": {"policies": "seat"}}, "one of shared, seats, not 'seat'"),
    ],
)
def test_what_cannot_be_played_is_told(data: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse_recipe(data)


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
