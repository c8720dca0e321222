"""Run a program on a stack machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, right, wrong

from .listing import NoList, boxed, boxed_integers

LARGEST = 999  # the size of a product
OPERATIONS = ("ADD", "SUB", "MUL", "DUP", "SWAP", "DROP")
PUSHES = 0.4  # share of the instructions, beside those that an almost empty stack forces


@register("palaestra/StackMachine-v0")
@dataclass(frozen=True)
class StackMachine(Task):
    """Difficulty raises the number of instructions (6 to 33).

    The answer is the whole stack at the end, two numbers or more, from bottom to top.
    """

    tags: ClassVar[tuple[str, ...]] = ("sequences", "programs")
    ceiling = 0.03
    wordings = (
        "A stack machine starts with an empty stack. PUSH n puts n on top. ADD, SUB and MUL take the top two numbers "
        "off and put their sum, difference or product on top, where SUB subtracts the number that was on top from the "
        "one below it. DUP copies the top number, SWAP exchanges the top two, DROP removes the top one. "
        "What is on the stack, from bottom to top, after {program}? Answer in \\boxed{{}} with all its numbers.",
        "Program: {program}\nIt works on a stack that is empty at first: PUSH x adds x; with b on top and a below it, "
        "ADD replaces both by a + b, SUB by a - b, MUL by a * b, and SWAP by b, a (a is then on top); DUP adds another "
        "copy of the top, DROP deletes the top. List the final stack in \\boxed{{}}, its top last.",
        "Plates with numbers are piled up by these orders, one after the other: {program}. PUSH k lays a plate k on "
        "the pile, DROP takes the top plate away, DUP lays one more plate with the same number as the top one, and "
        "SWAP exchanges the two top plates. ADD, SUB and MUL take away the two top plates x (the upper one) and y and "
        "lay down one plate with y + x, y - x or y * x. Which numbers does the pile show in the end, "
        "from the lowest plate to the top? Answer in \\boxed{{}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        length = 3 + 3 * difficulty
        uniforms = rng.random(2 * length + 8).tolist()
        stack: list[int] = []
        program: list[str] = []
        for u, v in zip(uniforms[::2], uniforms[1::2], strict=True):
            operation = OPERATIONS[int((u - PUSHES) / (1 - PUSHES) * len(OPERATIONS))]
            if u < PUSHES or len(stack) < 2 or (operation == "MUL" and abs(stack[-1] * stack[-2]) > LARGEST):
                operation = f"PUSH {1 + int(v * 9)}"
            if len(program) >= length:
                if len(stack) > 1:
                    break
                operation = f"PUSH {1 + int(v * 9)}"
            program.append(operation)
            _run(stack, operation)
        return self.ask(rng, {"stack": stack}, difficulty, {"program": ", ".join(program)}, {"program": program})

    def verify(self, problem: Problem, response: str) -> Verdict:
        try:
            numbers = boxed_integers(response)
        except NoList as reason:
            return wrong(str(reason))
        stack = problem.reference["stack"]
        if len(numbers) != len(stack):
            return wrong(f"{len(numbers)} numbers instead of {len(stack)}", answer=numbers)
        for place, (found, expected) in enumerate(zip(numbers, stack, strict=True), 1):
            if found != expected:
                return wrong(f"number {place} from the bottom is {expected}, not {found}", answer=numbers)
        return right("the final stack", answer=numbers)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The stack after each instruction."""
        stack: list[int] = []
        lines = []
        for operation in problem.meta["program"]:
            _run(stack, operation)
            lines.append(f"{operation}: {', '.join(map(str, stack))}")
        return "\n".join([*lines, boxed(stack)])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Forgets to exchange anything and subtracts what is below from what is on top."""
        stack: list[int] = []
        for operation in problem.meta["program"]:
            if operation == "SUB":
                _run(stack, "SWAP")
            if operation != "SWAP":
                _run(stack, operation)
        return boxed(stack)


def _run(stack: list[int], operation: str) -> None:
    """One instruction; all but PUSH find two numbers or more."""
    if operation.startswith("PUSH"):
        stack.append(int(operation[5:]))
    elif operation == "DUP":
        stack.append(stack[-1])
    elif operation == "DROP":
        stack.pop()
    else:
        top, below = stack.pop(), stack.pop()
        if operation == "SWAP":
            stack += [top, below]
        else:
            stack.append(below + top if operation == "ADD" else below - top if operation == "SUB" else below * top)
