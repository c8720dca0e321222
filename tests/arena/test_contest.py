"""Agents meet in games, logged, resumed and rated beside the scripted players."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from palaestra.arena.anchors import Anchor
from palaestra.arena.contest import Contest, hold
from palaestra.arena.measure import Entrant
from palaestra.arena.ratings import MEAN
from palaestra.arena.replay import replay
from palaestra.episodes import EpisodeStore

NIM = Contest("palaestra/Nim-v0", {"piles": (2, 3)}, rounds=6)


class Counting(Anchor):
    """A scripted player that counts its moves."""

    moves = 0

    def respond(self, dialogues):  # type: ignore[no-untyped-def]
        type(self).moves += len(dialogues)
        return super().respond(dialogues)


def entrant(player: str, name: str) -> Entrant:
    return Entrant(name, lambda: Counting(player, name), player)


def test_agents_are_rated_beside_the_scripted_players() -> None:
    found = hold(NIM, [entrant("optimal", "mine"), entrant("random", "other")])
    ratings = {row.agent: row.rating for row in found.ratings}
    assert ratings.keys() == {"mine", "other", "random", "greedy", "optimal"}
    assert ratings["mine"] > ratings["other"] + 200
    assert found.anchors == ["greedy", "optimal", "random"]
    assert sum(ratings[name] for name in found.anchors) / 3 == pytest.approx(MEAN)
    assert {sum(row) for row in found.played} == {4 * 6 * 2}  # four others, six rounds, two seats


def test_matches_in_the_log_are_not_played_again_and_replay(tmp_path: Path) -> None:
    entrants = [entrant("optimal", "mine")]
    first = hold(NIM, entrants, tmp_path)
    episodes = list(EpisodeStore(tmp_path / "episodes").read())
    played = Counting.moves
    assert hold(NIM, entrants, tmp_path) == first
    assert Counting.moves == played
    hold(NIM, [Entrant("mine", lambda: Counting("random", "mine"), "another")], tmp_path)
    assert Counting.moves > played
    assert len(episodes) == 6 * 4 * 3
    assert [found for _, found in replay(episodes) if found] == []


def test_each_seed_is_played_and_another_seed_is_another_contest(tmp_path: Path) -> None:
    both = hold(replace(NIM, seeds=(0, 1)), [entrant("random", "mine")])
    assert {sum(row) for row in both.played} == {2 * 3 * 6 * 2}  # seeds, others, rounds, seats
    first = hold(NIM, [entrant("random", "mine")], tmp_path)
    played = Counting.moves
    assert hold(replace(NIM, seeds=(1,)), [entrant("random", "mine")], tmp_path).wins != first.wins
    assert Counting.moves > played


def test_who_only_rested_is_told() -> None:
    found = hold(replace(NIM, schedule="swiss", rounds=1), [])
    assert len(found.names) == 2
    assert found.notes[-1] == "optimal played no decided match: ask for more rounds"


def test_a_schedule_that_follows_results_is_told_of_and_round_robin_is_not() -> None:
    told = "swiss chose who met whom by earlier results, which draws ratings apart"
    swiss = hold(replace(NIM, schedule="swiss"), [])
    assert [note for note in swiss.notes if note.startswith(told)]
    assert not [note for note in hold(NIM, []).notes if "who met whom" in note]


def test_stakes_count_in_ratings() -> None:
    """Of Kuhn poker's hands the optimal player wins fewer than a random one, and more chips."""
    found = hold(Contest("palaestra/KuhnPoker-v0", rounds=400), [])
    ratings = {row.agent: row.rating for row in found.ratings}
    assert ratings["optimal"] > ratings["random"] + 10


def test_what_is_asked_wrongly_is_told() -> None:
    with pytest.raises(ValueError, match=r"unknown schedule: 'swis' \(did you mean 'swiss'"):
        hold(Contest("palaestra/Nim-v0", schedule="swis"), [entrant("random", "a")])
    for seeds in ((), (1, 1)):
        with pytest.raises(ValueError, match="one seed or more, each once"):
            hold(replace(NIM, seeds=seeds), [entrant("random", "a")])
    with pytest.raises(ValueError, match="different names"):
        hold(NIM, [entrant("random", "greedy")])
