"""A small part of Python as plain data: expressions and statements, their text, and what they do.

Programs are generated and judged by this interpreter, never by Python's own, so that no text is ever run. Values are
whole numbers, truth values and lists of whole numbers. An expression is a number, a variable's name or
``[operator, argument, ...]``; a line is ``[indent, kind, argument, ...]``; both are JSON-able:

    [0, "def", "f", ["x"]]                      def f(x):
    [1, "set", "y", ["+", "x", 1]]                  y = x + 1
    [1, "for", "i", [0, "y"]]                       for i in range(0, y):
    [2, "add", "y", "*", 2]                             y *= 2
    [1, "return", "y"]                              return y
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

MAX_STEPS = 20_000  # statements of a run
MAX_VALUE = 10**15
MAX_LENGTH = 2000  # items of a list
INDENT = "    "

Expression: TypeAlias = Any  # int | str | [operator, Expression, ...]
Line: TypeAlias = list[Any]
Value: TypeAlias = Any  # int | bool | list[int]
Block: TypeAlias = list[tuple[Line, "Block"]]


class ProgramError(Exception):
    """A run failed, in a way that Python's would too, or went beyond a bound; the message says how."""


class _Return(Exception):
    """Carries the value out of loops."""


def _divide(a: int, b: int) -> int:
    if b == 0:
        raise ProgramError("division by zero")
    return a // b


def _modulo(a: int, b: int) -> int:
    if b == 0:
        raise ProgramError("division by zero")
    return a % b


def _item(items: list[int], index: int) -> int:
    if not -len(items) <= index < len(items):
        raise ProgramError("index out of range")
    return items[index]


def _range(bounds: list[int]) -> range:
    if len(bounds) == 3 and bounds[2] == 0:
        raise ProgramError("range with step 0")
    return range(*bounds)


def _number(value: Value) -> int:
    """An item of a list, which is no list."""
    if not isinstance(value, int):
        raise ProgramError("a list within a list")
    return value


def _largest(items: list[int]) -> int:
    if not items:
        raise ProgramError("max of nothing")
    return max(items)


def _smallest(items: list[int]) -> int:
    if not items:
        raise ProgramError("min of nothing")
    return min(items)


def _plus(a: Any, b: Any) -> Any:
    if isinstance(a, list) and len(a) + len(b) > MAX_LENGTH:
        raise ProgramError("a list that is too long")
    return a + b


def _times(a: int, b: int) -> int:
    if isinstance(a, list) or isinstance(b, list):  # Python repeats lists; the language does not
        raise ProgramError("a list times something")
    return a * b


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": _plus,
    "-": operator.sub,
    "*": _times,
    "//": _divide,
    "%": _modulo,
}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
BINARY = {**ARITHMETIC, **COMPARISONS}
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "len": len,
    "abs": abs,
    "sum": sum,
    "max": _largest,
    "min": _smallest,
    "sorted": sorted,
}
SIMPLE = frozenset(("set", "add", "append", "put", "print", "return", "def"))  # statements without a block that runs
STRENGTH = {"or": 1, "and": 2, "not": 3, **dict.fromkeys(COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "//": 6, "%": 6}
UNARY = 7  # binds a minus before an operand


def text_of(e: Expression, outer: int = 0) -> str:
    """An expression as Python writes it, in brackets where an operator around it of strength ``outer`` binds more."""
    if not isinstance(e, list):
        return str(e)
    op, *args = e
    if op == "list":
        return f"[{', '.join(map(text_of, args))}]"
    if op == "[]":
        return f"{args[0]}[{text_of(args[1])}]"
    if op in FUNCTIONS:
        return f"{op}({text_of(args[0])})"
    if op == "neg":
        return f"-{text_of(args[0], UNARY)}"
    strength = STRENGTH[op]
    if op == "not":
        text = f"not {text_of(args[0], strength)}"
    else:
        left = strength + (op in COMPARISONS)  # a comparison of comparisons would be a chain
        text = f"{text_of(args[0], left)} {op} {text_of(args[1], strength + 1)}"
    return f"({text})" if strength < outer else text


def line_text(line: Line) -> str:
    """A line without its indent."""
    kind, *args = line[1:]
    match kind:
        case "def":
            return f"def {args[0]}({', '.join(args[1])}):"
        case "set":
            return f"{args[0]} = {text_of(args[1])}"
        case "add":
            return f"{args[0]} {args[1]}= {text_of(args[2])}"
        case "put":
            return f"{args[0]}[{text_of(args[1])}] = {text_of(args[2])}"
        case "append":
            return f"{args[0]}.append({text_of(args[1])})"
        case "for":
            return f"for {args[0]} in range({', '.join(map(text_of, args[1]))}):"
        case "each":
            return f"for {args[0]} in {text_of(args[1])}:"
        case "else":
            return "else:"
        case "print":
            return f"print({', '.join(map(text_of, args[0]))})"
        case "break":
            return "break"
    return f"{kind} {text_of(args[0])}" + ("" if kind == "return" else ":")  # while, if, elif


def program_text(lines: Sequence[Line]) -> str:
    return "\n".join([INDENT * line[0] + line_text(line) for line in lines])


def nested(lines: Sequence[Line]) -> Block:
    """Each line with the block below it.

    Raises:
        ProgramError: an indent fits no line before it.
    """
    blocks: list[Block] = [[]]
    for line in lines:
        if line[0] >= len(blocks):
            raise ProgramError("a line is indented too far")
        del blocks[line[0] + 1 :]
        below: Block = []
        blocks[-1].append((line, below))
        blocks.append(below)
    return blocks[0]


class Machine:
    """One run of a program: its variables, what it has printed, the steps that it may still take."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.names: dict[str, Value] = {}
        self.printed: list[str] = []
        self.steps = steps

    def run(self, block: Block) -> bool:
        """Run a block; True when a ``break`` ended it.

        Raises:
            ProgramError: see there.
        """
        taken = False  # whether a branch of the present if was
        for line, below in block:
            kind = line[1]
            if kind in SIMPLE:
                self._simple(kind, line)
            elif kind in ("if", "elif", "else"):
                self._tick()
                taken = taken and kind != "if"
                if not taken and (kind == "else" or self.value(line[2])):
                    taken = True
                    if self.run(below):
                        return True
            elif kind == "break":
                return True
            else:
                self._loop(line, below)
        return False

    def _tick(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise ProgramError("too many steps")

    def _loop(self, line: Line, below: Block) -> None:
        kind, *args = line[1:]
        if kind == "while":
            while self.value(args[0]):
                self._tick()
                if self.run(below):
                    return
            return
        for item in self.value(args[1]) if kind == "each" else _range([self.value(bound) for bound in args[1]]):
            self.names[args[0]] = item
            self._tick()
            if self.run(below):
                return

    def _simple(self, kind: str, line: Line) -> None:
        self._tick()
        names = self.names
        if kind == "set":
            names[line[2]] = self.value(line[3])
        elif kind == "add":
            names[line[2]] = self.value([line[3], line[2], line[4]])
        elif kind == "append":
            items = self.value(line[2])
            items.append(_number(self.value(line[3])))
            if len(items) > MAX_LENGTH:
                raise ProgramError("a list that is too long")
        elif kind == "put":
            items, index = self.value(line[2]), self.value(line[3])
            _item(items, index)
            items[index] = _number(self.value(line[4]))
        elif kind == "print":
            self.printed.append(" ".join(str(self.value(e)) for e in line[2]))
        elif kind == "return":
            raise _Return(self.value(line[2]))

    def value(self, e: Expression) -> Value:
        """The value of an expression.

        Raises:
            ProgramError: see there.
        """
        if type(e) is str:
            if e in self.names:
                return self.names[e]
            raise ProgramError(f"{e} has no value")
        if type(e) is int:
            return e
        op = e[0]
        if op in BINARY:
            result = BINARY[op](self.value(e[1]), self.value(e[2]))
            if type(result) is int and not -MAX_VALUE <= result <= MAX_VALUE:
                raise ProgramError("a number that is too large")
            return result
        if op == "and" or op == "or":
            left = self.value(e[1])
            return self.value(e[2]) if bool(left) is (op == "and") else left
        if op == "not":
            return not self.value(e[1])
        if op == "neg":
            return -self.value(e[1])
        if op == "[]":
            return _item(self.value(e[1]), self.value(e[2]))
        if op == "list":
            return [_number(self.value(item)) for item in e[1:]]
        return FUNCTIONS[op](self.value(e[1]))


def output_of(block: Block, steps: int = MAX_STEPS) -> list[str]:
    """The lines that a program prints. Raises as ``call`` does."""
    machine = Machine(steps)
    _run(machine, block)
    return machine.printed


def call(block: Block, *args: Value, steps: int = MAX_STEPS) -> Value:
    """What the function that a program defines returns; None when it returns nothing.

    Raises:
        ProgramError: the run fails, or goes beyond a bound.
    """
    [(head, body)] = block
    machine = Machine(steps)
    machine.names.update((name, list(a) if isinstance(a, list) else a) for name, a in zip(head[3], args, strict=True))
    return _run(machine, body)


def _run(machine: Machine, block: Block) -> Value:
    try:
        machine.run(block)
    except _Return as returned:
        return returned.args[0]
    except (TypeError, AttributeError) as error:  # an operator that has no meaning for these values
        raise ProgramError("an operation on values of the wrong type") from error
    return None
