r"""The last resort for math answers: math-verify, and sympy below it, in worker processes that can be killed.

math-verify alone is not symmetric, takes ``1=5`` for 5, drops units and calls what agrees to six digits equal. Here
both orders must agree, units stay (as products of letters), and numbers are compared to ``DIGITS`` digits. What else it
is lenient about is for the caller to settle before it asks: percent, words and labels, which it reads as products of
letters, and sets and pairs, which it takes for one another. It refuses much about complex numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from ..workers import Ending, Workers

MAX_LENGTH = 2048  # characters of a text
MAX_NESTING = 16  # brackets inside one another: the parser's time grows steeply
MAX_DIGITS = 400  # of one number
SECONDS = 1.5  # of processor time for one comparison
MEMORY = 1 << 30  # bytes of a worker
WORKERS = 2
DIGITS = 30  # at which two numbers without a common closed form must agree
PROBE = "1/7"  # a gold that cannot be compared with this is at fault itself
GOLDS = 2048  # parsed golds that a worker keeps

WARM = (
    *(("7", "7"), ("-1.5", r"-\frac{3}{2}"), (r"\frac{1}{2}+\sqrt[3]{2}", r"\sqrt{8}"), (r"50\%", "0.5")),
    *(("(x+1)^2", "x^2+2x+1"), (r"\frac{x^2-1}{x-1}", "x+1"), ("x=5", "5"), ("y=2x+1", "2x-y+1=0")),
    *((r"\{1,2,3\}", r"\{3,2,1\}"), ("(1,2)", "(2,1)"), (r"[0,1)\cup(2,\infty)", r"(-\infty,3]"), ("1<x<2", "(1,2)")),
    *((r"x\le 3", r"3\ge x"), (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{bmatrix}1&2\\3&4\end{bmatrix}")),
    *(("3+4i", "4i+3"), (r"e^{i\pi}", "-1"), (r"\sin(\frac{\pi}{6})", r"\cos 60^\circ"), (r"\log_2 8", r"\ln e^3")),
    *(
        (r"\frac{\pi}{4}", r"\arctan 1"),
        (r"\binom{5}{2}", "5!/12"),
        (r"|x-1|", r"\lfloor x\rfloor"),
        ("2^{n+1}", "2^n"),
    ),
    *((r"\text{even}", r"\text{odd}"), (r"10\text{ km}", r"10\text{ m}"), (r"\sum_{k=1}^{3} k", "6"), ("A", "B")),
    *((r"\int_0^1 x dx", r"\frac12"), (r"\lim_{x\to 0} x", "0"), ("1,2,3", "3,2,1"), (r"x\in\mathbb{R}", "x^{-1/2}")),
)

_DELIMITERS = re.compile(r"\$|(?<!\\)\\[()\[\]]|\s+")
_EQUALS = re.compile(r"(?<![<>!\\])=")
_ONE_SIDED = re.compile(r"\^\s*\{?\s*[+-]\s*\}?\s*\}")  # \lim_{x \to 0^{-}}
_LONG_NUMBER = re.compile(rf"\d{{{MAX_DIGITS + 1}}}")

_noted: ContextVar[list[tuple[str, str]] | None] = ContextVar("noted", default=None)


class Decision(NamedTuple):
    """``same`` is None when it cannot be told; ``reason`` is one line for a verdict."""

    same: bool | None
    reason: str


def decide(answer: str, gold: str) -> bool | None:
    """Whether two texts in LaTeX or plain notation mean the same; None when the gold is at fault or no worker lives."""
    return explain(answer, gold).same


def explain(answer: str, gold: str) -> Decision:
    """``decide``, with its reason. An answer that takes too much time or memory is not the same."""
    if (noted := _noted.get()) is not None:
        noted.append((answer, gold))
        return Decision(None, "left to the workers")
    for text, same, whose in ((gold, None, "the gold"), (answer, False, "the answer")):
        if problem := _refused(text):
            return Decision(same, f"{whose} {problem}")
    outcome = workers().call(answer, gold)
    match outcome.ending, outcome.value:
        case Ending.DONE, bool(same):
            return Decision(same, "math-verify finds them equal" if same else "math-verify finds them different")
        case Ending.DONE, "answer":
            return Decision(False, "the answer does not parse")
        case Ending.DONE, _:
            return Decision(None, "the gold does not parse")
        case Ending.DIED, _:
            return Decision(None, outcome.reason)
    if workers().call(PROBE, gold).ending is not Ending.DONE:
        return Decision(None, f"comparing the gold: {outcome.reason}")
    return Decision(False, f"comparing the answer: {outcome.reason}")


@contextmanager
def noting() -> Iterator[list[tuple[str, str]]]:
    """Within it, in this thread, no worker is asked: every question is noted in the list and left undecided."""
    noted: list[tuple[str, str]] = []
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


@lru_cache(maxsize=1)
def workers() -> Workers:
    """The workers that all callers share."""
    return Workers(f"{__name__}:compare", count=WORKERS, seconds=SECONDS, memory=MEMORY, warm=WARM)


def compare(answer: str, gold: str) -> bool | str:
    """In a worker: whether math-verify calls two texts equal in both orders, or which of them does not parse."""
    from math_verify import verify

    reference = _parse_gold(gold)
    if not reference:
        return "gold"
    parsed = _parse(answer)
    if not parsed:
        return "answer"
    options: dict[str, Any] = {
        "float_rounding": DIGITS // 2,
        "numeric_precision": DIGITS,
        "allow_set_relation_comp": True,
        "timeout_seconds": None,
    }
    return bool(verify(reference, parsed, **options) and verify(parsed, reference, **options))


def _parse(text: str) -> list[Any]:
    """The expression of a text, in a list; empty when it has none."""
    from math_verify import LatexExtractionConfig, parse

    lenient = LatexExtractionConfig()
    config = replace(lenient, normalization_config=replace(lenient.normalization_config, units=False, boxed="none"))
    text = _DELIMITERS.sub(" ", text).strip().rstrip(".")
    values = parse(
        f"${text}$",
        extraction_config=[config],
        fallback_mode="no_fallback",
        extraction_mode="first_match",
        parsing_timeout=None,
    )
    return values if _ONE_SIDED.search(text) else list(map(_two_sided, values))


def _two_sided(value: Any) -> Any:
    """A value with limits from both sides, which math-verify takes from above."""
    from sympy import Basic, Limit

    return value.replace(Limit, lambda f, x, at, _: Limit(f, x, at, "+-")) if isinstance(value, Basic) else value


_parse_gold = lru_cache(maxsize=GOLDS)(_parse)


def _refused(text: str) -> str:
    """Why a text is not even parsed; empty when it is."""
    if len(text) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    if "," not in text and _EQUALS.subn("", text)[1] > 1:  # math-verify would take the last side
        return "is a chain of equations"
    if _LONG_NUMBER.search(text):
        return f"holds a number of more than {MAX_DIGITS} digits"
    depth = deepest = 0
    for character in text:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    return f"nests brackets deeper than {MAX_NESTING}" if deepest > MAX_NESTING else ""
