"""Satisfying assignments of propositional formulas in conjunctive normal form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..verdict import Verdict
from .answer import AnswerError, Rules, judge, read_integers
from .instance import freeze, integer, integers


@dataclass(frozen=True, slots=True)
class SatAssignment:
    """Make every clause true.

    variables: how many; they are 1, 2, ... clauses: each of literals, -3 for "not 3".
    partial: a wrong answer's score is the fraction of clauses that are true.

    The answer lists literals, perhaps with the ``v`` and the final 0 of DIMACS: ``1 -2 3``. A variable may be left out
    when the clauses are true without it; that one literal of each clause is listed decides, not that a solver agrees.

    Raises:
        ValueError: a literal is 0 or names no variable, or a clause is empty.
    """

    variables: int
    clauses: Sequence[Sequence[int]]
    partial: bool = False

    def __post_init__(self) -> None:
        integer(self.variables, "variables", 1)
        clauses = tuple(
            integers(clause, f"clause {number}", -self.variables, self.variables)
            for number, clause in enumerate(self.clauses, 1)
        )
        for number, clause in enumerate(clauses, 1):
            if not clause or 0 in clause:
                raise ValueError(f"clause {number} is empty or holds 0: give one or more literals such as 3 or -3")
        if not clauses:
            raise ValueError("clauses hold one or more")
        freeze(self, clauses=clauses)

    @classmethod
    def from_dimacs(cls, text: str, partial: bool = False) -> SatAssignment:
        """Read a formula in DIMACS: ``p cnf variables clauses``, then literals, each clause ended by 0.

        Raises:
            ValueError: no ``p cnf`` line, something other than numbers, or another number of clauses than declared.
        """
        lines = [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("c")]
        if not lines or lines[0][:2] != ["p", "cnf"] or len(lines[0]) != 4:
            raise ValueError("DIMACS begins with a line 'p cnf VARIABLES CLAUSES'")
        try:
            variables, declared, *literals = map(int, [*lines[0][2:], *(word for line in lines[1:] for word in line)])
        except ValueError as error:
            raise ValueError(f"DIMACS holds whole numbers only: {error}") from error
        if literals and literals[-1] != 0:
            raise ValueError("the last clause does not end with 0")
        clauses: list[list[int]] = [[]]
        for literal in literals:
            if literal:
                clauses[-1].append(literal)
            else:
                clauses.append([])
        if len(clauses) - 1 != declared:
            raise ValueError(f"DIMACS declares {declared} clauses and has {len(clauses) - 1}")
        return cls(variables, clauses[:-1], partial)

    def verify(self, response: str) -> Verdict:
        return judge(response, self._read, self._rules, self.partial)

    def _read(self, text: str) -> frozenset[int]:
        literals = read_integers("\n".join(line.strip().removeprefix("v ") for line in text.split("\n")))
        if literals and literals[-1] == 0:
            literals.pop()
        chosen = frozenset(literals)
        for literal in literals:
            if not 1 <= abs(literal) <= self.variables:
                raise AnswerError(f"{literal} names no variable from 1 to {self.variables}")
            if -literal in chosen:
                raise AnswerError(f"variable {abs(literal)} is both true and false")
        return chosen

    def _rules(self, chosen: frozenset[int]) -> Rules:
        for number, clause in enumerate(self.clauses, 1):
            yield None if not chosen.isdisjoint(clause) else f"clause {number} ({' '.join(map(str, clause))}) is false"
