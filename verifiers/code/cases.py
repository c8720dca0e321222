"""The kinds of test that code can be put to. What is expected stays here: only inputs go into the sandbox."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..quoting import quoted
from ..sandbox import Ended, Outcome
from ..sandbox.framing import decode, encode
from .comparison import EXACT, Comparison, shown
from .output import OutputRule, same_output

Job: TypeAlias = tuple[str, tuple[Any, ...], Mapping[str, Any]]  # function, args, kwargs


class NotGiven:
    """Stands, itself, for a return value that is not given: None is one that could be."""


@dataclass(frozen=True, slots=True)
class Performance:
    """The most that one test may take, within the verifier's limits: nothing here raises those.

    seconds: of wall clock, some 2 ms of which are the fork's.
    memory: resident bytes at the peak, some 20 MiB of which are the interpreter's.
    """

    seconds: float | None = None
    memory: int | None = None

    def exceeded(self, outcome: Outcome) -> str | None:
        """What was too much, for a person."""
        if self.seconds is not None and outcome.seconds > self.seconds:
            return f"took {outcome.seconds:.3f} s, more than {self.seconds:g} s"
        if self.memory is not None and outcome.memory > self.memory:
            return f"took {outcome.memory / 2**20:.1f} MiB, more than {self.memory / 2**20:g} MiB"
        return None


@dataclass(frozen=True, slots=True)
class Call:
    """``function(*args, **kwargs)`` must return a value, raise an error, or satisfy a check: give one of the three.

    returns: the value, compared under ``comparison``.
    raises: the name of the class of the exception that the call raises, exactly: ``"ValueError"``. A program that does
        not load raises none.
    check: whether a value is right. It runs on the host, over plain values; one that raises refuses the value.

    Raises:
        ValueError: not exactly one of the three is given; ``returns`` holds NaN, which is the same as nothing; an
            argument or ``returns`` is no plain data.
    """

    function: str
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    returns: Any = NotGiven
    raises: str | None = None
    check: Callable[[Any], bool] | None = None
    comparison: Comparison = EXACT
    performance: Performance = Performance()

    def __post_init__(self) -> None:
        given = (self.returns is not NotGiven) + (self.raises is not None) + (self.check is not None)
        if given != 1:
            raise ValueError(f"{self}: give one of returns, raises and check, not {given}")
        _check_plain(self.jobs)
        if self.returns is not NotGiven:
            object.__setattr__(self, "returns", decode(encode(self.returns)))  # of exact types, as what comes back
            if not self.comparison.same(self.returns, self.returns):
                raise ValueError(f"{self}: NaN equals nothing; use check=math.isnan")

    def __str__(self) -> str:
        return call_text(self.function, self.args, self.kwargs)

    @property
    def jobs(self) -> list[Job]:
        return [(self.function, tuple(self.args), self.kwargs)]

    def failure(self, outcomes: Sequence[Outcome]) -> str | None:
        """Why the test fails; None when it passes."""
        (outcome,) = outcomes
        if self.raises is not None and outcome.status is Ended.ERROR and outcome.called:
            return None if error_name(outcome) == self.raises else f"{self} {ending(outcome)}, expected {self.raises}"
        if outcome.status is not Ended.OK:
            return f"{self} {ending(outcome)}"
        returned = f"{self} returned {shown(outcome.value)}"
        if self.raises is not None:
            return f"{returned}, expected {self.raises}"
        if self.check is not None:
            return _checked(self.check, outcome.value, returned)
        if self.comparison.same(outcome.value, self.returns):
            return None
        return f"{returned}, expected {shown(self.returns)}"


@dataclass(frozen=True, slots=True)
class Property:
    """``predicate(args, output)`` must hold of ``function`` on inputs drawn by ``inputs``, all in one fork.

    inputs: the arguments of one call, drawn from the generator given; called ``count`` times when the test is made,
        with one generator seeded by ``seed``, so an input generator that fails does so then.
    predicate: runs on the host, over plain values; one that raises refuses the output.

    Raises:
        ValueError: ``count`` is below 1, or an input is no plain data; and whatever ``inputs`` raises.
    """

    function: str
    inputs: Callable[[random.Random], Sequence[Any]]
    predicate: Callable[[tuple[Any, ...], Any], bool]
    count: int = 20
    seed: int = 0
    performance: Performance = Performance()
    _drawn: tuple[tuple[Any, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count is at least 1, not {self.count}")
        rng = random.Random(self.seed)
        object.__setattr__(self, "_drawn", tuple(tuple(self.inputs(rng)) for _ in range(self.count)))
        _check_plain(self.jobs)

    def __str__(self) -> str:
        return f"{self.function} on {self.count} inputs"

    @property
    def jobs(self) -> list[Job]:
        return [(self.function, args, {}) for args in self._drawn]

    def failure(self, outcomes: Sequence[Outcome]) -> str | None:
        """Why the test fails, by the first input on which it does; None when it passes."""
        for args, outcome in zip(self._drawn, outcomes, strict=True):
            call = call_text(self.function, args, {})
            if outcome.status is not Ended.OK:
                return f"{call} {ending(outcome)}"

            def holds(output: Any, args: tuple[Any, ...] = args) -> bool:
                return self.predicate(args, output)

            if why := _checked(holds, outcome.value, f"{call} returned {shown(outcome.value)}"):
                return why
        return None


@dataclass(frozen=True, slots=True)
class Program:
    """The source, run as a program, must print ``stdout`` or satisfy ``check``: give one of the two.

    It must also end by itself with status 0, which alone proves nothing.

    compare: see ``same_output``. tolerance: for ``"floats"`` only.
    check: whether what was printed is right, for programs with several right outputs. It runs on the host; one that
        raises refuses the output.

    Raises:
        ValueError: not exactly one of the two is given, or a tolerance with no floats to compare.
    """

    stdin: str = ""
    argv: Sequence[str] = ()
    stdout: str | None = None
    compare: OutputRule = "lines"
    tolerance: float = 0.0
    check: Callable[[str], bool] | None = None
    performance: Performance = Performance()

    def __post_init__(self) -> None:
        if (self.stdout is None) == (self.check is None):
            raise ValueError("give one of stdout and check")
        if self.tolerance and self.compare != "floats":
            raise ValueError(f"tolerance is for compare='floats', not {self.compare!r}")

    def __str__(self) -> str:
        words = ["program", *map(quoted, self.argv)]
        return " ".join(words) + (f" < {shown(self.stdin)}" if self.stdin else "")

    def failure(self, outcomes: Sequence[Outcome]) -> str | None:
        """Why the test fails; None when it passes."""
        (outcome,) = outcomes
        if outcome.status is not Ended.OK:
            return f"{self} {ending(outcome)}"
        printed = f"{self} printed {shown(outcome.stdout)}"
        if self.check is not None:
            return _checked(self.check, outcome.stdout, printed)
        expected = self.stdout or ""
        if same_output(outcome.stdout, expected, self.compare, self.tolerance):
            return None
        return f"{printed}, expected {shown(expected)}"


Test: TypeAlias = Call | Property | Program


def call_text(function: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """A call as a person writes it, in one short line."""
    parts = [*map(shown, args), *(f"{name}={shown(value)}" for name, value in kwargs.items())]
    return f"{quoted(function)}({quoted(', '.join(parts))})"


def _check_plain(jobs: Sequence[Job]) -> None:
    """Raises a ValueError where the sandbox would: an argument is no plain data, or too deep."""
    encode([[[name, list(args), dict(kwargs)] for name, args, kwargs in jobs]])


def error_name(outcome: Outcome) -> str:
    """The class of the exception that ended a call."""
    return outcome.error.partition(":")[0]


def ending(outcome: Outcome) -> str:
    """How a call or program ended that did not end well, in words that follow its name."""
    words = _ENDINGS[outcome.status]
    return f"{words} {quoted(outcome.error)}" if outcome.error else words.rstrip(":")


_ENDINGS = {
    Ended.OK: "ended:",
    Ended.ERROR: "failed:",
    Ended.TIMEOUT: "ran out of time:",
    Ended.MEMORY: "ran out of memory:",
    Ended.OUTPUT: "printed or returned too much:",
    Ended.CRASHED: "crashed:",
    Ended.NO_RESULT: "gave no result:",
}


def _checked(check: Callable[[Any], bool], value: Any, text: str) -> str | None:
    """Why ``check`` refuses ``value``; None when it holds."""
    try:
        return None if check(value) else f"{text}, which the check refuses"
    except Exception as error:  # a check written for integers meets a list: the value is not right
        return f"{text}, which the check cannot take: {type(error).__name__}"
