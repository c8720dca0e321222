"""Conformance kit: whether a task keeps the rules that trainers, logs and leaderboards rely on."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import json
import pickle
import random
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

from .audit import MAX_SECONDS, TRIES, levels, solve, try_solve
from .cheats import ATTACKS, CHEATS
from .dialogue import Dialogue
from .elsewhere import HASH_SEEDS, ask_elsewhere
from .reasoning import ReasoningEnv
from .refusals import accepted_misuse
from .registration import make_task
from .subject import NotApplicable, Subject
from .task import OracleMissing, Problem, Task, sample_problem

MADE = "can be made"  # the row of what is refused, or does not start
MAX_SNAPSHOT = 1 << 16  # bytes of a pickled snapshot
TIMED = 20  # episodes of reset and one step, timed together
SLOWEST = 5.0  # times a second that an environment must be reset and stepped: what is slower, trainers wait for


@dataclass(frozen=True, slots=True)
class Row:
    """One check. passed: None when it does not apply to this task."""

    name: str
    passed: bool | None
    detail: str


@dataclass(frozen=True)
class Report:
    """What ``check_task`` found; ``str()`` gives a table."""

    task: str
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        return all(row.passed is not False for row in self.rows)

    def __str__(self) -> str:
        width = max(len(row.name) for row in self.rows)
        words = {True: "pass", False: "FAIL", None: "n/a "}
        lines = [f"{words[row.passed]}  {row.name:<{width}}  {row.detail}".rstrip() for row in self.rows]
        return "\n".join([f"{self.task}: {'ok' if self.ok else 'NOT ok'}", *lines])


def check_task(id_or_task: str | Task, seeds: Sequence[int] = range(20)) -> Report:
    """Try every rule on a task: registered ids and instances (so with any knobs), the user's own included.

    Each check looks at the problems of ``seeds`` at the lowest, middle and highest difficulty, and the oracle solves
    some of every other. A check that raises has failed, with the error as its detail; one that needs an oracle does
    not apply to a task that has none.
    """
    task = make_task(id_or_task) if isinstance(id_or_task, str) else id_or_task
    subject = Subject(task, seeds)
    rows = []
    for name, check in checks_of(task).items():
        try:
            detail = check(subject)
            rows.append(Row(name, True, detail or ""))
        except (NotApplicable, OracleMissing) as reason:
            rows.append(Row(name, None, str(reason)))
        except (Exception, SystemExit) as error:
            kind = "" if type(error) is AssertionError else f"{type(error).__name__}: "
            rows.append(Row(name, False, f"{kind}{error}".replace("\n", " ")[:300]))
    return Report(task.id or type(task).__qualname__, tuple(rows))


def checks_of(task: Task) -> dict[str, Callable[[Subject], str | None]]:
    """The checks that a task is put to, by name: turns make some of them different."""
    from . import dialogue_testing  # which builds on this module

    return CHECKS | dialogue_testing.CHECKS if isinstance(task, Dialogue) else CHECKS


def _gymnasium(subject: Subject) -> None:
    task = subject.task
    env = ReasoningEnv(task)
    if task.id:
        spec = gymnasium.spec(task.id)
        env.spec = dataclasses.replace(spec, kwargs={**spec.kwargs, **_knobs(task)})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env, skip_render_check=not task.id)
    _require(not caught, f"check_env warns: {caught[0].message if caught else ''}")


def _difficulties(subject: Subject) -> str:
    task, seeds = subject.task, subject.seeds
    for level in task.difficulties:
        for seed in seeds[:3]:
            found = sample_problem(task, seed, level).difficulty
            _require(found == level, f"a problem asked for at difficulty {level} says that it is of {found}")
    return f"{task.difficulties[0]} to {task.difficulties[-1]}"


def _instances(subject: Subject) -> None:
    task, seeds = subject.task, subject.seeds
    twin = copy.deepcopy(task)
    first = {(s, d): sample_problem(task, s, d) for d in levels(task) for s in seeds}
    for (seed, level), problem in reversed(first.items()):
        _same(problem, sample_problem(twin, seed, level), "another instance, in another order,", seed)


def _interleaved(subject: Subject) -> None:
    task, seeds = subject.task, subject.seeds
    env, other = ReasoningEnv(task), ReasoningEnv(make_task("palaestra/ChainArith-v0"))
    state, legacy = random.getstate(), np.random.get_state()
    try:
        for seed in seeds:
            random.seed(seed)
            np.random.seed(seed)
            problem = env.reset(seed=seed)[1]["problem"]
            random.seed(seed + 1)
            np.random.seed(seed + 1)
            other.reset(seed=seed)
            other.step("\\boxed{1}")
            _same(problem, env.reset(seed=seed)[1]["problem"], "with another environment in between it", seed)
    finally:
        random.setstate(state)
        np.random.set_state(legacy)


def _processes(subject: Subject) -> str:
    task, seeds = subject.task, subject.seeds
    cls = type(task)
    if cls.__module__ == "__main__" or "<locals>" in cls.__qualname__:
        raise NotApplicable("the class cannot be imported by another process")
    order = (cls.__module__, cls.__qualname__, _knobs(task), seeds)
    try:
        elsewhere = ask_elsewhere("palaestra.envs.testing:fingerprint_of", *order)
    except TypeError:
        raise NotApplicable("the knobs are not JSON-able") from None
    here = fingerprint(task, seeds)
    for there in elsewhere:
        for (seed, level), mine, theirs in zip(subject.cases, here, there, strict=True):
            _require(mine == theirs, f"seed {seed} at difficulty {level} differs in another process")
    return f"{len(HASH_SEEDS)} processes, {len(HASH_SEEDS)} hash seeds"


def _splits(subject: Subject) -> None:
    task, seeds = subject.task, subject.seeds
    for level in levels(task):
        train, test = (
            {task.identity(sample_problem(task, s, level, split)) for s in seeds} for split in ("train", "test")
        )
        _require(not train & test, f"at difficulty {level} both splits hold {min(train & test, default='')[:80]!r}")


def _snapshots(subject: Subject) -> str:
    task, seeds = subject.task, subject.seeds
    env, other = ReasoningEnv(task), ReasoningEnv(task)
    env.reset(seed=seeds[0])
    data = pickle.dumps(env.snapshot())
    _require(len(data) <= MAX_SNAPSHOT, f"a snapshot of {len(data)} bytes")
    other.restore(pickle.loads(data))  # our own bytes, of a line ago
    _require(env.step("\\boxed{1}") == other.step("\\boxed{1}"), "the step after restore differs")
    for _ in range(3):
        _require(env.reset() == other.reset(), "the problems after restore differ")
    return f"{len(data)} bytes"


def _oracle(subject: Subject) -> None:
    task = subject.task
    for problem in subject.at_every_level:
        verdict = task.verify(problem, solve(task, problem))
        _require(verdict.right and verdict.score == 1.0, f"{problem.prompt[:80]!r}: {verdict.reason}")


def _weak(subject: Subject) -> str:
    task, seeds = subject.task, subject.seeds
    rng = np.random.default_rng(0)
    low, high = task.difficulties[0], task.difficulties[-1]
    if low == high:
        raise NotApplicable("the task has one difficulty")
    n, rates = 20 * len(seeds), []
    for level in (low, high):
        problems = [sample_problem(task, seed, level) for seed in range(n)]
        try:
            rates.append(float(np.mean([task.verify(p, task.weak_solve(p, rng)).right for p in problems])))
        except OracleMissing as missing:
            raise NotApplicable(str(missing)) from None
    easy, hard = rates
    error = max((easy * (1 - easy) + hard * (1 - hard)) / n, 1e-9) ** 0.5
    found = f"{easy:.0%} at level {low}, {hard:.0%} at level {high}"
    advice = "where harder problems need no longer solutions, define weak_solve"
    _require(easy - hard > 3 * error, f"a weak solver is right on {found}: {advice}")
    return found


def _wordings(subject: Subject) -> str:
    task = subject.task
    if not task.wordings:
        raise NotApplicable("the task has one wording")
    _require(len(set(task.wordings)) == len(task.wordings) >= 3, "wordings are three or more, each another")
    for problem in subject.problems:
        others = [task.reword(problem, k) for k in range(len(task.wordings))]
        _require(others[problem.meta["wording"]] == problem, "a problem put in its own words is another")
        _require(len({p.prompt for p in others}) == len(others), "two wordings read the same")
        _require({task.identity(p) for p in others} == {task.identity(problem)}, "the identity depends on the words")
        verdicts = {task.verify(p, try_solve(task, problem)).status for p in others}
        _require(len(verdicts) == 1, "the verdict depends on the words")
    return f"{len(task.wordings)} wordings"


def _inverse(subject: Subject) -> None:
    task = subject.task
    inverses = [q for q in map(task.invert, subject.problems) if q is not None]
    if not inverses:
        raise NotApplicable("the task inverts no problem")
    for problem in inverses:
        verdict = task.verify(problem, solve(task, problem))
        _require(verdict.right, f"{problem.prompt[:80]!r}: {verdict.reason}")


def _pure(subject: Subject) -> None:
    task = subject.task
    undrawn = copy.deepcopy(task)  # this check is the first, so it has drawn nothing yet that it could remember
    problems = Subject(task, subject.seeds).problems  # new ones, which no verdict has changed yet
    before, twins = copy.deepcopy(problems), copy.deepcopy(problems)
    responses = ["", "\\boxed{1}", *(try_solve(task, p) for p in problems[:3])]
    first = [task.verify(p, r) for p in problems for r in responses]
    again = [undrawn.verify(p, r) for p in reversed(twins) for r in reversed(responses)]
    _require(first == again[::-1], "the same response got two verdicts, maybe since the task remembers what it drew")
    _require(problems == before, "verify changes the problem")


def _cheating(subject: Subject) -> str:
    task = subject.task
    found = subject.audit.of(CHEATS)
    for row in found:
        _require(not row.fault, f"on {row.policy}: {row.fault}")
        _require(
            row.mean <= row.allowed,
            f"{row.policy} earns {row.mean:.3f} at difficulty {row.difficulty}, the ceiling is {task.ceiling:.3f}",
        )
    best = max(found, key=lambda row: row.mean)
    winner = best.policy if best.mean else "every cheat"
    return f"{winner} earns {best.mean:.3f}, the ceiling is {task.ceiling:.3f}"


def _hostility(subject: Subject) -> str:
    task = subject.task
    _require(not subject.audit.executed, "an answer was executed as code")
    found = subject.audit.of(ATTACKS)
    for row in found:
        _require(not row.fault, f"on {row.policy}: {row.fault}")
        _require(row.mean <= row.allowed, f"{row.policy} earns {row.mean:.3f}, the ceiling is {task.ceiling:.3f}")
        _require(row.slowest <= MAX_SECONDS, f"{row.slowest:.1f} s for a verdict on {row.policy}")
    return f"slowest verdict {1000 * max(row.slowest for row in found):.0f} ms"


def _rewards(subject: Subject) -> None:
    task, seeds = subject.task, subject.seeds
    env = ReasoningEnv(task)
    for seed in seeds:
        for response in ("", "\\boxed{1}", "\ud800", try_solve(task, env.reset(seed=seed)[1]["problem"])):
            env.reset(seed=seed)
            reward = env.step(response)[1]
            _require(isinstance(reward, float) and 0.0 <= reward <= 1.0, f"a reward of {reward!r}")


def _json(subject: Subject) -> None:
    task = subject.task
    for problem in subject.problems:
        reference, meta = json.loads(json.dumps([problem.reference, dict(problem.meta)]))
        again = dataclasses.replace(problem, reference=reference, meta=meta)
        response = try_solve(task, problem)
        verdict = task.verify(problem, response)
        json.dumps([dict(one.evidence) for one in (verdict, task.verify(problem, ""))])
        _require(
            task.verify(again, response) == verdict,
            "a problem read back from JSON judges otherwise",
        )


def _bad_input(subject: Subject) -> None:
    faults = accepted_misuse(subject.task)
    _require(not faults, "; ".join(faults))


def _speed(subject: Subject) -> str:
    env = getattr(subject.task, "environment", ReasoningEnv)(subject.task)
    seconds = []
    for start in range(0, TIMED * TRIES, TIMED):
        asked = range(start, start + TIMED)
        answers = [try_solve(subject.task, env.reset(seed=seed)[1]["problem"]) for seed in asked]
        began = time.perf_counter()
        for seed, answer in zip(asked, answers, strict=True):
            env.reset(seed=seed)
            env.step(answer)
        seconds.append(time.perf_counter() - began)
    rate = TIMED / min(seconds)  # the fastest, so that a busy machine does not decide
    _require(rate >= SLOWEST, f"{rate:.1f} times reset and step a second")
    return f"{float(f'{rate:.2g}'):,.0f} times a second"


CHECKS: dict[str, Callable[[Subject], str | None]] = {
    "verify is a pure function": _pure,
    "gymnasium check_env, no warning": _gymnasium,
    "every difficulty": _difficulties,
    "same seed, another instance": _instances,
    "same seed, interleaved": _interleaved,
    "same seed, other processes": _processes,
    "splits are disjoint": _splits,
    "snapshot and restore": _snapshots,
    "oracle scores 1": _oracle,
    "inverse has its answer": _inverse,
    "difficulty matters to a weak solver": _weak,
    "wording is not the task": _wordings,
    "cheats stay below the ceiling": _cheating,
    "hostile answers get a verdict": _hostility,
    "rewards are finite, in [0, 1]": _rewards,
    "problems survive JSON": _json,
    "bad input is refused in words": _bad_input,
    "reset and step": _speed,
}


def _knobs(task: Task) -> dict[str, Any]:
    """The task's parameters, where it is a dataclass."""
    if not dataclasses.is_dataclass(task):
        return {}
    return {f.name: getattr(task, f.name) for f in dataclasses.fields(task) if f.init}


def fingerprint(task: Task, seeds: Sequence[int]) -> list[str]:
    """The problems, and of a dialogue how its oracle plays them, as texts."""
    from .dialogue_testing import transcript

    def played(problem: Problem) -> str:
        return transcript(task, problem) if isinstance(task, Dialogue) else ""

    return [
        json.dumps([p.prompt, p.reference, p.difficulty, dict(p.meta), played(p)], default=repr)
        for p in Subject(task, seeds).problems
    ]


def fingerprint_of(module: str, qualname: str, knobs: dict[str, Any], seeds: list[int]) -> list[str]:
    """The same in another process, of a task that is named."""
    return fingerprint(attrgetter(qualname)(importlib.import_module(module))(**knobs), seeds)


def _same(first: Problem, second: Problem, where: str, seed: int) -> None:
    _require(first == second, f"{where} asks another problem for seed {seed}")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
