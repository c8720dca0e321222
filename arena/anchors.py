"""Anchors: a game's scripted players as agents, and how an agent does against them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from palaestra.agents.agent import Dialogue, Reply
from palaestra.agents.engine import Sampling
from palaestra.envs.games import Player, make_game, scripted
from palaestra.envs.games.game import AnyGame
from palaestra.envs.seeding import TextSeeded, derive_seed, reseed
from palaestra.episodes import Actor, Cost, Episode

from .evaluate import Evaluation, hash_of, problem_key
from .intervals import interval
from .matches import MatchJob, illegal_moves
from .settings import unknown

AS_IT_IS, FREE = Sampling(), Cost()  # shared by all replies
SEPARATOR = "-vs-"  # a game's id against an anchor: palaestra/Nim-vs-optimal-v0


class Anchor:
    """A scripted player of ``envs.games.players`` at the table; its moves depend on each dialogue's seed alone."""

    def __init__(self, player: str, name: str | None = None) -> None:
        self.player = player
        self.actor = Actor(name or player)
        self.rng = TextSeeded(0)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        """Raises ValueError where the game has no such player; the nearest is named."""
        return [Reply(self._move(dialogue), sampling=AS_IT_IS, cost=FREE) for dialogue in dialogues]

    def _move(self, dialogue: Dialogue) -> str:
        table: Any = dialogue.env
        player = _players(table.game).get(self.player)
        if player is None:
            raise ValueError(unknown("player", self.player, list(_players(table.game))))
        reseed(self.rng, f"anchor|{dialogue.seed}")
        return player(table.game, table.view(), self.rng)


def anchors_of(env_id: str, env_kwargs: Mapping[str, Any]) -> list[str]:
    """The scripted players that a game has, the weakest first."""
    return list(scripted(make_game(env_id, **env_kwargs).game))


def matches_against(env_id: str, env_kwargs: Mapping[str, Any], agent: str, other: str, games: int) -> list[MatchJob]:
    """Matches of ``agent`` against ``other``, the same deals for everybody, each dealt once for each seat.

    Of a game for more than two, ``other`` takes all the other seats.
    """
    seats = len(make_game(env_id, **env_kwargs).possible_agents)
    return [
        MatchJob(
            id=f"held-out/{agent}{SEPARATOR}{other}/{number:05d}",
            env_id=env_id,
            env_kwargs=env_kwargs,
            seed=derive_seed("held-out match", 0, number // seats),
            group_id=f"held-out/{number // seats:05d}",
            players=tuple(agent if seat == number % seats else other for seat in range(seats)),
            agent_seed=derive_seed("held-out move", 0, number),
        )
        for number in range(games)
    ]


@dataclass(frozen=True, slots=True)
class Versus:
    """How an agent did against another: shares of games won, drawn and lost, and its mean return.

    illegal: refused answers a game. n: decided games.
    """

    agent: str
    other: str
    won: float
    drawn: float
    lost: float
    mean_return: float
    illegal: float
    n: int


def versus(episodes: Sequence[Episode], agent: str, other: str) -> Versus:
    """The result of matches between two agents, from the first one's side. An undecided match counts nowhere."""
    sides = [(episode, seat_of(episode, agent)) for episode in episodes]
    gaps = np.array([gap(episode, role) for episode, role in sides])
    decided = ~np.isnan(gaps)
    gaps, n = gaps[decided], max(1, int(decided.sum()))
    returns = [episode.outcome[role].reward for (episode, role), known in zip(sides, decided, strict=True) if known]
    return Versus(
        agent=agent,
        other=other,
        won=float((gaps > 0).sum() / n),
        drawn=float((gaps == 0).sum() / n),
        lost=float((gaps < 0).sum() / n),
        mean_return=float(np.sum(returns) / n),
        illegal=float(np.mean([illegal_moves(episode, role) for episode, role in sides])),
        n=int(decided.sum()),
    )


def seat_of(episode: Episode, agent: str) -> str:
    """The role that an agent played; where it met itself, the first."""
    return next(role for role, actor in episode.roles.items() if actor.agent_id == agent)


def gap(episode: Episode, role: str) -> float:
    """A role's return over the best of the others'; nan undecided."""
    others = [outcome.reward for other, outcome in episode.outcome.items() if other != role]
    return episode.outcome[role].reward - float(np.max(others))


def board_row(episodes: Sequence[Episode], agent: str, other: str, name: str, title: str = "") -> Evaluation:
    """A leaderboard's row: the mean verdict of an agent's matches against another, 1 won, 0.5 drawn, between for chips.

    Its environment is the game against that player, as Gymnasium knows it, with the knobs that are in the game's title.
    """
    scores, lengths, cut = scores_of(episodes, agent), [], []
    for episode in episodes:
        role = seat_of(episode, agent)
        turns = [turn for turn in episode.turns if turn.role == role]
        lengths += [len(turn.action_ids) for turn in turns]
        cut += [turn.finish_reason == "length" for turn in turns]
    low, high = interval(scores)
    env_id = episodes[0].env_id
    game, _, version = env_id.rpartition("-v")
    return Evaluation(
        agent=name,
        env_id=f"{game}{SEPARATOR}{other.replace('_', '-')}-v{version}{title.removeprefix(env_id)}",
        score=float(np.mean(scores)) if scores else float("nan"),
        low=low,
        high=high,
        n=len(scores),
        undecided=len(episodes) - len(scores),
        tokens=float(np.sum(lengths) / len(episodes)),
        length=float(np.mean(lengths)) if lengths else 0.0,
        truncated=float(np.mean(cut)) if cut else 0.0,
        weights_hash=episodes[0].roles[seat_of(episodes[0], agent)].weights_hash,
        asked=hash_of(map(problem_key, episodes)),
    )


def against(episodes: Sequence[Episode], agent: str, other: str) -> dict[str, float]:
    """The figures of ``versus`` by their names, with the board's ``score``."""
    found, row = versus(episodes, agent, other), board_row(episodes, agent, other, agent)
    shares = {name: getattr(found, name) for name in ("won", "drawn", "lost", "mean_return", "illegal")}
    return {**shares, "score": row.score}


def scores_of(episodes: Sequence[Episode], agent: str) -> list[float]:
    """An agent's ``score`` in each decided match."""
    scores = [score(episode, seat_of(episode, agent)) for episode in episodes]
    return [one for one in scores if not math.isnan(one)]


def score(episode: Episode, role: str) -> float:
    """The verdict's score of a match, in [0, 1]; without a verdict 1 won, 0.5 drawn, 0 lost; nan undecided."""
    if not episode.outcome[role].decided:
        return math.nan
    for turn in reversed(episode.turns):
        if turn.role == role:
            return turn.verdicts[-1].score if turn.verdicts else 0.5 + 0.5 * float(np.sign(gap(episode, role)))
    return 0.5 + 0.5 * float(np.sign(gap(episode, role)))


@lru_cache(maxsize=64)
def _players(game: AnyGame) -> dict[str, Player]:
    """The players of a game, kept, since they are asked for at every move."""
    return scripted(game)
