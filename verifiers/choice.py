r"""Multiple choice: the answer names an option by its letter, or by its whole text where the options are known."""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import dataclass

from .extract import RULES, Rule, extract_answer
from .latex import unspaced
from .quoting import quoted
from .verdict import Verdict, right, wrong

MAX_LENGTH = 2_000  # characters of an answer
LETTERS = string.ascii_uppercase

_MARKS = " \t\r\n*_`$\"'"  # what may stand around an answer: white space, Markdown, TeX, quotes
_LETTER = re.compile(r"(?:(?:option|choice) *:? *)?(?:\(([A-Z])\)|\[([A-Z])\]|([A-Z])[).:]?)[.:]?", re.IGNORECASE)
_LETTER_AND_TEXT = re.compile(r"(?:[(\[]([A-Z])[)\]][.:]?|([A-Z])[).:]) *[*_]* *(?=\S)(.+)", re.IGNORECASE | re.DOTALL)
_NOT_ITS_TEXT = re.compile(r"(?:or|and|nor|is (?:not|wrong|incorrect|false)|isn['\u2019]t)\b", re.IGNORECASE)
_BRACKETED = re.compile(r"[(\[]([a-z])[)\]]")
_LONE_CAPITAL = re.compile(r"(?<![A-Za-z0-9'\u2019])[A-Z](?![A-Za-z0-9'\u2019])")
_SEPARATOR = re.compile(r" *(?:[,;/&]| and ) *(?:and )?| +")
_LIST_ITEM = re.compile(r"\(([A-Za-z])\)|([A-Za-z])[).]?|([A-Z]{2,26})")


@dataclass(frozen=True, slots=True)
class ChoiceVerifier:
    r"""Compares the chosen option with ``gold``, its letter.

    Read as B: ``B``, ``b``, ``(B)``, ``B.``, ``**B**``, ``Option B``, ``\text{B}``, in a box or after "answer is"; also
    ``(B) Paris`` and, where the options are known, ``Paris``. Anything else is WRONG, and so are several letters.

    gold: a letter; with ``several``, one or more: ``"AC"``.
    options: their texts in order, or how many there are. Where they are known, text after a letter must be that
        option's; where not, it must name no other option's letter, nor begin with ``or`` or ``is wrong``. A text in
        full must be that of one option alone; case, spaces and a final stop are ignored.
    several: the answer lists letters, ``A, C`` or ``AC`` or ``A and C``, and the set must be that of ``gold``.
    rules: where the answer is looked for; ``"whole"`` takes a response without a mark as the answer.

    Raises:
        ValueError: ``gold`` is no letter, or several, of the options; there are fewer than 2 options or more than 26.
    """

    gold: str
    options: tuple[str, ...] | int = len(LETTERS)
    several: bool = False
    rules: tuple[Rule, ...] = (*RULES, "whole")

    def __post_init__(self) -> None:
        count = self.options if isinstance(self.options, int) else len(self.options)
        if isinstance(self.options, str) or not 2 <= count <= len(LETTERS):
            raise ValueError(f"there are 2 to {len(LETTERS)} options, not {self.options!r}")
        letters = set(self.gold)
        if not letters or not letters <= set(self._letters) or len(self.gold) != (len(letters) if self.several else 1):
            what = "different letters" if self.several else "one letter"
            raise ValueError(f"gold is {what} of {self._letters}, not {self.gold!r}")

    @property
    def _letters(self) -> str:
        return LETTERS[: self.options if isinstance(self.options, int) else len(self.options)]

    def verify(self, response: str) -> Verdict:
        """Judge a response; raises on no response whatever."""
        extraction = extract_answer(response, self.rules)
        if extraction is None or not extraction.text:
            return wrong("no answer found")
        if len(extraction.text) > MAX_LENGTH:
            return wrong(f"the answer is longer than {MAX_LENGTH} characters")
        text, shown = _bare(extraction.text), quoted(extraction.text)
        chosen = _listed(text) if self.several else self._chosen(text)
        if not chosen:
            return wrong(self._unread(text, shown), answer=shown)
        chosen = "".join(sorted(chosen))
        if set(chosen) == set(self.gold):
            return right(f"chose {chosen}", answer=shown, choice=chosen)
        return wrong(f"expected {self.gold}, chose {chosen}", answer=shown, choice=chosen)

    def _chosen(self, text: str) -> str | None:
        """The letter of the one option that ``text`` names."""
        if match := _LETTER.fullmatch(text):
            return match[match.lastindex or 0].upper()
        options = () if isinstance(self.options, int) else tuple(map(_same_text, self.options))
        if options.count(_same_text(text)) == 1:
            return LETTERS[options.index(_same_text(text))]
        if match := _LETTER_AND_TEXT.fullmatch(text):
            letter = (match[1] or match[2]).upper()
            if letter in self._letters and self._agrees(letter, match[3], options):
                return letter
        return None

    def _agrees(self, letter: str, text: str, options: tuple[str, ...]) -> bool:
        """Whether ``text``, which follows ``letter``, names no other option."""
        if options:
            return _same_text(text) == options[LETTERS.index(letter)]
        others = {*_LONE_CAPITAL.findall(text), *map(str.upper, _BRACKETED.findall(text))} - {letter}
        return not (others & set(self._letters) or _NOT_ITS_TEXT.match(text))

    def _unread(self, text: str, shown: str) -> str:
        listed = _listed(text)
        if listed and len(listed) > 1 and not self.several:
            return f"expected one letter, got {', '.join(sorted(listed))}"
        return f"{shown} names no {'list of letters' if self.several else 'one option'}"


def _bare(text: str) -> str:
    """``text`` without what stands around it and with TeX's commands of text and space opened."""
    text = unspaced(unicodedata.normalize("NFKC", text))
    text = text.removeprefix("\\(").removesuffix("\\)").strip(_MARKS)
    return text.replace("**", "")


def _same_text(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).removesuffix(".").strip()


def _listed(text: str) -> set[str] | None:
    """The letters of a list; None when ``text`` is anything else."""
    text = text.removeprefix("\\{").removesuffix("\\}").strip("{}[] .")
    letters: set[str] = set()
    for item in _SEPARATOR.split(text):
        match = _LIST_ITEM.fullmatch(item)
        if match is None or (match[3] and len(set(match[3])) < len(match[3])):
            return None
        letters |= set(match[match.lastindex or 0].upper())
    return letters
