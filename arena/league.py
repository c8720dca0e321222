"""The league: who a learner meets. Its own frozen selves, a folder each, scripted anchors, and how they are chosen."""

from __future__ import annotations

import json
import shutil
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palaestra.agents.agent import Agent
from palaestra.episodes import Episode

from .anchors import Anchor, score, seat_of
from .ratings import Match, Rating, bradley_terry
from .run_folder import write_whole
from .self_play import SelfPlay

RIVALS = 4  # opponents of one round, so that at most so many models are in memory
PRIOR_GAMES = 2  # drawn ones, that an opponent is thought to have played before its first
NEAR = 200.0  # Elo points that are a small difference


class League:
    """A pool on disk, and what the learner's matches against its members came to.

    selves, exploiters: names of the frozen selves, and of whoever was trained against one, oldest first, each a folder
        in ``folder``.
    results: by era (the frozen self that a learner was on the way to) and opponent: the summed score, and the games.
    broken: members that could not be loaded, never drawn again.
    """

    def __init__(self, folder: Path, spec: SelfPlay, load: Callable[[str, str], Agent] | None = None) -> None:
        """load: of an agent's folder and name; ``load_policy`` unless given."""
        self.folder, self.spec = folder, spec
        self.selves: list[str] = []
        self.exploiters: list[str] = []
        self.results: dict[str, dict[str, list[float]]] = {}
        self.broken: list[str] = []
        self.eras = 0
        self._saved: set[str] = set()  # members that the latest checkpoint names: it needs their folders
        self._load = load or _load_policy
        self._loaded: OrderedDict[str, Agent] = OrderedDict()

    @property
    def era(self) -> str:
        return f"era {self.eras}"

    @property
    def members(self) -> list[str]:
        """Who can be drawn: the anchors, then the exploiters and the frozen selves, oldest first."""
        frozen = () if self.spec.opponents == "anchors" else (*self.exploiters, *self.selves)
        return [name for name in (*self.spec.anchors, *frozen) if name not in self.broken]

    def draw(self, rng: np.random.Generator, count: int = RIVALS) -> list[str]:
        """Opponents, with repetition, by the weights of the league's matchmaking.

        Raises:
            ValueError: there is nobody to draw.
        """
        members = self.members
        if not members:
            raise ValueError(f"nobody is left to play against in {self.folder}: give self_play.anchors, or opponents")
        weights = MATCHMAKING[self.spec.opponents](self)
        return [members[k] for k in rng.choice(len(members), size=count, p=weights / weights.sum())]

    def seat(self, names: Sequence[str]) -> dict[str, Agent]:
        """The agents of these names, loaded on demand; one that does not load is told, left out, and never drawn again.

        No more than ``RIVALS`` frozen selves stay in memory.
        """
        agents: dict[str, Agent] = {}
        for name in dict.fromkeys(names):
            try:
                agents[name] = self._agent(name)
            except (OSError, ValueError, RuntimeError) as error:
                self.broken.append(name)
                reason = str(error).splitlines()[0]
                warnings.warn(f"{name} of the league could not be loaded and is left out: {reason}", stacklevel=2)
        return agents

    def opponents(self, rng: np.random.Generator) -> tuple[list[str], dict[str, Agent]]:
        """Those drawn for a round, with repetition, and their agents; of those that load, and drawn anew if none does.

        Raises:
            ValueError: as ``draw`` does.
        """
        agents: dict[str, Agent] = {}
        while not agents:
            names = self.draw(rng)
            agents = self.seat(names)
        return [name for name in names if name in agents], agents

    def take(self, episodes: Sequence[Episode], learner: str) -> None:
        """Count the decided matches in which the learner met somebody else."""
        for episode in episodes:
            role = seat_of(episode, learner)
            others = [actor.agent_id for actor in episode.roles.values() if actor.agent_id != learner]
            if others and episode.outcome[role].decided:
                self.record(others[0], score(episode, role))

    def record(self, opponent: str, score: float) -> None:
        """Count a match of the learner: 1 won, 0.5 drawn, 0 lost, or between."""
        counted = self.results.setdefault(self.era, {}).setdefault(opponent, [0.0, 0.0])
        counted[0] += score
        counted[1] += 1

    def expected(self, opponent: str) -> float:
        """The learner's score against an opponent in this era, drawn towards 0.5 while it has hardly met it."""
        total, games = self.results.get(self.era, {}).get(opponent, (0.0, 0.0))
        return (total + 0.5 * PRIOR_GAMES) / (games + PRIOR_GAMES)

    def progress(self) -> float:
        """The learner's mean score in this era against whoever it met; 1 when it has met nobody."""
        met = self.results.get(self.era, {}).values()
        games = sum(count for _, count in met)
        return sum(total for total, _ in met) / games if games else 1.0

    def admit(self, name: str, save: Callable[[Path, str], Any]) -> None:
        """Freeze the learner as ``folder/name``, begin its next era, and let go of the oldest beyond ``keep``."""
        save(self.folder, name)
        if self.results.get(self.era):
            self.results[name] = self.results.pop(self.era)
        self.eras += 1
        self.selves = self._newest([*self.selves, name])

    def admit_exploiter(self, name: str, save: Callable[[Path, str], Any]) -> None:
        """Freeze whoever learned to beat the learner as ``folder/name``; the learner's era goes on."""
        save(self.folder, name)
        self.exploiters = self._newest([*self.exploiters, name])

    def _newest(self, names: list[str]) -> list[str]:
        """The newest ``keep`` of them; the folders of the others go, but for those that a checkpoint needs."""
        self._drop({*names[: -self.spec.keep]} - self._saved)
        return names[-self.spec.keep :]

    def saved(self) -> None:
        """A checkpoint of now is safe: folders that only the one before it needed go."""
        named = {*self.selves, *self.exploiters}
        self._drop(self._saved - named)
        self._saved = named

    def _drop(self, names: Iterable[str]) -> None:
        for name in names:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def ratings(self) -> list[Rating]:
        """Everybody who has met anybody, by Bradley and Terry; none before the first match.

        Each era's learner is thought to have drawn once with that of the era before, whose weights it began with: so
        eras compare though they met nobody in common.
        """
        matches = [
            Match(one, other, total / games)
            for one, met in self.results.items()
            for other, (total, games) in met.items()
            for _ in range(min(int(games), 100))  # enough to weigh pairs, few enough to be quick
            if one != other
        ]
        matches += [Match(one, before, 0.5) for before, one in pairwise(self.results)]
        return bradley_terry(matches, resamples=0, prior_draws=1.0) if matches else []

    def write(self) -> None:
        """``league.json``, for people and programs: members, results, ratings."""
        shown = {
            **self.state_dict(),
            "anchors": list(self.spec.anchors),
            "ratings": {rating.agent: round(rating.rating, 1) for rating in self.ratings()},
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / "league.json", json.dumps(shown, indent=1) + "\n")

    def state_dict(self) -> dict[str, Any]:
        names = ("selves", "exploiters", "results", "broken", "eras")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.selves, self.broken, self.eras = list(state["selves"]), list(state["broken"]), state["eras"]
        self.exploiters = list(state.get("exploiters", ()))
        self._saved = {*self.selves, *self.exploiters}
        self.results = {one: {other: list(of) for other, of in met.items()} for one, met in state["results"].items()}

    def _agent(self, name: str) -> Agent:
        if name in self._loaded:
            self._loaded.move_to_end(name)
            return self._loaded[name]
        if name in (*self.selves, *self.exploiters):
            agent = self._load(str(self.folder / name), name)
        elif Path(name).is_dir():
            agent = self._load(name, name)
        else:
            return Anchor(name)
        self._loaded[name] = agent
        while len(self._loaded) > RIVALS:
            self._loaded.popitem(last=False)
        return agent


def _load_policy(folder: str, name: str) -> Agent:
    from palaestra.agents.pretrained import load_policy

    return load_policy(folder, name=name)


def _uniform(league: League) -> NDArray[np.float64]:
    return np.ones(len(league.members))


def _latest(league: League) -> NDArray[np.float64]:
    weights = np.zeros(len(league.members))
    weights[-1] = 1.0
    return weights


def _prioritised(league: League) -> NDArray[np.float64]:
    return np.array([(1 - league.expected(name)) ** 2 for name in league.members])


def _by_rating(league: League) -> NDArray[np.float64]:
    """exp(-(Δ / 200)²) of the difference Δ to the learner; who has met nobody yet counts as its equal."""
    known = {rating.agent: rating.rating for rating in league.ratings()}
    mine = known.get(league.era, 1000.0)
    gaps = np.array([known.get(name, mine) - mine for name in league.members])
    weights: NDArray[np.float64] = np.exp(-((gaps / NEAR) ** 2)) + 1e-6
    return weights


MATCHMAKING: dict[str, Callable[[League], NDArray[np.float64]]] = {
    "self": _latest,  # never drawn from: the policy sits in every seat
    "latest": _latest,
    "uniform": _uniform,
    "prioritised": _prioritised,
    "rating": _by_rating,
    "anchors": _uniform,
}
