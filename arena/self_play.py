"""What a recipe says of self-play: which games, how often each, who is met in them, and the matches that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from palaestra.envs.games import game_class, make_game, scripted
from palaestra.envs.registration import UnknownEnvironment
from palaestra.envs.seeding import derive_seed

from .environments import levels
from .matches import MatchJob
from .settings import SettingsError, unknown

OPPONENTS = ("self", "latest", "uniform", "prioritised", "rating", "anchors")


@dataclass(frozen=True, slots=True)
class SelfPlay:
    """Whom the policy meets.

    opponents: "self", the policy in every seat, all of which learn; else one seat learns and the others are of the
        league: "latest", the newest frozen self; "uniform", any; "prioritised", by (1 - p)² where p is the learner's
        score against them (prioritised fictitious self-play; Vinyals et al., "Grandmaster level in StarCraft II
        using multi-agent reinforcement learning", 2019); "rating", those about as strong; "anchors", the anchors alone.
    anchors: in the league from the start: scripted players of the game, or folders of agents.
    snapshot_every: rounds after which the policy may join the league. snapshot_at: the score against its opponents
        since it last did that this takes; 0: always. keep: the newest so many frozen selves.
    """

    opponents: str = "self"
    anchors: tuple[str, ...] = ()
    snapshot_every: int = 5
    snapshot_at: float = 0.0
    keep: int = 50


class GameShare(NamedTuple):
    """A game that is played, and for how much of the matches, in proportion to the other games' shares."""

    env_id: str
    env_kwargs: Mapping[str, Any]
    share: float


def games_of(environment: str | Mapping[str, Any]) -> list[GameShare]:
    """The games of a recipe's ``environment``: an id, a mapping with ``id``, or one with ``games``, a list of those."""
    if isinstance(environment, str):
        return [GameShare(environment, {}, 1.0)]
    named = environment.get("games", [environment])
    plain = [{"id": game} if isinstance(game, str) else game for game in named]
    return [
        GameShare(
            str(game["id"]),
            {name: value for name, value in game.items() if name not in ("id", "share")},
            float(game.get("share", 1.0)),
        )
        for game in plain
    ]


def is_game(environment: str | Mapping[str, Any]) -> bool:
    """Whether it is of games, for several players."""
    try:
        return all(game_class(game.env_id) for game in games_of(environment))
    except UnknownEnvironment:
        return False


def check_self_play(spec: SelfPlay, environment: str | Mapping[str, Any]) -> None:
    """Raises SettingsError for what cannot be played as written; UnknownEnvironment, UnknownKnob of the games."""
    if spec.opponents not in OPPONENTS:
        raise SettingsError(unknown("self_play.opponents", spec.opponents, list(OPPONENTS)))
    if spec.snapshot_every < 1 or spec.keep < 1 or not 0 <= spec.snapshot_at <= 1:
        raise SettingsError("self_play.snapshot_every and keep are 1 or more, snapshot_at is from 0 to 1")
    if spec.opponents == "anchors" and not spec.anchors:
        raise SettingsError("self_play.opponents: anchors needs some: give self_play.anchors, such as [random, greedy]")
    if spec.opponents == "self" and spec.anchors:
        raise SettingsError("self_play.anchors has no effect while opponents is self: take uniform or prioritised")
    for game in games_of(environment):
        if game.share <= 0:
            raise SettingsError(f"the share of {game.env_id} is above 0, not {game.share:g}")
        players = scripted(_table(game).game)
        for name in spec.anchors:
            if name not in players and not Path(name).is_dir():
                raise SettingsError(unknown(f"player of {game.env_id}", name, list(players)))


def _table(game: GameShare) -> Any:
    """Raises SettingsError for an environment that has but one player."""
    try:
        return make_game(game.env_id, **game.env_kwargs)
    except UnknownEnvironment:
        levels(game.env_id, game.env_kwargs)  # raises where it is no environment at all
        raise SettingsError(
            f"{game.env_id} has one player: leave self_play away, or name a game such as palaestra/Nim-v0"
        ) from None


def jobs_of(
    games: Sequence[GameShare], of: tuple[int, str, int], deals: int, samples: int, rivals: Sequence[str], me: str
) -> list[MatchJob]:
    """``samples`` matches of each deal, me in each seat in turn; games by their shares, rivals in turn.

    of: seed, stage and round, which everything in a job follows from.
    """
    _, stage, round = of
    ends = np.cumsum([game.share for game in games]) / sum(game.share for game in games)
    seats = [len(make_game(game.env_id, **game.env_kwargs).possible_agents) for game in games]
    jobs = []
    for deal in range(deals):
        which = int(np.searchsorted(ends, (deal + 0.5) / deals))
        for sample in range(samples):
            mine = (deal * samples + sample) % seats[which]
            rival = rivals[deal % len(rivals)]
            jobs.append(
                MatchJob(
                    id=f"{stage}/{round:05d}/{deal:05d}/{sample:03d}",
                    env_id=games[which].env_id,
                    env_kwargs=games[which].env_kwargs,
                    seed=derive_seed(*of, deal),
                    group_id=f"{stage}/{round:05d}/{deal:05d}",
                    players=tuple(me if seat == mine else rival for seat in range(seats[which])),
                    agent_seed=derive_seed(*of, deal, sample),
                )
            )
    return jobs
