"""The tests that a question shows, and how a program does on them: all that a self-debugging agent may look at."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from palaestra.agents.agent import Dialogue
from palaestra.verifiers import Status, Verdict
from palaestra.verifiers.code import Call, CodeVerifier, default_sandbox, extract_source
from palaestra.verifiers.sandbox import Ended, Limits, SandboxError

MAX_TESTS = 16  # of a question
MAX_LINE = 2000  # characters; a longer line is no test
LIMITS = Limits(seconds=2.0, cpu=2.0)
SHOWN_LINES, SHOWN_CHARS = 40, 80  # of a trace, and of each value in it
TEST = re.compile(r"(?:assert\s+)?(\w+\(.*\))\s*(?:==|->|returns)\s*(.+?)[.,;]?")

# Behind a program: calls a function and writes down each line that it runs, with what it knows there.
TRACER = """

def _palaestra_trace(name, args, longest, widest):
    import sys
    function, seen = globals()[name], []

    class Enough(BaseException):
        pass

    def follow(frame, event, value):
        if frame.f_code is not function.__code__ or event not in ("call", "line", "return"):
            return follow if frame.f_code is function.__code__ else None
        if len(seen) >= longest:
            raise Enough
        known = ", ".join(f"{key} = {str(repr(one))[:widest]}" for key, one in frame.f_locals.items())
        line = frame.f_lineno - function.__code__.co_firstlineno + 1
        seen.append(f"line {line}: {known}" if event != "return" else f"returns {str(repr(value))[:widest]}")
        return follow

    sys.settrace(follow)
    try:
        function(*args)
    except Enough:
        seen.append("and so on, without end in sight")
    except Exception as error:
        seen.append(f"{type(error).__name__}: {str(error)[:widest]}")
    finally:
        sys.settrace(None)
    return seen
"""


@dataclass(frozen=True, slots=True)
class Visible:
    """A call that a question shows, and what it is to return."""

    function: str
    args: tuple[Any, ...]
    returns: Any


def visible_tests(question: str) -> list[Visible]:
    """The tests that a question shows, 16 at most: ``f(1, 2) == 3``, ``f(1, 2) returns 3``, ``f(1, 2) -> 3``, with or
    without ``assert``, and ``>>> f(1, 2)`` with ``3`` on the next line. Only literals are read; nothing is run.
    """
    lines = question.splitlines()
    found = [_test(line) or _doctest(line, after) for line, after in zip(lines, [*lines[1:], ""], strict=True)]
    kept = {repr(test): test for test in found if test is not None}
    return list(kept.values())[:MAX_TESTS]


def tests_shown(dialogue: Dialogue) -> list[Visible]:
    """The tests in all that the user has said."""
    return visible_tests("\n".join(message.content for message in dialogue.messages if message.role == "user"))


def _test(line: str) -> Visible | None:
    match = TEST.fullmatch(_bare(line.strip())) if len(line) <= MAX_LINE else None
    return _read(match[1], match[2]) if match else None


def _bare(line: str) -> str:
    """An assertion without what is said where it fails: ``assert f(1) == 2, "no"`` is ``assert f(1) == 2``."""
    try:
        (statement,) = ast.parse(line).body if line.startswith("assert ") else [None]
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return line
    if not isinstance(statement, ast.Assert) or statement.msg is None:
        return line
    return f"assert {ast.get_source_segment(line, statement.test)}"


def _doctest(line: str, after: str) -> Visible | None:
    asked = line.strip()
    if not asked.startswith(">>> ") or max(len(line), len(after)) > MAX_LINE:
        return None
    return _read(asked.removeprefix(">>> "), after.strip())


def _read(call: str, value: str) -> Visible | None:
    try:
        tree = ast.parse(call, mode="eval").body
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name) or tree.keywords:
            return None
        args = tuple(ast.literal_eval(argument) for argument in tree.args)
        test = Visible(tree.func.id, args, ast.literal_eval(value))
        Call(test.function, test.args, returns=test.returns)  # refuses what is no plain data
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
    return test


def tried(tests: list[Visible], answer: str) -> Verdict:
    """The verdict of these tests alone on the program in an answer; its score is the share that pass."""
    calls = [Call(test.function, test.args, returns=test.returns) for test in tests]
    return CodeVerifier(calls, partial=True, batch=True, limits=LIMITS).verify(answer)


def trace(test: Visible, answer: str) -> str:
    """What the program in an answer does in a test, line by line, as far as 40 lines go; "" when nobody can tell."""
    source = extract_source(answer)
    if source is None:
        return ""
    given = test.function, list(test.args), SHOWN_LINES, SHOWN_CHARS
    try:
        (outcome,) = default_sandbox().calls(source + TRACER, [("_palaestra_trace", given, {})], LIMITS)
    except SandboxError:
        return ""
    return "\n".join(map(str, outcome.value)) if outcome.status is Ended.OK and isinstance(outcome.value, list) else ""


def failing(tests: list[Visible], verdict: Verdict) -> Iterator[Visible]:
    """The tests that a program failed."""
    if verdict.status is Status.WRONG:
        yield from (tests[number - 1] for number in verdict.evidence.get("failed", ()))
