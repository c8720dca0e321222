"""The program in a response."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ..fenced import last_fenced

Language: TypeAlias = Literal["python", "javascript", "c", "c++"]

LABELS: dict[Language, frozenset[str]] = {
    "python": frozenset({"", "python", "py", "python3"}),
    "javascript": frozenset({"", "javascript", "js", "node"}),
    "c": frozenset({"", "c"}),
    "c++": frozenset({"", "c++", "cpp", "cc", "cxx"}),
}


def extract_source(response: str, language: Language = "python", whole: bool = False) -> str | None:
    """The last closed fenced block that is labelled with the language, or not at all; None when there is none.

    With ``whole``, a response without any fence is the program itself.
    """
    source = last_fenced(response, LABELS[language])
    if source is None and whole and "```" not in response and "~~~" not in response:
        source = response
    return source if source and not source.isspace() else None
