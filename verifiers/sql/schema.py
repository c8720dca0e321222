"""The tables of a schema, as SQLite itself reads the author's CREATE statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

BY_TYPE = (  # the first part found in a declared type decides; after SQLite's own rules, with dates told apart
    *(("BOOL", "boolean"), ("DATETIME", "datetime"), ("TIMESTAMP", "datetime"), ("DATE", "date"), ("INT", "integer")),
    *(("CHAR", "text"), ("CLOB", "text"), ("TEXT", "text"), ("STRING", "text"), ("BLOB", "blob"), ("REAL", "real")),
    *(("FLOA", "real"), ("DOUB", "real"), ("DEC", "real"), ("NUM", "real"), ("MONEY", "real"), ("TIME", "text")),
)
DATE_NAMES = ("date", "_at", "_on", "day", "birthday")  # how a text column that holds dates is called, or ends


@dataclass(frozen=True, slots=True)
class Column:
    """kind: integer, real, text, boolean, date, datetime or blob. numbered: INTEGER PRIMARY KEY."""

    name: str
    kind: str
    declared: str
    nullable: bool
    numbered: bool


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Positions of the columns here, and of those they refer to in ``parent``."""

    columns: tuple[int, ...]
    parent: str
    parent_columns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    foreign_keys: tuple[ForeignKey, ...]


def read_tables(connection: sqlite3.Connection) -> tuple[Table, ...]:
    """The tables of a database, parents before the tables that refer to them as far as that can be done.

    Raises:
        ValueError: there is none, or a foreign key refers to what does not exist.
    """
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")]
    columns = {name: _columns(connection, name) for name in names if not name.startswith("sqlite_")}
    if not columns:
        raise ValueError("the schema creates no table")
    tables = [Table(name, columns[name], _foreign_keys(connection, name, columns)) for name in columns]
    return tuple(_parents_first(tables))


def quote(name: str) -> str:
    """An identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _columns(connection: sqlite3.Connection, table: str) -> tuple[Column, ...]:
    rows = connection.execute(f"PRAGMA table_info({quote(table)})").fetchall()
    keys = sum(1 for row in rows if row[5])
    return tuple(
        Column(
            name,
            _kind(name, declared.upper()),
            declared,
            nullable=not not_null and not key,
            numbered=bool(key) and keys == 1 and declared.upper() == "INTEGER",
        )
        for _, name, declared, not_null, _, key in rows
    )


def _kind(name: str, declared: str) -> str:
    kind = next((kind for part, kind in BY_TYPE if part in declared), "integer")
    return "date" if kind == "text" and name.lower().endswith(DATE_NAMES) else kind


def _foreign_keys(
    connection: sqlite3.Connection, table: str, columns: dict[str, tuple[Column, ...]]
) -> tuple[ForeignKey, ...]:
    keys: dict[int, list[tuple[str, str, str | None]]] = {}
    for number, _, parent, here, there, *_ in connection.execute(f"PRAGMA foreign_key_list({quote(table)})"):
        keys.setdefault(number, []).append((parent, here, there))
    found = []
    for parts in keys.values():
        parent = next((name for name in columns if name.lower() == parts[0][0].lower()), None)
        if parent is None:
            raise ValueError(f"{table} refers to a table {parts[0][0]} that the schema does not create")
        there = [name for _, _, name in parts if name is not None]
        positions = _positions(columns[parent], there) if there else _primary_key(connection, parent)
        if len(positions) != len(parts):
            raise ValueError(f"{table} refers to columns of {parent} that do not exist")
        found.append(ForeignKey(_positions(columns[table], [here for _, here, _ in parts]), parent, positions))
    return tuple(found)


def _positions(columns: Sequence[Column], names: Sequence[str]) -> tuple[int, ...]:
    order = {column.name.lower(): position for position, column in enumerate(columns)}
    return tuple(order[name.lower()] for name in names if name.lower() in order)


def _primary_key(connection: sqlite3.Connection, table: str) -> tuple[int, ...]:
    rows = connection.execute(f"PRAGMA table_info({quote(table)})").fetchall()
    return tuple(position for _, position in sorted((row[5], position) for position, row in enumerate(rows) if row[5]))


def _parents_first(tables: Sequence[Table]) -> list[Table]:
    ordered: list[Table] = []
    waiting = list(tables)
    while waiting:
        done = {table.name for table in ordered}
        free = [t for t in waiting if all(key.parent in done or key.parent == t.name for key in t.foreign_keys)]
        ordered += free or waiting[:1]  # a circle of references is entered anywhere
        waiting = [table for table in waiting if table not in ordered]
    return ordered
