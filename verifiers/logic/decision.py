"""Satisfiability, and what it decides: equivalence and entailment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..workers import Ending
from .formula import BOOL, Formula, Term
from .truth import MAX_VARIABLES, propositions, satisfying


@dataclass(frozen=True, slots=True)
class Satisfiability:
    """``satisfiable`` is None when it could not be told, for ``reason``.

    model: values of the free names, as written, that make it true. exhausted: time, memory or effort ran out.
    """

    satisfiable: bool | None
    model: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    exhausted: bool = False


def satisfiable(term: Term) -> Satisfiability:
    """Whether some model makes a term of sort Bool true: by truth table up to ``MAX_VARIABLES`` letters, else by z3.

    Raises:
        MissingLibrary: z3 is needed and not installed.
    """
    names = propositions(term)
    if names is None or len(names) > MAX_VARIABLES:
        return by_solver(term)
    row = satisfying(term, sorted(names))
    return Satisfiability(row is not None, {name: str(value).lower() for name, value in (row or {}).items()})


def by_solver(term: Term) -> Satisfiability:
    """``satisfiable`` by z3."""
    from . import smt

    outcome = smt.ask(term)
    if outcome.ending is not Ending.DONE:
        return Satisfiability(None, reason=outcome.reason, exhausted=outcome.ending in (Ending.TIMEOUT, Ending.MEMORY))
    status, found = outcome.value
    if status in ("unknown", "exhausted"):
        return Satisfiability(None, reason=f"z3 gave up: {found}", exhausted=status == "exhausted")
    return Satisfiability(status == "sat", found)


def equivalent(a: Formula, b: Formula) -> bool | None:
    """Whether two formulas are true in the same models; None when it could not be told."""
    return _not(satisfiable(difference(a.term, b.term)).satisfiable)


def entails(premises: Sequence[Formula], conclusion: Formula) -> bool | None:
    """Whether the conclusion is true in every model of the premises; None when it could not be told."""
    return _not(satisfiable(counterexample([formula.term for formula in premises], conclusion.term)).satisfiable)


def difference(a: Term, b: Term) -> Term:
    """True where two formulas differ."""
    return Term("xor", BOOL, (a, b))


def counterexample(premises: Sequence[Term], conclusion: Term) -> Term:
    """True where the premises hold and the conclusion does not."""
    return Term("and", BOOL, (*premises, Term("not", BOOL, (conclusion,))))


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value
