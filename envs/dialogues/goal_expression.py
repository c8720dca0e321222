"""Build an expression, one operation a turn, until its value is the desired one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.dialogue import State, Turn, last_action
from palaestra.envs.goals import GoalDialogue, Goals
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers import right

LARGEST_VALUE = 9999  # of the expression, without its sign
TERSE = ("{start} to {goal} by {numbers}",)
OPERATION = re.compile(r"([-+*])\s*(\d{1,3})", re.ASCII)


@register("palaestra/GoalExpression-v0")
@dataclass(frozen=True)
class GoalExpression(GoalDialogue):
    """Difficulty raises how many numbers there are (3 to 8) and how large they may be (9 to 27).

    products: whether values may be multiplied. terse: the prompt says the numbers and nothing else, and a turn tells
        the value and what is left: for models of bytes, which pay for every letter and learn the rules anyhow.

    An action applies an operation to the present value with one of the numbers that are left: ``apply[* 7]``. The
    dialogue is won when the value is the desired one, whether or not numbers are left; there is a turn for each number.
    The problem is made from such a chain, so there is a way. What was achieved instead is another problem's goal.
    """

    products: bool = True
    terse: bool = False
    tags: ClassVar[tuple[str, ...]] = ("dialogue", "goals", "arithmetic")
    ceiling = 0.05
    wordings: ClassVar[tuple[str, ...]] = (
        "The value is {start}. Bring it to {goal}.\nIn each of {turns} turns apply an operation, + - or *, with one of "
        "the numbers {numbers}, as apply[* {example}]. Each number is used at most once.",
        "Numbers: {numbers}\nStart: {start}\nTarget: {goal}\nMoves: apply[+ n], apply[- n] and apply[* n] change the "
        "value v to v + n, v - n and v * n, and use up the number n. Reach the target in {turns} moves or fewer.",
        "A calculator shows {start}. You want it to show {goal}. You hold cards with the numbers {numbers}; a turn "
        "plays one card together with + or - or *, written like apply[+ {example}]. You have {turns} turns.",
    )

    def __post_init__(self) -> None:
        if self.terse:
            object.__setattr__(self, "wordings", TERSE)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count, largest = 3 + difficulty // 2, 7 + 2 * difficulty
        uniforms = rng.random(3 * count + 2).tolist()
        start = 1 + int(uniforms[0] * largest)
        used = 2 + int(uniforms[1] * (count - 1)) if difficulty < 4 else count - int(uniforms[1] * 2)
        value = before = start
        numbers: list[int] = []
        chain: list[str] = []
        for u, v in zip(uniforms[2 : 2 + count], uniforms[2 + count :], strict=False):
            n = 2 + int(u * (largest - 1))
            numbers.append(n)
            if len(chain) < used:
                op = _operation(value, n, v, self.products)
                before, value = value, _applied(value, op, n)
                chain.append(f"{op} {n}")
        if value == start:
            n = numbers[used - 1]
            value, chain[-1] = (before + n, f"+ {n}") if before + n != start else (before - n, f"- {n}")
        shuffled = [numbers[i] for i in np.argsort(rng.random(count)).tolist()]
        fields = {
            "numbers": ", ".join(map(str, shuffled)),
            "start": str(start),
            "goal": str(value),
            "turns": str(count),
            "example": str(shuffled[0]),
        }
        reference = {"start": start, "goal": value, "numbers": shuffled, "turns": count}
        return self.ask(rng, reference, difficulty, fields, {"chain": chain})

    def begin(self, problem: Problem) -> State:
        return (problem.reference["start"], tuple(problem.reference["numbers"]), str(problem.reference["start"]))

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the value, the numbers that are left, the expression."""
        value, left, expression = state
        found = last_action(action, "apply")
        operation = OPERATION.fullmatch(found[1]) if found else None
        if operation is None or (operation[1] == "*" and not self.products):
            return Turn(f"That is no move: write apply[+ {left[0] if left else 1}]. {self._told(state)}", state)
        op, n = operation[1], int(operation[2])
        if n not in left:
            return Turn(f"There is no number {n} left. {self._told(state)}", state)
        result = _applied(value, op, n)
        if abs(result) > LARGEST_VALUE:
            return Turn(f"{op} {n} would lead beyond {LARGEST_VALUE}. {self._told(state)}", state)
        rest = list(left)
        rest.remove(n)
        inner = f"({expression})" if op == "*" and re.search(r"[-+] ", expression) else expression
        state = (result, tuple(rest), f"{inner} {op} {n}")
        if result == problem.reference["goal"]:
            return Turn(f"{state[2]} = {result}, as wanted.", state, right(f"{state[2]} is {result}"))
        return Turn(self._told(state) if self.terse else f"{state[2]} = {result}. {self._told(state)}", state)

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Follows the chain that the problem was made from."""
        chain, step = problem.meta["chain"], len(problem.reference["numbers"]) - len(state[1])
        return f"apply[{chain[step]}]" if step < len(chain) else ""

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Looks one move ahead: takes what comes nearest."""
        value, left, _ = state
        goal = problem.reference["goal"]
        ops = "+-*" if self.products else "+-"
        moves = [(abs(_applied(value, op, n) - goal), f"apply[{op} {n}]") for n in left for op in ops]
        return min(moves)[1] if moves else ""

    def _told(self, state: State) -> str:
        value, left, _ = state
        numbers = ", ".join(map(str, left))
        return f"{value} by {numbers}" if self.terse else f"The value is {value}; left are {numbers or 'no numbers'}."

    def achieved(self, problem: Problem, state: State) -> str:
        return str(state[0])

    def encode(self, goals: Sequence[str]) -> Goals:
        return np.array([[int(goal)] for goal in goals], dtype=np.int64)

    def identity(self, problem: Problem) -> str:
        reference: dict[str, Any] = problem.reference
        return f"{reference['start']} {sorted(Counter(reference['numbers']).items())} {reference['goal']}"


def _operation(value: int, n: int, uniform: float, products: bool) -> str:
    """An operation that keeps the value within bounds, small values growing by products."""
    if not products:
        return "-" if uniform < 0.5 else "+"
    if uniform < 0.4 and abs(value * n) <= LARGEST_VALUE // 4:
        return "*"
    return "-" if uniform < 0.7 else "+"


def _applied(value: int, op: str, n: int) -> int:
    return value * n if op == "*" else value + n if op == "+" else value - n
