"""Tournaments: who plays whom, seat against seat, and what the results say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from palaestra.envs.seeding import derive_seed

from .intervals import wilson
from .ratings import Match, Rating, Unranked, Unsettled, bradley_terry, elo, shared

Pair = tuple[str, str]
MOST_CYCLES = 20  # that are told
PRECISION = 0.25  # of the prior on ratings in nats: their differences are within 6 or so
NEWTON = 12  # steps; a few are enough


@dataclass(frozen=True, slots=True)
class Pairing:
    """A match to be played: agents in the order of the game's seats, and the seed of the deal."""

    id: str
    game: str
    seats: Pair
    seed: int


Play = Callable[[Sequence[Pairing]], Sequence[Sequence[float]]]
"""Plays pairings, together if it can, and gives each seat's score: 1 won, 0 lost, between them; nan undecided."""

Schedule = Callable[[Sequence[str], Sequence[Match]], list[Pair]]
"""The pairs of the next round, by the matches played so far; each pair meets once in either seat.

Pairs that follow from results are mostly of agents that seem equally strong, whose order is much of it chance: ratings
lie further apart than strengths do, and their intervals are too narrow. Of planted strengths of 16 agents, after some
250 matches, 95 % intervals held 75 % by least_certain, in ratings 1.4 times as far apart; by swiss 90 % and 1.1, but of
40 agents 74 % and 1.35; by round_robin, of 16, 90 % and 1.06, and 94 % and 1.02 after six times as many.
"""


def tournament(
    agents: Sequence[str], game: str, play: Play, schedule: Schedule, rounds: int, seed: int = 0
) -> list[Match]:
    """The matches of so many rounds: every pair plays the same deal twice, seats swapped.

    Rounds whose pairs depend on no result are played together.

    Raises:
        ValueError: fewer than two agents, or two of one name.
    """
    if len(agents) < 2 or len(set(agents)) < len(agents):
        raise ValueError(
            f"a tournament is between two agents or more, of different names, not {', '.join(agents)}: name another"
        )
    matches: list[Match] = []
    together = rounds if schedule is round_robin else 1
    for first in range(0, rounds, together):
        pairings = [
            Pairing(f"{game}/{number:04d}/{seats[0]}/{seats[1]}", game, seats, derive_seed("tournament", seed, number))
            for number in range(first, first + together)
            for one, other in schedule(agents, matches)
            for seats in ((one, other), (other, one))
        ]
        for pairing, scores in zip(pairings, play(pairings), strict=True):
            matches.append(Match(*pairing.seats, shared(*scores)))
    return matches


def round_robin(agents: Sequence[str], matches: Sequence[Match]) -> list[Pair]:
    """Everybody against everybody."""
    return list(combinations(agents, 2))


def swiss(agents: Sequence[str], matches: Sequence[Match]) -> list[Pair]:
    """Neighbours in the standings who have met least; of an odd number the last who has rested least rests."""
    points, met = Counter[str](), Counter[frozenset[str]]()
    for match in matches:
        met[frozenset((match.one, match.other))] += 1
        if not math.isnan(match.score):
            points[match.one] += match.score  # type: ignore[assignment]  # halves
            points[match.other] += 1 - match.score  # type: ignore[assignment]
    played = Counter(agent for match in matches for agent in (match.one, match.other))
    waiting = sorted(agents, key=lambda agent: -points[agent])
    if len(waiting) % 2:
        most = max(played[agent] for agent in waiting)
        waiting.remove([agent for agent in waiting if played[agent] == most][-1])
    pairs = []
    while waiting:
        one = waiting.pop(0)
        other = min(waiting, key=lambda agent: met[frozenset((one, agent))])
        waiting.remove(other)
        pairs.append((one, other))
    return pairs


def least_certain(agents: Sequence[str], matches: Sequence[Match]) -> list[Pair]:
    """Pairs whose match tells most of the ratings, each agent in one at most.

    A match between i and j adds log(1 + p (1 - p) v) to the log-determinant of the ratings' information, v being the
    variance of their difference as known so far: D-optimal design, one match at a time. Ratings and their covariance
    are those of Laplace's approximation, by Newton's steps, from a normal prior.
    """
    decided = [match for match in matches if not math.isnan(match.score)]
    wins, played = _matrix(agents, decided)
    prior = PRECISION * (np.eye(len(agents)) - 1 / len(agents))
    rating = np.zeros(len(agents))
    for _ in range(NEWTON):
        chance = 1 / (1 + np.exp(rating[None, :] - rating[:, None]))
        weight = played * chance * (1 - chance)
        covariance = np.linalg.pinv(np.diag(weight.sum(1)) - weight + prior, hermitian=True)
        step = covariance @ ((wins - played * chance).sum(1) - prior @ rating)
        rating += np.clip(step, -1, 1)
    spread = np.diag(covariance)[:, None] + np.diag(covariance)[None, :] - 2 * covariance
    return _matching(agents, np.log1p(chance * (1 - chance) * spread))


def _matching(agents: Sequence[str], gain: NDArray[np.float64]) -> list[Pair]:
    """Pairs of the largest gain, greedily, each agent once."""
    free, pairs = set(range(len(agents))), []
    rows, columns = np.triu_indices(len(agents), 1)
    for place in np.argsort(-gain[rows, columns], kind="stable"):
        i, j = int(rows[place]), int(columns[place])
        if i in free and j in free:
            free -= {i, j}
            pairs.append((agents[i], agents[j]))
    return pairs


ROUND_ROBIN = "round-robin"
SCHEDULES: dict[str, Schedule] = {ROUND_ROBIN: round_robin, "swiss": swiss, "least-certain": least_certain}


@dataclass(frozen=True, slots=True)
class Standings:
    """What the matches of one game say.

    ratings: Bradley and Terry's, the strongest first; none where the matches do not tell. elo: in the matches' order.
    names: of the matrix, the strongest first; wins[i][j]: points of i against j, a draw being half of one;
    played[i][j]: decided matches between them. anchors: agents whose mean rating is 1000. notes: for the reader.
    cycles: a beats b beats c beats a, each beyond chance at 95 %, which no one number can tell.
    weights: of each agent that is no anchor, its weights' hash.
    """

    game: str
    ratings: list[Rating]
    elo: dict[str, float]
    names: list[str]
    wins: list[list[float]]
    played: list[list[int]]
    anchors: list[str]
    cycles: list[tuple[str, str, str]]
    notes: list[str]
    weights: Mapping[str, str] = field(default_factory=dict)


def standings(game: str, matches: Sequence[Match], anchors: Collection[str] = (), resamples: int = 1000) -> Standings:
    """Ratings and win matrix of a game's matches.

    Where some agents never lost (or never won), each pair that met is taken to have drawn once besides, and a note
    says so. Where no match leads from some agents to others, there are no ratings, and a note says who is apart.

    Raises:
        ValueError: no decided match.
    """
    decided = [match for match in matches if not math.isnan(match.score)]
    known = {agent for match in decided for agent in (match.one, match.other)}
    anchored = sorted(known & set(anchors))
    notes = [f"{len(matches) - len(decided)} matches undecided, in no figure"] if len(decided) < len(matches) else []
    ratings, note = _ratings(decided, resamples, anchored)
    notes += [note] if note else []
    drawn = all(match.score in (0.0, 0.5, 1.0) for match in decided)
    names = [row.agent for row in ratings] or sorted(known)
    wins, played = _matrix(names, decided)
    found = _cycles(names, wins, played)
    if found:
        notes.append(f"{len(found)} cycles of three: read the win matrix, no one number tells who wins")
    points = elo(decided) if drawn else {}
    told = [list(map(float, row)) for row in wins], [list(map(int, row)) for row in played]
    return Standings(game, ratings, points, names, *told, anchored, found[:MOST_CYCLES], notes)


def _ratings(decided: Sequence[Match], resamples: int, anchors: Sequence[str]) -> tuple[list[Rating], str]:
    """The ratings, and what a reader has to know of them; none where the matches do not tell."""
    try:
        return bradley_terry(decided, resamples, anchors=anchors), ""
    except Unsettled as unsettled:
        return [], str(unsettled)
    except Unranked as apart:
        try:
            note = "some agents never lost, or never won: each pair that met is taken to have drawn once besides"
            return bradley_terry(decided, resamples, prior_draws=1, anchors=anchors), note
        except (Unranked, Unsettled):
            return [], str(apart)


def _matrix(names: Sequence[str], matches: Sequence[Match]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    place = {name: index for index, name in enumerate(names)}
    wins = np.zeros((len(names),) * 2)
    played = np.zeros((len(names),) * 2, dtype=np.int64)
    for match in matches:
        i, j = place[match.one], place[match.other]
        wins[i, j] += match.score
        wins[j, i] += 1 - match.score
        played[[i, j], [j, i]] += 1
    return wins, played


def _cycles(names: Sequence[str], wins: NDArray[np.float64], played: NDArray[np.int64]) -> list[tuple[str, str, str]]:
    """Triples of which each beats the next in more than half of the matches, by the lower end of Wilson's interval."""
    n = len(names)
    beats = np.zeros((n, n), dtype=bool)
    for i, j in zip(*np.nonzero(played), strict=True):
        beats[i, j] = wilson(int(wins[i, j]), int(played[i, j]))[0] > 0.5
    found = []
    for i in range(n):
        for j in np.flatnonzero(beats[i]):
            closing = np.flatnonzero(beats[j] & beats[:, i])
            found += [(names[i], names[int(j)], names[int(k)]) for k in closing if i < min(j, k)]
    return found
