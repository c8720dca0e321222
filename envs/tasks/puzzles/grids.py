"""Grids of numbers as text, and verdicts on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from palaestra.verifiers import Verdict, right

T = TypeVar("T")


class Rules(Protocol):
    """A verifier of ``palaestra.verifiers.puzzles``."""

    def verify(self, response: str) -> Verdict: ...


def show(rows: Sequence[Sequence[int]]) -> str:
    """One line a row, numbers between spaces, a dot for 0."""
    return "\n".join([" ".join([str(v) if v else "." for v in row]) for row in rows])


def boxed(rows: Sequence[Sequence[int]]) -> str:
    """A grid as an answer."""
    return f"\\boxed{{{show(rows)}}}"


def judge(response: str, known: str, rules: Callable[[], Rules]) -> Verdict:
    """RIGHT at once when the response ends with the grid known to be right (a hundredth of the cost); else by rule."""
    if response.endswith(f"\\boxed{{{known}}}"):
        return right("every rule is kept", answer=known)
    return rules().verify(response)


def square(cells: Sequence[T], n: int) -> list[list[T]]:
    """The rows of n² cells."""
    return [list(cells[start : start + n]) for start in range(0, n * n, n)]


def one_each(random: Callable[[], float], n: int) -> list[int]:
    """0 to n-1 in random order."""
    return sorted(range(n), key=lambda _: random())
