"""Verdicts on answers that are regular expressions, in RE2's dialect and for whole texts.

RE2 matches in linear time and within its own bound on memory; Python's ``re`` never sees an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from ..extract import RULES, Rule, extract_answer
from ..optional import require
from ..quoting import quoted
from ..verdict import Verdict, right, wrong
from .equivalence import TooComplex, distinguishing_text
from .syntax import MAX_LENGTH, Automaton, RegularExpressionError, parse

MAX_MEMORY = 1 << 22  # bytes of a compiled expression
MAX_SHOWN = 80  # characters of an answer quoted in a verdict


@dataclass(frozen=True, slots=True)
class ExamplesVerifier:
    """Judges an expression by examples: it must match each of ``matches`` whole and none of ``rejects``.

    Keep some of them out of the prompt: an answer may list those that it was shown.

    rules: where the answer is looked for, by ``extract_answer``.

    Raises:
        ValueError: there is no example, a text is in both lists, or one holds a lone surrogate.
    """

    matches: tuple[str, ...]
    rejects: tuple[str, ...]
    rules: tuple[Rule, ...] = RULES

    def __post_init__(self) -> None:
        if not (self.matches and self.rejects):
            raise ValueError("give examples of both kinds: any expression matches or rejects all of one kind")
        if both := set(self.matches) & set(self.rejects):
            raise ValueError(f"{min(both)!a} is to be matched and rejected")
        for example in (*self.matches, *self.rejects):
            example.encode()

    def verify(self, response: str) -> Verdict:
        """Judge a response; raises on no response whatever.

        Raises:
            MissingLibrary: google-re2 is not installed.
        """
        extraction = extract_answer(response, self.rules)
        if extraction is None:
            return wrong("no answer found")
        shown = _shown(extraction.text)
        try:
            accepts = compiled(extraction.text)
        except RegularExpressionError as error:
            return wrong(f"the answer is not a regular expression: {error}", answer=shown)
        for examples, matched in ((self.matches, True), (self.rejects, False)):
            for example in examples:
                if accepts(example) != matched:
                    fault = "does not match" if matched else "matches"
                    return wrong(f"{shown} {fault} {_shown(example)!r}", answer=shown, example=_shown(example))
        return right(f"{shown} fits all {len(self.matches) + len(self.rejects)} examples", answer=shown)


@dataclass(frozen=True, slots=True)
class EquivalenceVerifier:
    """Judges an expression by a gold one: they must match the same texts.

    rules: where the answer is looked for, by ``extract_answer``.
    """

    rules: tuple[Rule, ...] = RULES

    def verify(self, response: str, gold: str) -> Verdict:
        """Judge a response; raises on no response whatever.

        Raises:
            RegularExpressionError: the gold cannot be read.
            MissingLibrary: google-re2 is not installed.
        """
        reference = read_gold(gold)
        extraction = extract_answer(response, self.rules)
        if extraction is None:
            return wrong("no answer found")
        text, shown = extraction.text, _shown(extraction.text)
        if text == gold:
            return right(f"{shown} is the expression itself", answer=shown)
        try:
            answer = read(text)
        except RegularExpressionError as error:
            return wrong(f"the answer is not a regular expression: {error}", answer=shown)
        try:
            example = distinguishing_text(answer, reference)
        except TooComplex as error:
            return wrong(f"the answer is too complex: {error}", answer=shown)
        if example is None:
            return right(f"{shown} is equivalent", answer=shown)
        fault = "matches" if compiled(text)(example) else "does not match"
        return wrong(f"{shown} {fault} {_shown(example)!r}", answer=shown, example=_shown(example))


@lru_cache(maxsize=1024)
def read_gold(text: str) -> Automaton:
    """Read a reference expression.

    Raises:
        RegularExpressionError: it cannot be read, or is too complex for any answer to be compared with it.
    """
    try:
        automaton = read(text)
        distinguishing_text(automaton, automaton)
        return automaton
    except (RegularExpressionError, TooComplex) as error:
        raise RegularExpressionError(f"the gold expression {_shown(text)} cannot be used: {error}") from error


def read(text: str) -> Automaton:
    """The automaton of an expression.

    Raises:
        RegularExpressionError: RE2 refuses it, or ``parse`` does.
    """
    compiled(text)
    return parse(text)


def compiled(text: str) -> Callable[[str], bool]:
    """Whether RE2 matches a whole text by an expression.

    Raises:
        RegularExpressionError: RE2 refuses the expression, or it is too long.
        MissingLibrary: google-re2 is not installed.
    """
    if len(text) > MAX_LENGTH:
        raise RegularExpressionError(f"longer than {MAX_LENGTH} characters")
    re2 = require("re2")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    options.never_capture = True
    try:
        expression = re2.compile(text, options)
    except UnicodeEncodeError as error:
        raise RegularExpressionError("a lone surrogate") from error
    except re2.error as error:
        raise RegularExpressionError(_shown(str(error.args[0].decode(errors="replace")))) from error
    return lambda example: expression.fullmatch(example) is not None


def _shown(text: str) -> str:
    return quoted(text, MAX_SHOWN)
