"""Agents measured side by side: each on the same problems of each environment, logged, and not played twice."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from palaestra.agents.agent import Agent
from palaestra.agents.agent_folder import AgentSpec, open_agent, read_spec
from palaestra.episodes import Episode, EpisodeStore

from .answer_parts import judge_parts
from .contamination import MEASURED, seen_among, trained_on
from .environments import Environments
from .evaluate import Evaluation, held_out, problem_key, reward, summarise
from .rollout import Job, rollout
from .significance import Comparison, compare, holm

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

    def jobs(self) -> list[Job]:
        return [job for seed in self.seeds for job in held_out(*self._where(), self.problems, seed, self.samples)]

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
    told = repr(replace(spec, name="", licence=""))
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
    told: Callable[[str, Evaluation], None] = lambda name, row: None,
) -> tuple[list[Evaluation], list[Comparison]]:
    """Every agent in every environment, and each beside the best there.

    folder: of a run, whose log the episodes are added to; those that are there are not played again. told: is called
    with each row as it comes.

    Raises:
        ValueError: two agents of one name, or the same environment twice.
    """
    if twice := sorted(name for name, n in Counter(entrant.name for entrant in entrants).items() if n > 1):
        raise ValueError(f"two agents are called {twice[0]}: give them names in their agent.yaml, or name one only")
    store = None if folder is None else EpisodeStore(folder / "episodes")
    rows: list[Evaluation] = []
    labels = _labels(courses)
    scores: dict[str, dict[str, dict[str, float]]] = {label: {} for label in labels}
    with Environments() as environments:
        for entrant in entrants:
            agent = entrant.load()
            for course, label in zip(courses, labels, strict=True):
                episodes = play(entrant, agent, course, store, environments)
                seen = seen_among(episodes, set(entrant.trained_on))
                parts = asdict(judge_parts(episodes, environments))
                row = replace(summarise(episodes, entrant.name), env_id=label, seen=seen, **parts)
                scores[label][entrant.name] = by_problem(episodes)
                rows.append(row)
                told(entrant.name, row)
    found = [one for label in labels for one in beside_the_best(label, scores[label])]
    return rows, corrected(found)


def play(
    entrant: Entrant, agent: Agent, course: Course, store: EpisodeStore | None, environments: Environments
) -> list[Episode]:
    """The agent's episodes of a course, in the order of its jobs: from the log, and what is not there is played."""
    jobs = course.jobs()
    told = json.dumps([entrant.name, entrant.settings, agent.actor.weights_hash, course.key()])
    batch = f"{_slug(entrant.name)}-{hashlib.blake2b(told.encode(), digest_size=6).hexdigest()}"
    found = {} if store is None else {episode.id: episode for episode in logged(store, batch)}
    waiting = [job for job in jobs if job.id not in found]
    for start in range(0, len(waiting), CHUNK):
        chunk = waiting[start : start + CHUNK]
        began = time.perf_counter()
        tags = {"phase": MEASURED, "agent": entrant.name}
        played = list(rollout(agent, chunk, tags, CHUNK, environments))
        share = (time.perf_counter() - began) / len(chunk)
        played = [replace(one, cost=replace(one.cost, seconds=share)) for one in played]
        if store is not None:
            store.append(played, batch)
        found |= {episode.id: episode for episode in played}
    return [found[job.id] for job in jobs]


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


def corrected(found: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons of a board, each with its p corrected for all of them."""
    adjusted = holm([one.p for one in found])
    return [replace(one, adjusted=p) for one, p in zip(found, adjusted, strict=True)]


def _labels(courses: Sequence[Course]) -> list[str]:
    """What each course is called: its environment, with the knobs where it is there with several."""
    several = Counter(course.env_id for course in courses)
    labels = [
        course.env_id + (f" {json.dumps(dict(course.env_kwargs))}" if several[course.env_id] > 1 else "")
        for course in courses
    ]
    if len(set(labels)) < len(labels):
        raise ValueError(f"{max(labels, key=labels.count)} is there twice: name each environment once")
    return labels


def logged(store: EpisodeStore, batch: str) -> list[Episode]:
    """The episodes of all batches of that name."""
    files = [file for file in store.files() if file.stem.split("-", 1)[1] == batch]
    return list(store.read(*files)) if files else []


def _slug(name: str) -> str:
    return re.sub(r"[^\w.]+", "-", name).strip("-")[:60]
