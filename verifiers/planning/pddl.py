"""PDDL read by unified-planning, and turned into plain data. The text is the author's, never a model's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from ..optional import require
from ..quoting import quoted
from .strips import EQUALITY, ActionSchema, Literal, PlanningTask


@lru_cache(maxsize=256)
def read_pddl(domain: str, problem: str) -> PlanningTask:
    """Read a domain and a problem of STRIPS with types, constants, negative conditions and equality.

    Action costs are read and do not count.

    Raises:
        ValueError: they do not parse, or use more of PDDL than that.
        MissingLibrary: unified-planning is not installed.
    """
    io, environment = require("unified_planning.io"), require("unified_planning.environment")
    try:
        parsed = io.PDDLReader(environment.Environment()).parse_problem_string(domain, problem)
    except Exception as error:  # the library raises SyntaxError, pyparsing's errors, assertions and more
        raise ValueError(f"the PDDL is not valid: {quoted(str(error), 200)}") from error
    more = (parsed.timed_goals, parsed.timed_effects, parsed.trajectory_constraints)
    if type(parsed).__name__ != "Problem" or any(more):
        raise ValueError("the PDDL is not STRIPS: it has tasks, times or trajectory constraints")
    actions = {action.name: _schema(action, parsed) for action in parsed.actions}
    true = {fluent for fluent, value in parsed.explicit_initial_values.items() if value.is_true()}
    initial = frozenset((fluent.fluent().name, *(term.object().name for term in fluent.args)) for fluent in true)
    return PlanningTask(actions, initial, tuple(_literals(parsed.goals, ())))


def _schema(action: Any, parsed: Any) -> ActionSchema:
    if type(action).__name__ != "InstantaneousAction":
        raise ValueError(f"{action.name} is not an instantaneous action")
    names = tuple(parameter.name for parameter in action.parameters)
    adds: list[Literal] = []
    deletes: list[Literal] = []
    for effect in action.effects:
        plain = effect.is_assignment() and not effect.is_conditional() and not effect.is_forall()
        if not plain or not effect.value.is_bool_constant():
            raise ValueError(f"{action.name} has an effect that is not a plain one: {quoted(str(effect))}")
        (adds if effect.value.is_true() else deletes).append(_literal(effect.fluent, names, positive=True))
    return ActionSchema(
        action.name,
        tuple((parameter.type.name, _objects(parsed, parameter.type)) for parameter in action.parameters),
        tuple(_literals(action.preconditions, names)),
        tuple(adds),
        tuple(deletes),
    )


def _objects(parsed: Any, kind: Any) -> frozenset[str]:
    return frozenset(thing.name for thing in parsed.objects(kind))


def _literals(conditions: Iterable[Any], parameters: tuple[str, ...]) -> Iterator[Literal]:
    """The literals of a conjunction."""
    for condition in conditions:
        if condition.is_and():
            yield from _literals(condition.args, parameters)
        elif condition.is_not():
            yield _literal(condition.arg(0), parameters, positive=False)
        elif not condition.is_true():
            yield _literal(condition, parameters, positive=True)


def _literal(expression: Any, parameters: tuple[str, ...], positive: bool) -> Literal:
    if expression.is_fluent_exp() and expression.type.is_bool_type():
        name = expression.fluent().name
    elif expression.is_equals():
        name = EQUALITY
    else:
        raise ValueError(f"a condition or effect that is no literal: {quoted(str(expression))}")
    return Literal(name, tuple(_term(term, parameters) for term in expression.args), positive)


def _term(term: Any, parameters: tuple[str, ...]) -> str | int:
    if term.is_parameter_exp():
        return parameters.index(term.parameter().name)
    if not term.is_object_exp():
        raise ValueError(f"a term that is neither parameter nor object: {quoted(str(term))}")
    return str(term.object().name)
