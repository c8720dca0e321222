"""Ratings: how strong agents are, by their matches with one another."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from palaestra.episodes import Episode

from .anchors import score

SCALE = 400 / math.log(10)  # Elo points for a factor e in strength: ten times as strong is 400 points more
MEAN = 1000.0
TOLERANCE, MOST_STEPS = 1e-10, 2_000  # of evalica's iteration, which creeps where strengths lie far apart
MOST_NEWTON, LARGEST_STEP, NEAR = 100, 1.0, 1e-8  # steps from there, nats of each, and of the last
RESULTS = (0.0, 0.5, 1.0)
LEAST = 1e-4  # weight of half a prior draw: it gets less in one draw of a hundred, with which Newton's steps end late


@dataclass(frozen=True, slots=True)
class Match:
    """How ``one`` did against ``other``: 1 won, 0.5 drawn, 0 lost, or between them; nan undecided."""

    one: str
    other: str
    score: float


@dataclass(frozen=True, slots=True)
class Rating:
    """An agent's strength in Elo points, the mean of all agents, or of the anchors, being 1000; low, high: its 95 %
    interval.

    matches: decided ones that it played.
    """

    agent: str
    rating: float
    low: float
    high: float
    matches: int


class Unranked(ValueError):
    """The matches do not say how some agents compare."""


class Unsettled(ValueError):
    """The likelihood has a maximum, and it was not found."""


def shared(one: float, other: float) -> float:
    """A match's score by those of its sides, each 1 won, 0 lost, or between; nan undecided."""
    return 0.5 + 0.5 * float(np.clip(one - other, -1, 1))


def matches_of(episodes: Iterable[Episode]) -> list[Match]:
    """The matches that logged games are: each two roles of different agents, by their scores, stakes and all."""
    matches = []
    for episode in episodes:
        for one, other in combinations(episode.outcome, 2):
            agents = episode.roles[one].agent_id, episode.roles[other].agent_id
            if agents[0] != agents[1]:
                matches.append(Match(*agents, shared(score(episode, one), score(episode, other))))
    return matches


def bradley_terry(
    matches: Sequence[Match],
    resamples: int = 1000,
    seed: int = 0,
    prior_draws: float = 0.0,
    anchors: Collection[str] = (),
) -> list[Rating]:
    """Ratings by maximum likelihood of P(i beats j) = s_i / (s_i + s_j), the strongest agent first.

    Bradley and Terry, 1952, by evalica; a draw is half a win for either. Undecided matches are left out. Intervals
    are percentiles of the Bayesian bootstrap (Rubin, 1981): matches are weighted anew by a flat Dirichlet draw, which
    unlike resampling leaves none out, so that every draw has its maximum.
    prior_draws: added to each pair that has met, for agents that never lost; they are weighted anew too, since the
    weights of matches that all ended alike move nothing.
    anchors: agents whose mean rating is 1000 by definition, such as scripted players, so that ratings of different
    tournaments compare; without them the mean of all.

    Raises:
        Unranked: the likelihood has no maximum, since some agents never lost to, or never met, the others.
        Unsettled: it has one, which was not found.
        ValueError: no decided match, a score outside [0, 1], an agent against itself, or an anchor that did not play.
    """
    decided = _decided(matches)
    agents = sorted({agent for match in decided for agent in (match.one, match.other)})
    if missing := sorted(set(anchors) - set(agents)):
        raise ValueError(f"{missing[0]} played no decided match, so nothing can be anchored there")
    fixed = [agents.index(agent) for agent in anchors] or list(range(len(agents)))
    place = {agent: index for index, agent in enumerate(agents)}
    counted = Counter((place[match.one], place[match.other], match.score) for match in decided)
    pairs = np.array([(one, other) for one, other, _ in counted])
    scores = np.array([score for _, _, score in counted])
    counts = np.array(list(counted.values()), dtype=np.float64)
    prior = np.zeros((len(agents), len(agents)))
    prior[pairs[:, 0], pairs[:, 1]] = prior[pairs[:, 1], pairs[:, 0]] = prior_draws / 2
    wins = _wins(pairs, scores, counts) + prior
    _check_ranked(wins, agents)
    rating = _fit(wins, fixed)
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(resamples):
        weights = rng.gamma(counts)
        scale = counts.sum() / weights.sum()
        drawn = scale * np.maximum(rng.gamma(prior), np.minimum(prior, LEAST)) if prior_draws else prior
        draws.append(_fit(_wins(pairs, scores, weights * scale) + drawn, fixed))
    low, high = np.quantile(draws, [0.025, 0.975], axis=0) if draws else (rating, rating)
    played = Counter(agent for match in decided for agent in (match.one, match.other))
    order = sorted(range(len(agents)), key=lambda i: -rating[i])
    return [Rating(agents[i], float(rating[i]), float(low[i]), float(high[i]), played[agents[i]]) for i in order]


def elo(matches: Sequence[Match], k: float = 4.0, initial: float = MEAN) -> dict[str, float]:
    """Elo ratings (Elo, 1978) after the matches in their order, by evalica: for agents that change as they play.

    k: points that a match can move a rating. Undecided matches are left out.

    Raises:
        ValueError: as ``bradley_terry``, or a score that is no win, draw or loss.
    """
    import evalica

    decided = _decided(matches)
    other = sorted({match.score for match in decided} - set(RESULTS))
    if other:
        raise ValueError(f"Elo counts wins (1), draws (0.5) and losses (0), not a score of {other[0]:g}")
    winners = [(evalica.Winner.Y, evalica.Winner.Draw, evalica.Winner.X)[int(2 * match.score)] for match in decided]
    result = evalica.elo(
        [match.one for match in decided], [match.other for match in decided], winners, k=k, initial=initial
    )
    return {str(agent): float(rating) for agent, rating in result.scores.items()}


def _decided(matches: Sequence[Match]) -> list[Match]:
    decided = [match for match in matches if not math.isnan(match.score)]
    if not decided:
        raise ValueError("no decided match to rate agents by: play some")
    for match in decided:
        if not 0 <= match.score <= 1:
            raise ValueError(f"a match is scored in [0, 1], not {match.score:g}")
        if match.one == match.other:
            raise ValueError(f"{match.one} cannot be rated by playing itself: leave such matches out")
    return decided


def _wins(pairs: NDArray[np.int64], scores: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, n): how often the agent of a row beat that of a column."""
    wins = np.zeros((pairs.max() + 1,) * 2)
    np.add.at(wins, (pairs[:, 0], pairs[:, 1]), counts * scores)
    np.add.at(wins, (pairs[:, 1], pairs[:, 0]), counts * (1 - scores))
    return wins


def _fit(wins: NDArray[np.float64], fixed: Sequence[int]) -> NDArray[np.float64]:
    """Ratings (n,) of maximal likelihood, the mean of those ``fixed`` being 1000."""
    import evalica

    winners, losers = np.nonzero(wins)
    result = evalica.bradley_terry(
        winners.tolist(),
        losers.tolist(),
        [evalica.Winner.X] * len(winners),
        weights=wins[winners, losers].tolist(),
        tolerance=TOLERANCE,
        limit=MOST_STEPS,
    )
    strength = np.log(result.scores.sort_index().to_numpy(dtype=np.float64))
    if result.iterations >= MOST_STEPS:
        strength = _settled(wins, strength)
    ratings: NDArray[np.float64] = MEAN + SCALE * (strength - strength[list(fixed)].mean())
    return ratings


def _settled(wins: NDArray[np.float64], strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """The strengths (n,) in nats of maximal likelihood, by Newton's steps from some near it."""
    played = wins + wins.T
    for _ in range(MOST_NEWTON):
        chance = 1 / (1 + np.exp(strength[None, :] - strength[:, None]))
        slope, weight = (wins - played * chance).sum(1), played * chance * (1 - chance)
        fixed_mean = np.diag(weight.sum(1)) - weight + weight.mean()  # else all strengths could rise together
        step = np.linalg.solve(fixed_mean, slope - slope.mean())
        strength = strength + np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        if np.abs(step).max() < NEAR:
            return strength
    raise Unsettled("the ratings did not settle: play more matches between agents of near strength")


def _check_ranked(wins: NDArray[np.float64], agents: Sequence[str]) -> None:
    """There is a maximum just when a chain of wins leads from every agent to every other (Ford, 1957)."""
    met = _groups(wins + wins.T, agents)
    if len(met) > 1:
        raise Unranked(f"no match leads from one of these groups to another: {_named(met)}. Play matches between them")
    beaten = _groups(wins, agents)
    if len(beaten) > 1:
        raise Unranked(
            f"between these groups only one side ever wins: {_named(beaten)}. Play more, or give prior_draws=1"
        )


def _groups(edges: NDArray[np.float64], agents: Sequence[str]) -> list[list[str]]:
    """Agents in groups within which every one reaches every other along edges."""
    reach = (edges > 0) | np.eye(len(agents), dtype=bool)
    for _ in range(len(agents).bit_length()):
        reach = (reach.astype(np.int64) @ reach.astype(np.int64)) > 0
    mutual = reach & reach.T
    firsts = dict.fromkeys(int(row.argmax()) for row in mutual)
    return [[agents[i] for i in np.flatnonzero(mutual[first]).tolist()] for first in firsts]


def _named(groups: Sequence[Sequence[str]]) -> str:
    return " | ".join(", ".join(group) for group in groups)
