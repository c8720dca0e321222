from __future__ import annotations

import json
from pathlib import Path

import pytest

from palaestra.verifiers import Status
from palaestra.verifiers.sql import SqlVerifier, verifier
from palaestra.verifiers.workers import Ending, Outcome

STAFF = """
CREATE TABLE dept(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT);
CREATE TABLE emp(id INTEGER PRIMARY KEY, name TEXT, dept_id INTEGER REFERENCES dept(id), salary REAL, hired DATE,
                 age INT CHECK (age > 0), boss INTEGER REFERENCES emp(id));
CREATE VIEW rich AS SELECT name, salary FROM emp WHERE salary > 100;
"""
HEADCOUNT = "SELECT d.name, COUNT(e.id) FROM dept d LEFT JOIN emp e ON e.dept_id = d.id GROUP BY d.id"
AVERAGE = SqlVerifier(STAFF, "SELECT AVG(salary) FROM emp WHERE hired >= '2020-01-01'")


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("SELECT name FROM emp WHERE salary > 500", "SELECT e.name AS who FROM emp e WHERE NOT e.salary <= 500;"),
        (HEADCOUNT, "SELECT name, (SELECT COUNT(*) FROM emp WHERE dept_id = d.id) FROM dept d ORDER BY 2"),
        (AVERAGE.gold_query, "SELECT SUM(salary / 3) * 3 / COUNT(salary) FROM emp WHERE hired >= '2020-01-01'"),
        ("SELECT SUM(age) FROM emp", "SELECT CAST(SUM(age) AS REAL) FROM emp"),
        ("SELECT name FROM rich", "WITH r AS (SELECT * FROM emp) SELECT name FROM r WHERE salary > 100"),
        ("SELECT a.name, b.name FROM emp a JOIN emp b ON b.id = a.boss", "SELECT a.name, b.name FROM emp b, emp a "
         "WHERE a.boss = b.id"),
    ],
)  # fmt: skip
def test_an_equivalent_query_is_right(gold: str, answer: str) -> None:
    question = SqlVerifier(STAFF, gold)
    assert question.verify(answer).right
    assert question.verify(f"Let me think: SELECT 1.\n```sql\n{answer}\n```\nThat is it.").right


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("SELECT name FROM emp WHERE salary > 500", "SELECT name FROM emp WHERE salary >= 500"),
        ("SELECT name FROM emp WHERE age BETWEEN 20 AND 30", "SELECT name FROM emp WHERE age > 20 AND age <= 30"),
        ("SELECT DISTINCT city FROM dept", "SELECT city FROM dept"),
        ("SELECT COUNT(*) FROM emp", "SELECT COUNT(name) FROM emp"),
        (HEADCOUNT, HEADCOUNT.replace("LEFT ", "")),
        (HEADCOUNT, HEADCOUNT.replace("e.id)", "*)")),
        (HEADCOUNT, HEADCOUNT.replace("BY d.id", "BY d.name")),
        ("SELECT name FROM dept WHERE city <> 'Paris'", "SELECT name FROM dept WHERE city IS NOT 'Paris'"),
        ("SELECT name FROM emp UNION SELECT name FROM dept", "SELECT name FROM emp UNION ALL SELECT name FROM dept"),
        ("SELECT name FROM emp WHERE name LIKE 'A%'", "SELECT name FROM emp WHERE name LIKE '%A%'"),
        ("SELECT name, age FROM emp", "SELECT age, name FROM emp"),
        ("SELECT name FROM emp WHERE salary = (SELECT MAX(salary) FROM emp)", "SELECT name FROM emp WHERE salary IN "
         "(SELECT salary FROM emp ORDER BY salary DESC LIMIT 2)"),
        ("SELECT COUNT(*) FROM emp", "SELECT CAST(COUNT(*) AS TEXT) FROM emp"),
        ("SELECT COUNT(*) FROM emp", "SELECT 5"),
        ("SELECT name FROM emp", "SELECT name, 1 FROM emp"),
    ],
)  # fmt: skip
def test_a_query_that_is_nearly_right_is_told_apart(gold: str, answer: str) -> None:
    verdict = SqlVerifier(STAFF, gold).verify(answer)
    assert verdict.status is Status.WRONG
    assert verdict.reason.startswith("database ")
    json.dumps(verdict.evidence, allow_nan=False)


def test_the_evidence_shows_the_first_row_that_differs() -> None:
    rows = "INSERT INTO dept VALUES (1, 'a', 'Rome'), (2, 'b', NULL), (3, 'b', NULL)"
    question = SqlVerifier(STAFF, "SELECT name, city FROM dept", ("", rows))
    verdict = question.verify("SELECT DISTINCT name, city FROM dept")
    assert verdict.reason == "database 2: expected 3 rows, got 2; a row is missing"
    assert verdict.evidence == {"database": 2, "expected_rows": 3, "got_rows": 2, "expected": ["b", None], "got": None}


def test_an_answer_that_leaves_ties_to_the_storage_is_wrong() -> None:
    eldest = SqlVerifier(STAFF, "SELECT name FROM emp ORDER BY age DESC, id LIMIT 3")
    verdict = eldest.verify("SELECT name FROM emp ORDER BY age DESC LIMIT 3")
    assert verdict.status is Status.WRONG
    assert "its rows stored in reverse" in verdict.reason
    assert eldest.verify("SELECT name FROM emp ORDER BY age DESC, id ASC LIMIT 3 OFFSET 0").right
    assert eldest.verify("SELECT name FROM emp ORDER BY age DESC, rowid LIMIT 3").right
    assert not eldest.verify("SELECT name FROM emp ORDER BY age DESC LIMIT 3 -- rowid").right
    assert not eldest.verify("SELECT name FROM emp ORDER BY age DESC, length('rowid') LIMIT 3").right


def test_the_number_of_a_row_without_a_key_is_how_it_is_stored() -> None:
    schema = "CREATE TABLE emp (id INT PRIMARY KEY, name TEXT, age INT)"
    eldest = SqlVerifier(schema, "SELECT name FROM emp ORDER BY age DESC, id LIMIT 3")
    assert not eldest.verify("SELECT name FROM emp ORDER BY age DESC, rowid LIMIT 3").right
    assert eldest.verify("SELECT name FROM emp WHERE rowid > 0 ORDER BY age DESC, id LIMIT 3").right


ORDERED = SqlVerifier(STAFF, "SELECT name, age FROM emp ORDER BY age DESC", ordered=True)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("SELECT name, age FROM emp ORDER BY age DESC, name", Status.RIGHT),
        ("SELECT name, age FROM emp ORDER BY -age IS NULL, -age, id DESC", Status.RIGHT),
        ("SELECT name, age FROM emp ORDER BY age", Status.WRONG),
        ("SELECT name, age FROM emp", Status.WRONG),
        ("SELECT name, age FROM emp ORDER BY age DESC NULLS FIRST", Status.WRONG),
    ],
)
def test_the_order_counts_up_to_ties(answer: str, status: Status) -> None:
    assert ORDERED.verify(answer).status is status
    assert SqlVerifier(STAFF, ORDERED.gold_query).verify(answer).right


@pytest.mark.parametrize(
    ("gold", "same", "other"),
    [
        ("SELECT name FROM emp ORDER BY salary DESC LIMIT 3", "SELECT name FROM emp ORDER BY salary DESC, id LIMIT 3",
         "SELECT name FROM emp ORDER BY salary LIMIT 3"),
        ("SELECT age, COUNT(*) AS n FROM emp GROUP BY age ORDER BY n DESC", "SELECT age, COUNT(*) FROM emp GROUP BY 1 "
         "ORDER BY 2 DESC, 1", "SELECT age, COUNT(*) FROM emp GROUP BY 1 ORDER BY 1"),
        ("SELECT city FROM dept UNION SELECT name FROM dept ORDER BY 1",
         "SELECT DISTINCT * FROM (SELECT city AS c FROM dept UNION ALL SELECT name FROM dept) ORDER BY c",
         "SELECT name FROM dept UNION SELECT city FROM dept ORDER BY 1 DESC"),
    ],
)  # fmt: skip
def test_sort_keys_are_columns_aliases_positions_or_expressions(gold: str, same: str, other: str) -> None:
    question = SqlVerifier(STAFF, gold, ordered=True)
    assert question.verify(same).right
    assert not question.verify(other).right


def test_a_limit_that_cuts_a_tie_is_asked_only_where_it_does_not() -> None:
    question = SqlVerifier(STAFF, "SELECT name FROM emp ORDER BY age LIMIT 1")
    assert question.verify("SELECT name FROM emp ORDER BY age, name DESC LIMIT 1").right
    assert question.verify("SELECT name FROM emp ORDER BY age, name LIMIT 1").right


@pytest.mark.parametrize(
    ("schema", "gold", "more", "message"),
    [
        ("CREATE TABLE t(", "SELECT 1", {}, "schema is not valid"),
        ("", "SELECT 1", {}, "creates no table"),
        ("CREATE TABLE t(a REFERENCES u(b))", "SELECT a FROM t", {}, "does not create"),
        (STAFF, "SELECT nme FROM emp", {}, "no such column: nme"),
        (STAFF, "DELETE FROM emp", {}, "not authorized"),
        (STAFF, "SELECT random() FROM emp", {}, "not authorized"),
        (STAFF, "SELECT name FROM emp LIMIT 1", {}, "break its ties"),
        (STAFF, "SELECT name, MAX(age), dept_id FROM emp GROUP BY salary", {}, "break its ties"),
        (STAFF, "SELECT name FROM emp WHERE age = 1.5", {}, "returns no row"),
        (STAFF, "SELECT 1", {}, "a constant would pass"),
        (STAFF, "SELECT name FROM emp", {"ordered": True}, "outermost ORDER BY"),
        (STAFF, "SELECT DISTINCT name FROM emp ORDER BY age", {"ordered": True}, "columns of its result"),
        (STAFF, "SELECT name FROM emp ORDER BY name COLLATE NOCASE", {"ordered": True}, "COLLATE"),
        (STAFF, "SELECT name FROM emp", {"databases": ("INSERT INTO emp VALUES (1)",)}, "cannot be filled"),
        (STAFF, "SELECT name FROM emp", {"databases": 0}, "1 to 64 databases"),
        (STAFF, "SELECT name FROM emp", {"tolerance": -1.0}, "tolerance"),
    ],
)
def test_a_broken_problem_is_refused_when_it_is_made(
    schema: str, gold: str, more: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SqlVerifier(schema, gold, **more)  # type: ignore[arg-type]


HOSTILE = [
    *("", " \n", "```sql\n```", "\ud800", "SELECT '\0'", "SELECT 1; SELECT 2", "--", "x" * 2_000_000, "(" * 9_000),
    *("DROP TABLE emp", "DELETE FROM emp", "INSERT INTO emp(id) VALUES (1)", "CREATE TABLE u(a)", "VACUUM", "BEGIN"),
    *("ATTACH 'stolen.db' AS s", "VACUUM INTO 'stolen.db'", "PRAGMA table_info(emp)", "PRAGMA query_only = 0"),
    *("SELECT load_extension('x')", "SELECT readfile('/etc/passwd')", "SELECT writefile('stolen.db', 'x')"),
    *("SELECT * FROM sqlite_master", "SELECT * FROM pragma_database_list", "SELECT * FROM dbstat", "SELECT ?1"),
    *("SELECT random()", "SELECT randomblob(1000000000)", "SELECT zeroblob(1000000000)", "SELECT fts3_tokenizer('a')"),
    "SELECT printf('%.*c', 10000000, 'x')",
    "SELECT AVG(salary) FROM emp, (SELECT load_extension('x'))",
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c",
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT MAX(n) FROM c",
    "SELECT COUNT(*) FROM emp a, emp b, emp c, emp d, emp e, emp f, dept, dept x, dept y, dept z",
    "SELECT " + "(" * 100 + "1" + ")" * 100,
    "SELECT " + "+".join("1" * 2_000),
]


@pytest.mark.parametrize("answer", HOSTILE, ids=lambda answer: ascii(answer[:30]))
def test_a_hostile_answer_is_wrong_and_does_nothing(answer: str, tmp_path: Path) -> None:
    verdict = AVERAGE.verify(answer.replace("stolen.db", str(tmp_path / "stolen.db")))
    assert verdict.status is Status.WRONG
    assert "\n" not in verdict.reason
    assert AVERAGE.verify(AVERAGE.gold_query).right
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("SELECT name FROM sqlite_master", "the query fails: access to sqlite_master.name is prohibited"),
        ("SELECT random()", "the query fails: not authorized to use function: random"),
        ("ATTACH 'x' AS y", "the query fails: not authorized"),
        ("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c", "the result has more than "
         "10000 rows or 2000000 characters"),
        ("SELECT hex(hex(printf('%.9000d', 1)))", "the query fails: string or blob too big"),
    ],
)  # fmt: skip
def test_what_a_query_may_not_do_is_named(answer: str, reason: str) -> None:
    assert AVERAGE.verify(answer).reason.startswith(reason)


def test_an_endless_query_is_stopped_by_steps() -> None:
    verdict = AVERAGE.verify("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT MAX(n) FROM c")
    assert verdict.reason == "the query was stopped after 2000000 steps"


def test_a_query_that_hoards_memory_is_stopped() -> None:
    rows = "SELECT 1, printf('%.*c', 19000, 'x') UNION SELECT n + 1, printf('%.*c', 19000, 'x') FROM c"
    verdict = AVERAGE.verify(f"WITH RECURSIVE c(n, t) AS ({rows}) SELECT MAX(n) FROM c")
    assert verdict.reason == "the query needs more than 256 MB"


def test_one_slow_step_after_another_is_stopped_by_the_clock() -> None:
    slow = (
        "WITH RECURSIVE c(n, t) AS (SELECT 1, printf('%.*c', 19000, 'x') UNION ALL SELECT n + 1, replace(t, 'xx', 'xx')"
    )
    verdict = AVERAGE.verify(slow + " FROM c) SELECT MAX(n) FROM c")
    assert verdict.reason == "the query was stopped: no result within 3 s"


def test_a_gold_that_takes_too_long_is_no_fault_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow:
        def call(self, *args: object) -> Outcome:
            return Outcome(Ending.TIMEOUT, reason="no result within 3 s")

    gold = SqlVerifier(STAFF, "SELECT name FROM emp WHERE age > 77")
    with monkeypatch.context() as patch:
        patch.setattr(verifier, "_workers", Slow)
        verdict = gold.verify("SELECT name FROM emp")
    assert verdict.status is Status.UNDECIDED
    assert verdict.reason == "the gold query takes too much itself: no result within 3 s"


def test_a_dead_worker_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dead:
        def call(self, *args: object) -> Outcome:
            return Outcome(Ending.DIED, reason="the worker was killed")

    monkeypatch.setattr(verifier, "_workers", Dead)
    assert AVERAGE.verify("SELECT 1").status is Status.UNDECIDED
