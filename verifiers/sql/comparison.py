"""Whether two results are the same: as multisets, or in the order of the sort keys.

Columns are compared by position, never by name. NULL equals NULL. 2 equals 2.0, and nothing of one type equals anything
of another. In a column where either result holds a real number, numbers nearer than the tolerance are one number.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from .databases import Row, Value
from .execution import Result

Comparable: TypeAlias = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row in which a result differs from the expected one; None stands for a row that is not there."""

    reason: str
    expected: Row | None = None
    got: Row | None = None


def tie_groups(keys: Sequence[Row]) -> tuple[int, ...]:
    """How many rows in turn have equal sort keys."""
    return tuple(len(list(group)) for _, group in groupby(keys))


def first_difference(gold: Result, answer: Result, groups: Sequence[int], tolerance: float) -> Difference | None:
    """None when the results are the same.

    groups: sizes of the runs of expected rows that tie, in order; the rows of a run may come in any order, and runs
        may not be mixed. One run of all rows compares multisets.
    """
    expected, got = gold.rows, answer.rows
    if len(gold.columns) != len(answer.columns):
        return Difference(f"expected {_count(len(gold.columns), 'column')}, got {len(answer.columns)}")
    ours, theirs = _comparable(expected, got, tolerance)
    at_all = _first_unmatched(ours, theirs)
    if at_all is not None or len(groups) <= 1:
        return None if at_all is None else _explain(expected, got, *at_all)
    start = 0
    for size in groups:
        unmatched = _first_unmatched(ours[start : start + size], theirs[start : start + size])
        if unmatched is not None:
            here, there = (start + (position or 0) for position in unmatched)
            return Difference(f"row {there + 1} is out of order", expected[here], got[there])
        start += size
    return None


def _first_unmatched(ours: Sequence[Comparable], theirs: Sequence[Comparable]) -> tuple[int | None, int | None] | None:
    """Positions of the first expected row that is missing and the first row too many; None when there are neither."""
    if (expected := Counter(ours)) == (got := Counter(theirs)):
        return None
    return _first_beyond(ours, got), _first_beyond(theirs, expected)


def _first_beyond(rows: Sequence[Comparable], matched: Counter[Comparable]) -> int | None:
    left = matched.copy()
    for position, row in enumerate(rows):
        if left[row] == 0:
            return position
        left[row] -= 1
    return None


def _explain(expected: Sequence[Row], got: Sequence[Row], missing: int | None, extra: int | None) -> Difference:
    counts = f"expected {_count(len(expected), 'row')}, got {len(got)}; " if len(expected) != len(got) else ""
    which = "a row is missing" if missing is not None else "a row is too many"
    return Difference(
        counts + which,
        None if missing is None else expected[missing],
        None if extra is None else got[extra],
    )


def _comparable(
    expected: Sequence[Row], got: Sequence[Row], tolerance: float
) -> tuple[list[Comparable], list[Comparable]]:
    """The rows with each number of a real column replaced by its cluster, so that equal means equal."""
    if not expected and not got:
        return [], []
    columns = [_cluster([*column], tolerance) for column in zip(*expected, *got, strict=True)]
    rows: list[Comparable] = [*zip(*columns, strict=True)]
    return rows[: len(expected)], rows[len(expected) :]


def _cluster(column: list[Value], tolerance: float) -> list[Hashable]:
    if not any(isinstance(value, float) for value in column):
        return [*column]
    numbers = sorted({value for value in column if isinstance(value, int | float)})
    clusters = dict(_numbered(numbers, tolerance))
    return [("number", clusters[value]) if isinstance(value, int | float) else value for value in column]


def _numbered(numbers: Sequence[int | float], tolerance: float) -> Iterator[tuple[int | float, int]]:
    cluster = 0
    for position, number in enumerate(numbers):
        if position and not math.isclose(number, numbers[position - 1], rel_tol=tolerance, abs_tol=tolerance):
            cluster += 1
        yield number, cluster


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
