"""A query run on one database: it reads the tables, within bounds of steps and size, and does nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from .databases import Row

MAX_QUERY = 10_000  # characters of a query
MAX_STEPS = 2_000_000  # instructions of SQLite's virtual machine, about 0.1 s
STEPS_A_LOOK = 1_000
MAX_ROWS = 10_000  # rows of a result
MAX_RESULT = 2_000_000  # characters and bytes of a result
MAX_VALUE = 20_000  # bytes of one value, also in between
MAX_HEAP = 1 << 28  # bytes that SQLite may hold, in a process of its own
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MAX_VALUE,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 4 * MAX_QUERY,
    sqlite3.SQLITE_LIMIT_COLUMN: 200,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 100_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 50,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
}
# Of SQLite's own functions those that give the same value every time and touch nothing but their arguments.
FUNCTIONS = frozenset(
    """-> ->> abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling char coalesce concat concat_ws cos cosh count
    cume_dist date datetime degrees dense_rank exp first_value floor format glob group_concat hex ifnull iif instr
    json json_array json_array_length json_extract json_group_array json_group_object json_object json_quote json_type
    json_valid julianday lag last_value lead length like ln log log10 log2 lower ltrim max min mod nth_value ntile
    nullif percent_rank pi pow power printf quote radians rank replace round row_number rtrim sign sin sinh sqrt
    strftime string_agg substr substring sum tan tanh time timediff total trim trunc typeof unicode unixepoch
    upper""".split()  # noqa: SIM905
)


class QueryError(ValueError):
    """The query fails or is past a bound; the message is the verdict's reason."""


@dataclass(frozen=True, slots=True)
class Result:
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def guard(connection: sqlite3.Connection) -> None:
    """From now on the connection answers queries on its tables and views, within ``LIMITS``, and refuses all else."""
    for kind, limit in LIMITS.items():
        connection.setlimit(kind, limit)
    connection.set_authorizer(_authorizer(connection))


def columns_read(connection: sqlite3.Connection, query: str) -> set[str]:
    """Names of the columns that a query reads on a guarded connection.

    A row's number is ``ROWID``, unless a column of the table is its name.

    Raises:
        sqlite3.Error: the query fails.
    """
    authorize = _authorizer(connection)
    names = set()

    def watch(action: int, first: str | None, second: str | None, database: str | None, source: str | None) -> int:
        if action == sqlite3.SQLITE_READ:
            names.add(second or "")
        return authorize(action, first, second, database, source)

    connection.set_authorizer(watch)
    try:
        connection.execute(f"EXPLAIN {query}").close()
    finally:
        connection.set_authorizer(authorize)
    return names


def _authorizer(connection: sqlite3.Connection) -> Callable[[int, str | None, str | None, str | None, str | None], int]:
    connection.set_authorizer(None)
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
    readable = {name for (name,) in tables if not name.startswith("sqlite_")}

    def authorize(action: int, first: str | None, second: str | None, database: str | None, source: str | None) -> int:
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            return sqlite3.SQLITE_OK if first in readable else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_OK if (second or "").lower() in FUNCTIONS else sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_DENY

    return authorize


def run_query(connection: sqlite3.Connection, query: str) -> Result:
    """The rows of a query on a guarded connection.

    Raises:
        QueryError: it fails, does what it may not do, or is past a bound.
    """
    looks = 0

    def stop() -> bool:
        nonlocal looks
        looks += 1
        return looks * STEPS_A_LOOK > MAX_STEPS

    connection.set_progress_handler(stop, STEPS_A_LOOK)
    try:
        return _fetch(connection.execute(query))
    except QueryError:
        raise
    except UnicodeEncodeError as error:
        raise QueryError("the query is not valid Unicode text") from error
    except MemoryError as error:
        raise QueryError(f"the query needs more than {MAX_HEAP >> 20} MB") from error
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
        if looks * STEPS_A_LOOK > MAX_STEPS:
            raise QueryError(f"the query was stopped after {MAX_STEPS} steps") from error
        raise QueryError(f"the query fails: {error}") from error
    finally:
        connection.set_progress_handler(None, 0)


def _fetch(cursor: sqlite3.Cursor) -> Result:
    if cursor.description is None:
        raise QueryError("the query returns no rows: it is no SELECT")
    rows: list[Row] = []
    size = 0
    for row in cursor:
        size += sum(len(value) if isinstance(value, str | bytes) else 1 for value in row)
        rows.append(row)
        if len(rows) > MAX_ROWS or size > MAX_RESULT:
            raise QueryError(f"the result has more than {MAX_ROWS} rows or {MAX_RESULT} characters")
    return Result(tuple(column[0] for column in cursor.description), tuple(rows))
