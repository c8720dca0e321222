"""Satisfiability by z3, in a worker: z3 sees terms built from our tree, never a text."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..optional import require
from ..workers import Outcome, Workers
from .formula import Term

SECONDS = 4.0  # of processor time
EFFORT = 4_000_000  # z3's own count of its steps, after which it gives up: the same in every run
MEMORY = 2 << 30
SEED = 0
THEORIES = ("Bool", "Int", "Real")
MAX_UNIVERSE = 4  # things of a sort without a theory, in the models tried first
MAX_WRITTEN_OUT = 20_000  # terms once quantifiers over them are written out
EXHAUSTED = ("canceled", "max. resource limit exceeded", "timeout")  # z3's reasons

Plain = list[Any]  # a Term as JSON


def ask(term: Term) -> Outcome:
    """Whether some model makes ``term`` true: ``["sat", model]``, ``["unsat", {}]``, ``["unknown", reason]``.

    ``["exhausted", reason]`` where z3 gave up for effort rather than for want of a method.
    """
    require("z3")
    return _workers().call(term.plain())


@lru_cache(maxsize=1)
def _workers() -> Workers:
    return Workers(f"{__name__}:check", count=2, seconds=SECONDS, memory=MEMORY)


def check(plain: Plain) -> list[Any]:
    """In a worker: see ``ask``.

    Where quantifiers range over a sort without a theory, universes of one to ``MAX_UNIVERSE`` things are tried first:
    z3 alone often looks for an infinite model for ever.
    """
    import z3

    size, depth = _measure(plain)
    for things in range(1, MAX_UNIVERSE + 1) if depth else ():
        if size * things**depth <= MAX_WRITTEN_OUT and (found := _solve(z3, plain, things))[0] == "sat":
            return found
    return _solve(z3, plain, None)


def _measure(plain: Plain) -> tuple[int, int]:
    """The number of terms, and how many quantifiers over sorts without a theory stand inside one another."""
    op, _, _, arguments = plain
    size, depth = 1, 0
    for argument in arguments:
        inner_size, inner_depth = _measure(argument)
        size, depth = size + inner_size, max(depth, inner_depth)
    if op in ("forall", "exists"):
        depth += sum(variable[1] not in THEORIES for variable in arguments[:-1])
    return size, depth


def _solve(z3: Any, plain: Plain, things: int | None) -> list[Any]:
    """``check`` with so many things of each sort without a theory; None for any number."""
    context = z3.Context()  # its own, so that nothing asked before has any influence
    solver = z3.Solver(ctx=context)
    solver.set("rlimit", EFFORT)
    solver.set("random_seed", SEED)
    solver.add(_Builder(z3, context, things).build(plain, {}))
    result = solver.check()
    if result == z3.unknown:
        reason = solver.reason_unknown()
        return ["exhausted" if reason in EXHAUSTED else "unknown", reason]
    model = solver.model() if result == z3.sat else ()
    return [str(result), {str(name): str(model[name])[:80] for name in model if name.arity() == 0}]


class _Builder:
    """From plain terms to z3's. With a number of ``things``, quantifiers over them are written out."""

    def __init__(self, z3: Any, context: Any, things: int | None) -> None:
        self.z3, self.context, self.things = z3, context, things
        self.sorts = {"Bool": z3.BoolSort(context), "Int": z3.IntSort(context), "Real": z3.RealSort(context)}
        self.universes: dict[str, list[Any]] = {}
        self.operations = {
            "not": z3.Not,
            "and": z3.And,
            "or": z3.Or,
            "xor": z3.Xor,
            "implies": z3.Implies,
            "iff": lambda a, b: a == b,
            "=": lambda a, b: a == b,
            "<": lambda a, b: a < b,
            "<=": lambda a, b: a <= b,
            "+": lambda *args: z3.Sum(args),
            "*": lambda *args: z3.Product(args),
            "-": lambda a: -a,
            "div": lambda a, b: a / b,
            "mod": lambda a, b: a % b,
        }

    def sort(self, name: str) -> Any:
        if name not in self.sorts:
            if self.things is None:
                self.sorts[name] = self.z3.DeclareSort(name, self.context)
            else:
                things = [f"{name}{index}" for index in range(1, self.things + 1)]
                self.sorts[name], self.universes[name] = self.z3.EnumSort(name, things, self.context)
        return self.sorts[name]

    def build(self, plain: Plain, bound: dict[str, Any]) -> Any:
        op, sort, name, arguments = plain
        if op in ("true", "false"):
            return self.z3.BoolVal(op == "true", self.context)
        if op == "number":
            return (self.z3.IntVal if sort == "Int" else self.z3.RealVal)(name, self.context)
        if op == "name":
            return bound[name] if name in bound else self.z3.Const(name, self.sort(sort))
        if op in ("forall", "exists"):
            return self.quantified(op, arguments[:-1], arguments[-1], bound)
        args = [self.build(argument, bound) for argument in arguments]
        if op == "apply":
            return self.z3.Function(name, *[arg.sort() for arg in args], self.sort(sort))(*args)
        if op == "^":
            return self.z3.Product([args[0]] * int(name))
        return self.operations[op](*args)

    def quantified(self, op: str, variables: list[Plain], body: Plain, bound: dict[str, Any]) -> Any:
        if not variables:
            return self.build(body, bound)
        (_, sort, name, _), *rest = variables
        if self.things is not None and sort not in THEORIES:
            self.sort(sort)
            instances = [self.quantified(op, rest, body, bound | {name: thing}) for thing in self.universes[sort]]
            return (self.z3.And if op == "forall" else self.z3.Or)(*instances)
        variable = self.z3.FreshConst(self.sort(sort), name)
        inner = self.quantified(op, rest, body, bound | {name: variable})
        return (self.z3.ForAll if op == "forall" else self.z3.Exists)([variable], inner)
