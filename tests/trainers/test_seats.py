"""Models beside the policy in self-play: a policy for each seat, and exploiters of the policy for its league."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from palaestra.agents.pretrained import weights_hash
from palaestra.arena.exploitability import exploitability, strategy_of
from palaestra.arena.run_folder import RunFolder
from palaestra.arena.settings import SettingsError
from palaestra.envs.games import make_game
from palaestra.trainers.optimise import Schedule
from palaestra.trainers.recipe import parse_recipe
from palaestra.trainers.self_play import held_out, log_chances
from palaestra.trainers.session import Session

from .games import BRIEF, KUHN, PULL, Play, Recipes, metrics, recipe_of, weights_hash_of

OWN, HUNTED = {"policies": "seats"}, {"opponents": "uniform", "exploiter_every": 2}
WARM = {"rounds": 12, "problems": 16, "batch_size": 8, "learning_rate": 0.01}  # both seats come to move then
SEATS = {"warm_start": WARM, "self_play": {"policies": "seats", "snapshot_every": 2}}
EXPLOITED = {  # rounds 2 and 3 are an exploiter's, and 6 and 7
    "warm_start": WARM,
    "self_play": {"opponents": "uniform", "snapshot_every": 3, "exploiter_every": 2, "exploiter_rounds": 2},
    "evolve": {"algorithm": "role_baseline", "rounds": 9, "problems": 4, "samples": 4}
    | {"objective": PULL, "reference": "snapshot"},
}

FROM_START = {**EXPLOITED, "evolve": {**EXPLOITED["evolve"], "reference": "start"}}


@pytest.fixture(scope="module")
def seated_run(play_run: Play, tiny_recipe: Recipes) -> RunFolder:
    return play_run(recipe_of(tiny_recipe, **SEATS))


@pytest.fixture(scope="module")
def exploited_run(play_run: Play, tiny_recipe: Recipes) -> RunFolder:
    return play_run(recipe_of(tiny_recipe, **EXPLOITED))


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


@pytest.mark.parametrize(
    ("changes", "held", "stop_after", "last"),
    [
        (SEATS, {"lora": {"rank": 2}}, 14, ["agents/evolved", "league/round-00004/seat_1"]),
        (EXPLOITED, {"lora": {"rank": 2}}, 15, ["agents/evolved", "league/exploiter-00008"]),
        (EXPLOITED, {"dtype": "bfloat16"}, 15, ["agents/evolved", "league/exploiter-00008"]),
        (FROM_START, {"lora": {"rank": 2}}, 15, ["agents/evolved", "league/exploiter-00008"]),
    ],
)
def test_models_beside_the_policy_are_held_as_it_is_and_end_a_stopped_run_as_one_that_was_not(
    play_run: Play,
    tiny_recipe: Recipes,
    changes: dict[str, Any],
    held: dict[str, Any],
    stop_after: int,
    last: list[str],
) -> None:
    recipe = recipe_of(tiny_recipe, **changes)
    recipe["model"] |= held
    whole, stopped = play_run(recipe), play_run(recipe, stop_after=stop_after)
    play_run(run=RunFolder.open(stopped.path))
    assert metrics(stopped) == metrics(whole)
    hashes = [{weights_hash_of(run.path / file) for file in last} for run in (stopped, whole)]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 2
    for file in last:
        assert (whole.path / file / "adapter_model.safetensors").is_file() == ("lora" in held)


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
    wanted = strategy_of(table, *(partial(log_chances, session, model) for model in (session.model, second)))
    both = held_out(session)
    assert both["exploitability"] == pytest.approx(exploitability(table.game, wanted[0]))
    assert both["legal"] == pytest.approx(wanted[1])
    assert both["legal"] != pytest.approx(one["legal"], rel=1e-3)


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


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"self_play": {**OWN, "opponents": "uniform"}}, r"seats play one another: set self_play\.opponents: self"),
        ({"self_play": {"exploiter_every": 2}}, "no effect on opponents self: take one of uniform"),
        ({"self_play": {"exploiter_every": 2, "opponents": "latest"}}, "no effect on opponents latest"),
        ({"self_play": {**HUNTED, "exploiter_rounds": 0}}, "exploiter_rounds 1 or more"),
        ({"self_play": OWN, "evolve": {"algorithm": "awr", "start": "base"}}, r"leave evolve\.start away"),
        (
            {"self_play": OWN, "evolve": {"algorithm": "spag"}},
            r"whoever won: set self_play\.opponents: self, policies: shared",
        ),
        ({"self_play": {"policies": "seat"}}, "one of shared, seats, not 'seat'"),
    ],
)
def test_what_models_beside_the_policy_cannot_do_is_told(data: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse_recipe({**KUHN, **data})
