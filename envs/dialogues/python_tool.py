"""Program of thought: the agent calculates with a Python interpreter that remembers (Chen et al., arXiv:2211.12588)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.dialogue import Dialogue, State, Turn
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.envs.tasks.numbers.single_number import judge_number
from palaestra.verifiers import last_boxed, undecided
from palaestra.verifiers.code import default_sandbox, extract_source
from palaestra.verifiers.sandbox import Ended, Limits, SandboxError

TURNS = 6
LIMITS = Limits(seconds=2.0, cpu=2.0)
MAX_CELL = 10_000  # characters
MAX_OUTPUT = 1000  # characters of what a cell prints that are shown
DONE = 83  # the exit code of an interpreter that came to its end: whoever leaves by os._exit(0) did not
BY_HAND = 40  # steps that the weak player calculates

# What runs in the sandbox: all cells but the last in silence, then the last one, whose final expression is shown.
INTERPRETER = """
import ast, contextlib, io, random

def run(cells):
    names = {"__name__": "__main__"}
    for cell in cells[:-1]:
        with contextlib.redirect_stdout(io.StringIO()):
            execute(cell, names)
    execute(cells[-1], names)

def execute(cell, names):
    try:
        tree = ast.parse(cell, "cell")
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
            if value is not None:
                print(repr(value))
    except BaseException as error:  # a cell's sys.exit() would end the cells behind it too, each time they are run
        print(f"{type(error).__name__}: {error}")

random.seed(0)
run(CELLS)
raise SystemExit(DONE)
"""


@register("palaestra/PythonTool-v0")
@dataclass(frozen=True)
class PythonTool(Dialogue):
    r"""Difficulty raises how many steps a calculation takes (tens to thousands) and the numbers in it.

    An action with a ``python`` block has its last block run in the sandbox and is told what that prints; names live on
    from block to block. One without a block answers, in ``\boxed{}``. Right is the number, however it was found. The
    state is the text of the blocks, which are all run again each turn: what they do should not depend on the time. A
    block that takes over two seconds in all, or too much memory, or ends the process, is undone.
    """

    tags: ClassVar[tuple[str, ...]] = ("dialogue", "tools", "python", "arithmetic")
    ceiling = 0.05
    costly = True
    wordings: ClassVar[tuple[str, ...]] = (
        "{question}\nYou have a Python interpreter: a message with a code block that begins with ```python has it run "
        "and shows what it prints; variables are kept. When you know the result, write a message without code and the "
        "number in \\boxed{{}}. There are {turns} messages, the answer included.",
        "Solve with the help of Python. Each of your messages is either one ```python block, which is run (names "
        "persist, output is shown), or the answer as \\boxed{{}} without any block. At most {turns} messages.\n"
        "Task: {question}",
        "Tool: Python, in ```python blocks, one a message, with memory\nAnswer: \\boxed{{}}, in a message of its own\n"
        "Messages: {turns} at most\nQuestion: {question}",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        kind = ("iterate", "add", "power")[int(rng.integers(3))]
        size = 4 + 2 * difficulty if difficulty < 4 else 12 * difficulty**2
        u = rng.random(6).tolist()
        p: dict[str, int]
        if kind == "iterate":
            m = 101 + int(u[0] * 900)
            p = {"x": 2 + int(u[1] * 90), "a": 2 + int(u[2] * 9), "c": 1 + int(u[3] * 90), "m": m}
            p["n"] = size + int(u[4] * size)
        elif kind == "add":
            m = 3 + int(u[0] * 4)
            p = {"n": 25 + size + int(u[1] * size), "m": m, "r": int(u[2] * m), "e": int(u[3] * 2)}
        else:
            p = {"a": 3 + int(u[0] * 90), "b": size + int(u[1] * size), "c": 2 + int(u[2] * 90), "m": 1009}
            p["m"] += int(u[3] * 9000)
        reference = {"kind": kind, "parameters": p, "answer": calculate(kind, p), "turns": TURNS}
        return self.ask(rng, reference, difficulty, {"question": _question(kind, p), "turns": str(TURNS)})

    def begin(self, problem: Problem) -> State:
        return ()

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the blocks that were run and not undone."""
        cell = extract_source(action)
        if cell is None:
            if last_boxed(action) is None:
                return Turn("That is neither a ```python block nor an answer in \\boxed{}.", state)
            verdict = judge_number(action, problem.reference["answer"])
            return Turn("That is right." if verdict.right else "That is wrong.", state, verdict)
        if len(cell) > MAX_CELL:
            return Turn(f"The block has more than {MAX_CELL} characters and was not run.", state)
        cells = (*state, cell)
        try:
            status, printed = _run(cells)
        except SandboxError as error:
            return Turn("", state, undecided(f"the sandbox failed: {error}"))
        if status is Ended.OK:  # errors are caught and shown: a run that fails would fail with every later block
            return Turn(printed or "(nothing was printed)", cells)
        return Turn(f"The block was stopped and undone ({status}). {printed}".rstrip(), state)

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Calculates in one block, prints in the next, answers with what it read."""
        if len(state) == 0:
            return f"```python\n{_code(problem.reference['kind'], problem.reference['parameters'])}\n```"
        if len(state) == 1:
            return "```python\nprint(result)\n```"
        return f"\\boxed{{{observation}}}"

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Calculates forty steps by hand and leaves it at that."""
        found = calculate(problem.reference["kind"], problem.reference["parameters"], BY_HAND)
        return f"\\boxed{{{found}}}"


@lru_cache(maxsize=256)  # the same blocks print the same, in whatever dialogue
def _run(cells: tuple[str, ...]) -> tuple[Ended, str]:
    program = INTERPRETER.replace("DONE", str(DONE)).replace("CELLS", repr(list(cells)))
    outcome = default_sandbox().run(program, limits=LIMITS)
    if outcome.exit_code == DONE:
        return Ended.OK, _clipped(outcome.stdout)
    return Ended.ERROR if outcome.status is Ended.OK else outcome.status, _clipped(outcome.stdout)


def calculate(kind: str, p: dict[str, int], limit: int = 1 << 30) -> int:
    """The answer, after ``limit`` steps at most."""
    if kind == "iterate":
        x, a, c, m = p["x"], p["a"], p["c"], p["m"]
        for _ in range(min(p["n"], limit)):
            x = (a * x * x + c) % m
        return x
    if kind == "add":
        m, r, e = p["m"], p["r"], p["e"]
        return sum(n for n in range(1, min(p["n"], limit) + 1) if n % m == r and _digit_sums()[n] % 2 == e)
    return (pow(p["a"], min(p["b"], limit), p["m"]) + p["c"]) % p["m"]


@cache
def _digit_sums() -> tuple[int, ...]:
    return tuple(sum(map(int, str(n))) for n in range(3000))


def _question(kind: str, p: dict[str, Any]) -> str:
    if kind == "iterate":
        return (
            f"Begin with x = {p['x']} and replace x by ({p['a']}x^2 + {p['c']}) mod {p['m']}, {p['n']} times over. "
            "What is x at last?"
        )
    if kind == "add":
        return (
            f"What is the sum of all whole numbers n from 1 to {p['n']} that leave {p['r']} when divided by {p['m']} "
            f"and whose digits add up to an {('even', 'odd')[p['e']]} number?"
        )
    return f"What is the remainder of {p['a']}^{p['b']} + {p['c']} when divided by {p['m']}?"


def _code(kind: str, p: dict[str, int]) -> str:
    if kind == "iterate":
        step = f"({p['a']} * result**2 + {p['c']}) % {p['m']}"
        return f"result = {p['x']}\nfor _ in range({p['n']}):\n    result = {step}"
    if kind == "add":
        return (
            "def digit_sum(n):\n    return sum(int(digit) for digit in str(n))\n\n"
            f"result = sum(n for n in range(1, {p['n']} + 1)\n"
            f"             if n % {p['m']} == {p['r']} and digit_sum(n) % 2 == {p['e']})"
        )
    return f"result = (pow({p['a']}, {p['b']}, {p['m']}) + {p['c']}) % {p['m']}"


def _clipped(output: str) -> str:
    text = output.encode("utf-8", "replace").decode().strip()
    return text if len(text) <= MAX_OUTPUT else f"{text[:MAX_OUTPUT]}... (and {len(text) - MAX_OUTPUT} characters more)"
