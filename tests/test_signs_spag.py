"""The sign of SPAG: what inference is asked of, who broke the rules, and how roles are rated."""

from __future__ import annotations

import pytest

from benchmarks.signs.spag import ARMS, RECIPE, SIGN, broken, inferences, ratings
from benchmarks.signs.spag import _sides as sides
from palaestra.envs.games.taboo_world import heard, named, things
from palaestra.episodes import Actor, Episode, Outcome, Turn
from palaestra.trainers.recipe import load_recipe
from palaestra.verifiers import Status


def match(attacker: str, defender: str, score: float, last: str = "player_1") -> Episode:
    roles = {"player_0": Actor(attacker), "player_1": Actor(defender)}
    returns = dict(zip(roles, (score, -score), strict=True))
    outcome = {role: Outcome(worth, Status.RIGHT if worth > 0 else Status.WRONG, "") for role, worth in returns.items()}
    turns = tuple(Turn(role, "", "red", 0.0) for role in ("player_0", "player_1", last))
    name = f"{attacker}{defender}{score}"
    return Episode(name, "taboo", {}, {}, 0, "deal", roles, turns, outcome, True, False)


def test_inference_is_asked_of_things_that_training_never_deals_once_all_their_attributes_were_told() -> None:
    asked = inferences(load_recipe(RECIPE))
    assert {thing for thing, _ in asked.values()} == set(things("test"))
    for thing, observation in asked.values():
        word, *said = observation.split("\n")
        assert (word, len(said)) == ("?", 5)
        assert named(heard(tuple(said[::2]))) == [thing]
        assert not any(text.startswith("=") or text == thing for text in said)
    assert len({observation for _, observation in asked.values()}) == len(asked)
    assert inferences(load_recipe(RECIPE)) == asked


def test_an_attacker_who_speaks_last_broke_the_rules() -> None:
    assert broken(match("0", "0", -1.0, last="player_0"))
    assert not broken(match("0", "0", -1.0))


def test_a_player_is_measured_against_the_epochs_alone() -> None:
    matches = [match("1", "0", 1.0), match("1", "shuffled", 1.0), match("0", "1", 1.0), match("shuffled", "2", 0.0)]
    assert [key for key, _ in sides(matches, 0, "1")] == ["deal 0"]
    assert [key for key, _ in sides(matches, 1, "1")] == ["deal 0"]
    assert [key for key, _ in sides(matches, 0, "shuffled")] == ["deal 2"]


def test_attackers_and_defenders_are_rated_as_players_of_their_own() -> None:
    played = [("0", "0", 0.0), ("1", "0", 1.0), ("1", "0", -1.0), ("1", "0", 1.0), ("0", "1", -1.0), ("0", "1", 0.0)]
    found = {name: row.rating for name, row in ratings([match(*each) for each in played]).items()}
    assert found["attacker 1"] > found["attacker 0"]
    assert found["defender 1"] > found["defender 0"]
    assert sum(found.values()) / len(found) == pytest.approx(1000)


def test_every_epoch_is_held_against_the_one_before_in_both_roles() -> None:
    held = {(claim.one, claim.other) for claim in SIGN.claims}
    for role in ("attacker", "defender"):
        assert {(f"{role}_{epoch + 1}", f"{role}_{epoch}") for epoch in range(3)} <= held
    assert {claim.one for claim in SIGN.claims} <= set(ARMS)
