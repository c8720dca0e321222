"""Schedules of jobs on machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from ..verdict import Verdict
from .answer import Rules, judge, read_assignment, read_integer
from .instance import freeze, integer, known, names


@dataclass(frozen=True, slots=True)
class Job:
    """Takes ``duration`` on ``machine`` without a break, between ``release`` and ``deadline`` (None: any time)."""

    duration: int
    machine: str = ""
    release: int = 0
    deadline: int | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Start each job so that its window is kept, a machine does one job at a time, and precedences hold.

    precedences: pairs of jobs; the first has ended when the second starts.
    end_by: the latest end of all; None for any. Times are whole numbers; a job may start when another ends.
    partial: a wrong answer's score is the fraction of rules kept (a window a job, an end a machine's job, precedences).

    The answer assigns every job its start (``answer.read_assignment``).

    Raises:
        ValueError: a duration below 1, a window too short, an unknown job, or precedences in a circle.
    """

    jobs: Mapping[str, Job]
    precedences: Sequence[tuple[str, str]] = ()
    end_by: int | None = None
    partial: bool = False

    def __post_init__(self) -> None:
        jobs = dict(zip(names(self.jobs, "jobs"), self.jobs.values(), strict=True))
        if not jobs:
            raise ValueError("jobs hold one or more")
        for name, job in jobs.items():
            integer(job.duration, f"the duration of {name}", 1)
            integer(job.release, f"the release of {name}", 0)
            if job.deadline is not None:
                integer(job.deadline, f"the deadline of {name}", job.release + job.duration)
        precedences = tuple((known(a, jobs, "precedences"), known(b, jobs, "precedences")) for a, b in self.precedences)
        order: TopologicalSorter[str] = TopologicalSorter()
        for before, after in precedences:
            order.add(after, before)
        try:
            order.prepare()
        except CycleError as error:
            raise ValueError(f"precedences go round in a circle: {', '.join(error.args[1])}") from error
        if self.end_by is not None:
            integer(self.end_by, "end_by", 1)
        freeze(self, jobs=jobs, precedences=precedences)

    def verify(self, response: str) -> Verdict:
        return judge(response, self._read, self._rules, self.partial)

    def _read(self, text: str) -> dict[str, int]:
        starts = read_assignment(text, tuple(self.jobs))
        return {name: read_integer(starts[name]) for name in self.jobs}

    def _rules(self, starts: dict[str, int]) -> Rules:
        ends = {name: starts[name] + job.duration for name, job in self.jobs.items()}
        for name, job in self.jobs.items():
            if starts[name] < job.release:
                yield f"{name} starts at {starts[name]}, before {job.release}"
            else:
                late = job.deadline is not None and ends[name] > job.deadline
                yield f"{name} ends at {ends[name]}, after {job.deadline}" if late else None
        for machine in dict.fromkeys(job.machine for job in self.jobs.values()):
            order = sorted((starts[name], name) for name, job in self.jobs.items() if job.machine == machine)
            for (_, first), (start, second) in pairwise(order):
                where = f" on {machine}" if machine else ""
                yield f"{second} starts at {start}, before {first} ends{where}" if start < ends[first] else None
        for a, b in self.precedences:
            yield None if ends[a] <= starts[b] else f"{b} starts at {starts[b]}, before {a} ends at {ends[a]}"
        if self.end_by is not None:
            last = max(ends.values())
            yield None if last <= self.end_by else f"the last job ends at {last}, after {self.end_by}"
