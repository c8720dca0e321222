"""Verdicts on answers that are formulas, or models of a formula."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ..extract import RULES, Rule, extract_answer
from ..latex import undelimited, unspaced
from ..quoting import quoted
from ..verdict import Verdict, right, undecided, wrong
from .decision import Satisfiability, difference, satisfiable
from .formula import (
    BOOL,
    INT,
    REAL,
    Formula,
    FormulaError,
    Signature,
    Term,
    parse_declarations,
    parse_formula,
    parse_terms,
)
from .sorts import constant, elaborate
from .truth import TooLarge, Value, evaluable, value

_COLON = re.compile(":=?")
MAX_SHOWN = 120  # characters of an answer quoted in a verdict


@dataclass(frozen=True, slots=True)
class FormulaVerifier:
    """Judges an answer that is a formula: it must be true in the same models as the gold.

    declarations: sorts of names: ``x, y: Int; loves: Person, Person -> Bool``; others take theirs from the gold.
    rules: where the answer is looked for, by ``extract_answer``.

    Raises:
        FormulaError: the declarations do not parse.
    """

    declarations: str = ""
    rules: tuple[Rule, ...] = RULES

    def __post_init__(self) -> None:
        parse_declarations(self.declarations)

    def verify(self, response: str, gold: str) -> Verdict:
        """Judge a response; raises on no response whatever.

        An answer that exhausts the solver is wrong when the gold alone does not.

        Raises:
            FormulaError: the gold is not a formula.
            MissingLibrary: z3 is needed and not installed.
        """
        reference = read_gold(gold, self.declarations)
        extraction = extract_answer(response, self.rules)
        if extraction is None:
            return wrong("no answer found")
        shown = _shown(extraction.text)
        try:
            answer = parse_formula(_bare(extraction.text), reference.signature)
        except FormulaError as error:
            return wrong(f"the answer is not a formula: {error}", answer=shown)
        found = satisfiable(difference(answer.term, reference.term))
        if found.satisfiable is None:
            return _gave_up(found, reference.term, shown)
        if not found.satisfiable:
            return right(f"{shown} is equivalent", answer=shown)
        where = ", ".join(f"{name} = {text}" for name, text in sorted(found.model.items())) or "some model"
        return wrong(f"{shown} is not equivalent: see {where}", answer=shown, model=dict(found.model))


@dataclass(frozen=True, slots=True)
class ModelVerifier:
    """Judges an answer that gives every free name of a formula a value so that it is true.

    The answer is a list such as ``x = 3, y: -1/2, p = true, q = 0, not r``, or ``unsatisfiable`` where there is none.
    declarations, rules: see ``FormulaVerifier``.

    Raises:
        FormulaError: the declarations do not parse.
    """

    declarations: str = ""
    rules: tuple[Rule, ...] = RULES

    def __post_init__(self) -> None:
        parse_declarations(self.declarations)

    def verify(self, response: str, gold: str) -> Verdict:
        """Judge a response; raises on no response whatever.

        Raises:
            FormulaError: the gold is not a formula, or a free name of it is not of sort Bool, Int or Real.
            MissingLibrary: z3 is needed and not installed.
        """
        reference = read_gold(gold, self.declarations)
        names = free_names(reference.term)
        if others := [name for name, sort in names.items() if sort not in (BOOL, INT, REAL)]:
            raise FormulaError(f"no answer can give {others[0]} a value: it is not a truth value or a number")
        extraction = extract_answer(response, self.rules)
        if extraction is None:
            return wrong("no answer found")
        shown = _shown(extraction.text)
        if _bare(extraction.text).lower().strip(" .") in ("unsat", "unsatisfiable"):
            found = satisfiable(reference.term)
            if found.satisfiable is None:
                return undecided(found.reason, answer=shown)
            return (
                wrong("it is satisfiable", answer=shown, model=dict(found.model))
                if found.satisfiable
                else right("it is unsatisfiable", answer=shown)
            )
        try:
            model = read_model(_bare(extraction.text), names)
        except FormulaError as error:
            return wrong(f"the answer is not a model: {error}", answer=shown)
        return _holds(reference.term, model, shown)


def _holds(term: Term, model: dict[str, Value], shown: str) -> Verdict:
    if evaluable(term):
        try:
            holds = bool(value(term, model))
        except TooLarge as error:
            return wrong(f"the answer has no value: {error}", answer=shown)
    else:
        found = satisfiable(Term("and", BOOL, (term, *_equations(term, model))))
        if found.satisfiable is None:
            return _gave_up(found, term, shown)
        holds = found.satisfiable
    return right(f"true for {shown}", answer=shown) if holds else wrong(f"not true for {shown}", answer=shown)


def _gave_up(found: Satisfiability, gold: Term, shown: str) -> Verdict:
    if found.exhausted and satisfiable(gold).satisfiable is not None:
        return wrong(f"the answer is too hard to judge: {found.reason}", answer=shown)
    return undecided(found.reason, answer=shown)


@lru_cache(maxsize=4096)
def read_gold(text: str, declarations: str = "") -> Formula:
    """Read a reference formula.

    Raises:
        FormulaError: it is not one.
    """
    try:
        return parse_formula(_bare(text), parse_declarations(declarations))
    except FormulaError as error:
        raise FormulaError(f"the gold formula {_shown(text)} cannot be used: {error}") from error


def read_model(text: str, names: dict[str, str]) -> dict[str, Value]:
    """The value of each of ``names``, which map to their sorts.

    Raises:
        FormulaError: not a list of values, a value twice, one that is missing, or one for another name.
    """
    model: dict[str, Value] = {}
    signature: Signature = {name: (sort,) for name, sort in names.items()}
    for raw in parse_terms(_COLON.sub("=", text)):
        term, given = (raw.args[0], False) if raw.op == "not" else (raw, True)
        if term.op in ("=", "iff") and given:
            left, right_side = term.args
            name = left.name if left.op == "name" else ""
        else:
            name, right_side = (term.name if term.op == "name" else ""), Term("true" if given else "false", BOOL)
        if name not in names:
            raise FormulaError(f"{name[:20]!a} is not a free name of the formula" if name else "not a list of values")
        if name in model:
            raise FormulaError(f"two values for {name}")
        model[name] = _value(elaborate(right_side, "", dict(signature)), names[name])
    if missing := sorted(names.keys() - model.keys()):
        raise FormulaError(f"no value for {missing[0]}")
    return model


def _value(term: Term, sort: str) -> Value:
    if sort == BOOL:
        if term.op not in ("true", "false") and (term.op, term.name) not in (("number", "1"), ("number", "0")):
            raise FormulaError("expected true or false")
        return term.op == "true" or term.name == "1"
    number = constant(term)
    if number is None or (sort == INT and number.denominator != 1):
        raise FormulaError("expected an integer" if sort == INT else "expected a number")
    return number


def free_names(term: Term, bound: frozenset[str] = frozenset()) -> dict[str, str]:
    """Each free name and its sort, in the order in which they stand.

    Raises:
        FormulaError: a function or predicate is among them.
    """
    if term.op == "apply":
        raise FormulaError(f"{term.name} is a function: no answer can state it")
    if term.op == "name":
        return {} if term.name in bound else {term.name: term.sort}
    if term.op in ("forall", "exists"):
        bound |= {variable.name for variable in term.args[:-1]}
    names: dict[str, str] = {}
    for arg in term.args:
        names |= free_names(arg, bound)
    return names


def _equations(term: Term, model: dict[str, Value]) -> list[Term]:
    """Each value of a model, as a formula."""
    equations = []
    for name, sort in free_names(term).items():
        given = model[name]
        side = Term(str(given).lower(), BOOL) if isinstance(given, bool) else Term("number", sort, name=str(given))
        equations.append(Term("=", BOOL, (Term("name", sort, name=name), side)))
    return equations


def _bare(text: str) -> str:
    """Without the marks of LaTeX's mathematics around it."""
    return unspaced(undelimited(text.strip())).strip().strip("$").strip()


def _shown(text: str) -> str:
    return quoted(text, MAX_SHOWN)
