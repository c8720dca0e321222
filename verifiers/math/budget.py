"""One budget of work for all the comparisons of a verdict, wherever they are made.

Work is counted in units of about a fiftieth of a millisecond. What exceeds the budget raises an error of its own: the
searches for a point where two expressions differ pass over ``TooLarge``, and would take every point for agreement.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MAX_WORK = 40_000

_spent: ContextVar[list[int] | None] = ContextVar("spent", default=None)


class OutOfBudget(ArithmeticError):
    """Too many comparisons, or too dear ones."""


@contextmanager
def budget() -> Iterator[None]:
    """Within it, in this thread, work is counted anew; outside of any it is not counted."""
    token = _spent.set([0])
    try:
        yield
    finally:
        _spent.reset(token)


def spend(work: int) -> None:
    """Raises:
    OutOfBudget: there is not as much left.
    """
    spent = _spent.get()
    if spent is not None:
        spent[0] += work
        if spent[0] > MAX_WORK:
            raise OutOfBudget("too many comparisons, or too dear ones")
