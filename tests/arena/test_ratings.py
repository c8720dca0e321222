"""Ratings recover planted strengths, say when they cannot, and hold their level."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from palaestra.arena.ratings import MEAN, SCALE, Match, Unranked, bradley_terry, elo, matches_of
from palaestra.episodes import Actor, Episode, Outcome
from palaestra.verifiers import Status

PLANTED = np.array([-1.5, -0.8, -0.2, 0.1, 0.9, 1.5])
NAN = float("nan")


def simulated(strengths: np.ndarray, games: int, seed: int) -> list[Match]:
    """Games between agents "0", "1", ... drawn at random, won as Bradley and Terry say."""
    rng = np.random.default_rng(seed)
    pairs = [rng.choice(len(strengths), 2, replace=False) for _ in range(games)]
    return [
        Match(str(i), str(j), float(rng.random() < 1 / (1 + math.exp(strengths[j] - strengths[i])))) for i, j in pairs
    ]


def test_planted_strengths_are_recovered() -> None:
    ratings = bradley_terry(simulated(PLANTED, 2000, 0), resamples=50)
    found = {row.agent: (row.rating - MEAN) / SCALE for row in ratings}
    assert [found[str(i)] for i in range(6)] == pytest.approx((PLANTED - PLANTED.mean()).tolist(), abs=0.2)
    assert [row.agent for row in ratings] == ["5", "4", "3", "2", "1", "0"]
    assert sum(row.matches for row in ratings) == 2 * 2000
    assert np.mean([row.rating for row in ratings]) == pytest.approx(MEAN)


def test_ratings_are_the_maximum_of_the_likelihood() -> None:
    matches = simulated(PLANTED[:4], 300, 1)
    found = {row.agent: (row.rating - MEAN) / SCALE for row in bradley_terry(matches, resamples=0)}
    for agent in found:  # the score equations: wins had are wins expected
        mine = [match for match in matches if agent in (match.one, match.other)]
        had = sum(match.score if match.one == agent else 1 - match.score for match in mine)
        others = [match.other if match.one == agent else match.one for match in mine]
        assert had == pytest.approx(sum(1 / (1 + math.exp(found[other] - found[agent])) for other in others), abs=1e-3)


def test_two_agents_are_rated_by_their_odds_and_draws_count_half() -> None:
    three_to_one = [Match("a", "b", 1.0)] * 3 + [Match("b", "a", 1.0)]
    first, second = bradley_terry(three_to_one, resamples=0)
    assert first.rating - second.rating == pytest.approx(400 * math.log10(3))
    with_draws = [Match("a", "b", 1.0)] * 2 + [Match("a", "b", 0.5)] * 2 + [Match("a", "b", NAN)] * 9
    assert [row.rating for row in bradley_terry(with_draws, resamples=0)] == pytest.approx(
        [first.rating, second.rating]
    )
    all_drawn = bradley_terry([Match("a", "b", 0.5)], resamples=20)
    assert [(row.rating, row.low, row.high) for row in all_drawn] == [
        (MEAN, pytest.approx(MEAN), pytest.approx(MEAN))
    ] * 2


def test_agents_that_never_met_are_named() -> None:
    drawn = [Match("a", "b", 0.5), Match("c", "d", 0.5), Match("d", "e", 0.5)]
    with pytest.raises(Unranked, match=r"no match leads .*: a, b \| c, d, e\. Play matches"):
        bradley_terry(drawn)


def test_agents_that_never_lost_are_named_and_a_prior_rates_them() -> None:
    matches = [Match("a", "b", 0.5), Match("best", "a", 1.0), Match("best", "b", 1.0)]
    with pytest.raises(Unranked, match=r"only one side ever wins: a, b \| best\. .*prior_draws=1"):
        bradley_terry(matches)
    assert bradley_terry(matches, resamples=10, prior_draws=1)[0].agent == "best"


def test_intervals_hold_their_level() -> None:
    """Of 120 intervals at 95 %, 114 are expected to hold the truth."""
    truth = MEAN + SCALE * (PLANTED - PLANTED.mean())
    held = 0
    for seed in range(20):
        ratings = bradley_terry(simulated(PLANTED, 400, 100 + seed), resamples=100, seed=seed)
        held += sum(row.low <= truth[int(row.agent)] <= row.high for row in ratings)
    assert 107 <= held < 120


def test_intervals_of_agents_that_never_lost_hold_their_level() -> None:
    """Of nights of 12 games at odds of 20 to 1, those that the stronger one won throughout."""
    truth, held, nights = MEAN + 200 * math.log10(20), 0, 0
    for seed in range(60):
        lost = np.random.default_rng(seed).random(12) > 20 / 21
        if not lost.any():
            (best, _) = bradley_terry([Match("a", "b", 1.0)] * 12, resamples=200, seed=seed, prior_draws=1)
            held += best.low <= truth <= best.high
            nights += 1
    assert nights > 20
    assert held >= 0.9 * nights


def test_strengths_far_apart_are_found_and_every_draw_has_its_maximum() -> None:
    """Along a chain whose neighbours beat each other 400 to 1 each gap is 400 log10(400)."""
    pairs = list(pairwise("abcd"))
    matches = [Match(*pair, 1.0) for pair in pairs for _ in range(400)] + [Match(*pair, 0.0) for pair in pairs]
    rows = bradley_terry(matches, resamples=1000)
    assert [row.agent for row in rows] == list("abcd")
    gaps = [one.rating - other.rating for one, other in pairwise(rows)]
    assert gaps == pytest.approx([400 * math.log10(400)] * 3, abs=1e-4)
    assert all(row.low < row.rating < row.high for row in rows if row.agent in "ad")


def test_the_same_seed_gives_the_same_intervals() -> None:
    matches = simulated(PLANTED[:3], 60, 2)
    assert bradley_terry(matches, 30, seed=1) == bradley_terry(matches, 30, seed=1)
    assert bradley_terry(matches, 30, seed=1) != bradley_terry(matches, 30, seed=2)


def test_elo_moves_by_what_was_not_expected() -> None:
    found = elo([Match("a", "b", 1.0), Match("a", "b", 0.5), Match("b", "a", NAN)], k=32)
    expected = 1 / (1 + 10 ** ((984 - 1016) / 400))
    assert found == pytest.approx({"a": 1016 + 32 * (0.5 - expected), "b": 984 - 32 * (0.5 - expected)})
    with pytest.raises(ValueError, match=r"not a score of 0\.7"):
        elo([Match("a", "b", 0.7)])


@pytest.mark.parametrize(
    ("matches", "told"),
    [
        ([], "no decided match"),
        ([Match("a", "b", NAN)], "no decided match"),
        ([Match("a", "b", 2.0)], r"in \[0, 1\], not 2"),
        ([Match("a", "a", 1.0)], "a cannot be rated by playing itself"),
    ],
)
def test_matches_are_checked(matches: list[Match], told: str) -> None:
    for rate in (bradley_terry, elo):
        with pytest.raises(ValueError, match=told):
            rate(matches)


def test_logged_games_are_matches() -> None:
    def game(rewards: dict[str, float], agents: dict[str, str]) -> Episode:
        outcome = {role: Outcome(r, Status.UNDECIDED if math.isnan(r) else Status.RIGHT) for role, r in rewards.items()}
        roles = {role: Actor(agent) for role, agent in agents.items()}
        return Episode("g", "nim", {}, {}, 0, "g", roles, (), outcome, True, False)

    agents = {"first": "a", "second": "b"}
    log = [game({"first": x, "second": -x}, agents) for x in (1.0, -1.0, 0.0, NAN)]
    found = matches_of([*log, game({"first": 1.0, "second": -1.0}, {"first": "a", "second": "a"})])
    assert [match.score for match in found[:3]] == [1.0, 0.0, 0.5]
    assert math.isnan(found[3].score)
    assert len(found) == 4
