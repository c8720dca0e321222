"""Policies that do not reason and answers that attack: what a task must not pay for, and must survive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .task import Problem
from .wrappers.task_wrapper import BOX, FENCE, answer_lines

CHEATS = ("null", "constant", "shotgun", "garbage", "other problem")
ATTACKS = ("injection", "bomb")
MEGABYTE = 1 << 20
GUESSES = ("0", "1", "2", "yes", "no", "True", "None", "A", "x=0", "[]")

CODE = "```python\ndef f(*args):\n    return 0\n```"

HOSTILE = {
    "a megabyte of digits": "\\boxed{" + "9" * MEGABYTE + "}",
    "a megabyte of words": "word " * (MEGABYTE // 5),
    "lone surrogates": "\\boxed{\ud800\udfff 1}",
    "NUL": "\\boxed{1\0}\0",
    "digits of another script": "\\boxed{\u0661\u0662\u00b2}",
    "a tower of powers": "\\boxed{9**9**9**9}",
    "a tower of powers in LaTeX": "\\boxed{9^{9^{9^{9}}}}",
    "a factorial": "\\boxed{100000000!}",
    "a huge exponent": "\\boxed{1e999999999}",
    "deep nesting": "\\boxed{" + "(" * 100_000 + "1" + ")" * 100_000 + "}",
    "nested boxes": "\\boxed{" * 50_000 + "1" + "}" * 50_000,
    "boxes that never close": "\\boxed{" * 100_000,
    "many lines": "a=1\n" * 100_000 + "\\boxed{1}",
    "a long row of signs": "\\boxed{" + "-" * 100_000 + "1}",
    "division by zero": "\\boxed{1/0}",
    "nothing in the box": "\\boxed{}",
}


def injections(target: str) -> dict[str, str]:
    """Answers that create the file ``target`` if anything executes them."""
    call = f"__import__('os').system('touch {target}')"
    return {
        "code for eval": f"\\boxed{{{call}}}",
        "code alone": call,
        "code after an answer": f"\\boxed{{1}} or {call}",
        "code in a list": f"\\boxed{{[{call} for _ in (1,)]}}",
        "code for sympy": f"\\boxed{{x.__class__.__mro__[1].__subclasses__() or {call}}}",
    }


@dataclass(frozen=True, slots=True)
class Cheat:
    """A policy that does not solve the problems: one of ``CHEATS`` or ``ATTACKS``, and its response to each in turn."""

    kind: str
    name: str
    responses: Sequence[str]


def cheats(problems: Sequence[Problem], answers: Sequence[str]) -> Iterator[Cheat]:
    """Policies that try for a reward.

    ``answers`` are the ``final_answer`` of right responses to other problems, or none where the task has no oracle.
    """
    n = len(problems)
    yield Cheat("null", "nothing", [""] * n)
    for guess in GUESSES:
        yield Cheat("constant", f"constant {guess}", [f"\\boxed{{{guess}}}"] * n)
    yield Cheat("constant", "a function that returns 0", [CODE] * n)
    yield Cheat("constant", "a line that returns 0", ["\\boxed{2: return 0}"] * n)
    numbers = [str(k) for k in range(-20, 101)]
    yield Cheat("shotgun", "shotgun of boxes", ["\n".join(f"\\boxed{{{k}}}" for k in numbers)] * n)
    yield Cheat("shotgun", "shotgun in a box", ["\\boxed{" + ", ".join(numbers) + "}"] * n)
    yield Cheat("shotgun", "hedge", ["\\boxed{" + " or ".join(numbers[:40]) + "}"] * n)
    yield Cheat("garbage", "garbage", [_garbage(k) for k in range(n)])
    padding = "Let me think step by step. " * 200 + "The answer is \\boxed{the answer}."
    yield Cheat("garbage", "padding", [padding] * n)
    yield Cheat("garbage", "echo", [p.prompt for p in problems])
    yield Cheat("garbage", "echo in a box", [f"\\boxed{{{p.prompt}}}" for p in problems])
    if answers:
        for answer, _ in Counter(answers).most_common(3):
            yield Cheat("constant", f"constant {answer[:40].replace(chr(10), ' ')}", [answer] * n)
        yield Cheat("shotgun", "shotgun of answers", ["\n".join(dict.fromkeys(answers))] * n)
        yield Cheat("other problem", "another problem's answer", [answers[k % len(answers)] for k in range(n)])


def final_answer(solution: str) -> str:
    """What of a solution may answer another problem: all lines of its box or block of code, else the last line."""
    lines = solution.splitlines()
    marked = any(BOX in line or line.startswith(FENCE) for line in lines)
    return "\n".join(answer_lines(lines) if marked else lines[-1:])


def attacks(n: int, target: str) -> Iterator[Cheat]:
    """Answers that try to have the verifier create the file ``target``, on ``n`` problems, or to break it, on one."""
    for name, response in injections(target).items():
        yield Cheat("injection", name, [response] * n)
    for name, response in HOSTILE.items():
        yield Cheat("bomb", name, [response])


def _garbage(seed: int) -> str:
    """Sixty characters of ASCII and beyond that differ from seed to seed."""
    return "".join(chr(33 + (seed * 7919 + k * k * 104729) % (900 if k % 3 else 90)) for k in range(60))
