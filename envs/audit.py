"""Audit: what policies that do not reason earn from a task's verifier, and whether attacks get a verdict at all."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .blind import Blind
from .cheats import ATTACKS, CHEATS, Cheat, attacks, cheats, final_answer
from .dialogue import Dialogue
from .registration import make_task
from .seeding import reseed
from .task import OracleMissing, Problem, Task, sample_problem

PROBLEMS = 300  # a level, on which a cheat's mean score is measured
MAX_SECONDS = 2.0  # by the clock on the wall, for the verdict on any one answer
GRACE = 5.0  # seconds more, after which a judging process is killed
TRIES = 3  # of an answer that takes too long; its fastest counts, so that neither a busy machine nor an import decides
WARM_SECONDS = 60.0  # for a first answer, which loads what the verifier needs and is not timed
STUCK = 3  # answers that took too long in every try, after which no more are judged

DIED = "the process died"

Case = tuple[Problem, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Judgement:
    """One verdict's score (nan: undecided) and time; ``fault`` when there was none, and why."""

    score: float
    seconds: float
    fault: str = ""

    @property
    def late(self) -> bool:
        return self.seconds > MAX_SECONDS


@dataclass(frozen=True, slots=True)
class Earned:
    """What one policy earned at the difficulty where it earned most.

    mean: its score over all problems, an undecided verdict counting 0. allowed: the task's ceiling, with three
    standard errors for chance; 1 for a bomb, which answers one problem and might be right. slowest: seconds of its
    slowest verdict. fault: why an answer got no verdict.
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

    def of(self, kinds: Collection[str]) -> tuple[Earned, ...]:
        """The rows of these kinds of policies."""
        return tuple(row for row in self.rows if row.kind in kinds)


def audit(
    id_or_task: str | Task,
    problems: int = PROBLEMS,
    kinds: Collection[str] = (*CHEATS, *ATTACKS),
) -> Audit:
    """Let every cheating policy answer ``problems`` problems at the lowest, middle and highest difficulty.

    Verdicts are given in a forked process, which is killed when one never comes.
    """
    task = make_task(id_or_task) if isinstance(id_or_task, str) else id_or_task
    if isinstance(task, Dialogue):
        task = Blind(task)
    worsts: dict[str, Earned] = {}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "PWNED"
        tried: list[tuple[int, Cheat, list[Judgement]]] = []
        cases: list[Case] = []
        judged: list[list[Judgement]] = []  # to which the judgement of each case belongs
        for level in levels(task):
            asked, policies = _policies(task, level, problems, kinds, str(target))
            rows = [(level, policy, list[Judgement]()) for policy in policies]
            tried += rows
            for number, problem in enumerate(asked):  # problem by problem: what verifiers keep of one is used again
                answering = [row for row in rows if number < len(row[1].responses)]
                cases += [(problem, policy.responses[number]) for _, policy, _ in answering]
                judged += [found for _, _, found in answering]
        with contextlib.closing(judge(task, cases)) as judgements:
            for found, judgement in zip(judged, judgements, strict=True):
                found.append(judgement)
        for level, policy, found in tried:
            earned = _earned(task, policy, level, found)
            worst = worsts.get(earned.policy)
            if worst is None or (earned.ok, -earned.mean) < (worst.ok, -worst.mean):
                worsts[earned.policy] = earned
        executed = target.exists()
    return Audit(task.id or type(task).__qualname__, tuple(worsts.values()), executed)


def _policies(
    task: Task, level: int, count: int, kinds: Collection[str], target: str
) -> tuple[list[Problem], list[Cheat]]:
    problems = [sample_problem(task, seed, level) for seed in range(count)]
    known = []
    if not {*CHEATS}.isdisjoint(kinds):
        # Answers to other problems: the best constant must not be chosen on the problems that it is measured on.
        others = (sample_problem(task, seed, level) for seed in range(count, 2 * count))
        known = [final_answer(solution) for solution in (try_solve(task, other) for other in others) if solution]
    return problems, [one for one in (*cheats(problems, known), *attacks(count, target)) if one.kind in kinds]


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


def judge(task: Task, cases: Sequence[Case]) -> Generator[Judgement, None, None]:
    """Verdicts in order, from a forked process; one that hangs or dies is replaced and its case is a fault.

    A case that takes more than ``MAX_SECONDS`` is tried up to ``TRIES`` times and counts with its fastest. Before the
    first one the process judges the oracle's answer, however long it takes to load libraries and start workers.
    """
    done = stuck = 0
    tried: list[Judgement] = []
    warm = True
    while done < len(cases) and stuck < STUCK:
        with _judging(task, cases[done:], TRIES - len(tried), warm) as receiver:
            warm = warm and _is_ready(receiver)
            while done < len(cases) and stuck < STUCK:
                tried.append(_received(receiver))
                lost = tried[-1].seconds == math.inf or tried[-1].fault == DIED
                if tried[-1].late and len(tried) < TRIES:
                    if lost:
                        break
                    continue
                best = tried[-1] if not tried[-1].late else min(tried, key=attrgetter("seconds"))
                stuck += best.late
                done += 1
                tried = []
                yield best
                if lost:
                    break
    for _ in cases[done:]:
        yield Judgement(math.nan, 0.0, f"not judged, since {STUCK} answers before it took too long")


@contextlib.contextmanager
def _judging(task: Task, cases: Sequence[Case], tries: int, warm: bool) -> Iterator[Connection]:
    """A process that judges the cases, the first of them up to ``tries`` times; first of all, if ``warm``, is ready."""
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=_judge_all, args=(task, cases, tries, warm, sender), daemon=True)
    process.start()
    sender.close()
    try:
        yield receiver
    finally:
        process.kill()
        process.join()
        receiver.close()


def _is_ready(receiver: Connection) -> bool:
    try:
        return receiver.poll(WARM_SECONDS) and bool(receiver.recv())
    except EOFError:
        return False


def _judge_all(task: Task, cases: Sequence[Case], tries: int, warm: bool, sender: Connection) -> None:
    if warm:
        problem = cases[0][0]
        with contextlib.suppress(BaseException):
            task.verify(problem, try_solve(task, problem) or "\\boxed{1}")
        sender.send(True)
    for problem, response in cases:
        for _ in range(tries):
            start = time.perf_counter()
            try:
                judged = (task.verify(problem, response).score, "")
            except BaseException as error:
                judged = (math.nan, f"{type(error).__name__}: {error}"[:200])
            seconds = time.perf_counter() - start
            sender.send((*judged, seconds))
            if seconds <= MAX_SECONDS:
                break
        tries = TRIES


def _received(receiver: Connection) -> Judgement:
    if not receiver.poll(MAX_SECONDS + GRACE):
        return Judgement(math.nan, math.inf, f"no verdict within {MAX_SECONDS + GRACE:.0f} s")
    try:
        score, fault, seconds = receiver.recv()
    except EOFError:
        return Judgement(math.nan, 0.0, DIED)
    return Judgement(score, seconds, fault)


def fastest(call: Callable[..., T], *arguments: Any) -> tuple[T, float]:
    """What a call returns, and its seconds: the least of up to ``TRIES`` where it takes more than ``MAX_SECONDS``."""
    seconds = math.inf
    for _ in range(TRIES):
        start = time.perf_counter()
        found = call(*arguments)
        seconds = min(seconds, time.perf_counter() - start)
        if seconds <= MAX_SECONDS:
            break
    return found, seconds


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
