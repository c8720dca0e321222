r"""Which part of a response is the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from .latex import MAX_LEVELS, SETTING, undelimited

Span: TypeAlias = tuple[int, int]
Rule: TypeAlias = Literal["boxed", "hash", "phrase", "whole"]
RULES: tuple[Rule, ...] = ("boxed", "hash", "phrase")

BOX = r"\boxed{"
_BRACES = re.compile(r"\\.|\{+|\}+", re.DOTALL)
_PHRASE = re.compile(r"answer(?: is\b|:)", re.IGNORECASE)
_SPACED_LIST = re.compile(r"([,;])\s{0,9}\\(?:[,;:! ]|q?quad(?![A-Za-z]))\s*")
_SENTENCE_END = re.compile(  # the stop of 3:45 p.m. and of Mt. Fuji is none
    r"\.(?=\s|$)(?<!\.[A-Za-z]\.)(?<!\b(?:Dr|Ft|Mr|Ms|Mt|St)\.)(?<!\bMrs\.)|\n"
)
_DISPLAY = re.compile(r"\$\$.*?\$\$|\\\[.*?\\\]", re.DOTALL)
_BEFORE = " \t\r\n:*"  # what may stand before an answer, as in "answer is: **42**."


class Extraction(NamedTuple):
    """An answer as written, and the rule that found it."""

    text: str
    rule: Rule


def extract_answer(response: str, rules: Sequence[Rule] = RULES) -> Extraction | None:
    r"""Find the answer by the first of ``rules`` that finds one; None when none does.

    boxed: the last ``\boxed{...}`` whose braces balance. Of several boxes the last counts, never any of them.
    hash: the rest of the last line that starts with ``####``.
    phrase: what follows the last "answer is" or "answer:", up to the end of the sentence or line, or of the displayed
        formula that it starts with. The stop of "St. Louis" or "3 p.m." ends no sentence; that of an initial does.
    whole: the response itself, stripped.

    hash and phrase leave out Markdown's marks around the answer: ``**42**``, or backticks. A star that nothing opens
    belongs to the answer: ``(ab)*``.

    Time is linear in the length of the response, whatever it holds.
    """
    for rule in rules:
        span = _FINDERS[rule](response)
        if span is not None:
            return Extraction(response[slice(*span)], rule)
    return None


def answer_span(response: str, rules: Sequence[Rule] = RULES) -> Span | None:
    """Where the answer that ``extract_answer`` finds stands: its first character, and the one behind its last."""
    return next((span for rule in rules if (span := _FINDERS[rule](response)) is not None), None)


def last_boxed(response: str) -> str | None:
    r"""The content of the last ``\boxed{...}`` whose braces balance, stripped; None when there is none.

    Without ``$...$`` and ``\text{...}`` where they hold all of it, and with plain spaces between the items of a list,
    for ``x=1,\ y=2``: models set words and numbers alike so.
    """
    span = _last_boxed(response)
    if span is None:
        return None
    content = response[slice(*span)]
    if "\\" not in content and "$" not in content:
        return content
    return _SPACED_LIST.sub(r"\1 ", _unset(undelimited(content)))


def _unset(text: str) -> str:
    for _ in range(MAX_LEVELS):
        setting = SETTING.match(text)
        if setting is None or _closing(text, setting.end(), len(text)) != len(text) - 1:
            break
        text = text[setting.end() : -1].strip()
    return text


def _last_boxed(response: str) -> Span | None:
    start = response.rfind(BOX)
    if start < 0:
        return None
    inside = start + len(BOX)
    end = response.find("}", inside)
    content = response[inside:end] if end >= 0 else "{"
    if "{" not in content and "\\" not in content:
        return _stripped(response, inside, end)
    limit = len(response)
    while start >= 0:
        end = _closing(response, start + len(BOX), limit)
        if end >= 0:
            return _stripped(response, start + len(BOX), end)
        # This box never closes, so an earlier one can only close before it: no character is scanned twice.
        limit = start
        start = response.rfind(BOX, 0, response.rfind("}", 0, limit) + 1)
    return None


def _stripped(text: str, start: int, end: int, marks: str | None = None) -> Span:
    """A part of a text without the marks around it; without white space where none are given."""
    part = text[start:end]
    return start + len(part) - len(part.lstrip(marks)), start + len(part.rstrip(marks))


def _closing(text: str, start: int, limit: int) -> int:
    """The index of the brace that closes the one just before ``start``, below ``limit``; -1 when there is none."""
    depth = 1
    for match in _BRACES.finditer(text, start, limit):
        braces = match[0]
        if braces[0] == "{":
            depth += len(braces)
        elif braces[0] == "}":
            if depth <= len(braces):
                return match.start() + depth - 1
            depth -= len(braces)
    return -1


def _last_hash(response: str) -> Span | None:
    line = response.rfind("\n####") + 1
    if not response.startswith("####", line):
        return None
    end = response.find("\n", line)
    return _unmarked(response, line, line + 4, end if end >= 0 else len(response))


def _last_phrase(response: str) -> Span | None:
    phrase = None
    for match in _PHRASE.finditer(response):
        phrase = match
    if phrase is None:
        return None
    start, _ = _stripped(response, phrase.end(), len(response), _BEFORE)
    display = _DISPLAY.match(response, start)
    sentence = _SENTENCE_END.search(response, display.end() if display else start)
    line = response.rfind("\n", 0, phrase.start()) + 1
    return _unmarked(response, line, start, sentence.start() if sentence else len(response))


def _unmarked(response: str, line: int, start: int, end: int) -> Span:
    """A part of a text that starts in a line, without Markdown's marks around it."""
    start, end = _stripped(response, start, end, _BEFORE)[0], _stripped(response, start, end, " \t\r")[1]
    part = response[start:end]
    stars = len(part) - len(part.rstrip("*"))
    end -= stars if response.count("*", line, start) % 2 else stars // 2 * 2
    start, end = _stripped(response, start, end, " \t\r")
    quoted = end - start > 2 and response[start] == response[end - 1] == "`" and response.count("`", start, end) == 2
    return (start + 1, end - 1) if quoted else (start, end)


def _whole(response: str) -> Span:
    return _stripped(response, 0, len(response))


_FINDERS: dict[Rule, Callable[[str], Span | None]] = {
    "boxed": _last_boxed,
    "hash": _last_hash,
    "phrase": _last_phrase,
    "whole": _whole,
}
