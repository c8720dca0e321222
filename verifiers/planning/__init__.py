"""Plans, carried out step by step in the world that a PDDL domain and problem describe."""

from .pddl import read_pddl
from .strips import ActionSchema, Literal, PlanningTask, Step, Unmet, apply_step, first_unmet
from .verifier import PlanError, StripsVerifier, parse_plan

__all__ = [
    "ActionSchema",
    "Literal",
    "PlanError",
    "PlanningTask",
    "Step",
    "StripsVerifier",
    "Unmet",
    "apply_step",
    "first_unmet",
    "parse_plan",
    "read_pddl",
]
