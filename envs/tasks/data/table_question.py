"""Filter, group and add up the rows of a small table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict

from ..numbers.single_number import judge_number

COLUMNS = ("region", "item", "units", "price")
VALUES = {"region": ("north", "south", "east", "west"), "item": ("lamp", "desk", "chair", "shelf", "clock")}
COMPARISONS = {"is": eq, "is not": ne, "is more than": gt, "is less than": lt, "is at least": ge, "is at most": le}
NUMERIC = ("is more than", "is less than", "is at least", "is at most")
FEWEST = 2  # rows that are left after filtering

Row = Sequence[Any]  # in the order of COLUMNS
Query = Mapping[str, Any]  # where: [column, comparison, value] each; measure; group: a column, or ""; final


@register("palaestra/TableQuestion-v0")
@dataclass(frozen=True)
class TableQuestion(Task):
    """Difficulty raises the number of rows (6 to 24) and what is asked: the total of a column under one condition
    (1, 2), two conditions (3, 4), units times price (5, 6), the largest total of a group (7, 8), the difference
    between the largest and the smallest group (9, 10).

    The answer is a number.
    """

    tags: ClassVar[tuple[str, ...]] = ("data", "tables")
    ceiling = 0.03
    wordings = (
        "{table}\n\nThe table lists orders. {question} Answer in \\boxed{{}} with a number.",
        "{question} The orders are the rows of this table:\n\n{table}\n\nGive the number in \\boxed{{}}.",
        "Here is a CSV file of orders.\n\n{csv}\n\nQuestion: {question} Put the number alone in \\boxed{{}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = 4 + 2 * difficulty
        while True:
            uniforms = rng.random(4 * n + 5).tolist()
            rows = [
                [VALUES["region"][int(t * 4)], VALUES["item"][int(u * 5)], 1 + int(v * 40), 5 + int(w * 95)]
                for t, u, v, w in zip(*[iter(uniforms[5:])] * 4, strict=True)
            ]
            query = _draw(uniforms[:5], difficulty)
            chosen = _filtered(rows, query)
            if len(chosen) >= FEWEST and (not query["group"] or len(_totals(chosen, query)) > 1):
                break
        fields = {
            "table": "\n".join(
                [
                    "| region | item | units | price |",
                    "|---|---|---|---|",
                    *["| {} | {} | {} | {} |".format(*r) for r in rows],
                ]
            ),
            "csv": "\n".join(["region,item,units,price", *["{},{},{},{}".format(*r) for r in rows]]),
            "question": _question(query),
        }
        return self.ask(rng, _answer(rows, query), difficulty, fields, {"rows": rows, "query": query})

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_number(response, problem.reference)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The rows that count, the totals, the answer."""
        query = problem.meta["query"]
        chosen = _filtered(problem.meta["rows"], query)
        lines = [f"{row[0]} {row[1]}: {_measured(row, query, worked=True)}" for row in chosen]
        lines += [f"total {name or 'of all'}: {total}" for name, total in _totals(chosen, query).items()]
        return "\n".join([*lines, f"\\boxed{{{problem.reference}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The total of a column under the first condition, whatever else is asked."""
        simple = {**problem.meta["query"], "measure": "units", "group": "", "final": "total"}
        simple["where"] = simple["where"][:1]
        return f"\\boxed{{{_answer(problem.meta['rows'], simple)}}}"


def _draw(uniforms: Sequence[float], difficulty: int) -> Query:
    group = ("", COLUMNS[int(uniforms[0] * 2)])[difficulty > 6]
    column = COLUMNS[int(uniforms[1] * 2)] if not group else "item" if group == "region" else "region"
    names = VALUES[column]
    where: list[list[Any]] = [[column, "is not" if group else "is", names[int(uniforms[2] * len(names))]]]
    if difficulty > 2:
        comparison = NUMERIC[int(uniforms[3] * 4)]
        where.append(["price", comparison, 35 + int(uniforms[4] * 35)])
    final = "total" if not group else "largest" if difficulty < 9 else "spread"
    return {"where": where, "measure": "units" if difficulty < 5 else "revenue", "group": group, "final": final}


def _question(query: Query) -> str:
    conditions = " and ".join([f"whose {column} {comparison} {value}" for column, comparison, value in query["where"]])
    measure = "units" if query["measure"] == "units" else "units times price"
    if not query["group"]:
        return f"What is the total of {measure} over all orders {conditions}?"
    asked = {
        "largest": "What is the largest of these totals?",
        "spread": "By how much does the largest of these totals exceed the smallest one?",
    }[query["final"]]
    return (
        f"Take only the orders {conditions}, group them by {query['group']} and add up {measure} in each group. {asked}"
    )


def _filtered(rows: Sequence[Row], query: Query) -> list[Row]:
    tests = [(COLUMNS.index(column), COMPARISONS[comparison], value) for column, comparison, value in query["where"]]
    return [row for row in rows if all(test(row[place], value) for place, test, value in tests)]


def _measured(row: Row, query: Query, worked: bool = False) -> Any:
    """What a row adds to its total, or that with its working."""
    units, price = row[2:]
    if query["measure"] == "units":
        return units
    return f"{units} * {price} = {units * price}" if worked else units * price


def _totals(rows: Sequence[Row], query: Query) -> dict[str, int]:
    """Of each group, or of everything under the name ""."""
    totals: dict[str, int] = {}
    place = COLUMNS.index(query["group"]) if query["group"] else None
    for row in rows:
        name = "" if place is None else row[place]
        totals[name] = totals.get(name, 0) + _measured(row, query)
    return totals


def _answer(rows: Sequence[Row], query: Query) -> int:
    totals = _totals(_filtered(rows, query), query).values()
    largest = max(totals, default=0)
    return largest - min(totals) if query["final"] == "spread" else largest
