"""Small databases of a schema: generated from a seed, or filled by the author's own script.

Values come from small pools, so that rows tie, join and repeat; those of some numbers from larger ones, so that one
aggregate is not another. Literals of the schema and the gold query, and numbers just below and above them, are in the
pools, so that conditions hold for some rows, fail for others and meet their boundaries. Database 0 is empty; the others
differ in size, share of NULL, repeated rows and empty tables.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .schema import Column, Table, quote, read_tables

Value: TypeAlias = int | float | str | bytes | None
Row: TypeAlias = tuple[Value, ...]

SIZES = (3, 8, 16, 32, 64)  # rows of a table
NULL_SHARES = (0.0, 0.1, 0.3)
MANY = 0.4  # share of the columns of numbers that draw from many
SCATTERED = 12  # numbers of such a column, beside the literals
REPEATS = 0.15  # share of rows that repeat an earlier one, as far as keys allow
EMPTY_TABLES = 0.05
WORDS = ("Ada", "Bo", "Cy", "ada", "red", "blue", "New York", "O'Neill", "", "x", "Z")
INTEGERS = (0, 1, 2, 3, 5, 7, 10, 100, 2500, -1)
DATES = ("2019-12-31", "2020-01-01", "2020-02-29", "2021-06-15", "2023-01-01", "2024-03-05")
YEARS = (1999, 2000, 2018, 2020, 2023)


@dataclass(frozen=True, slots=True)
class Literals:
    """What the gold query and the schema compare with."""

    numbers: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()


def generated_database(schema: str, literals: Literals, seed: int, index: int) -> sqlite3.Connection:
    """The database ``index`` of a schema; the same in every process.

    Raises:
        ValueError: the schema is not valid SQL for SQLite.
    """
    connection = empty_database(schema)
    rng = random.Random(f"{seed}/{index}")
    connection.execute("PRAGMA foreign_keys = ON")
    size, nulls = (rng.choice(SIZES), rng.choice(NULL_SHARES)) if index else (0, 0.0)
    rows: dict[str, list[Row]] = {}
    for table in read_tables(connection):
        count = 0 if rng.random() < EMPTY_TABLES else max(1, size + rng.randint(-size // 3, size // 3)) if size else 0
        rows[table.name] = []
        pools = [_pool(column, literals, rng) for column in table.columns]
        insert = _insertion(table)
        for number in range(1, count + 1):
            row = _row(table, pools, rows, number, nulls, rng)
            if row is not None and _inserted(connection, insert, row):
                rows[table.name].append(row)
    return connection


def scripted_database(schema: str, script: str) -> sqlite3.Connection:
    """A database filled by the author's INSERT statements.

    Raises:
        ValueError: the schema or the script is not valid.
    """
    connection = empty_database(schema)
    try:
        connection.executescript(script)
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise ValueError(f"a database cannot be filled: {error}") from error
    return connection


def stored_otherwise(connection: sqlite3.Connection, rng: random.Random | None) -> sqlite3.Connection:
    """A copy whose tables hold the same rows, stored in reverse (None) or in a random order, without keys and indices.

    A query that gives another result on it leaves something open: rows that tie at a LIMIT, or a column that is
    neither grouped nor aggregated.
    """
    copy = _connect()
    copy.execute(f"PRAGMA reverse_unordered_selects = {rng is not None}")
    for table in read_tables(connection):
        columns = ", ".join(f"{quote(column.name)} {column.declared}" for column in table.columns)
        copy.execute(f"CREATE TABLE {quote(table.name)} ({columns})")
        rows = connection.execute(f"SELECT {_names(table)} FROM {quote(table.name)}").fetchall()
        if rng is None:
            rows.reverse()
        else:
            rng.shuffle(rows)
        copy.executemany(_insertion(table), rows)
    for (view,) in connection.execute("SELECT sql FROM sqlite_schema WHERE type = 'view' ORDER BY rowid"):
        copy.execute(view)
    return copy


def empty_database(schema: str) -> sqlite3.Connection:
    connection = _connect()
    try:
        connection.executescript(schema)
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise ValueError(f"the schema is not valid: {error}") from error
    return connection


def _connect() -> sqlite3.Connection:
    # No transaction of its own: each row's constraints hold at once. Any thread may close it.
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.text_factory = lambda data: data.decode(errors="replace")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _row(
    table: Table,
    pools: Sequence[Sequence[Value]],
    rows: dict[str, list[Row]],
    number: int,
    nulls: float,
    rng: random.Random,
) -> Row | None:
    """A row that its foreign keys allow; None when a parent that it must have does not exist."""
    earlier = rows[table.name]
    repeats = bool(earlier) and rng.random() < REPEATS
    row = list(rng.choice(earlier)) if repeats else [rng.choice(pool) for pool in pools]
    for position, column in enumerate(table.columns):
        if column.numbered:
            row[position] = number
        elif column.nullable and not repeats and rng.random() < nulls:
            row[position] = None
    for key in () if repeats else table.foreign_keys:
        parents = rows.get(key.parent, [])
        optional = [here for here in key.columns if table.columns[here].nullable]
        if parents and not (optional and rng.random() < nulls):
            parent = rng.choice(parents)
            for here, there in zip(key.columns, key.parent_columns, strict=True):
                row[here] = parent[there]
        elif optional:  # one NULL is enough: the key then refers to nothing
            for here in optional:
                row[here] = None
        else:
            return None
    return tuple(row)


def _inserted(connection: sqlite3.Connection, insertion: str, row: Row) -> bool:
    """Whether the constraints of the table let the row in."""
    try:
        connection.execute(insertion, row)
    except sqlite3.IntegrityError:
        return False
    return True


def _insertion(table: Table) -> str:
    return f"INSERT INTO {quote(table.name)} ({_names(table)}) VALUES ({', '.join('?' * len(table.columns))})"


def _names(table: Table) -> str:
    return ", ".join(quote(column.name) for column in table.columns)


def _pool(column: Column, literals: Literals, rng: random.Random) -> list[Value]:
    """The values that a column of this database draws from: few, or, of numbers, many."""
    special = _from_literals(column, literals)
    common: list[Value] = {
        "integer": [*(YEARS if column.name.lower().endswith("year") else INTEGERS)],
        "real": [0.0, 0.25, 1.0, 2.5, 10.0, 99.75, 1234.5, -1.5],
        "boolean": [0, 1],
        "date": [*DATES],
        "datetime": [f"{day} {time}" for day in DATES for time in ("00:00:00", "23:59:59")],
        "blob": [b"", b"\0", b"ab"],
    }.get(column.kind, [*WORDS])
    if rng.random() < MANY and (scattered := _scattered(column.kind, literals, rng)):
        return [*special, *scattered]
    few = rng.sample(common, 1 if special else min(len(common), rng.choice((2, 3, 5))))
    if column.kind == "text":  # in another case too: lower(name) groups otherwise than name
        few.append(str(few[0]).swapcase())
    return few + rng.sample(special, min(len(special), rng.choice((2, 4, 8))))


def _scattered(kind: str, literals: Literals, rng: random.Random) -> list[Value]:
    """Numbers of the size of a literal, so that a mean is neither the least nor the greatest; none for other kinds."""
    reach = 2 * max(10.0, abs(rng.choice((*literals.numbers, 10.0))))
    if kind == "integer":
        return [rng.randint(0, int(reach)) for _ in range(SCATTERED)]
    return [round(rng.uniform(0, reach), 2) for _ in range(SCATTERED)] if kind == "real" else []


def _from_literals(column: Column, literals: Literals) -> list[Value]:
    if column.kind == "integer":
        return _unique(int(number) + step for number in literals.numbers for step in (-1, 0, 1))
    if column.kind == "real":
        return _unique(float(number + step) for number in literals.numbers for step in (-1, 0, 0.25))
    dated = [text for text in literals.texts if text[:1].isdigit()]
    if column.kind in ("date", "datetime"):
        return _unique(dated)
    if column.kind == "text":
        return _unique(spelled for text in literals.texts for spelled in _spellings(text))
    return []


def _spellings(text: str) -> tuple[str, ...]:
    """A compared text, or what a LIKE pattern matches and almost matches."""
    if "%" not in text and "_" not in text:
        return text, text.swapcase(), text + "s"
    plain = text.replace("%", "").replace("_", "a")
    return plain, text.replace("%", "bc").replace("_", "d"), "e" + plain + "f"


def _unique(values: Iterable[Value]) -> list[Value]:
    return [*dict.fromkeys(values)]
