"""How many of something a response holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .instruction import Count, phrase
from .units import has_text, paragraphs, sentences, words

_BULLET = re.compile(r"[ \t]*[-*+\u2022][ \t]+\S")
_PLACEHOLDER = re.compile(r"\[([^\[\]\n]*)\]")
_HIGHLIGHT = re.compile(r"\*\*(?![\s*])([^*\n]*[^*\s])\*\*|(?<!\*)\*(?![\s*])([^*\n]*[^*\s])\*(?!\*)")


@dataclass(frozen=True, slots=True)
class Words(Count):
    """Words: what stands between white space and holds a letter or a digit."""

    thing = "words"

    def found(self, text: str) -> int:
        return len(words(text))


@dataclass(frozen=True, slots=True)
class Sentences(Count):
    """Sentences: they end at ``. ! ?`` before white space, or with their paragraph; see ``units.sentences``."""

    thing = "sentences"

    def found(self, text: str) -> int:
        return len(sentences(text))


@dataclass(frozen=True, slots=True)
class Paragraphs(Count):
    """Paragraphs with a letter or a digit, between blank lines, or with ``divider="***"`` between lines of ``***``."""

    divider: Literal["", "***"] = ""
    thing = "paragraphs"

    def __post_init__(self) -> None:
        Count.__post_init__(self)
        if self.divider not in ("", "***"):
            raise ValueError(f"divider is '' (blank lines) or '***', not {self.divider!r}")

    def found(self, text: str) -> int:
        return len(paragraphs(text, self.divider))


@dataclass(frozen=True, slots=True)
class Bullets(Count):
    """Bullet points: lines that start with ``-``, ``*``, ``+`` or a bullet, then a space and something."""

    thing = "bullets"

    def found(self, text: str) -> int:
        return sum(_BULLET.match(line) is not None for line in text.split("\n"))


@dataclass(frozen=True, slots=True)
class Sections(Count):
    """Sections: different numbers behind ``marker`` at the start of a line: ``Section 1``, ``## Section 2: Costs``.

    Case counts. Before the marker may stand ``#``, ``*`` and spaces; of a number that comes twice one counts.
    """

    marker: str = "Section"
    thing = "sections"

    def __post_init__(self) -> None:
        Count.__post_init__(self)
        phrase(self.marker, "marker")

    def found(self, text: str) -> int:
        heading = re.compile(rf"^[#* \t]*{re.escape(self.marker)} ([0-9]{{1,4}})(?![0-9])", re.MULTILINE)
        return len({int(number) for number in heading.findall(text)})


@dataclass(frozen=True, slots=True)
class Placeholders(Count):
    """Placeholders such as ``[address]``: square brackets on one line around a letter or digit at least."""

    thing = "placeholders"

    def found(self, text: str) -> int:
        return sum(has_text(inside) for inside in _PLACEHOLDER.findall(text))


@dataclass(frozen=True, slots=True)
class Highlights(Count):
    """Highlighted stretches, ``*so*`` or ``**so**``: on one line, no space inside next to the asterisks."""

    thing = "highlights"

    def found(self, text: str) -> int:
        return sum(has_text(bold or italic) for bold, italic in _HIGHLIGHT.findall(text))


@dataclass(frozen=True, slots=True)
class CapitalWords(Count):
    """Words with a letter whose letters are all capitals: ``NATO``, ``I``, ``B2``."""

    thing = "words in capitals"

    def found(self, text: str) -> int:
        return sum(word.isupper() for word in words(text))
