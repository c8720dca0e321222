r"""Lists of whole numbers in answers: ``3, 1, 2``, ``[3, 1, 2]``, ``\{3, 1, 2\}`` or ``3 1 2``."""

from __future__ import annotations

import re

from palaestra.verifiers import last_boxed
from palaestra.verifiers.latex import unbraced

MAX_LENGTH = 1000  # characters of an answer
INTEGER = re.compile(r"\s*([+-]?[0-9]{1,18})\s*").fullmatch
BRACKETS = ("[]", "()")


class NoList(ValueError):
    """The answer is no list of whole numbers; the message is the verdict's reason."""


def boxed_integers(response: str) -> list[int]:
    r"""The numbers in the last box.

    Raises:
        NoList: there is no box, or something else in it.
    """
    text = last_boxed(response)
    if text is None:
        raise NoList("no \\boxed answer")
    if len(text) > MAX_LENGTH:
        raise NoList(f"an answer of more than {MAX_LENGTH} characters")
    text = unbraced(text)
    if text[:1] + text[-1:] in BRACKETS:
        text = text[1:-1]
    numbers = []
    for part in text.split(",") if "," in text else text.split():
        match = INTEGER(part)
        if match is None:
            raise NoList(f"{part.strip()[:20]!a} is no whole number")
        numbers.append(int(match[1]))
    if not numbers:
        raise NoList("an empty answer")
    return numbers


def boxed(numbers: list[int]) -> str:
    return f"\\boxed{{{', '.join(map(str, numbers))}}}"
