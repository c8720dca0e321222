"""One answer compared with the gold on every database; this runs in a worker process."""

from __future__ import annotations

import math
import random
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ..quoting import quoted
from .comparison import Difference, first_difference, tie_groups
from .databases import Row, generated_database, scripted_database, stored_otherwise
from .execution import MAX_HEAP, QueryError, Result, columns_read, guard, run_query
from .gold import literals_of, picks_some, with_sort_keys, without_limit

CANDIDATES = 16  # databases generated for each one asked for
BARREN = 6  # of so many databases, one on which the gold returns no row
MAX_LEFT_OPEN = 0.8  # share of databases on which ties may leave open what a LIMIT takes
MAX_SHOWN = 20  # values of a row in the evidence
KEPT = 8  # problems whose databases a worker keeps: they count towards MAX_HEAP
NUMBERS_OF_ROWS = re.compile(r"\b(?:_rowid_|rowid|oid)\b", re.IGNORECASE)
OPEN = "the result of the gold query depends on how rows are stored: it must break its ties, or group by more"


@dataclass(frozen=True, slots=True)
class Spec:
    """A problem as plain data. databases: scripts of the author, or numbers of generated databases."""

    schema: str
    gold: str
    databases: tuple[str | int, ...]
    ordered: bool
    seed: int
    tolerance: float


@dataclass(frozen=True, slots=True)
class Case:
    """A guarded database, what the gold returns on it, and the sizes of its runs of rows that tie."""

    connection: sqlite3.Connection
    result: Result
    groups: tuple[int, ...]

    def difference(self, got: Result, tolerance: float) -> Difference | None:
        return first_difference(self.result, got, self.groups, tolerance)


@lru_cache(maxsize=4096)
def choose_databases(spec: Spec, count: int) -> tuple[int, ...]:
    """Numbers of generated databases on which the gold's result is fixed and tells something.

    Database 0, the empty one, and those where the gold returns no row are at most a sixth of them, or one.

    Raises:
        ValueError: the schema or the gold fails, the gold's result stays open or is the same everywhere, or it hardly
            ever returns a row.
    """
    chosen: list[int] = []
    results = set()
    barren = left_open = 0
    for index in range(count * CANDIDATES):
        connection = open_database(spec, index)
        if barren >= max(1, count // BARREN) and not run_query(connection, spec.gold).rows:
            continue
        copies = copies_of(connection)
        case = case_on(spec, connection)
        if not is_determined(spec, case, copies):
            left_open += 1
            continue
        barren += not case.result.rows
        chosen.append(index)
        results.add(case.result.rows)
        if len(chosen) == count:
            break
    if left_open > (MAX_LEFT_OPEN * (left_open + len(chosen)) if picks_some(spec.gold) else 0):
        raise ValueError(OPEN)
    if len(chosen) < count:
        raise ValueError("the gold query returns no row: give databases of your own")
    if len(results) == 1:
        raise ValueError("the gold query returns the same on every database: a constant would pass for it")
    return tuple(chosen)


@lru_cache(maxsize=4096)
def check_databases(spec: Spec) -> None:
    """
    Raises:
        ValueError: the schema, a script or the gold fails on a database, or the gold's result stays open.
    """
    for database in spec.databases:
        connection = open_database(spec, database)
        copies = copies_of(connection)
        if not is_determined(spec, case_on(spec, connection), copies):
            raise ValueError(OPEN)


def open_database(spec: Spec, database: str | int) -> sqlite3.Connection:
    if isinstance(database, str):
        return scripted_database(spec.schema, database)
    return generated_database(spec.schema, literals_of(f"{spec.schema}; {spec.gold}"), spec.seed, database)


def copies_of(connection: sqlite3.Connection) -> tuple[sqlite3.Connection, ...]:
    """The same rows, stored in other orders."""
    return tuple(stored_otherwise(connection, rng) for rng in (None, random.Random(0), random.Random(1)))


def is_determined(spec: Spec, case: Case, copies: Sequence[sqlite3.Connection]) -> bool:
    """Whether the gold's result is the only one: no tie is cut, and it is the same however the rows are stored."""
    return not cuts_a_tie(spec.gold, case) and not any(
        case.difference(case_on(spec, copy).result, spec.tolerance) for copy in copies
    )


def cuts_a_tie(gold: str, case: Case) -> bool:
    """Whether the outermost LIMIT takes some of several rows that tie in the sort keys and differ otherwise.

    False where the keys cannot be read; what ``copies_of`` shows is all that is known then.
    """
    unlimited = without_limit(gold)
    if unlimited is None:
        return False
    query, first = unlimited
    try:
        keyed, keys = with_sort_keys(query, case.result.columns)
        rows = run_query(case.connection, keyed).rows
    except ValueError:
        return False
    width = len(case.result.columns)
    sort_keys: list[Row] = [tuple(row[key] for key in keys) for row in rows]
    for cut in (first, first + len(case.result.rows)):
        if 0 < cut < len(rows) and sort_keys[cut - 1] == sort_keys[cut]:
            tied = {row[:width] for row, key in zip(rows, sort_keys, strict=True) if key == sort_keys[cut]}
            if len(tied) > 1:
                return True
    return False


def case_on(spec: Spec, connection: sqlite3.Connection) -> Case:
    """
    Raises:
        ValueError: the gold query fails.
    """
    guard(connection)
    try:
        result = run_query(connection, spec.gold)
        if not spec.ordered:
            return Case(connection, result, (len(result.rows),))
        query, keys = with_sort_keys(spec.gold, result.columns)
        rows = result.rows if query == spec.gold else run_query(connection, query).rows
    except QueryError as error:
        raise ValueError(f"the gold query cannot be used: {error}") from error
    width = len(result.columns)
    sort_keys: list[Row] = [tuple(row[key] for key in keys) for row in rows]
    return Case(connection, Result(result.columns, tuple(row[:width] for row in rows)), tie_groups(sort_keys))


def judge(specification: Sequence[Any], query: str) -> dict[str, Any]:
    """``status`` (right, wrong, undecided), ``reason`` and ``evidence`` of an answer: what a worker sends back."""
    try:
        spec = Spec(*specification)
        return _judged(replace(spec, databases=tuple(spec.databases)), query)
    except QueryError as error:
        return _said("wrong", quoted(str(error), 200))
    except Exception as error:  # whatever it is, the answer did not do it
        return _said("undecided", f"the verifier failed: {quoted(str(error), 200)}")


def _judged(spec: Spec, query: str) -> dict[str, Any]:
    cases, reversed_cases = _cases(spec)
    for place, case in enumerate((*cases, *reversed_cases)):
        if place == len(cases) and _reads_keys_as_row_numbers(cases[0], reversed_cases[0], query):
            break
        got = run_query(case.connection, query)
        if difference := case.difference(got, spec.tolerance):
            number, how = place % len(cases) + 1, ", its rows stored in reverse" if place >= len(cases) else ""
            evidence = _evidence(number, case, got, difference)
            return _said("wrong", f"database {number}{how}: {difference.reason}", **evidence)
    return _said("right", f"the same rows as the gold query on {len(cases)} databases", databases=len(cases))


def _reads_keys_as_row_numbers(case: Case, copy: Case, query: str) -> bool:
    """Whether a query calls an integer key ``rowid``, as it may: the copies' rows, without keys, have other numbers."""
    if not NUMBERS_OF_ROWS.search(query):
        return False
    return "ROWID" in columns_read(copy.connection, query) - columns_read(case.connection, query)


def _evidence(number: int, case: Case, got: Result, difference: Difference) -> dict[str, Any]:
    return {
        "database": number,
        "expected_rows": len(case.result.rows),
        "got_rows": len(got.rows),
        "expected": _shown(difference.expected),
        "got": _shown(difference.got),
    }


def _shown(row: Row | None) -> list[int | float | str | None] | None:
    """A row as JSON has it."""
    if row is None:
        return None
    plain = (value is None or (isinstance(value, int | float) and math.isfinite(value)) for value in row)
    return [value if keep else quoted(str(value)) for value, keep in zip(row[:MAX_SHOWN], plain, strict=False)]  # type: ignore[misc]


def _said(status: str, reason: str, **evidence: Any) -> dict[str, Any]:
    return {"status": status, "reason": reason, "evidence": evidence}


@lru_cache(maxsize=KEPT)
def _cases(spec: Spec) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
    """The databases, and copies of them on which a query that leaves ties open takes other rows."""
    connections = [open_database(spec, database) for database in spec.databases]
    copies = [stored_otherwise(connection, None) for connection in connections]  # before they are guarded
    cases, reversed_cases = (tuple(case_on(spec, each) for each in group) for group in (connections, copies))
    limit = sqlite3.connect(":memory:")
    limit.execute(f"PRAGMA hard_heap_limit = {MAX_HEAP}")  # of this process
    limit.close()
    return cases, reversed_cases
