r"""LaTeX around an answer in words: ``\text{Paris}`` and ``A \;\to\; B`` stand in boxes where nobody asked for it."""

from __future__ import annotations

import re

MAX_LEVELS = 8  # of commands inside one another: each takes time linear in the text

SETTING = re.compile(r"\\(?:text(?:bf|rm|it|sf|tt|normal)?|emph|math(?:bf|rm|it|sf|tt)|mbox|boxed) ?\{")
_WRAPPED = re.compile(SETTING.pattern + r"([^{}]*)\}")
_SET = re.compile(r"\s*(?:\\left ?)?\\\{(.*?)(?:\\right ?)?\\\}\s*", re.DOTALL)
_SPACING = re.compile(r"(?<!\\)\\(?:[,;:! ]|(?:quad|qquad|left|right)(?![A-Za-z]))")
_ESCAPED = re.compile(r"(?<!\\)\\([_&%#])")


def opened(text: str) -> str:
    r"""The text without the commands that set words, their arguments kept: ``\text{(B)}`` is ``(B)``."""
    for _ in range(MAX_LEVELS if "\\" in text else 0):
        inner = _WRAPPED.sub(r"\1", text)
        if inner == text:
            break
        text = inner
    return text


def unspaced(text: str) -> str:
    r"""The text ``opened``, with spaces for the commands that only space, and without ``\left`` and ``\right``.

    ``\_``, ``\&``, ``\%`` and ``\#`` are what they show.
    """
    return _ESCAPED.sub(r"\1", _SPACING.sub(" ", opened(text))) if "\\" in text else text


def undelimited(text: str) -> str:
    r"""The text inside ``$...$`` or ``\(...\)``, where one such pair holds all of it."""
    for start, end in (("$", "$"), (r"\(", r"\)")):
        inside = text[len(start) : -len(end)]
        if text.startswith(start) and text.endswith(end) and start not in inside and len(text) > len(start + end):
            return inside.strip()
    return text


def unbraced(text: str) -> str:
    r"""The members inside ``\{...\}``, where one such pair holds all of the text."""
    found = _SET.fullmatch(text)
    return text if found is None else found[1]
