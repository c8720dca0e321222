"""Agents measured side by side: each on the same problems of each environment, logged, and not played twice."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from palaestra.agents.agent import Agent
from palaestra.agents.agent_folder import AgentSpec, open_agent, read_spec
from palaestra.episodes import Episode, EpisodeStore

from .answer_parts import judge_parts
from .contamination import MEASURED, seen_among, trained_on
from .crew import Counts, Crew, Part, Player
from .environments import Environments, labels
from .evaluate import Evaluation, held_out, problem_key, reward, summarise
from .rollout import Job
from .significance import Comparison, compare, corrected

CHUNK = 512  # episodes that are logged together: what a kill can cost


@dataclass(frozen=True, slots=True)
class Course:
    """What agents are measured by: held-out problems of one environment, and how often each is answered.

    difficulties: asked in turn. seeds: each stands for ``problems`` problems of its own.
    """

    env_id: str
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    difficulties: Sequence[int] = (1,)
    problems: int = 256
    seeds: Sequence[int] = (0,)
    samples: int = 1

    def series(self) -> dict[int, list[Job]]:
        """The jobs of each seed."""
        return {seed: held_out(*self._where(), self.problems, seed, self.samples) for seed in self.seeds}

    def key(self) -> str:
        """Names environment, knobs and difficulties; problems, seeds and samples may grow under it."""
        return json.dumps(self._where(), sort_keys=True)

    def _where(self) -> tuple[str, Mapping[str, Any], Sequence[int]]:
        return self.env_id, dict(self.env_kwargs), list(self.difficulties)


@dataclass(frozen=True, slots=True)
class Entrant:
    """An agent as it enters a board.

    load: makes it, when its turn comes. settings: whatever of it its weights do not tell, such as how it samples; an
    agent of the same name, weights and settings is not played again. trained_on: as ``contamination`` names problems.
    """

    name: str
    load: Callable[[], Agent]
    settings: str = ""
    trained_on: frozenset[str] = frozenset()


def entrant(spec: AgentSpec | str | os.PathLike[str], name: str = "", folder: Path | None = None) -> Entrant:
    """An agent by its spec, or by whatever ``read_spec`` takes: a folder, a hub id, openai:MODEL@URL, random, oracle.

    name: the spec's own without it. folder: where it lies; one of a run brings the problems that the run trained on.

    Raises:
        AgentError: as ``read_spec`` does.
    """
    if not isinstance(spec, AgentSpec):
        folder = Path(spec)
        spec = read_spec(spec)
    run = run_of(folder)
    seen = trained_on(run / "episodes") if run is not None else set[str]()
    model = str(Path(spec.source).resolve()) if Path(spec.source).is_dir() else spec.source
    told = repr(replace(spec, name="", licence="", model=model))
    if spec.examples:  # a log grows
        told += repr([(file.name, file.stat().st_size) for file in EpisodeStore(spec.examples).files()])
    return Entrant(name or spec.title, partial(open_agent, spec), told, frozenset(seen))


def run_of(folder: Path | None) -> Path | None:
    """The run that an agent's folder is in; None elsewhere."""
    where = None if folder is None else folder.resolve()
    inside = where is not None and where.is_dir() and where.parent.name == "agents"
    return where.parent.parent if where is not None and inside else None


def measure_all(
    entrants: Sequence[Entrant],
    courses: Sequence[Course],
    folder: Path | None = None,
    workers: int = 1,
    progress: Callable[[str], None] = lambda said: None,
    noted: Callable[[str, Counts], None] = lambda name, counts: None,
    earlier: Mapping[str, Mapping[str, Mapping[str, float]]] = MappingProxyType({}),
) -> tuple[list[Evaluation], list[Comparison]]:
    """Every agent in every environment, and each beside the best there.

    folder: of a run, whose log the episodes are added to; those that are there are not played again. workers: processes
    that play, each a part at a time (at most ``CHUNK`` episodes of one agent, environment and seed); one is this
    process. progress: is told what was played last, and how much is left. noted: is told what an agent's strategies
    counted. earlier: scores by course, agent and problem of others, which these are compared with too.

    Raises:
        ValueError: two agents of one name, or the same environment twice.
        PlayerDied: a worker was killed; all other parts are in the log then.
    """
    if twice := sorted(name for name, n in Counter(entrant.name for entrant in entrants).items() if n > 1):
        raise ValueError(f"two agents are called {twice[0]}: give them names in their agent.yaml, or name one only")
    store = None if folder is None else EpisodeStore(folder / "episodes")
    titles = labels(courses)
    found: dict[tuple[str, str], tuple[Evaluation, dict[str, float]]] = {}
    with Environments() as environments, Crew([entrant.load for entrant in entrants], workers) as crew:
        asked = dict(zip(titles, courses, strict=True))
        for entrant, label, episodes in _played(crew, entrants, asked, store, progress, noted):
            seen = seen_among(episodes, set(entrant.trained_on))
            parts = asdict(judge_parts(episodes, environments))
            settings = hashlib.blake2b(entrant.settings.encode(), digest_size=4).hexdigest()
            row = replace(summarise(episodes, entrant.name), env_id=label, seen=seen, settings=settings, **parts)
            found[entrant.name, label] = row, by_problem(episodes)
    rows = [found[entrant.name, label][0] for entrant in entrants for label in titles]
    scores = {
        label: {**earlier.get(label, {}), **{entrant.name: found[entrant.name, label][1] for entrant in entrants}}
        for label in titles
    }
    return rows, corrected([one for label in titles for one in beside_the_best(label, scores[label])])


class Sheet:
    """An agent's episodes of a course: those in the log, and those that come."""

    def __init__(self, entrant: Entrant, weights_hash: str, course: Course, store: EpisodeStore | None) -> None:
        told = json.dumps([entrant.name, entrant.settings, weights_hash, course.key()])
        self.batch = f"{slug(entrant.name)}-{hashlib.blake2b(told.encode(), digest_size=6).hexdigest()}"
        self.series, self.store = course.series(), store
        self.found = {} if store is None else {episode.id: episode for episode in logged(store, self.batch)}

    def parts(self) -> Iterator[tuple[int, tuple[Job, ...]]]:
        """What is not there, in the parts that are logged together: a seed, and at most ``CHUNK`` jobs of it."""
        for seed, jobs in self.series.items():
            waiting = [job for job in jobs if job.id not in self.found]
            yield from ((seed, tuple(waiting[start : start + CHUNK])) for start in range(0, len(waiting), CHUNK))

    def add(self, episodes: Sequence[Episode]) -> None:
        if self.store is not None:
            self.store.append(episodes, self.batch)
        self.found |= {episode.id: episode for episode in episodes}

    def episodes(self) -> list[Episode] | None:
        """In the order of the jobs; None while some are not there."""
        jobs = [job.id for several in self.series.values() for job in several]
        return [self.found[job] for job in jobs] if self.found.keys() >= set(jobs) else None


def _played(
    crew: Crew,
    entrants: Sequence[Entrant],
    courses: Mapping[str, Course],
    store: EpisodeStore | None,
    progress: Callable[[str], None],
    noted: Callable[[str, Counts], None],
) -> Iterator[tuple[Entrant, str, list[Episode]]]:
    """Each agent's episodes of each course, when all are there: from the log, and what is not there is played."""
    sheets: dict[tuple[str, str], Sheet] = {}
    for number, entrant in enumerate(entrants):
        crew.ask(Part({entrant.name: number}, entrant.name))
    known = {entrant.name: entrant for entrant in entrants}
    for part, played in crew:
        entrant = known[part.name]
        noted(entrant.name, played.counts[entrant.name])
        if part.jobs:
            sheets[entrant.name, part.course].add(played.episodes)
            progress(f"{part.title}: {crew.done} of {crew.asked} parts played")
        else:
            for label, course in courses.items():
                sheets[entrant.name, label] = Sheet(entrant, played.weights[entrant.name], course, store)
                for seed, jobs in sheets[entrant.name, label].parts():
                    crew.ask(replace(part, course=label, seed=seed, jobs=jobs, tags=_tags(entrant)))
        for label in [part.course] if part.jobs else courses:
            if (episodes := sheets[entrant.name, label].episodes()) is not None:
                del sheets[entrant.name, label]
                yield entrant, label, episodes


def play(
    entrant: Entrant, agent: Agent, course: Course, store: EpisodeStore | None, environments: Environments
) -> list[Episode]:
    """An agent's episodes of a course, in the order of its jobs: from the log, and what is not there is played."""
    sheet, player = Sheet(entrant, agent.actor.weights_hash, course, store), Player([lambda: agent], environments)
    for seed, jobs in sheet.parts():
        part = Part({entrant.name: 0}, entrant.name, course.env_id, seed, jobs, _tags(entrant))
        sheet.add(player.play(part).episodes)
    episodes = sheet.episodes()
    assert episodes is not None
    return episodes


def _tags(entrant: Entrant) -> dict[str, str]:
    return {"phase": MEASURED, "agent": entrant.name}


def by_problem(episodes: Iterable[Episode]) -> dict[str, float]:
    """Mean reward of each problem over its decided answers; one without any is left out."""
    groups: dict[str, list[float]] = {}
    for episode in episodes:
        if (value := reward(episode)) == value:
            groups.setdefault(problem_key(episode), []).append(value)
    return {key: sum(values) / len(values) for key, values in groups.items()}


def beside_the_best(env_id: str, scores: Mapping[str, Mapping[str, float]]) -> list[Comparison]:
    """Each agent beside the one of the highest mean, where they have problems in common; not corrected yet."""
    means = {name: sum(found.values()) / len(found) for name, found in scores.items() if found}
    if len(means) < 2:
        return []
    best = max(means, key=means.__getitem__)
    others = [name for name in means if name != best and scores[name].keys() & scores[best].keys()]
    return [compare(env_id, name, best, scores[name], scores[best]) for name in others]


def logged(store: EpisodeStore, batch: str) -> list[Episode]:
    """The episodes of all batches of that name."""
    files = [file for file in store.files() if file.stem.split("-", 1)[1] == batch]
    return list(store.read(*files)) if files else []


def slug(name: str) -> str:
    return re.sub(r"[^\w.]+", "-", name).strip("-")[:60]
