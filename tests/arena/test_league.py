"""The league: who is drawn how often, what is kept on disk and in memory, and what happens to a broken member."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palaestra.arena.anchors import Anchor
from palaestra.arena.league import MATCHMAKING, RIVALS, League
from palaestra.arena.self_play import OPPONENTS, SelfPlay, check_self_play, games_of, is_game
from palaestra.arena.settings import SettingsError


def save(folder: Path, name: str) -> None:
    (folder / name).mkdir(parents=True)


def load(folder: str, name: str) -> Anchor:
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"{folder} holds no model")
    return Anchor("random", name)


def league(tmp_path: Path, selves: int = 3, **spec: Any) -> League:
    made = League(tmp_path / "league", SelfPlay(**{"opponents": "uniform", **spec}), load)
    for number in range(selves):
        made.admit(f"round-{number:05d}", save)
    return made


def drawn(made: League, count: int = 4000) -> dict[str, float]:
    return {name: n / count for name, n in Counter(made.draw(np.random.default_rng(0), count)).items()}


def test_every_matchmaking_that_a_recipe_may_name_is_there() -> None:
    assert tuple(MATCHMAKING) == OPPONENTS


def test_uniform_draws_all_members_alike_and_latest_the_newest(tmp_path: Path) -> None:
    made = league(tmp_path / "a", anchors=("greedy",))
    assert made.members == ["greedy", "round-00000", "round-00001", "round-00002"]
    assert all(share == pytest.approx(0.25, abs=0.03) for share in drawn(made).values())
    assert drawn(league(tmp_path / "b", opponents="latest")) == {"round-00002": 1.0}
    assert set(drawn(league(tmp_path / "c", opponents="anchors", anchors=("greedy",)))) == {"greedy"}


def test_exploiters_are_members_whose_coming_changes_no_era(tmp_path: Path) -> None:
    made = league(tmp_path / "a", selves=2, keep=2)
    made.record("round-00000", 1.0)
    for number in range(3):
        made.admit_exploiter(f"exploiter-{number:05d}", save)
    assert made.members == ["exploiter-00001", "exploiter-00002", "round-00000", "round-00001"]
    assert not (tmp_path / "a" / "league" / "exploiter-00000").exists()
    assert (made.eras, made.results) == (2, {"era 2": {"round-00000": [1.0, 1]}})
    assert made.seat(["exploiter-00002"])["exploiter-00002"].actor.agent_id == "exploiter-00002"
    again = league(tmp_path / "b", selves=0)
    again.load_state_dict(made.state_dict())
    assert again.members == made.members


def test_an_exploiters_rounds_follow_the_policys_own() -> None:
    spec = SelfPlay(opponents="uniform", exploiter_every=3, exploiter_rounds=2)
    assert [spec.own_rounds(rounds) for rounds in range(11)] == [0, 1, 2, 3, 3, 3, 4, 5, 6, 6, 6]
    assert [SelfPlay().own_rounds(rounds) for rounds in range(4)] == [0, 1, 2, 3]


def test_prioritised_draws_those_that_it_loses_to_by_the_square_of_the_loss(tmp_path: Path) -> None:
    made = league(tmp_path, selves=2, opponents="prioritised")
    for _ in range(998):
        made.record("round-00000", 0.75)
        made.record("round-00001", 0.25)
    shares = drawn(made)  # (1 - 0.75)² to (1 - 0.25)²
    assert shares["round-00001"] / shares["round-00000"] == pytest.approx(9, rel=0.25)


def test_rating_draws_the_equals_of_the_learner(tmp_path: Path) -> None:
    made = league(tmp_path, selves=2, opponents="rating")
    for _ in range(100):
        made.record("round-00000", 1.0)
        made.record("round-00001", 0.5)
    shares = drawn(made)
    assert shares["round-00001"] > 0.95


def test_a_new_era_begins_with_a_new_self_and_keeps_what_the_old_one_came_to(tmp_path: Path) -> None:
    made = league(tmp_path, selves=1)
    made.record("round-00000", 1.0)
    made.record("round-00000", 1.0)
    assert made.expected("round-00000") == 0.75  # two wins and two thought draws
    assert made.progress() == 1.0
    made.admit("round-00005", save)
    assert made.expected("round-00000") == 0.5
    assert made.results["round-00005"] == {"round-00000": [2.0, 2.0]}
    ratings = {rating.agent: rating.rating for rating in made.ratings()}
    assert ratings["round-00005"] > ratings["round-00000"]


def test_eras_that_met_nobody_in_common_are_rated_on_one_scale(tmp_path: Path) -> None:
    made = league(tmp_path, selves=1, anchors=("random", "greedy"))
    made.record("random", 1.0)
    made.admit("round-00005", save)
    made.record("greedy", 0.0)
    made.write()
    ratings = json.loads((made.folder / "league.json").read_text())["ratings"]
    assert ratings["greedy"] > ratings["era 2"]
    assert ratings["round-00005"] > ratings["random"]


def test_the_oldest_selves_are_let_go(tmp_path: Path) -> None:
    made = league(tmp_path, selves=5, keep=2)
    assert made.members == ["round-00003", "round-00004"]
    assert sorted(path.name for path in made.folder.iterdir()) == made.members


def test_a_restored_league_draws_as_the_one_that_was_saved(tmp_path: Path) -> None:
    made = league(tmp_path, opponents="prioritised")
    for number in range(30):
        made.record(f"round-0000{number % 3}", float(number % 2))
    state = json.loads(json.dumps(made.state_dict()))
    again = League(made.folder, made.spec, load)
    again.load_state_dict(state)
    made.record("round-00000", 1.0)
    again.record("round-00000", 1.0)
    assert again.state_dict() == made.state_dict()
    assert again.draw(np.random.default_rng(3), 20) == made.draw(np.random.default_rng(3), 20)


def test_no_more_than_a_few_frozen_selves_are_in_memory(tmp_path: Path) -> None:
    made = league(tmp_path, selves=50)
    for start in range(0, 50, RIVALS):
        seated = made.seat(made.members[start : start + RIVALS])
        assert set(seated) == set(made.members[start : start + RIVALS])
    assert len(made._loaded) == RIVALS
    assert made.seat(["round-00049"])["round-00049"] is made.seat(["round-00049"])["round-00049"]


def test_a_member_that_does_not_load_is_told_and_left_out(tmp_path: Path) -> None:
    made = league(tmp_path)
    (made.folder / "round-00001").rmdir()
    with pytest.warns(UserWarning, match=r"round-00001 of the league could not be loaded and is left out: .*no model"):
        seated = made.seat(["round-00000", "round-00001"])
    assert list(seated) == ["round-00000"]
    assert made.members == ["round-00000", "round-00002"]
    assert "round-00001" not in drawn(made)


def test_a_league_whose_members_are_all_broken_says_so(tmp_path: Path) -> None:
    made = league(tmp_path)
    for name in made.members:
        (made.folder / name).rmdir()
    with pytest.warns(UserWarning, match="left out"):
        assert made.seat(made.members) == {}
    with pytest.raises(ValueError, match="nobody is left to play against"):
        made.draw(np.random.default_rng(0))


def test_the_pool_is_written_for_people(tmp_path: Path) -> None:
    made = league(tmp_path, anchors=("greedy",))
    made.record("greedy", 0.0)
    made.record("round-00000", 1.0)
    made.write()
    shown = json.loads((made.folder / "league.json").read_text())
    assert shown["selves"] == ["round-00000", "round-00001", "round-00002"]
    assert shown["anchors"] == ["greedy"]
    assert shown["ratings"]["greedy"] > shown["ratings"]["era 3"] > shown["ratings"]["round-00000"]


@pytest.mark.parametrize(
    ("spec", "environment", "told"),
    [
        ({"opponents": "prioritized"}, "palaestra/Nim-v0", r"'prioritized' \(did you mean 'prioritised'\?\)"),
        ({"opponents": "uniform", "anchors": ("greddy",)}, "palaestra/Nim-v0", r"'greddy' \(did you mean 'greedy'\?\)"),
        ({"opponents": "anchors"}, "palaestra/Nim-v0", r"give self_play\.anchors"),
        ({"anchors": ("greedy",)}, "palaestra/Nim-v0", "no effect while opponents is self"),
        ({"snapshot_every": 0}, "palaestra/Nim-v0", "1 or more"),
        ({"snapshot_at": 2.0}, "palaestra/Nim-v0", "from 0 to 1"),
        ({}, "palaestra/ChainArith-v0", "ChainArith-v0 has one player"),
        ({}, "palaestra/Nim-vs-optimal-v0", "has one player"),
        ({}, {"id": "palaestra/Nim-v0", "share": 0}, "share of palaestra/Nim-v0 is a number above 0"),
    ],
)
def test_what_cannot_be_played_is_told(spec: dict[str, Any], environment: Any, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        check_self_play(SelfPlay(**spec), environment)


def test_games_have_shares_and_knobs() -> None:
    several = {"id": "x", "games": [{"id": "palaestra/Nim-v0", "piles": [1, 2], "share": 3}, "palaestra/KuhnPoker-v0"]}
    nim, kuhn = games_of(several)
    assert (nim.env_id, nim.env_kwargs, nim.share) == ("palaestra/Nim-v0", {"piles": [1, 2]}, 3.0)
    assert (kuhn.env_kwargs, kuhn.share) == ({}, 1.0)
    assert is_game(several)
    assert not is_game("palaestra/Countdown-v0")
