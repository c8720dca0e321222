"""Words and letters that a response holds or avoids. Case never counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .instruction import Count, phrase, phrases
from .units import bare, paragraphs, words


@dataclass(frozen=True, slots=True)
class Keywords:
    """Each of ``words`` (or phrases) occurs as a whole word: "art" is not found in "start"."""

    words: Sequence[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", phrases(self.words, "words"))

    def breach(self, text: str) -> str | None:
        missing = [word for word in self.words if not _whole(word).search(text)]
        return f"the word {missing[0]} is missing" if missing else None


@dataclass(frozen=True, slots=True)
class ForbiddenWords:
    """None of ``words`` (or phrases) occurs as a whole word."""

    words: Sequence[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", phrases(self.words, "words"))

    def breach(self, text: str) -> str | None:
        found = [word for word in self.words if _whole(word).search(text)]
        return f"the word {found[0]} is forbidden" if found else None


@dataclass(frozen=True, slots=True)
class KeywordFrequency(Count):
    """How often ``word`` (or a phrase) occurs as a whole word."""

    word: str

    def __post_init__(self) -> None:
        Count.__post_init__(self)
        phrase(self.word, "word")

    @property
    def thing(self) -> str:
        return f"times {self.word}"

    def found(self, text: str) -> int:
        return sum(1 for _ in _whole(self.word).finditer(text))


@dataclass(frozen=True, slots=True)
class LetterFrequency(Count):
    """How often ``letter``, any one character, occurs."""

    letter: str

    def __post_init__(self) -> None:
        Count.__post_init__(self)
        if len(phrase(self.letter, "letter")) != 1:
            raise ValueError(f"letter is one character, not {self.letter!r}")

    @property
    def thing(self) -> str:
        return f"times {self.letter}"

    def found(self, text: str) -> int:
        return text.lower().count(self.letter.lower())


@dataclass(frozen=True, slots=True)
class ParagraphStart:
    """The first word of paragraph ``paragraph`` (from 1; between blank lines) is ``word``, marks around it aside."""

    paragraph: int
    word: str

    def __post_init__(self) -> None:
        if not isinstance(self.paragraph, int) or isinstance(self.paragraph, bool) or self.paragraph < 1:
            raise ValueError(f"paragraph is a whole number from 1, not {self.paragraph!r}")
        if bare(phrase(self.word, "word")) != self.word.lower() or len(self.word.split()) > 1:
            raise ValueError(f"word is one word without marks around it, not {self.word!r}")

    def breach(self, text: str) -> str | None:
        found = paragraphs(text)
        if len(found) < self.paragraph:
            return f"there are {len(found)} paragraphs, none with number {self.paragraph}"
        started = bare(words(found[self.paragraph - 1])[0]) == self.word.lower()
        return None if started else f"paragraph {self.paragraph} does not start with {self.word}"


def _whole(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)
