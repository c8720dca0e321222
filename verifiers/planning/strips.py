"""STRIPS with types, negative preconditions and equality: what a step needs, and what it changes.

Semantics: Fikes and Nilsson 1971, in PDDL's form (Fox and Long 2003). An action can be taken in a state, a set of
ground atoms, that satisfies its preconditions; it removes its delete effects, then puts in its add effects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Atom: TypeAlias = tuple[str, ...]  # predicate and objects
State: TypeAlias = frozenset[Atom]

EQUALITY = "="


class Unmet(ValueError):
    """A step cannot be taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A predicate on terms, or its negation. A term is an object, or the position of a parameter."""

    predicate: str
    terms: tuple[str | int, ...]
    positive: bool = True

    def ground(self, arguments: Sequence[str]) -> Atom:
        return (self.predicate, *(arguments[term] if isinstance(term, int) else term for term in self.terms))

    def holds(self, state: State, arguments: Sequence[str] = ()) -> bool:
        atom = self.ground(arguments)
        true = atom[1] == atom[2] if self.predicate == EQUALITY else atom in state
        return true is self.positive


@dataclass(frozen=True, slots=True)
class ActionSchema:
    """parameters: for each, its type's name and the objects of that type."""

    name: str
    parameters: tuple[tuple[str, frozenset[str]], ...]
    preconditions: tuple[Literal, ...]
    adds: tuple[Literal, ...]
    deletes: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class PlanningTask:
    """All names are in lower case, as PDDL does not tell cases apart."""

    actions: Mapping[str, ActionSchema]
    initial: State
    goal: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A ground action, as a plan names it."""

    action: str
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return written((self.action, *self.arguments))


def apply_step(task: PlanningTask, state: State, step: Step) -> State:
    """The state after a step.

    Raises:
        Unmet: there is no such action, its arguments are not of its types, or a precondition does not hold.
    """
    schema = task.actions.get(step.action)
    if schema is None:
        raise Unmet(f"there is no action {step.action}")
    if len(step.arguments) != len(schema.parameters):
        raise Unmet(f"{step.action} takes {len(schema.parameters)} arguments, not {len(step.arguments)}")
    for argument, (kind, objects) in zip(step.arguments, schema.parameters, strict=True):
        if argument not in objects:
            raise Unmet(f"{argument} is not of type {kind}")
    unmet = first_unmet(schema.preconditions, state, step.arguments)
    if unmet is not None:
        raise Unmet(unmet)
    deleted = {effect.ground(step.arguments) for effect in schema.deletes}
    return (state - deleted) | {effect.ground(step.arguments) for effect in schema.adds}


def first_unmet(conditions: Sequence[Literal], state: State, arguments: Sequence[str] = ()) -> str | None:
    """The first condition that does not hold, in words; None when all hold."""
    for condition in conditions:
        if not condition.holds(state, arguments):
            return f"{written(condition.ground(arguments))} is {'not true' if condition.positive else 'true'}"
    return None


def written(atom: Atom) -> str:
    """As PDDL writes it."""
    return f"({' '.join(atom)})"
