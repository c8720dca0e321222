"""Satisfiability: an assignment that makes every clause true, or clauses that cannot all be true."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong
from palaestra.verifiers import puzzles as verifiers
from palaestra.verifiers.quoting import quoted

from .formulas import columns, everywhere

ANSWER_CHARS = 1000  # a longer answer is none
CORE = re.compile(r"clauses?:?\s*(.*)", re.IGNORECASE | re.DOTALL)
NUMBERS = re.compile(r"[0-9]{1,3}(?:[\s,]+[0-9]{1,3})*")
UNSATISFIABLE = 0.25  # of the problems
FLIPS = 6  # of the weak solver


@register("palaestra/Sat-v0")
@dataclass(frozen=True)
class Sat(Task):
    """Satisfy a formula of clauses of three literals (two or three at levels 1 and 2), or show that none can.

    Difficulty d raises the number of variables, from 4 to 13, and with it that of clauses. A satisfiable formula has
    at most d models; any of them is right. One formula in four has none: then the answer is a minimal unsatisfiable
    set, clauses that cannot all be true though they could if any one of them were left out; any such set is right, so
    that "none" alone earns nothing. Clauses are drawn until few enough models are left, each ruling out some.
    """

    tags: ClassVar[tuple[str, ...]] = ("logic", "propositional", "search")
    ceiling = 0.09
    wordings: ClassVar[tuple[str, ...]] = (
        'Here are clauses over the variables 1 to {variables}; -3 means "not 3", and a clause is true when at least '
        "one of its literals is.\n{clauses}\n\nMake all clauses true: answer with the literals that you make true, as "
        "in \\boxed{{1 -2 3}}. If that cannot be done, answer with the numbers of clauses that cannot be true "
        "together, but could if any one of them were left out, as in \\boxed{{clauses 1 4 5}}.",
        'A list of requirements on {variables} switches, of which k stands for "switch k is on" and -k for "switch k '
        'is off". Each requirement is met if at least one of its entries holds.\n{clauses}\n\nGive a setting that '
        "meets every requirement, one entry for each switch: \\boxed{{1 -2 3}}. Where there is none, name a conflict: "
        "numbers of requirements that no setting meets all of, and such that without any single one of them some "
        "setting does: \\boxed{{clauses 1 4 5}}.",
        "Decide whether this formula in conjunctive normal form ({variables} variables, literals as in DIMACS, one "
        "numbered clause a line) is satisfiable.\n{clauses}\n\nSatisfiable: put a satisfying assignment in the box, "
        "as \\boxed{{1 -2 3}}. Unsatisfiable: put the numbers of the clauses of a minimal unsatisfiable subset in the "
        "box, as \\boxed{{clauses 1 4 5}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n, random = 3 + difficulty, rng.random
        most = 0 if random() < UNSATISFIABLE else difficulty
        clauses, models = _draw(random, n, 2 if difficulty < 3 else 3, most)
        fields = {
            "variables": str(n),
            "clauses": "\n".join(f"{i}. {' '.join(map(str, clause))}" for i, clause in enumerate(clauses, 1)),
        }
        reference = {"variables": n, "clauses": clauses, "model": _literals(models, n) if most else ""}
        return self.ask(rng, reference, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        model = problem.reference["model"]
        if model and response.endswith(f"\\boxed{{{model}}}"):  # the usual right answer, at a tenth of the cost
            return right("every clause is true", answer=model)
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        if len(text) > ANSWER_CHARS:
            return wrong(f"an answer of more than {ANSWER_CHARS} characters")
        n, clauses = problem.reference["variables"], problem.reference["clauses"]
        core = CORE.fullmatch(text)
        if core is None:
            verdict = verifiers.SatAssignment(n, clauses).verify(f"\\boxed{{{text}}}")
            if verdict.right or model:
                return verdict
            return wrong(f"{verdict.reason}; the formula has no model", answer=quoted(text))
        if model:
            return wrong("the formula has a model", answer=quoted(text))
        return _judge_core(core[1].strip(), n, clauses)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Each clause with a literal that makes it true; or the clauses left when all that can be are dropped."""
        n, clauses = problem.reference["variables"], problem.reference["clauses"]
        model = problem.reference["model"]
        if not model:
            core = _minimal(n, clauses)
            lines = [f"Without clause {i}, {_literals(_without(i, core, n, clauses), n)} works" for i in core]
            listed = " ".join(map(str, core))
            return "\n".join([f"Clauses {listed} cannot all be true", *lines, f"\\boxed{{clauses {listed}}}"])
        chosen = set(map(int, model.split()))
        lines = [f"Clause {i} holds by {next(x for x in c if x in chosen)}" for i, c in enumerate(clauses, 1)]
        return "\n".join([*lines, f"\\boxed{{{model}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Each variable as it occurs most, then a few flips of a variable in the first false clause."""
        n, clauses = problem.reference["variables"], problem.reference["clauses"]
        literals = [x for clause in clauses for x in clause]
        chosen = {v if literals.count(v) >= literals.count(-v) else -v for v in range(1, n + 1)}
        for _ in range(FLIPS):
            false = next((clause for clause in clauses if chosen.isdisjoint(clause)), None)
            if false is None:
                break
            literal = false[int(rng.random() * len(false))]
            chosen = chosen - {-literal} | {literal}
        return f"\\boxed{{{' '.join(str(x) for x in sorted(chosen, key=abs))}}}"


def _draw(random: Callable[[], float], n: int, shortest: int, most: int) -> tuple[list[list[int]], int]:
    """Clauses that leave at most ``most`` models, but some unless that is 0; and these models."""
    pool = _clauses(n, shortest)
    clauses: list[list[int]] = []
    models = everywhere(n)
    while models.bit_count() > most:
        clause, table = pool[int(random() * len(pool))]
        left = models & table
        if left != models and (left or not most):
            clauses.append(clause)
            models = left
    return clauses, models


@cache
def _clauses(n: int, shortest: int) -> list[tuple[list[int], int]]:
    """Every clause of ``shortest`` to 3 different variables, with its truth table."""
    clauses = [
        [v if signs >> k & 1 else -v for k, v in enumerate(chosen)]
        for size in range(shortest, 4)
        for chosen in combinations(range(1, n + 1), size)
        for signs in range(1 << size)
    ]
    return [(clause, _table(clause, n)) for clause in clauses]


def _table(clause: Sequence[int], n: int) -> int:
    """The truth table of a clause, laid out as in ``columns``."""
    variables, table = columns(n), 0
    for literal in clause:
        table |= variables[literal - 1] if literal > 0 else variables[-literal - 1] ^ everywhere(n)
    return table


def _models(n: int, clauses: Sequence[Sequence[int]]) -> int:
    models = everywhere(n)
    for clause in clauses:
        models &= _table(clause, n)
    return models


def _without(i: int, core: Sequence[int], n: int, clauses: Sequence[Sequence[int]]) -> int:
    """The models of the clauses numbered in ``core`` but for i."""
    return _models(n, [clauses[j - 1] for j in core if j != i])


def _literals(models: int, n: int) -> str:
    """The literals of one of ``models``."""
    row = models.bit_length() - 1
    return " ".join(str(v if row >> v - 1 & 1 else -v) for v in range(1, n + 1))


def _minimal(n: int, clauses: Sequence[Sequence[int]]) -> list[int]:
    """The numbers of a minimal unsatisfiable set among clauses that have no model: drop each that can be dropped."""
    core = list(range(1, len(clauses) + 1))
    for i in list(core):
        if not _without(i, core, n, clauses):
            core.remove(i)
    return core


def _judge_core(text: str, n: int, clauses: Sequence[Sequence[int]]) -> Verdict:
    if not NUMBERS.fullmatch(text):
        return wrong(f"'{quoted(text)}' is no list of clause numbers", answer=quoted(text))
    core = sorted({int(number) for number in re.findall("[0-9]+", text)})
    if not 1 <= core[0] <= core[-1] <= len(clauses):
        return wrong(f"the clauses are 1 to {len(clauses)}", answer=quoted(text))
    if _models(n, [clauses[i - 1] for i in core]):
        return wrong("the clauses listed can all be true together", answer=quoted(text))
    for i in core:
        if not _without(i, core, n, clauses):
            return wrong(f"without clause {i} they still cannot all be true", answer=quoted(text))
    return right("a minimal unsatisfiable set", answer=quoted(text))
