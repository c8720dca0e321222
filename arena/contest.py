"""Contests: agents against one another in a game, and against the game's scripted players, logged and rated."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Episode, EpisodeStore

from .anchors import Anchor, anchors_of, score
from .crew import Counts, Crew, Load, Part, Played
from .matches import MatchJob
from .measure import CHUNK, Entrant, logged
from .ratings import Match
from .settings import unknown
from .tournament import ROUND_ROBIN, SCHEDULES, Pairing, Standings, standings, tournament

PHASE = "contest"  # of its episodes in the log


@dataclass(frozen=True, slots=True)
class Contest:
    """A game that agents meet in.

    schedule: round-robin, swiss or least-certain. rounds: of it; each pair of a round plays one deal from both seats.
    seeds: of the deals; each has rounds of its own, and all count in one table.
    """

    env_id: str
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = ROUND_ROBIN
    rounds: int = 16
    seeds: Sequence[int] = (0,)


def hold(
    contest: Contest,
    entrants: Sequence[Entrant],
    folder: Path | None = None,
    noted: Callable[[str, Counts], None] = lambda name, counts: None,
    workers: int = 1,
    progress: Callable[[str], None] = lambda said: None,
) -> Standings:
    """Ratings and win matrix of the agents and the game's scripted players, which are the ratings' anchors.

    All agents are loaded at once, by each worker. folder: of a run, whose log the matches are added to; those there are
    not played again. noted: is told what an agent's strategies counted. workers: processes that play, each a part at a
    time (the matches of two agents, at most ``CHUNK``); one is this process. progress: is told what was played last.

    Raises:
        ValueError: no such schedule, no round or seed, a seed or a name twice, or a game that is not for two.
        PlayerDied: a worker was killed; all other matches, up to that round's, are in the log then.
    """
    if contest.schedule not in SCHEDULES:
        raise ValueError(unknown("schedule", contest.schedule, list(SCHEDULES)))
    if contest.rounds < 1:
        raise ValueError(f"a contest has 1 round or more, not {contest.rounds}")
    if not contest.seeds or len(set(contest.seeds)) < len(contest.seeds):
        raise ValueError("a contest takes one seed or more, each once")
    anchors = anchors_of(contest.env_id, contest.env_kwargs)
    names = [*(entrant.name for entrant in entrants), *anchors]
    loads: list[Load] = [*(entrant.load for entrant in entrants), *(partial(Anchor, name) for name in anchors)]
    everybody = Part({name: place for place, name in enumerate(names)}, f"the players of {contest.env_id}")
    store = None if folder is None else EpisodeStore(folder / "episodes")
    with Crew(loads, workers) as crew:
        crew.ask(everybody)
        ((_, loaded),) = crew
        made = {entrant.name: _digest(entrant.settings, loaded.weights[entrant.name]) for entrant in entrants}

        def told(part: Part, played: Played) -> None:
            progress(f"{part.title}: {crew.done} of {crew.asked} parts played")
            for entrant in entrants:
                noted(entrant.name, played.counts[entrant.name])

        told(everybody, loaded)
        play = partial(_play, contest, crew, everybody, made, store, told)
        schedule, matches = SCHEDULES[contest.schedule], list[Match]()
        for seed in contest.seeds:
            matches += tournament(names, contest.env_id, partial(play, seed), schedule, contest.rounds, seed)
    weights = {entrant.name: loaded.weights[entrant.name] for entrant in entrants}
    found = standings(contest.env_id, matches, anchors)
    return replace(found, weights=weights, notes=[*found.notes, *_notes(contest.schedule, names, found)])


def _notes(schedule: str, names: Sequence[str], found: Standings) -> Iterator[str]:
    """What a reader has to know of who met whom."""
    if schedule != ROUND_ROBIN and len(names) > 2:
        yield (
            f"{schedule} chose who met whom by earlier results, which draws ratings apart and leaves their intervals "
            f"too narrow, the more so the more agents there are; {ROUND_ROBIN} does not"
        )
    if resting := [name for name in names if name not in found.names]:
        yield f"{', '.join(resting)} played no decided match: ask for more rounds"


def _play(
    contest: Contest,
    crew: Crew,
    everybody: Part,
    made: Mapping[str, str],
    store: EpisodeStore | None,
    told: Callable[[Part, Played], None],
    seed: int,
    pairings: Sequence[Pairing],
) -> list[list[float]]:
    """Each seat's score, stakes and all: of matches in the log from there; others are played, two agents' together."""
    where = json.dumps([contest.env_id, dict(contest.env_kwargs)], sort_keys=True)
    batch = f"matches-{re.sub(r'[^A-Za-z0-9.]+', '-', contest.env_id)}-{_digest(where)}"
    found: dict[str, Episode] = {} if store is None else {episode.id: episode for episode in logged(store, batch)}
    jobs = [_job(contest, made, seed, pairing) for pairing in pairings]
    waiting: dict[tuple[str, ...], list[MatchJob]] = {}
    for job in jobs:
        if job.id not in found:
            waiting.setdefault(tuple(sorted(job.players)), []).append(job)
    common = replace(everybody, course=contest.env_id, seed=seed, tags={"phase": PHASE})
    for pair, several in waiting.items():
        for start in range(0, len(several), CHUNK):
            crew.ask(replace(common, name=" against ".join(pair), jobs=tuple(several[start : start + CHUNK])))
    for part, played in crew:
        if store is not None:
            store.append(played.episodes, batch)
        found |= {episode.id: episode for episode in played.episodes}
        told(part, played)
    return [[score(found[job.id], role) for role in found[job.id].outcome] for job in jobs]


def _job(contest: Contest, made: Mapping[str, str], seed: int, pairing: Pairing) -> MatchJob:
    """The match of a pairing; its id tells agents of one name apart by what they are made of."""
    which = "-".join(made.get(name, "scripted") for name in pairing.seats)
    return MatchJob(
        id=f"{pairing.id}/{seed}/{which}",
        env_id=contest.env_id,
        env_kwargs=contest.env_kwargs,
        seed=pairing.seed,
        group_id=f"{contest.env_id}/{pairing.seed}",
        players=pairing.seats,
        agent_seed=derive_seed("contest", seed, pairing.id),
    )


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=4).hexdigest()
