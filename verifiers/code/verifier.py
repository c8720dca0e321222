"""Code: the program of a response, put to tests in a sandbox and judged outside of it."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..sandbox import Ended, Limits, Outcome, Sandbox, SandboxError
from ..verdict import Verdict, right, undecided, wrong
from .cases import Performance, Program, Test
from .shared import default_sandbox
from .source import Language, extract_source

DEFAULT_LIMITS = Limits()
MAX_SOURCE = 1 << 18  # characters
MAX_TIMEOUTS = 3  # after which the tests left are not run and count as failed


class Ran(NamedTuple):
    """One test that was run. failure: why it failed, or None."""

    number: int  # from 1, in the order given
    failure: str | None
    seconds: float
    memory: int
    timed_out: bool
    layers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeVerifier:
    """Runs the last fenced block of a response against every test: RIGHT when all pass.

    Each test has a fork of its own, in an order drawn from a hash of the response, so that nothing learned in one test
    serves in the next. Exit status and printed words prove nothing: the sandbox gives plain values, compared here.
    Evidence: how many passed, the numbers of those that failed, the first of them and why, the most seconds and bytes
    that a test took, and the layers of isolation.

    partial: WRONG scores the fraction of tests passed; otherwise 0, and the first failure ends the run.
    whole: a response without any fence is the program itself.
    before, after: code to stand right before and after the program's: imports, classes that it is given, a harness.
    batch: all ``Call`` and ``Property`` tests without a performance limit share one fork: thousands a second, but a
        program then keeps its state from test to test, and where it ends, the tests left fail too.
    limits: of each test, and of a whole batch together.
    sandbox: the process's shared one by default.

    Raises:
        ValueError: there are no tests, or functions are called in a language other than Python.
    """

    tests: Sequence[Test]
    language: Language = "python"
    partial: bool = True
    whole: bool = False
    batch: bool = False
    before: str = ""
    after: str = ""
    limits: Limits = DEFAULT_LIMITS
    sandbox: Sandbox | None = None

    def __post_init__(self) -> None:
        if not self.tests:
            raise ValueError("give one test at least")
        if self.language != "python" and not all(isinstance(test, Program) for test in self.tests):
            raise ValueError(f"functions are called in Python only: test {self.language} by Program")

    def verify(self, response: str) -> Verdict:
        """Judge a response; raises on no response whatever. UNDECIDED when the sandbox itself failed, twice."""
        source = extract_source(response, self.language, self.whole)
        if source is None:
            return wrong(f"no {self.language} code found")
        if len(source) > MAX_SOURCE:
            return wrong(f"the code is longer than {MAX_SOURCE} characters")
        try:
            ran = sorted(self._run(f"{self.before}{source}{self.after}", _shuffled(len(self.tests), response)))
        except SandboxError as error:
            return undecided(f"the sandbox failed: {error}")
        return self._verdict(ran)

    def _run(self, source: str, order: Iterable[int]) -> Iterator[Ran]:
        """Run the tests in this order until one decides."""
        timeouts = 0
        for index, outcomes in self._outcomes(source, order):
            ran = _judged(index, self.tests[index], outcomes)
            yield ran
            timeouts += ran.timed_out
            if timeouts >= MAX_TIMEOUTS or (ran.failure and not self.partial):
                return

    def _outcomes(self, source: str, order: Iterable[int]) -> Iterator[tuple[int, Sequence[Outcome]]]:
        """The outcomes of each test, in this order but that a batch comes first."""
        sandbox = self.sandbox or default_sandbox()
        alone: list[int] = []
        together: list[int] = []
        for index in order:
            shared = self.batch and self.tests[index].performance == Performance()
            (together if shared and not isinstance(self.tests[index], Program) else alone).append(index)
        if together:
            jobs = {index: self.tests[index].jobs for index in together}  # type: ignore[union-attr]
            outcomes = iter(sandbox.calls(source, [job for index in together for job in jobs[index]], self.limits))
            for index in together:
                yield index, [next(outcomes) for _ in jobs[index]]
        for index in alone:
            test, limits = self.tests[index], _tightened(self.limits, self.tests[index].performance)
            if isinstance(test, Program):
                yield index, [sandbox.run(source, test.stdin, tuple(test.argv), self.language, limits)]
            else:
                yield index, sandbox.calls(source, test.jobs, limits)

    def _verdict(self, ran: Sequence[Ran]) -> Verdict:
        failed = [result for result in ran if result.failure]
        passed, count = len(ran) - len(failed), len(self.tests)
        evidence: dict[str, Any] = {
            "passed": passed,
            "tests": count,
            "failed": [result.number for result in failed],
            "not_run": count - len(ran),
            "seconds": round(max(result.seconds for result in ran), 6),
            "memory": max(result.memory for result in ran),
            "layers": list(ran[0].layers),
        }
        if not failed:
            return right(f"{passed} of {count} tests pass", **evidence)
        first = failed[0]
        return wrong(f"test {first.number}: {first.failure}", passed / count if self.partial else 0.0, **evidence)


def _shuffled(count: int, response: str) -> list[int]:
    """An order of tests that an answer cannot choose but that is the same each time."""
    digest = hashlib.sha256(response.encode("utf-8", "surrogatepass")).digest()
    order = list(range(count))
    random.Random(int.from_bytes(digest)).shuffle(order)
    return order


def _judged(index: int, test: Test, outcomes: Sequence[Outcome]) -> Ran:
    failure = test.failure(outcomes)
    if failure is None and (excess := next(filter(None, map(test.performance.exceeded, outcomes)), None)):
        failure = f"{test} {excess}"
    return Ran(
        index + 1,
        failure,
        sum({id(outcome): outcome.seconds for outcome in outcomes}.values()),  # calls not made share one outcome
        max(outcome.memory for outcome in outcomes),
        any(outcome.status is Ended.TIMEOUT for outcome in outcomes),
        tuple(outcomes[0].layers),
    )


def _tightened(limits: Limits, performance: Performance) -> Limits:
    """``limits``, with no more wall clock than the performance asked for. Memory is measured, not cut: see there."""
    if performance.seconds is None or performance.seconds >= limits.seconds:
        return limits
    return dataclasses.replace(limits, seconds=performance.seconds)
