"""A crew that plays what agents are measured by: this process alone, or several that each take a part at a time."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType

from palaestra.agents.agent import Agent
from palaestra.agents.strategies.asking import counted
from palaestra.episodes import Episode

from .environments import Environments
from .matches import MatchJob, play_matches
from .rollout import Job, rollout

Load = Callable[[], Agent]
Counts = Mapping[str, Mapping[str, int]]  # a strategy's name -> what amiss -> how often, as ``counted`` gives it


class PlayerDied(RuntimeError):
    """A process ended before its part was played; the message names the part."""


@dataclass(frozen=True, slots=True)
class Part:
    """Jobs that are played together: of one agent, or matches among several; without any the agents are only made.

    agents: all that are to be at hand, by name, with their places among the crew's; who sits in a match, the job says.
    name: of who plays. course, seed: of what. tags: of the episodes.
    """

    agents: Mapping[str, int]
    name: str
    course: str = ""
    seed: int = 0
    jobs: tuple[Job, ...] | tuple[MatchJob, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def places(self) -> frozenset[int]:
        return frozenset(self.agents.values())

    @property
    def title(self) -> str:
        return f"{self.name} on {self.course}, seed {self.seed}" if self.jobs else f"loading {self.name}"


@dataclass(frozen=True, slots=True)
class Played:
    """What comes of a part: its episodes, each with its share of the time, and of each agent its weights' hash and what
    its strategies counted.
    """

    weights: Mapping[str, str]
    episodes: list[Episode]
    counts: Mapping[str, Counts]


class Player:
    """Plays parts one by one, in whatever process it is; of the agents it keeps those of the last part."""

    def __init__(self, loads: Sequence[Load], environments: Environments) -> None:
        self.loads, self.environments = loads, environments
        self.made: dict[int, Agent] = {}

    def play(self, part: Part) -> Played:
        self.made = {
            place: agent for place, agent in self.made.items() if place in part.places
        }  # gone before others come
        for place in sorted(part.places - self.made.keys()):
            self.made[place] = self.loads[place]()
        agents = {name: self.made[place] for name, place in part.agents.items()}
        before, began = {name: counted(agent) for name, agent in agents.items()}, time.perf_counter()
        episodes = list(_episodes(agents, part, self.environments))
        share = (time.perf_counter() - began) / max(1, len(episodes))
        episodes = [replace(one, cost=replace(one.cost, seconds=share)) for one in episodes]
        weights = {name: agent.actor.weights_hash for name, agent in agents.items()}
        return Played(weights, episodes, {name: _since(before[name], counted(agent)) for name, agent in agents.items()})


def _episodes(agents: Mapping[str, Agent], part: Part, environments: Environments) -> Iterable[Episode]:
    """What a part's jobs come to, all of them at once."""
    matches = [job for job in part.jobs if isinstance(job, MatchJob)]
    if matches:
        return play_matches(agents, matches, part.tags, len(matches))
    (agent, *_), jobs = agents.values(), [job for job in part.jobs if isinstance(job, Job)]
    return rollout(agent, jobs, part.tags, max(1, len(jobs)), environments)


class Crew:
    """Plays all parts that are asked for; a context manager that ends its processes.

    One worker is this process, and plays parts in their order, those of the agents at hand first. Several are processes
    of their own (spawned: what they are given is pickled), each with its share of this one's threads. A part is played
    the same way by either. While its answers are gone through, and after, further parts may be asked for.
    """

    def __init__(self, loads: Sequence[Load], workers: int = 1) -> None:
        """loads: makes each agent.

        Raises:
            ValueError: no worker at all, or several and an agent that cannot be sent to them.
        """
        if workers < 1:
            raise ValueError(f"{workers} workers play nothing: ask for one or more")
        try:
            pickle.dumps(loads if workers > 1 else ())
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            how = "let measure.entrant make it, or a function of a module that can be imported"
            raise ValueError(f"an agent cannot be sent to {workers} workers ({error}): {how}") from error
        self.loads, self.workers = loads, workers
        self.environments = Environments()
        self.player = Player(loads, self.environments)  # where this process is the one worker
        self.waiting: list[Part] = []
        self.hands: list[_Hand] = []
        self.lost: list[str] = []
        self.asked = self.done = 0  # parts with jobs

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.environments.close()
        while self.hands:
            self.hands.pop().end()

    def ask(self, part: Part) -> None:
        self.waiting.append(part)
        self.asked += bool(part.jobs)

    def __iter__(self) -> Iterator[tuple[Part, Played]]:
        """Each part with what came of it, as they are done.

        Raises:
            PlayerDied: a process did, after all other parts that were asked for were played.
            Exception: whatever an agent or an environment raises, at once.
        """
        for part, played in self._alone() if self.workers == 1 else self._together():
            self.done += bool(part.jobs)
            yield part, played
        if self.lost:
            how = "the same again plays what is not in the log, with fewer workers where memory ran out"
            raise PlayerDied(f"{'; '.join(self.lost)}. All else was played: {how}")

    def _alone(self) -> Iterator[tuple[Part, Played]]:
        while self.waiting:
            part = self._next(frozenset(self.player.made))
            yield part, self.player.play(part)

    def _together(self) -> Iterator[tuple[Part, Played]]:
        while self.waiting or any(hand.part for hand in self.hands):
            for hand in [hand for hand in self.hands if hand.part is None]:
                if self.waiting:
                    hand.give(self._next(hand.at))
            while self.waiting and len(self.hands) < self.workers:
                self.hands.append(_Hand(self.loads, max(1, _threads() // self.workers)))
                self.hands[-1].give(self._next(frozenset()))
            for ready in wait([hand.connection for hand in self.hands if hand.part]):
                hand = next(hand for hand in self.hands if hand.connection is ready)
                part, answer = hand.take()
                if isinstance(answer, Exception):
                    raise answer
                if isinstance(answer, Played):
                    yield part, answer
                    continue
                self.lost.append(f"{part.title}: the process that played it {answer}")
                self.hands.remove(hand)
                hand.end()

    def _next(self, places: frozenset[int]) -> Part:
        """The first part of the agents at hand, else of those that nobody has made yet, else the first."""
        order = [one for one in self.waiting if one.places == places] or [one for one in self.waiting if not one.jobs]
        part = (order or self.waiting)[0]
        self.waiting.remove(part)
        return part


class _Hand:
    """A process of the crew, as this one holds it."""

    def __init__(self, loads: Sequence[Load], threads: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.connection, far = spawn.Pipe()
        self.process: BaseProcess = spawn.Process(target=_serve, args=(far, loads), name="palaestra player")
        self.part: Part | None = None
        self.at: frozenset[int] = frozenset()
        with far, _started_with(threads):
            self.process.start()

    def give(self, part: Part) -> None:
        self.part, self.at = part, part.places
        with suppress(OSError):  # it has ended already: ``take`` says so
            self.connection.send(part)

    def take(self) -> tuple[Part, Played | Exception | str]:
        """Its part with the answer: an error of the agent's or the environment's, or how the process ended."""
        assert self.part is not None
        part, self.part = self.part, None
        try:
            answer: Played | Exception | str = self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            code = self.process.exitcode or 0
            answer = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return part, answer

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


@contextmanager
def _started_with(threads: int) -> Iterator[None]:
    """What is started inside computes with so many threads, and from its first moment leaves Ctrl-C to this process."""
    resource_tracker.ensure_running()  # multiprocessing's own process, whose start would let Ctrl-C in again
    before = os.environ.get("OMP_NUM_THREADS")
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.environ["OMP_NUM_THREADS"] = str(threads)
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]
        if before is not None:
            os.environ["OMP_NUM_THREADS"] = before
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _threads() -> int:
    """How many threads this process computes with."""
    if "torch" in sys.modules:
        return int(sys.modules["torch"].get_num_threads())
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))


def _serve(connection: Connection, loads: Sequence[Load]) -> None:
    """What a process of the crew does until it is ended, or the one that started it is."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with Environments() as environments, suppress(EOFError, BrokenPipeError):
        player = Player(loads, environments)
        while True:
            connection.send(_answer(player, connection.recv()))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _answer(player: Player, part: Part) -> Played | Exception | str:
    try:
        return player.play(part)
    except MemoryError:
        return "ran out of memory"
    except Exception as error:  # whatever it is, it is raised where the crew is
        error.add_note(f"in the process that played {part.title}:\n{traceback.format_exc()}")
        try:
            pickle.dumps(copy.copy(error))  # made again as the one who receives it does
        except Exception:  # not all can be
            return RuntimeError(f"{type(error).__name__}: {error}")
        return error


def _since(before: Counts, now: Counts) -> Counts:
    """What was counted between two counts."""
    return {
        layer: {what: count - before.get(layer, {}).get(what, 0) for what, count in counts.items()}
        for layer, counts in now.items()
    }
