from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers.sql.comparison import first_difference, tie_groups
from palaestra.verifiers.sql.databases import Literals, generated_database, stored_otherwise
from palaestra.verifiers.sql.execution import Result
from palaestra.verifiers.sql.gold import literals_of, tokens_of, with_sort_keys

SHOP = """
CREATE TABLE line(item TEXT, order_id INT NOT NULL, shop TEXT NOT NULL, amount INT CHECK (amount BETWEEN 0 AND 50),
                  PRIMARY KEY (item, order_id), FOREIGN KEY (order_id, shop) REFERENCES orders(id, shop));
CREATE TABLE orders(id INT, shop TEXT, paid BOOLEAN, at DATETIME, total DECIMAL(8, 2), note BLOB,
                    parent INT, PRIMARY KEY (id, shop), FOREIGN KEY (parent, shop) REFERENCES orders);
"""


def dump(connection: sqlite3.Connection) -> list[str]:
    return [*connection.iterdump()]


def test_databases_keep_every_constraint_of_the_schema() -> None:
    filled = 0
    for index in range(30):
        database = generated_database(SHOP, Literals(), 1, index)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute("SELECT COUNT(*) FROM line WHERE NOT amount BETWEEN 0 AND 50").fetchone() == (0,)
        filled += database.execute("SELECT COUNT(*) FROM line").fetchone()[0]
    assert filled > 30


def test_a_key_that_is_numbered_and_refers_is_kept_too() -> None:
    schema = "CREATE TABLE a(id INTEGER PRIMARY KEY, x); CREATE TABLE b(id INTEGER PRIMARY KEY REFERENCES a(id), x)"
    for index in range(20):
        assert generated_database(schema, Literals(), 0, index).execute("PRAGMA foreign_key_check").fetchall() == []


def test_databases_hold_nulls_repeats_and_values_of_each_type() -> None:
    types = set()
    repeats = 0
    for index in range(30):
        database = generated_database("CREATE TABLE t(a INT, b REAL, c TEXT, d BLOB)", Literals(), 0, index)
        rows = database.execute("SELECT a, b, c, d FROM t").fetchall()
        types |= {type(value) for row in rows for value in row}
        if index == 0:
            assert rows == []
        repeats += len(rows) - len({*rows})
    assert repeats > 10
    assert types == {int, float, str, bytes, type(None)}


def test_the_seed_fixes_the_databases() -> None:
    first, again, other = (dump(generated_database(SHOP, Literals((5.0,)), seed, 3)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_copy_holds_the_same_rows_in_another_order() -> None:
    database = generated_database("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)", Literals(), 0, 2)
    copy = stored_otherwise(database, None)
    rows = database.execute("SELECT a, b FROM t").fetchall()
    assert len(rows) > 1
    assert copy.execute("SELECT a, b FROM t").fetchall() == rows[::-1]


def test_literals_are_found_outside_comments_and_names() -> None:
    query = "SELECT \"7\", [8], `9` FROM t -- 10\nWHERE a > 1.5e1 /* 11 */ AND b = 'O''Neill' OR c LIKE 'A%'"
    assert literals_of(query) == Literals((15.0,), ("O'Neill", "A%"))


@pytest.mark.parametrize(
    ("query", "keyed", "keys"),
    [
        ("SELECT a, b FROM t ORDER BY b DESC, 1", None, (1, 0)),
        ("SELECT a, b FROM t ORDER BY \"B\" NULLS LAST LIMIT 3", None, (1,)),
        ("SELECT a, b FROM t ORDER BY c", "SELECT a, b , c FROM t ORDER BY c", (2,)),
        ("SELECT a, (SELECT 1 FROM u ORDER BY 1) b FROM t ORDER BY f(a, 'x, y'), a",
         "SELECT a, (SELECT 1 FROM u ORDER BY 1) b , f(a, 'x, y') FROM t ORDER BY f(a, 'x, y'), a", (2, 0)),
        ("WITH w AS (SELECT 1 FROM u) SELECT a, b FROM w ORDER BY -a",
         "WITH w AS (SELECT 1 FROM u) SELECT a, b , -a FROM w ORDER BY -a", (2,)),
    ],
)  # fmt: skip
def test_sort_keys_are_read(query: str, keyed: str | None, keys: tuple[int, ...]) -> None:
    assert with_sort_keys(query, ("a", "b")) == (keyed or query, keys)


def test_only_the_outermost_order_counts() -> None:
    with pytest.raises(ValueError, match="outermost"):
        with_sort_keys("SELECT a FROM (SELECT a FROM t ORDER BY a)", ("a",))


@given(st.text(max_size=80))
def test_any_text_has_tokens(text: str) -> None:
    assert all(text[token.start : token.end] for token in tokens_of(text))


def compare(expected: list[Any], got: list[Any], keys: list[Any] | None = None, tolerance: float = 1e-9) -> str | None:
    groups = (len(expected),) if keys is None else tie_groups([(key,) for key in keys])
    columns = tuple("abc"[: len((expected or got)[0])])
    gold, answer = Result(columns, tuple(expected)), Result(columns, tuple(got))
    difference = first_difference(gold, answer, groups, tolerance)
    return difference.reason if difference else None


def test_values_are_compared_by_the_declared_rules() -> None:
    assert compare([(1,), (None,)], [(None,), (1.0,)]) is None
    assert compare([(0.1 + 0.2, "b"), (0.3, "a")], [(0.3, "b"), (0.3, "a")]) is None
    assert compare([(2**60 + 1,)], [(2**60,)]) == "a row is missing"
    assert compare([(float("inf"),), (1.0,)], [(1.0,), (float("inf"),)]) is None
    assert compare([(float("inf"),)], [(1.0,)]) == "a row is missing"
    for ours, theirs in [(1, "1"), (None, 0), ("", None), ("a", b"a"), ("a", "A"), (1.0, 1.001)]:
        assert compare([(ours,)], [(theirs,)]) == "a row is missing"
    assert compare([(1.0,)], [(1.001,)], tolerance=0.01) is None


def test_rows_may_move_only_within_a_tie() -> None:
    rows = [("a",), ("b",), ("c",)]
    assert compare(rows, [("b",), ("a",), ("c",)], [1, 1, 2]) is None
    assert compare(rows, [("a",), ("c",), ("b",)], [1, 1, 2]) == "row 2 is out of order"
    assert compare(rows, rows[::-1]) is None
    assert compare(rows, rows[:2], [1, 1, 2]) == "expected 3 rows, got 2; a row is missing"


ROWS = st.lists(st.tuples(st.sampled_from([None, 0, 1, 0.5, "x"]), st.sampled_from([None, 1, 1 + 1e-12])), max_size=8)


@given(ROWS, ROWS, st.randoms(use_true_random=False))
def test_comparison_is_symmetric_and_blind_to_order(first: Any, second: Any, rng: Any) -> None:
    if first or second:
        assert (compare(first, second) is None) == (compare(second, first) is None)
    if first:
        shuffled = rng.sample(first, len(first))
        assert compare(first, shuffled) is None
        assert compare(first, [*shuffled, shuffled[0]]) is not None
