"""The form of a response as a whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..json_schema import DocumentError, parse_document
from .instruction import phrase, phrases
from .units import has_text, paragraphs

QUOTES = "\"'\u2019\u201d"

_COMMAS = re.compile("[,\u060c\u3001\uff0c]")
_SIX = re.compile(r"(?<!\*)\*{6}(?!\*)")
_TITLE = re.compile(r"<<([^<>\n]+)>>")


@dataclass(frozen=True, slots=True)
class Json:
    """The whole response, perhaps in one fenced block, is a JSON object or array, strict as in ``parse_document``."""

    def breach(self, text: str) -> str | None:
        lines = text.strip().split("\n")
        if lines[0].strip().lower() in ("```", "```json") and lines[-1].strip() == "```":
            lines = lines[1:-1]
        try:
            document = parse_document("\n".join(lines))
        except DocumentError as error:
            return f"the response is no JSON document: {error}"
        return None if isinstance(document, dict | list) else "the response is no JSON object or array"


@dataclass(frozen=True, slots=True)
class Title:
    """There is a title in double angle brackets on one line: ``<<Poem of Joy>>``."""

    def breach(self, text: str) -> str | None:
        return None if any(map(has_text, _TITLE.findall(text))) else "there is no title in << >>"


@dataclass(frozen=True, slots=True)
class Postscript:
    """The last paragraph has a line that starts with ``marker`` and goes on with a letter or digit; text stands before.

    Case does not count.
    """

    marker: str = "P.S."

    def __post_init__(self) -> None:
        phrase(self.marker, "marker")

    def breach(self, text: str) -> str | None:
        last = paragraphs(text)[-1:]
        lines = [line.strip() for line in (last[0] if last else "").split("\n")]
        start = self.marker.lower()
        added = [n for n, line in enumerate(lines) if line.lower().startswith(start) and has_text(line[len(start) :])]
        if not added:
            return f"the last paragraph has no postscript {self.marker}"
        alone = len(paragraphs(text)) == 1 and not has_text("".join(lines[: added[0]]))
        return f"nothing stands before {self.marker}" if alone else None


@dataclass(frozen=True, slots=True)
class EndPhrase:
    """The response ends with ``phrase``, letter for letter; white space and closing quotes behind it do not count."""

    phrase: str

    def __post_init__(self) -> None:
        phrase(self.phrase, "phrase", limit=1000)

    def breach(self, text: str) -> str | None:
        ends = text.rstrip().rstrip(QUOTES).endswith(self.phrase.rstrip(QUOTES))
        return None if ends else f"the response does not end with: {self.phrase}"


@dataclass(frozen=True, slots=True)
class Quotation:
    """The response is wrapped in double quotes, straight or curly, with text between."""

    def breach(self, text: str) -> str | None:
        text = text.strip()
        wrapped = (text[:1], text[-1:]) in (('"', '"'), ("\u201c", "\u201d")) and has_text(text)
        return None if wrapped else "the response is not wrapped in double quotes"


@dataclass(frozen=True, slots=True)
class NoCommas:
    """There is no comma: Latin, Arabic, full-width or ideographic."""

    def breach(self, text: str) -> str | None:
        comma = _COMMAS.search(text)
        return f"there is a comma at character {comma.start() + 1}" if comma else None


@dataclass(frozen=True, slots=True)
class AllLowercase:
    """There are letters, and none is a capital."""

    def breach(self, text: str) -> str | None:
        return None if text.islower() else "not all letters are lower-case"


@dataclass(frozen=True, slots=True)
class AllCapitals:
    """There are letters, and all are capitals."""

    def breach(self, text: str) -> str | None:
        return None if text.isupper() else "not all letters are capitals"


@dataclass(frozen=True, slots=True)
class TwoResponses:
    """Two different responses with six asterisks, ``******``, once between them."""

    def breach(self, text: str) -> str | None:
        parts = _SIX.split(text, maxsplit=2)
        if len(parts) != 2:
            return "no ****** separates two responses" if len(parts) == 1 else "****** stands more than once"
        if not all(map(has_text, parts)):
            return "one of the two responses is empty"
        return "the two responses are the same" if parts[0].split() == parts[1].split() else None


@dataclass(frozen=True, slots=True)
class RepeatPrompt:
    """The response starts with ``prompt``, word for word, and goes on with a letter or digit.

    Line breaks and runs of spaces count as one space.
    """

    prompt: str

    def __post_init__(self) -> None:
        if not isinstance(self.prompt, str) or not has_text(self.prompt):
            raise ValueError(f"prompt is a text to repeat, not {self.prompt!r}")

    def breach(self, text: str) -> str | None:
        prompt, found = " ".join(self.prompt.split()), " ".join(text.split())
        if not found.startswith(prompt):
            return "the response does not start with the prompt"
        return None if has_text(found[len(prompt) :]) else "nothing follows the prompt"


@dataclass(frozen=True, slots=True)
class Choice:
    """The response is one of ``options`` and nothing else; white space around it and case do not count."""

    options: Sequence[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", phrases(self.options, "options"))

    def breach(self, text: str) -> str | None:
        chosen = text.strip().lower() in [option.lower() for option in self.options]
        return None if chosen else f"the response is none of: {'; '.join(self.options)}"
