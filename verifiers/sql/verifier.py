"""Answers in SQL: run beside a gold query on several small databases."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, replace
from functools import cache, lru_cache

from ..fenced import last_fenced
from ..verdict import Verdict, right, undecided, wrong
from ..workers import Ending, Workers
from .execution import MAX_QUERY
from .judging import Spec, check_databases, choose_databases

LANGUAGES = ("sql", "sqlite", "")
MAX_DATABASES = 64
SECONDS = 3.0  # of processor time, for the gold and the answer on all databases
MEMORY = 1 << 30  # bytes of a worker
WORKERS = 2


@dataclass(frozen=True, slots=True)
class SqlVerifier:
    """An answer is right when it returns what ``gold_query`` returns on every database, however its rows are stored.

    The query is the last closed fenced block labelled ``sql``, ``sqlite`` or not at all; without one, the whole
    response. It is one SELECT in SQLite's dialect: it may read the schema's tables and views and call SQLite's
    deterministic functions, and nothing else.

    schema: CREATE statements.
    databases: how many to generate, from the schema (types, keys, foreign keys, CHECKs), the gold's literals and
        ``seed``; or scripts of INSERT statements, one a database. Of the generated ones those are used on which the
        gold's result does not depend on the order in which rows are stored (a LIMIT that cuts through a tie).
    ordered: the order counts as far as the outermost ORDER BY of the gold fixes it: rows with equal sort keys may come
        in any order among themselves. Otherwise the results are compared as multisets.
    tolerance: absolute or relative difference below which two numbers are one, in columns that hold real numbers.

    Columns are compared by position, not by name; NULL equals NULL; 2 equals 2.0, and 2 is not '2'.

    Raises:
        ValueError: the schema or the gold is not valid, or the databases cannot tell the gold from other queries: see
            ``judging.choose_databases``.
    """

    schema: str
    gold_query: str
    databases: int | tuple[str, ...] = 24
    ordered: bool = False
    seed: int = 0
    tolerance: float = 1e-9
    _spec: Spec = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < 1:
            raise ValueError(f"tolerance is from 0 to 1, not {self.tolerance}")
        count = self.databases if isinstance(self.databases, int) else len(self.databases)
        if not 1 <= count <= MAX_DATABASES:
            raise ValueError(f"give 1 to {MAX_DATABASES} databases, not {count}")
        scripts = () if isinstance(self.databases, int) else tuple(self.databases)
        spec = Spec(self.schema, self.gold_query, scripts, self.ordered, self.seed, self.tolerance)
        if scripts:
            check_databases(spec)
        else:
            spec = replace(spec, databases=choose_databases(spec, max(2, count)))
        object.__setattr__(self, "_spec", spec)

    def verify(self, response: str) -> Verdict:
        query = last_fenced(response, LANGUAGES)
        query = (response if query is None else query).strip()
        if not query:
            return wrong("no query found")
        if len(query) > MAX_QUERY:
            return wrong(f"the query is longer than {MAX_QUERY} characters")
        outcome = _workers().call(astuple(self._spec), query)
        if outcome.ending is Ending.DIED:
            return undecided(outcome.reason)
        if outcome.ending is not Ending.DONE:
            if not _lasts(self._spec):
                return undecided(f"the gold query takes too much itself: {outcome.reason}")
            return wrong(f"the query was stopped: {outcome.reason}")
        say = {"right": right, "wrong": wrong, "undecided": undecided}[outcome.value["status"]]
        return say(outcome.value["reason"], **outcome.value["evidence"])


@lru_cache(maxsize=4096)
def _lasts(spec: Spec) -> bool:
    """Whether the gold, as an answer, comes to its end."""
    return _workers().call(astuple(spec), spec.gold).ending is Ending.DONE


@cache
def _workers() -> Workers:
    return Workers(f"{__package__}.judging:judge", WORKERS, SECONDS, MEMORY)
