"""Self-play whose moves are searched for: what of it is learned, that stopping changes nothing, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from palaestra.arena.replay import replay
from palaestra.arena.run_folder import RunFolder
from palaestra.arena.self_play import SelfPlay
from palaestra.arena.settings import SettingsError
from palaestra.episodes import views
from palaestra.episodes.trees import tree_of
from palaestra.trainers.recipe import parse_recipe

from .games import GAME, Play, Recipes, metrics, recipe_of, weights_hash_of

SEARCH = {"search": "moves:8"}


def searched(tiny_recipe: Recipes, **evolve: Any) -> dict[str, Any]:
    changes = {"algorithm": "unlabelled", "rounds": 3, "problems": 4, "samples": 2, "sampler": SEARCH, **evolve}
    return recipe_of(tiny_recipe, self_play={"opponents": "self"}, evolve=changes)


@pytest.fixture(scope="module")
def played(play_run: Play, tiny_recipe: Recipes) -> RunFolder:
    return play_run(searched(tiny_recipe))


def test_the_searched_moves_are_learned_and_the_log_plays_again(played: RunFolder) -> None:
    episodes = [one for one in played.episodes.read() if one.tags.get("phase") == "evolve"]
    assert not [difference for _, found in replay(episodes) for difference in found]
    assert all(actor.agent_id.endswith("+moves:8") for one in episodes for actor in one.roles.values())
    assert all(bool(tree_of(turn)) == bool(turn.action_ids) for one in episodes for turn in one.turns)
    (me,) = {actor.agent_id for one in episodes[:8] for actor in one.roles.values()}
    learned = views.matches(episodes[:8], me).rows
    assert 0 < len(learned) == sum(bool(turn.action_ids) for one in episodes[:8] for turn in one.turns)
    rows = [row for row in metrics(played) if row["phase"] == "evolve"]
    assert all(row["learned_from"] == 1 and row["illegal"] == 0 for row in rows)


def test_a_run_that_was_stopped_ends_like_one_that_was_not(
    played: RunFolder, play_run: Play, tiny_recipe: Recipes
) -> None:
    stopped = play_run(searched(tiny_recipe), stop_after=2)
    resumed = play_run(run=RunFolder(stopped.path))
    one, other, warm = (run.path / "agents" for run in (played, resumed, played))
    assert weights_hash_of(one / "evolved") == weights_hash_of(other / "evolved") != weights_hash_of(warm / "warm")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"algorithm": "rft"}, "what a search for moves finds is imitated, as unlabelled does, not rft"),
        ({"algorithm": "awr"}, "what a search for moves finds is imitated, as unlabelled does, not awr"),
        ({"sampler": {"search": "mcts:8"}}, r"evolve.sampler in self-play searches for moves: \{search: moves:64\}"),
        ({"sampler": {"search": "mcts:8", "value": "noise"}}, "value noise is a control of a search for moves, such"),
        ({"sampler": {"best_of": 2, "explore": 0.5}}, "explore is for a search for moves, such as moves:64"),
        ({"sampler": {"search": "moves:8", "explore": 1.0}}, "explore is 0 or more and below 1, not 1.0"),
        ({"sampler": None}, "self-play learns from returns, as role_baseline and ppo do, not unlabelled"),
    ],
)
def test_what_is_no_search_for_moves_is_refused(tiny_recipe: Recipes, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_recipe(searched(tiny_recipe, **changes))


def test_games_that_cannot_be_searched_and_seats_that_do_not_search_are_refused(tiny_recipe: Recipes) -> None:
    recipe = searched(tiny_recipe)
    with pytest.raises(SettingsError, match=r"evolve.sampler: palaestra/KuhnPoker-v0 cannot be searched"):
        parse_recipe({**recipe, "environment": "palaestra/KuhnPoker-v0"})
    with pytest.raises(SettingsError, match=r"searches for one policy's moves: leave self_play.policies: seats away"):
        parse_recipe({**recipe, "self_play": {"policies": "seats"}})
    alone = {name: value for name, value in recipe.items() if name != "self_play"}
    with pytest.raises(SettingsError, match=r"evolve.sampler.search moves:8 is for games: leave it away"):
        parse_recipe({**alone, "environment": "palaestra/ChainArith-v0"})
    assert parse_recipe({**alone, "environment": GAME}).self_play == SelfPlay()
