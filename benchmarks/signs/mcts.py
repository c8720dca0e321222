"""Monte-Carlo tree search: its choices, its regret, and what it finds at equal tokens."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import numpy as np

from palaestra.agents.agent import Agent
from palaestra.agents.evaluator import BestOfN
from palaestra.agents.search.mcts import MCTS
from palaestra.agents.search.scores import UCT, Score, Widening
from palaestra.arena.evaluate import held_out
from palaestra.arena.measure import by_problem
from palaestra.arena.rollout import rollout
from palaestra.envs.games import make_game
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Episode, EpisodeStore

from .games_searched import EpsilonGreedy, Tried, positions, tried, uct, worths
from .play import share
from .sign import Arm, Claim, Measured, Place, Sign
from .sums_searched import Guesser, Hand, Nearest, Searcher, Sums

COUNTDOWN, NUMBERS, LEVEL = "palaestra/Countdown-v0", 4, 4
SEARCH = MCTS(128, 1000, score=UCT(0.1), widening=Widening(3.0, 0.5), commit=False)
GAME, PLIES = "palaestra/TicTacToe-v0", (1, 2, 3, 4)
FEW, MANY = 30, 300  # simulations; the latter times longer
CP, EPSILON = 0.15, 0.1


def _noise(hand: Hand) -> float:
    return float(np.random.default_rng(derive_seed("noise", hand.seed, *hand.lines)).random())


def _played(place: Place, agent: Agent, folder: Path) -> list[Episode]:
    """The agent's answers to held-out problems of this seed; all arms have the same."""
    jobs = held_out(COUNTDOWN, {"numbers": NUMBERS}, [LEVEL], place.sizes.problems, seed=place.seed)
    episodes = list(rollout(agent, jobs, {"phase": "held-out"}))
    EpisodeStore(folder / "held-out").append(episodes, "held-out")
    return episodes


def _searched(place: Place) -> list[Episode]:
    """The search's answers, of which others need the tokens."""
    folder = share(
        place, f"mcts-{place.sizes.name}", lambda made: _played(place, Searcher(Sums(), SEARCH), made) and None
    )
    return EpisodeStore(folder / "held-out").named("held-out")


def _measured(episodes: list[Episode]) -> Measured:
    return Measured(by_problem(episodes), sum(episode.cost.tokens_out for episode in episodes))


def _search(place: Place) -> Measured:
    return _measured(_searched(place))


def _sampled(place: Place) -> Measured:
    """Best of n random answers, n as many as the search's tokens pay for, and one more."""
    paid = mean(episode.cost.tokens_out for episode in _searched(place))
    each = mean(episode.cost.tokens_out for episode in _played(place, Guesser(), place.folder / "one"))
    n = math.ceil(1.05 * paid / each)
    found = _measured(_played(place, BestOfN(Guesser(), Nearest(), n), place.folder))
    return Measured(found.scores, found.tokens, {"n": n})


def _blind(place: Place) -> Measured:
    """The same search, which is told noise in place of how near it came; it still answers with the nearest."""
    return _measured(_played(place, Searcher(Sums(_noise), SEARCH), place.folder))


def _in_game(
    score: Score, simulations: int, of: Callable[[Tried], float], told: bool = True, longer: bool = True
) -> Arm:
    def arm(place: Place) -> Measured:
        game = make_game(GAME).game
        count = simulations * (place.sizes.longer if longer else 1)
        found = {}
        for number, state in enumerate(positions(game, place.sizes.problems // 4, PLIES, place.seed)):
            found[f"{number}"] = of(tried(game, state, count, score, derive_seed(place.seed, number), told))
        return Measured(found, told={"simulations": count})

    return arm


def _any_move(place: Place) -> Measured:
    """The share of the moves that are best."""
    game, found = make_game(GAME).game, {}
    for number, state in enumerate(positions(game, place.sizes.problems // 4, PLIES, place.seed)):
        known = worths(game, state)
        found[f"{number}"] = mean(worth == max(known.values()) for worth in known.values())
    return Measured(found)


def _chosen(one: Tried) -> float:
    return one.chosen


def _kept(one: Tried) -> float:
    return 1 - one.regret


SIGN = Sign(
    name="mcts",
    block=10,
    title="Tree search against samples",
    paper="A survey of Monte-Carlo tree search methods, Browne et al. 2012",
    substrate=(
        f"Countdown with {NUMBERS} numbers at level {LEVEL}, where a scripted proposer writes random sums: UCT with "
        "progressive widening, each leaf played out at random, against the best of n random answers. Both are told how "
        "near the target a number is that is left, and no verdict, and answer with the nearest; the samples have 5 % "
        "more tokens, a character each. And positions of tic-tac-toe, whose values minimax knows, at equal simulations."
    ),
    measure=(
        "of search, samples and blind, the share of Countdown problems solved; of the arms with uct, any_move and "
        "outcomes_at_random, the share of positions in which the most visited move is a best one; of the arms with "
        "kept, 1 less the mean regret of a simulation's first move, as a share of the range of values"
    ),
    arms={
        "search": _search,
        "samples": _sampled,
        "blind": _blind,
        "uct": _in_game(uct(CP), MANY, _chosen),
        "uct_30": _in_game(uct(CP), FEW, _chosen, longer=False),
        "outcomes_at_random": _in_game(uct(CP), MANY, _chosen, told=False),
        "any_move": _any_move,
        "uct_kept": _in_game(uct(CP), MANY, _kept),
        "epsilon_greedy_kept": _in_game(EpsilonGreedy(EPSILON), MANY, _kept),
    },
    claims=(
        Claim("search", "samples", "the search solves more than the best of n samples at equal tokens"),
        Claim("search", "blind", "the search solves more than the same search that is told noise"),
        Claim("uct", "uct_30", "with more simulations UCT's move is more often the minimax one"),
        Claim("uct_kept", "epsilon_greedy_kept", "UCT regrets less than epsilon-greedy"),
        Claim("outcomes_at_random", "any_move", "UCT that is not told who won moves better than chance", above=False),
    ),
    chosen=(
        "on seed 100, of 64, 128 and 256 simulations, C_p of 0.02, 0.1 and 0.3 and three widenings of the search; on "
        "seeds 100 and 101, C_p of 0.1, 0.15 and 0.25 of UCT, and, of epsilon-greedy, 0.02, 0.05, 0.1 and 0.2, of "
        "which 0.05 and 0.1 regretted least and alike. At first playouts did not count as answers, and proposals "
        "were drawn with replacement: then the search lost to the samples. Two controls were changed then: that the "
        "blind search is no better than samples did not hold, and ends whose outcome was at random still told who won."
    ),
    departs=(
        "the search tries each sum at a state once, samples draw with replacement; blind, which has more tokens than "
        "the samples, shows how much of the gain that is."
    ),
)
