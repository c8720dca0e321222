"""Tournaments swap seats, recover planted strengths, spend matches where they tell, and say what ratings cannot."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from palaestra.arena.ratings import MEAN, SCALE, Match
from palaestra.arena.tournament import (
    SCHEDULES,
    Pairing,
    Play,
    least_certain,
    round_robin,
    standings,
    swiss,
    tournament,
)
from palaestra.envs.games import make_game
from palaestra.envs.games.players import play_game, scripted

STRENGTHS = {"a": -1.2, "b": -0.4, "c": 0.3, "d": 1.3}


def planted(strengths: dict[str, float], draws: float = 0.0, seed: int = 0) -> Play:
    """Wins as Bradley and Terry say, some games being drawn whatever the strengths."""
    rng = np.random.default_rng(seed)

    def play(pairings: Sequence[Pairing]) -> list[tuple[float, float]]:
        results = []
        for pairing in pairings:
            gap = strengths[pairing.seats[0]] - strengths[pairing.seats[1]]
            won = 1.0 if rng.random() < 1 / (1 + math.exp(-gap)) else -1.0
            won = 0.0 if rng.random() < draws else won
            results.append((won, -won))
        return results

    return play


def of_scripted(game: str) -> Play:
    table = make_game(game).game
    players = scripted(table)
    return lambda pairings: [
        play_game(table, [players[name] for name in pairing.seats], np.random.default_rng(pairing.seed))
        for pairing in pairings
    ]


@pytest.mark.parametrize(("schedule", "rounds"), [("round-robin", 80), ("swiss", 250), ("least-certain", 250)])
def test_planted_strengths_are_recovered(schedule: str, rounds: int) -> None:
    matches = tournament(list(STRENGTHS), "g", planted(STRENGTHS), SCHEDULES[schedule], rounds)
    found = standings("g", matches, resamples=200)
    assert found.names == ["d", "c", "b", "a"]
    mean = sum(STRENGTHS.values()) / 4
    for row in found.ratings:
        assert (row.rating - MEAN) / SCALE == pytest.approx(STRENGTHS[row.agent] - mean, abs=0.35)
        assert row.low < row.rating < row.high


def test_every_pair_meets_on_the_same_deal_from_both_seats() -> None:
    played: list[Pairing] = []

    def play(pairings: Sequence[Pairing]) -> list[tuple[float, float]]:
        played.extend(pairings)
        return [(0.0, 0.0)] * len(pairings)

    tournament(["a", "b", "c"], "g", play, round_robin, rounds=3)
    seats = Counter(pairing.seats for pairing in played)
    assert seats == Counter(dict.fromkeys(itertools.permutations("abc", 2), 3))
    deals = {(frozenset(pairing.seats), pairing.seed) for pairing in played}
    assert len(deals) == len(played) / 2
    assert len({pairing.id for pairing in played}) == len(played)


def test_a_first_seat_that_always_wins_makes_nobody_stronger() -> None:
    matches = tournament(["a", "b"], "g", lambda pairings: [(1.0, -1.0)] * len(pairings), round_robin, rounds=5)
    assert [row.rating for row in standings("g", matches, resamples=0).ratings] == pytest.approx([MEAN, MEAN])


def test_swiss_pairs_neighbours_who_have_not_met_and_lets_each_rest_in_turn() -> None:
    names = [str(number) for number in range(7)]
    matches: list[Match] = []
    rested = []
    for _ in range(7):
        pairs = swiss(names, matches)
        assert len({name for pair in pairs for name in pair}) == 6
        rested += [name for name in names if all(name not in pair for pair in pairs)]
        matches += [Match(*sorted(pair, key=int, reverse=True), 1.0) for pair in pairs]
    assert sorted(rested) == names
    pairs_met = Counter(frozenset((match.one, match.other)) for match in matches)
    assert max(pairs_met.values()) <= 2


def test_matches_go_where_ratings_are_least_certain() -> None:
    known = [Match(one, other, 0.5) for one, other in itertools.combinations("abc", 2)] * 30
    pairs = least_certain(list("abcd"), [*known, Match("a", "d", 0.5)])
    assert any("d" in pair for pair in pairs)
    assert ("a", "d") not in pairs[:1]
    even = [Match("a", "b", 1.0)] * 50 + [Match("b", "a", 1.0)] * 2 + [Match("c", "b", 0.5)] * 52
    assert least_certain(["a", "b", "c"], even)[0] == ("a", "c")  # never met


def test_ratings_are_anchored_at_the_scripted_players() -> None:
    strengths = {"random": 0.0, "optimal": 2.0, "mine": 1.0}
    matches = tournament(list(strengths), "g", planted(strengths), round_robin, rounds=300)
    found = {row.agent: row for row in standings("g", matches, anchors=["random", "greedy"], resamples=100).ratings}
    assert found["random"].rating == found["random"].low == found["random"].high == pytest.approx(MEAN)
    assert found["mine"].rating == pytest.approx(MEAN + SCALE, abs=60)
    stronger = {**strengths, "other": 3.0}  # who else plays moves nobody
    matches = tournament(list(stronger), "g", planted(stronger), round_robin, rounds=300)
    again = {row.agent: row for row in standings("g", matches, anchors=["random"], resamples=0).ratings}
    assert again["mine"].rating == pytest.approx(found["mine"].rating, abs=60)


def test_scripted_players_are_ranked_as_strong_as_they_are() -> None:
    matches = tournament(["random", "optimal"], "Nim", of_scripted("palaestra/Nim-v0"), round_robin, rounds=30)
    found = standings("Nim", matches, anchors=["random"], resamples=50)
    assert found.names == ["optimal", "random"]
    assert found.wins[0][1] > 50
    assert found.played[0][1] == 60
    matches = tournament(["random", "greedy"], "T", of_scripted("palaestra/TicTacToe-v0"), round_robin, rounds=40)
    assert any(match.score == 0.5 for match in matches)
    assert standings("T", matches, resamples=50).names == ["greedy", "random"]


def test_a_cycle_is_told_beside_the_ratings() -> None:
    beats = {("rock", "scissors"), ("scissors", "paper"), ("paper", "rock")}

    def play(pairings: Sequence[Pairing]) -> list[tuple[float, float]]:
        return [(1.0, -1.0) if pairing.seats in beats else (-1.0, 1.0) for pairing in pairings]

    found = standings("g", tournament(["rock", "paper", "scissors"], "g", play, round_robin, 10), resamples=20)
    assert len(found.cycles) == 1
    one, other, third = found.cycles[0]
    assert {(one, other), (other, third), (third, one)} == beats
    assert any("cycles of three" in note for note in found.notes)
    assert [row.rating for row in found.ratings] == pytest.approx([MEAN] * 3)
    ordered = tournament(list(STRENGTHS), "g", planted(STRENGTHS), round_robin, 60)
    assert standings("g", ordered, resamples=0).cycles == []


def test_what_ratings_cannot_tell_is_noted() -> None:
    apart = standings("g", [Match("a", "b", 0.5), Match("c", "d", 0.5)])
    assert apart.ratings == []
    assert "no match leads from one of these groups to another: a, b | c, d" in apart.notes[0]
    assert apart.wins[0][1] == 0.5
    unbeaten = standings("g", [Match("a", "b", 1.0), Match("b", "a", 0.0), Match("a", "b", math.nan)], resamples=20)
    assert [row.agent for row in unbeaten.ratings] == ["a", "b"]
    assert unbeaten.notes[0] == "1 matches undecided, in no figure"
    assert "never lost" in unbeaten.notes[1]


@pytest.mark.parametrize("agents", [[], ["a"], ["a", "a"]])
def test_fewer_than_two_agents_are_refused(agents: list[str]) -> None:
    with pytest.raises(ValueError, match="between two agents or more"):
        tournament(agents, "g", planted({}), round_robin, 1)
