"""Contests: agents against one another in a game, and against the game's scripted players, logged and rated."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from palaestra.agents.agent import Agent
from palaestra.agents.strategies.asking import counted
from palaestra.envs.games import make_game
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Episode, EpisodeStore

from .anchors import Anchor, anchors_of
from .crew import Counts
from .environments import Environments
from .matches import MatchJob, play_matches
from .measure import Entrant, logged
from .settings import unknown
from .tournament import SCHEDULES, Pairing, Standings, standings, tournament

PHASE = "contest"  # of its episodes in the log


@dataclass(frozen=True, slots=True)
class Contest:
    """A game that agents meet in.

    schedule: round-robin, swiss or least-certain. rounds: of it; each pair of a round plays one deal from both seats.
    """

    env_id: str
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = "round-robin"
    rounds: int = 16
    seed: int = 0


def hold(
    contest: Contest,
    entrants: Sequence[Entrant],
    folder: Path | None = None,
    noted: Callable[[str, Counts], None] = lambda name, counts: None,
) -> Standings:
    """Ratings and win matrix of the agents and the game's scripted players, which are the ratings' anchors.

    All agents are loaded at once. folder: of a run, whose log the matches are added to; those there are not played
    again. noted: is told what an agent's strategies counted.

    Raises:
        ValueError: no such schedule, no round, a name twice, or a game that is not for two.
    """
    if contest.schedule not in SCHEDULES:
        raise ValueError(unknown("schedule", contest.schedule, list(SCHEDULES)))
    if contest.rounds < 1:
        raise ValueError(f"a contest has 1 round or more, not {contest.rounds}")
    anchors = anchors_of(contest.env_id, contest.env_kwargs)
    names = [*(entrant.name for entrant in entrants), *anchors]
    agents: dict[str, Agent] = {entrant.name: entrant.load() for entrant in entrants}
    agents |= {name: Anchor(name) for name in anchors if name not in agents}
    made = {entrant.name: _digest(entrant.settings, agents[entrant.name].actor.weights_hash) for entrant in entrants}
    store = None if folder is None else EpisodeStore(folder / "episodes")
    with Environments(make_game) as tables:
        play = partial(_play, contest, agents, made, store, tables)
        matches = tournament(names, contest.env_id, play, SCHEDULES[contest.schedule], contest.rounds, contest.seed)
    for entrant in entrants:
        noted(entrant.name, counted(agents[entrant.name]))
    return standings(contest.env_id, matches, anchors)


def _play(
    contest: Contest,
    agents: Mapping[str, Agent],
    made: Mapping[str, str],
    store: EpisodeStore | None,
    tables: Environments,
    pairings: Sequence[Pairing],
) -> list[list[float]]:
    """What each seat got: of matches in the log from there, of the others by playing them together."""
    where = json.dumps([contest.env_id, dict(contest.env_kwargs)], sort_keys=True)
    batch = f"matches-{re.sub(r'[^A-Za-z0-9.]+', '-', contest.env_id)}-{_digest(where)}"
    found: dict[str, Episode] = {} if store is None else {episode.id: episode for episode in logged(store, batch)}
    jobs = [_job(contest, made, pairing) for pairing in pairings]
    waiting = [job for job in jobs if job.id not in found]
    played = list(play_matches(agents, waiting, {"phase": PHASE}, tables=tables))
    if store is not None and played:
        store.append(played, batch)
    found |= {episode.id: episode for episode in played}
    return [[outcome.reward for outcome in found[job.id].outcome.values()] for job in jobs]


def _job(contest: Contest, made: Mapping[str, str], pairing: Pairing) -> MatchJob:
    """The match of a pairing; its id tells agents of one name apart by what they are made of."""
    which = "-".join(made.get(name, "scripted") for name in pairing.seats)
    return MatchJob(
        id=f"{pairing.id}/{which}",
        env_id=contest.env_id,
        env_kwargs=contest.env_kwargs,
        seed=pairing.seed,
        group_id=f"{contest.env_id}/{pairing.seed}",
        players=pairing.seats,
        agent_seed=derive_seed("contest", pairing.id),
    )


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=4).hexdigest()
