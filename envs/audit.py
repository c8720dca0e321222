"""Audit: what policies that do not reason earn from a task's verifier, and whether attacks get a verdict at all."""

from __future__ import annotations

import math
import multiprocessing
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from .blind import Blind
from .cheats import ATTACKS, CHEATS, Cheat, attacks, cheats
from .dialogue import Dialogue
from .registration import make_task
from .task import OracleMissing, Problem, Task, reseed, sample_problem

PROBLEMS = 300  # a level, on which a cheat's mean score is measured
MAX_SECONDS = (
    2.0  # of processor time for the verdict on any one answer, so that the finding does not depend on the load
)
GRACE = 20.0  # seconds beyond by the clock on the wall, after which a judging process is killed

Case = tuple[Problem, str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One verdict's score (nan: undecided) and processor time; ``fault`` when there was none, and why."""

    score: float
    seconds: float
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Earned:
    """What one policy earned at the difficulty where it earned most.

    mean: its score over all problems, an undecided verdict counting 0. allowed: the task's ceiling, with three
    standard errors for chance; 1 for a bomb, which answers one problem and might be right. slowest: seconds of
    processor time of its slowest verdict. fault: why an answer got no verdict.
    """

    kind: str
    policy: str
    difficulty: int
    mean: float
    allowed: float
    undecided: int
    slowest: float
    fault: str = ""

    @property
    def ok(self) -> bool:
        return not self.fault and self.mean <= self.allowed and self.slowest <= MAX_SECONDS


@dataclass(frozen=True, slots=True)
class Audit:
    """A row a policy, and the file that code in an answer would have made, if one was executed."""

    task: str
    rows: tuple[Earned, ...]
    executed: bool

    @property
    def ok(self) -> bool:
        return not self.executed and all(row.ok for row in self.rows)


def audit(id_or_task: str | Task, problems: int = PROBLEMS, kinds: Collection[str] = (*CHEATS, *ATTACKS)) -> Audit:
    """Let every cheating policy answer ``problems`` problems at the lowest, middle and highest difficulty.

    Verdicts are given in a forked process, which is killed when one never comes.
    """
    task = make_task(id_or_task) if isinstance(id_or_task, str) else id_or_task
    if isinstance(task, Dialogue):
        task = Blind(task)
    found: dict[str, Earned] = {}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "PWNED"
        for level in levels(task):
            for earned in _at_level(task, level, problems, kinds, str(target)):
                worst = found.get(earned.policy)
                if worst is None or (earned.ok, -earned.mean) < (worst.ok, -worst.mean):
                    found[earned.policy] = earned
        executed = target.exists()
    return Audit(task.id or type(task).__qualname__, tuple(found.values()), executed)


def _at_level(task: Task, level: int, count: int, kinds: Collection[str], target: str) -> Iterator[Earned]:
    problems = [sample_problem(task, seed, level) for seed in range(count)]
    # Answers to other problems: the best constant must not be chosen on the problems that it is measured on.
    others = [sample_problem(task, seed, level) for seed in range(count, 2 * count)]
    known = [] if try_solve(task, others[0]) == "" else [solve(task, other).splitlines()[-1] for other in others]
    policies = [one for one in (*cheats(problems, known), *attacks(count, target)) if one.kind in kinds]
    cases = [case for policy in policies for case in zip(problems, policy.responses, strict=False)]
    judgements = judge(task, cases)
    for policy in policies:
        yield _earned(task, policy, level, [next(judgements) for _ in policy.responses])


def _earned(task: Task, policy: Cheat, level: int, judged: Sequence[Judgement]) -> Earned:
    scores = [0.0 if math.isnan(one.score) else one.score for one in judged]
    error = math.sqrt(task.ceiling * (1 - task.ceiling) / len(scores))
    return Earned(
        kind=policy.kind,
        policy=policy.name,
        difficulty=level,
        mean=math.fsum(scores) / len(scores),
        allowed=1.0 if policy.kind == "bomb" else task.ceiling + 3 * error,
        undecided=sum(math.isnan(one.score) and not one.fault for one in judged),
        slowest=max(one.seconds for one in judged),
        fault=next((one.fault for one in judged if one.fault), ""),
    )


def judge(task: Task, cases: Sequence[Case]) -> Iterator[Judgement]:
    """Verdicts in order, from a forked process; one that hangs or dies is replaced and its case is a fault."""
    done = 0
    while done < len(cases):
        receiver, sender = multiprocessing.get_context("fork").Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(
            target=_judge_all, args=(task, cases[done:], sender), daemon=True
        )
        process.start()
        sender.close()
        try:
            while done < len(cases):
                done += 1
                judgement = _received(receiver)
                yield judgement
                if judgement.seconds == math.inf:
                    break
        finally:
            process.kill()
            process.join()
            receiver.close()


def _judge_all(task: Task, cases: Sequence[Case], sender: Connection) -> None:
    for problem, response in cases:
        start = time.process_time()
        try:
            judged = (task.verify(problem, response).score, "")
        except BaseException as error:
            judged = (math.nan, f"{type(error).__name__}: {error}"[:200])
        sender.send((*judged, time.process_time() - start))


def _received(receiver: Connection) -> Judgement:
    if not receiver.poll(MAX_SECONDS + GRACE):
        return Judgement(math.nan, math.inf, f"no verdict within {MAX_SECONDS + GRACE:.0f} s")
    try:
        score, fault, seconds = receiver.recv()
    except EOFError:
        return Judgement(math.nan, math.inf, "the process died")
    return Judgement(score, seconds, fault)


def levels(task: Task) -> list[int]:
    """The lowest, middle and highest difficulty."""
    all_levels = task.difficulties
    return sorted({all_levels[0], all_levels[len(all_levels) // 2], all_levels[-1]})


def solve(task: Task, problem: Problem) -> str:
    """The oracle's response, the same each time.

    Raises:
        OracleMissing: the task has none.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    reseed(rng, problem.prompt)
    return task.solve(problem, rng)


def try_solve(task: Task, problem: Problem) -> str:
    """The oracle's response, or nothing where there is no oracle."""
    try:
        return solve(task, problem)
    except OracleMissing:
        return ""
