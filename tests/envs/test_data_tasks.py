"""Data families: tables are answered again by SQLite, spreadsheets by Python, and SQL golds tell queries apart."""

from __future__ import annotations

import csv
import io
import itertools
import re
import sqlite3
from typing import Any

import numpy as np
import pytest

from palaestra.envs import Problem, sample_problem
from palaestra.envs.tasks.data.spreadsheet import Spreadsheet
from palaestra.envs.tasks.data.sql_query import SqlQuery
from palaestra.envs.tasks.data.table_question import TableQuestion
from palaestra.verifiers import evaluate, parse_expression

RNG = np.random.default_rng(0)
SIGNS = {"is": "=", "is not": "<>", "is more than": ">", "is less than": "<", "is at least": ">=", "is at most": "<="}
OPPOSITE = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}


def by_sqlite(problem: Problem) -> Any:
    """The answer to a table question, from its words and its CSV."""
    fields = problem.meta["fields"]
    table = sqlite3.connect(":memory:")
    table.execute("CREATE TABLE orders (region TEXT, item TEXT, units INTEGER, price INTEGER)")
    rows = list(csv.reader(io.StringIO(fields["csv"])))[1:]
    table.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    question = fields["question"]
    conditions = re.findall(rf"whose (\w+) ({'|'.join(sorted(SIGNS, key=len, reverse=True))}) (\w+)", question)
    where = " AND ".join(f"{c} {SIGNS[s]} {v if v.isdigit() else repr(v)}" for c, s, v in conditions)
    measure = "SUM(units * price)" if "units times price" in question else "SUM(units)"
    group = re.search(r"group them by (\w+)", question)
    inner = f"SELECT {measure} AS total FROM orders WHERE {where} {f'GROUP BY {group[1]}' if group else ''}"
    asked = "MAX(total) - MIN(total)" if "exceed" in question else "MAX(total)"
    return table.execute(f"SELECT {asked} FROM ({inner})").fetchone()[0]


def test_tables_are_answered_as_sqlite_answers_them() -> None:
    for level, seed in itertools.product(range(1, 11), range(10)):
        problem = sample_problem(TableQuestion(), seed, level)
        assert problem.reference == by_sqlite(problem), problem.prompt
        assert TableQuestion().verify(problem, f"\\boxed{{{problem.reference:,}}}").right
        assert not TableQuestion().verify(problem, f"\\boxed{{{problem.reference + 1}}}").right


def test_both_layouts_of_a_table_hold_the_same_rows() -> None:
    fields = sample_problem(TableQuestion(), 0, 5).meta["fields"]
    piped = [re.findall(r"\w+", line) for line in fields["table"].splitlines() if "---" not in line]
    assert piped == list(csv.reader(io.StringIO(fields["csv"])))


def cell_values(cells: str) -> dict[str, int]:
    """A spreadsheet computed from its text: cells replaced by numbers, functions by Python's."""
    values: dict[str, int] = {}

    def spread(match: re.Match[str]) -> str:
        (c1, r1), (c2, r2) = match[1], match[2]
        block = [f"{chr(c)}{r}" for r in range(int(r1), int(r2) + 1) for c in range(ord(c1), ord(c2) + 1)]
        return ", ".join(block)

    for cell, content in re.findall(r"([A-E]\d): ([^;\n]+)", cells):
        content = re.sub(r"([A-E]\d):([A-E]\d)", spread, content.removeprefix("="))
        content = re.sub(r"[A-E]\d", lambda match: str(values[match[0]]), content)
        if call := re.fullmatch(r"IF\((-?\d+)>(-?\d+), (-?\d+), (-?\d+)\)", content):
            a, b, c, d = map(int, call.groups())
            values[cell] = c if a > b else d
        elif call := re.fullmatch(r"(SUM|MAX|MIN)\((.*)\)", content):
            values[cell] = {"SUM": sum, "MAX": max, "MIN": min}[call[1]](list(map(int, call[2].split(", "))))
        else:
            left, sign, right = re.fullmatch(r"(-?\d+)([-+*]?)(-?\d*)", content).groups()  # type: ignore[union-attr]  # a match
            values[cell] = evaluate(parse_expression(f"({left}){sign}({right})" if sign else left)).numerator
    return values


def test_spreadsheets_show_what_their_text_says() -> None:
    for level, seed in itertools.product(range(1, 11), range(15)):
        problem = sample_problem(Spreadsheet(), seed, level)
        fields = problem.meta["fields"]
        assert problem.reference == cell_values(fields["cells"])[fields["target"]], problem.prompt
        assert f"\n{fields['target']} = " in f"\n{Spreadsheet().solve(problem, RNG)}"


def test_a_table_and_a_cell_are_answered_by_a_number_that_is_worked_out() -> None:
    for task in (TableQuestion(), Spreadsheet()):
        problem = Problem("", 1240, 1)
        for answer in ("1240", "1,240", "1240.0", "x = 1240", "$1240$"):
            assert task.verify(problem, f"\\boxed{{{answer}}}").right, answer
        for answer in ("31 \\cdot 40", "(1200+40)", "\\max(1240, 3)", "1240 or 31", "1240, 31", ""):
            assert not task.verify(problem, f"\\boxed{{{answer}}}").right, answer


def sql_problem(gold: str = "SELECT name FROM customers WHERE age > 30") -> Problem:
    schema = "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER NOT NULL);"
    return Problem("", {"schema": schema, "gold": gold, "tables": ["customers"]}, 1)


@pytest.mark.parametrize(
    "answer",
    [
        "SELECT name FROM customers WHERE age > 30;",
        "select c.name from customers c where not c.age <= 30",
        r"\texttt{SELECT their\_name FROM (SELECT name AS their\_name FROM customers WHERE age > 30)}",
    ],
)
def test_any_query_with_the_same_rows_is_right(answer: str) -> None:
    verdict = SqlQuery().verify(sql_problem(), f"\\boxed{{{answer}}}")
    assert verdict.right, verdict.reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("SELECT name FROM customers WHERE age >= 30", "database"),
        ("SELECT name, age FROM customers WHERE age > 30", "expected 1 column"),
        ("SELECT name FROM clients WHERE age > 30", "no SELECT from customers"),
        ("SELECT customers", "no such column"),
        ("DELETE FROM customers", "no SELECT from customers"),
        ("WITH x AS (SELECT 1) DELETE FROM customers", "not"),
        ("SELECT name FROM customers WHERE age > 30 -- " + "x" * 2000, "more than 2000 characters"),
    ],
)
def test_other_queries_are_wrong(answer: str, reason: str) -> None:
    verdict = SqlQuery().verify(sql_problem(), f"\\boxed{{{answer}}}")
    assert not verdict.right
    assert reason in verdict.reason


ANOTHER_WAY = (  # to write the gold query of each difficulty
    "SELECT name FROM {o}s WHERE id IN (SELECT id FROM {o}s WHERE {age} {sign} {n}) AND {place} = '{text}'",
    "SELECT {kind}, {amount} FROM {t}s WHERE NOT ({kind} = '{text}' AND NOT {amount} {sign} {n})",
    "SELECT COALESCE(SUM({kind} = '{text}' AND {amount} {sign} {n}), 0) FROM {t}s",
    "SELECT DISTINCT {kind}, (SELECT {f}(x.{amount}) FROM {t}s x WHERE x.{kind} = t.{kind} AND x.{amount} {sign} {n}) "
    "FROM {t}s t WHERE t.{amount} {sign} {n}",
    "SELECT {kind}, n FROM (SELECT {kind}, SUM({amount} {sign} {n}) n FROM {t}s GROUP BY {kind}) WHERE n >= {few}",
    "SELECT (SELECT name FROM {o}s o WHERE o.id = t.{o}_id), {amount} FROM {t}s t WHERE {amount} {sign} {n} "
    "AND {o}_id IN (SELECT id FROM {o}s WHERE {place} = '{text}')",
    "SELECT name, (SELECT {f}({amount}) FROM {t}s WHERE {o}_id = o.id AND {amount} {sign} {n}) FROM {o}s o "
    "WHERE id IN (SELECT {o}_id FROM {t}s WHERE {amount} {sign} {n})",
    "SELECT o.name FROM {o}s o LEFT JOIN {t}s t ON t.{o}_id = o.id AND t.{amount} {sign} {n} "
    "WHERE t.id IS NULL AND o.{place} = '{text}'",
    "SELECT id FROM {t}s WHERE {o}_id IN (SELECT id FROM {o}s WHERE {age} {sign} {n}) "
    "AND {amount} > (SELECT 1.0 * SUM({amount}) / COUNT(*) FROM {t}s WHERE {kind} = '{text}')",
    "SELECT {kind}, id, {amount} FROM (SELECT t.*, RANK() OVER (PARTITION BY {kind} ORDER BY {amount} DESC) place_ "
    "FROM {t}s t JOIN {o}s o ON o.id = t.{o}_id WHERE o.{place} = '{text}' AND {amount} {sign} {n}) WHERE place_ = 1",
)
WORDED = {"more than": ">", "at least": ">=", "less than": "<", "at most": "<="}
NAMED = {"total": "SUM", "greatest": "MAX", "smallest": "MIN", "average": "AVG"}


def read_sql_prompt(fields: dict[str, str]) -> dict[str, str]:
    """The names of tables and columns and the literals, from the words of the problem alone."""
    question = fields["question"]
    o, place, age, t, kind, amount = re.findall(
        r"CREATE TABLE (\w+)s .*?TEXT NOT NULL, (\w+) TEXT NOT NULL, (\w+) INTEGER.*"
        r"CREATE TABLE (\w+)s .*, (\w+) TEXT NOT NULL, (\w+) INTEGER",
        fields["schema"],
        re.DOTALL,
    )[0]
    text = re.search(rf"(?:{place}|{kind}) (?:is not |is )?(?!is\b)([A-Za-z]+)(?: or| and|,)", question)
    compared = re.findall(rf"({'|'.join(WORDED)}) (\d+)", question)
    function = re.search(rf"the ({'|'.join(NAMED)}) {amount}", question)
    return {
        **dict(zip(("o", "place", "age", "t", "kind", "amount"), (o, place, age, t, kind, amount), strict=True)),
        "text": text[1] if text else "",
        "sign": WORDED[compared[-1][0]],
        "n": compared[-1][1],
        "few": compared[0][1],
        "f": NAMED[function[1]] if function else "",
    }


@pytest.mark.parametrize("level", range(1, 11))
def test_a_query_written_from_the_question_in_another_way_is_right_and_its_opposite_wrong(level: int) -> None:
    for seed in range(4):
        problem = sample_problem(SqlQuery(), seed, level)
        query = ANOTHER_WAY[level - 1].format(**read_sql_prompt(problem.meta["fields"]))
        verdict = SqlQuery().verify(problem, f"\\boxed{{{query}}}")
        assert verdict.right, (problem.prompt, query, verdict)
        assert "databases" in verdict.reason
        turned = re.sub(r" (<=|>=|<|>) (?=\d)", lambda match: f" {OPPOSITE[match[1]]} ", problem.reference["gold"])
        assert not SqlQuery().verify(problem, f"\\boxed{{{turned}}}").right


NEARLY = (  # difficulty, what of the gold is changed, and into what
    (4, r"GROUP BY (\w+)", r"GROUP BY lower(\1)"),
    (4, r"MIN|AVG", "MAX"),
    (5, r">= (\d)$", r">= \1 - 1"),
    (8, r"t\.\w+_id = o\.id", "t.id = o.id"),
    (8, r"(<=|>=|<|>) (\d+)\)$", r"\1 \2 - 1)"),
    (10, "MAX", "MIN"),
    (10, r" WHERE x\.\w+ = s\.\w+", ""),
)


@pytest.mark.parametrize(("level", "part", "other"), NEARLY)
def test_a_query_with_one_thing_changed_is_wrong_for_every_problem(level: int, part: str, other: str) -> None:
    for seed in range(12):
        problem = sample_problem(SqlQuery(), seed, level)
        gold = problem.reference["gold"]
        if (query := re.sub(part, other, gold)) != gold:
            assert not SqlQuery().verify(problem, f"\\boxed{{{query}}}").right, query
