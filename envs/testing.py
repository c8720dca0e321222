"""Conformance kit: whether a task keeps the rules that trainers, logs and leaderboards rely on."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import json
import os
import pickle
import random
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

from .audit import MAX_SECONDS, audit, levels, solve, try_solve
from .cheats import ATTACKS, CHEATS
from .dialogue import Dialogue
from .reasoning import ReasoningEnv
from .registration import make_task
from .task import OracleMissing, Problem, Task, sample_problem

PROCESS_SECONDS = 60.0  # for a child process
MAX_SNAPSHOT = 1 << 16  # bytes of a pickled snapshot


class NotApplicable(Exception):
    """The check does not apply to this task; the message says why."""


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

    Each check samples the problems of ``seeds`` at the lowest, middle and highest difficulty. A check that raises has
    failed, with the error as its detail.
    """
    task = make_task(id_or_task) if isinstance(id_or_task, str) else id_or_task
    rows = []
    for name, check in checks_of(task).items():
        try:
            detail = check(task, list(seeds))
            rows.append(Row(name, True, detail or ""))
        except NotApplicable as reason:
            rows.append(Row(name, None, str(reason)))
        except Exception as error:
            kind = "" if type(error) is AssertionError else f"{type(error).__name__}: "
            rows.append(Row(name, False, f"{kind}{error}".replace("\n", " ")[:300]))
    return Report(task.id or type(task).__qualname__, tuple(rows))


def checks_of(task: Task) -> dict[str, Callable[[Any, list[int]], str | None]]:
    """The checks that a task is put to, by name: turns make some of them different."""
    from . import dialogue_testing  # which builds on this module

    return CHECKS | dialogue_testing.CHECKS if isinstance(task, Dialogue) else CHECKS


def _gymnasium(task: Task, seeds: list[int]) -> None:
    env = ReasoningEnv(task)
    if task.id:
        spec = gymnasium.spec(task.id)
        env.spec = dataclasses.replace(spec, kwargs={**spec.kwargs, **_knobs(task)})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env, skip_render_check=not task.id)
    _require(not caught, f"check_env warns: {caught[0].message if caught else ''}")


def _difficulties(task: Task, seeds: list[int]) -> str:
    for level in task.difficulties:
        for seed in seeds[:3]:
            found = sample_problem(task, seed, level).difficulty
            _require(found == level, f"a problem asked for at difficulty {level} says that it is of {found}")
    return f"{task.difficulties[0]} to {task.difficulties[-1]}"


def _instances(task: Task, seeds: list[int]) -> None:
    twin = copy.deepcopy(task)
    first = {(s, d): sample_problem(task, s, d) for d in levels(task) for s in seeds}
    for (seed, level), problem in reversed(first.items()):
        _same(problem, sample_problem(twin, seed, level), "another instance, in another order,", seed)


def _interleaved(task: Task, seeds: list[int]) -> None:
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


def _processes(task: Task, seeds: list[int]) -> str:
    cls = type(task)
    if cls.__module__ == "__main__" or "<locals>" in cls.__qualname__:
        raise NotApplicable("the class cannot be imported by another process")
    try:
        order = json.dumps([cls.__module__, cls.__qualname__, _knobs(task), seeds])
    except TypeError:
        raise NotApplicable("the knobs are not JSON-able") from None
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    code = "from palaestra.envs.testing import _print_fingerprint; _print_fingerprint()"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": str(hash_seed)},
        )
        for hash_seed in (1, 2)
    ]
    here = _fingerprint(task, seeds)
    try:
        for child in children:
            out, err = child.communicate(order, timeout=PROCESS_SECONDS)
            _require(child.returncode == 0, f"another process fails: {err.strip().splitlines()[-1:]}")
            for (seed, level), mine, theirs in zip(_cases(task, seeds), here, out.split("\n"), strict=False):
                _require(mine == theirs, f"seed {seed} at difficulty {level} differs in another process")
    finally:
        for child in children:
            child.kill()
            child.wait()
    return "2 processes, 2 hash seeds"


def _splits(task: Task, seeds: list[int]) -> None:
    for level in levels(task):
        train, test = (
            {task.identity(sample_problem(task, s, level, split)) for s in seeds} for split in ("train", "test")
        )
        _require(not train & test, f"at difficulty {level} both splits hold {min(train & test, default='')[:80]!r}")


def _snapshots(task: Task, seeds: list[int]) -> str:
    env, other = ReasoningEnv(task), ReasoningEnv(task)
    env.reset(seed=seeds[0])
    data = pickle.dumps(env.snapshot())
    _require(len(data) <= MAX_SNAPSHOT, f"a snapshot of {len(data)} bytes")
    other.restore(pickle.loads(data))  # our own bytes, of a line ago
    _require(env.step("\\boxed{1}") == other.step("\\boxed{1}"), "the step after restore differs")
    for _ in range(3):
        _require(env.reset() == other.reset(), "the problems after restore differ")
    return f"{len(data)} bytes"


def _oracle(task: Task, seeds: list[int]) -> None:
    for problem, response in _solved(task, seeds):
        verdict = task.verify(problem, response)
        _require(verdict.right and verdict.score == 1.0, f"{problem.prompt[:80]!r}: {verdict.reason}")


def _weak(task: Task, seeds: list[int]) -> str:
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
    _require(easy - hard > 3 * error, f"a weak solver is right on {found}")
    return found


def _wordings(task: Task, seeds: list[int]) -> str:
    if not task.wordings:
        raise NotApplicable("the task has one wording")
    _require(len(set(task.wordings)) == len(task.wordings) >= 3, "wordings are three or more, each another")
    for problem in _problems(task, seeds):
        others = [task.reword(problem, k) for k in range(len(task.wordings))]
        _require(others[problem.meta["wording"]] == problem, "a problem put in its own words is another")
        _require(len({p.prompt for p in others}) == len(others), "two wordings read the same")
        _require({task.identity(p) for p in others} == {task.identity(problem)}, "the identity depends on the words")
        verdicts = {task.verify(p, try_solve(task, problem)).status for p in others}
        _require(len(verdicts) == 1, "the verdict depends on the words")
    return f"{len(task.wordings)} wordings"


def _inverse(task: Task, seeds: list[int]) -> None:
    inverses = [q for q in map(task.invert, _problems(task, seeds)) if q is not None]
    if not inverses:
        raise NotApplicable("the task inverts no problem")
    for problem in inverses:
        verdict = task.verify(problem, solve(task, problem))
        _require(verdict.right, f"{problem.prompt[:80]!r}: {verdict.reason}")


def _pure(task: Task, seeds: list[int]) -> None:
    problems = _problems(task, seeds)
    before = copy.deepcopy(problems)
    responses = ["", "\\boxed{1}", *(try_solve(task, p) for p in problems[:3])]
    first = [task.verify(p, r) for p in problems for r in responses]
    again = [task.verify(p, r) for p in reversed(before) for r in reversed(responses)]
    _require(first == again[::-1], "the same response got two verdicts")
    _require(problems == before, "verify changes the problem")


def _cheating(task: Task, seeds: list[int]) -> str:
    found = audit(task, kinds=CHEATS).rows
    for row in found:
        _require(not row.fault, f"on {row.policy}: {row.fault}")
        _require(
            row.mean <= row.allowed,
            f"{row.policy} earns {row.mean:.3f} at difficulty {row.difficulty}, the ceiling is {task.ceiling:.3f}",
        )
    best = max(found, key=lambda row: row.mean)
    winner = best.policy if best.mean else "every cheat"
    return f"{winner} earns {best.mean:.3f}, the ceiling is {task.ceiling:.3f}"


def _hostility(task: Task, seeds: list[int]) -> str:
    found = audit(task, kinds=ATTACKS)
    _require(not found.executed, "an answer was executed as code")
    for row in found.rows:
        _require(not row.fault, f"on {row.policy}: {row.fault}")
        _require(row.mean <= row.allowed, f"{row.policy} earns {row.mean:.3f}, the ceiling is {task.ceiling:.3f}")
        _require(row.slowest <= MAX_SECONDS, f"{row.slowest:.1f} s for a verdict on {row.policy}")
    return f"slowest verdict {1000 * max(row.slowest for row in found.rows):.0f} ms"


def _rewards(task: Task, seeds: list[int]) -> None:
    env = ReasoningEnv(task)
    for seed in seeds:
        for response in ("", "\\boxed{1}", "\ud800", try_solve(task, env.reset(seed=seed)[1]["problem"])):
            env.reset(seed=seed)
            reward = env.step(response)[1]
            _require(isinstance(reward, float) and 0.0 <= reward <= 1.0, f"a reward of {reward!r}")


def _json(task: Task, seeds: list[int]) -> None:
    for problem in _problems(task, seeds):
        reference, meta = json.loads(json.dumps([problem.reference, dict(problem.meta)]))
        again = dataclasses.replace(problem, reference=reference, meta=meta)
        response = try_solve(task, problem)
        _require(
            task.verify(again, response) == task.verify(problem, response),
            "a problem read back from JSON judges otherwise",
        )


CHECKS: dict[str, Callable[[Task, list[int]], str | None]] = {
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
    "verify is a pure function": _pure,
    "cheats stay below the ceiling": _cheating,
    "hostile answers get a verdict": _hostility,
    "rewards are finite, in [0, 1]": _rewards,
    "problems survive JSON": _json,
}


def _cases(task: Task, seeds: Sequence[int]) -> list[tuple[int, int]]:
    return [(seed, level) for level in levels(task) for seed in seeds]


def _problems(task: Task, seeds: Sequence[int]) -> list[Problem]:
    return [sample_problem(task, seed, level) for seed, level in _cases(task, seeds)]


def _solved(task: Task, seeds: Sequence[int]) -> list[tuple[Problem, str]]:
    try:
        return [(problem, solve(task, problem)) for problem in _problems(task, seeds)]
    except OracleMissing as missing:
        raise NotApplicable(str(missing)) from None


def _knobs(task: Task) -> dict[str, Any]:
    """The task's parameters, where it is a dataclass."""
    if not dataclasses.is_dataclass(task):
        return {}
    return {f.name: getattr(task, f.name) for f in dataclasses.fields(task) if f.init}


def _fingerprint(task: Task, seeds: Sequence[int]) -> list[str]:
    from .dialogue_testing import transcript

    def played(problem: Problem) -> str:
        return transcript(task, problem) if isinstance(task, Dialogue) else ""

    return [
        json.dumps([p.prompt, p.reference, p.difficulty, dict(p.meta), played(p)], default=repr)
        for p in _problems(task, seeds)
    ]


def _print_fingerprint() -> None:
    """What the child process of ``_processes`` runs: order on stdin, a line a problem on stdout."""
    module, qualname, knobs, seeds = json.loads(sys.stdin.read())
    cls: Any = importlib.import_module(module)
    for name in qualname.split("."):
        cls = getattr(cls, name)
    sys.stdout.write("\n".join(_fingerprint(cls(**knobs), seeds)))


def _same(first: Problem, second: Problem, where: str, seed: int) -> None:
    _require(first == second, f"{where} asks another problem for seed {seed}")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
