"""What a recipe says of self-play: which games, how often each, who is met in them, and the matches that follow."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from palaestra.agents.samplers import Sampler
from palaestra.agents.search.games import check_searchable
from palaestra.envs.games import game_class, make_game, scripted
from palaestra.envs.registration import UnknownEnvironment
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Episode
from palaestra.episodes.views import Row

from .anchors import Anchor, anchors_of, matches_against, seat_of
from .environments import labels, levels
from .matches import MatchJob, illegal_moves
from .settings import SettingsError, unknown

WITH_EXPLOITERS = ("uniform", "prioritised", "rating")  # of the matchmakings, those that draw from all members
OPPONENTS = ("self", "latest", "uniform", "prioritised", "rating", "anchors")


@dataclass(frozen=True, slots=True)
class SelfPlay:
    """Who sits in the seats, and whom the policy meets.

    policies: "shared", one policy in every seat, which reads in the observation which role it has; "seats", one for
        each seat: the run's policy in the first, and models of their own beside it in the others, at first the policy
        as evolution began. Each learns from its own seat's sides alone, and a reference is its own: the policy as
        evolution began, or its own newest frozen self. Of several games, the second seats are one model's. For
        opponents: self, whole weights in float32, and one process.
    opponents: "self", the policy in every seat, all of which learn; else one seat learns and the others are of the
        league: "latest", the newest frozen self; "uniform", any; "prioritised", by (1 - p)² where p is the learner's
        score against them (prioritised fictitious self-play; Vinyals et al., "Grandmaster level in StarCraft II
        using multi-agent reinforcement learning", 2019); "rating", those about as strong; "anchors", the anchors alone.
    teachers: scripted players whom the warm start imitates, one drawn for each seat of a match: random legal play
        shows how moves are written, not which are good; better players among them stand for a stronger model.
    anchors: in the league from the start: scripted players of the game, or folders of agents.
    snapshot_every: rounds after which the policy may join the league. snapshot_at: the score against its opponents
        since it last did that this takes; 0: always. keep: the newest so many frozen selves.
    exploiter_every: after so many rounds of the policy's own, ``exploiter_rounds`` are an exploiter's (a main exploiter
        of Vinyals et al., from the policy's weights instead of the imitation's): a copy of the policy as it is then,
        which meets the policy alone and learns by the same algorithm, while the policy stays as it is. It joins the
        league in the last of them, where the newest ``keep`` exploiters stay. Both count among ``evolve.rounds``.
        0: none.
    """

    policies: Literal["shared", "seats"] = "shared"
    opponents: str = "self"
    teachers: tuple[str, ...] = ("random",)
    anchors: tuple[str, ...] = ()
    snapshot_every: int = 5
    snapshot_at: float = 0.0
    keep: int = 50
    exploiter_every: int = 0
    exploiter_rounds: int = 5

    @property
    def beside(self) -> str:
        """What asks for models that learn beside the policy; "" where nothing does."""
        return "policies: seats" if self.policies == "seats" else "exploiter_every" if self.exploiter_every else ""

    def own_rounds(self, rounds: int) -> int:
        """How many of evolution's first ``rounds`` are the policy's own, no exploiter's."""
        if not self.exploiter_every:
            return rounds
        cycles, left = divmod(rounds, self.exploiter_every + self.exploiter_rounds)
        return cycles * self.exploiter_every + min(left, self.exploiter_every)


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
    if not spec.teachers:
        raise SettingsError("self_play.teachers names scripted players, such as [random]")
    if spec.opponents == "anchors" and not spec.anchors:
        raise SettingsError("self_play.opponents: anchors needs some: give self_play.anchors, such as [random, greedy]")
    if spec.opponents == "self" and spec.anchors:
        raise SettingsError("self_play.anchors has no effect while opponents is self: take uniform or prioritised")
    if spec.policies == "seats" and spec.opponents != "self":
        raise SettingsError("self_play.policies: seats play one another: set self_play.opponents: self")
    if spec.exploiter_every < 0 or spec.exploiter_rounds < 1:
        raise SettingsError("self_play.exploiter_every is 0 or more, exploiter_rounds 1 or more")
    if spec.exploiter_every and spec.opponents not in WITH_EXPLOITERS:
        many = ", ".join(WITH_EXPLOITERS)
        raise SettingsError(
            f"self_play.exploiter_every has no effect on opponents {spec.opponents}: take one of {many}"
        )
    games = games_of(environment)
    try:
        labels(games)
    except ValueError as error:
        raise SettingsError(f"environment: {error}") from None
    for game in games:
        if not 0 < game.share < math.inf:
            raise SettingsError(f"the share of {game.env_id} is a number above 0, not {game.share:g}")
        players = scripted(_table(game).game)
        for name in spec.teachers:
            if name not in players:
                raise SettingsError(unknown(f"player of {game.env_id}", name, list(players)))
        for name in spec.anchors:
            if name not in players and not Path(name).is_dir():
                raise SettingsError(unknown(f"player of {game.env_id}", name, list(players)))


def check_sampler(sampler: Sampler | None, spec: SelfPlay | None, environment: str | Mapping[str, Any]) -> None:
    """Raises SettingsError for a search for moves where there are no games, or games that cannot be searched, and for
    any other sampler in self-play."""
    if sampler is None:
        return
    if spec is None:
        if sampler.in_games:
            raise SettingsError(f"evolve.sampler.search {sampler.search} is for games: leave it away")
        return
    if not sampler.in_games:
        raise SettingsError("evolve.sampler in self-play searches for moves: {search: moves:64}")
    if spec.beside:
        raise SettingsError(f"evolve.sampler searches for one policy's moves: leave self_play.{spec.beside} away")
    for game in games_of(environment):
        try:
            check_searchable(_table(game).game)
        except ValueError as error:
            raise SettingsError(f"evolve.sampler: {error}") from None


def check_beside(what: str, start: str) -> None:
    """Raises SettingsError for a start that policies beside the first cannot have."""
    if start != "latest":
        raise SettingsError(f"self_play.{what} goes on from the latest weights: leave evolve.start away")


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


def seats_of(environment: str | Mapping[str, Any]) -> int:
    """How many seats the largest of the games has."""
    return max(len(_table(game).possible_agents) for game in games_of(environment))


def in_seat(agent: str, seat: int) -> str:
    """Who sits for an agent that has a policy for each seat: in the first it does so itself."""
    return f"{agent}, seat {seat}" if seat else agent


def seated(jobs: Sequence[MatchJob], agent: str, agents: Collection[str]) -> list[MatchJob]:
    """The jobs, with whoever sits for ``agent`` in a seat in that seat, where ``agents`` has one."""

    def who(name: str, seat: int) -> str:
        own = in_seat(agent, seat)
        return own if name == agent and own in agents else name

    return [replace(job, players=tuple(who(name, seat) for seat, name in enumerate(job.players))) for job in jobs]


def taught(jobs: Sequence[MatchJob], teachers: Sequence[str], rng: np.random.Generator) -> list[MatchJob]:
    """The jobs, with a teacher drawn for each seat."""
    return [replace(job, players=tuple(rng.choice(teachers, len(job.players)).tolist())) for job in jobs]


def of_seat(rows: Sequence[Row], episodes: Sequence[Episode], seat: int) -> list[Row]:
    """The rows of one seat's sides."""
    sides = {(episode.id, list(episode.roles)[seat]) for episode in episodes if seat < len(episode.roles)}
    return [row for row in rows if (row.episode_id, row.role) in sides]


def figures(episodes: Sequence[Episode], agent: str) -> dict[str, float]:
    """How an agent's matches went: its mean return, their number, and how often a match has an answer of it refused."""
    sides = [(episode, seat_of(episode, agent)) for episode in episodes]
    returns = [episode.outcome[role].reward for episode, role in sides if episode.outcome[role].decided]
    return {
        "reward": float(np.mean(returns)) if returns else float("nan"),
        "episodes": len(episodes),
        "illegal": float(np.mean([illegal_moves(episode, role) for episode, role in sides])),
    }


class HeldOut(NamedTuple):
    """An agent's matches against a scripted player.

    label: for figures, the other's name, with the game's where there are several. game: as ``labels`` calls it.
    """

    label: str
    game: str
    other: str
    jobs: list[MatchJob]


def held_out_matches(environment: str | Mapping[str, Any], agent: str, number: int) -> Iterator[HeldOut]:
    """An agent's matches against each scripted player of each game."""
    games = games_of(environment)
    for game, title, short in zip(games, labels(games), short_names(games), strict=True):
        for other in anchors_of(game.env_id, game.env_kwargs):
            label = f"{short}-{other}" if short else other
            yield HeldOut(label, title, other, matches_against(game.env_id, game.env_kwargs, agent, other, number))


def short_names(games: Sequence[GameShare]) -> list[str]:
    """What each game is called in figures; "" where there is but one."""
    if len(games) == 1:
        return [""]
    return [
        game.env_id.rpartition("/")[2].removesuffix("-v0") + title.removeprefix(game.env_id)
        for game, title in zip(games, labels(games), strict=True)
    ]


def yardsticks(environment: str | Mapping[str, Any]) -> dict[str, Anchor]:
    """The scripted players that every one of the games has, to be read beside a run's own agents."""
    each = [set(anchors_of(game.env_id, game.env_kwargs)) for game in games_of(environment)]
    return {f"{name} player": Anchor(name, f"{name} player") for name in sorted(set.intersection(*each))}
