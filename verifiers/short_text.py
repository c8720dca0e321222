"""Short answers in words: names, terms, phrases. The whole answer must be one of those accepted, never contain one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from .extract import RULES, Rule, extract_answer
from .latex import undelimited, unspaced
from .quoting import quoted
from .verdict import Verdict, right, wrong

MAX_LENGTH = 1_000  # characters of an answer; one may become 18 under NFKC

_TO_TWELVE = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_SMALL = {word: value for value, word in enumerate(_TO_TWELVE + _TEENS)}
_TENS = {
    word: 10 * value
    for value, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), start=2
    )
}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}

_SUPERSCRIPTS = {ord(mark): f"^{digit}" for digit, mark in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}  # else NFKC turns 10² into 102
_DROPPED = re.compile(
    r"['\"`*_\u2018\u2019\u201c\u201d\u00ab\u00bb]|[.,;:?](?!\d)|(?<!\d)[,;:?!]"
)  # marks within numbers stay: 1.5, -3, 5!, 10:30
_HYPHEN = re.compile(r"(?<=[^\W\d])[-\u2010\u2011\u2013\u2014](?=[^\W\d])")
_ARTICLE = re.compile(r"(?:the|an|a) (?=\S)")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+")


@dataclass(frozen=True, slots=True)
class TextPolicy:
    """What counts as the same words. Always ignored: case, Unicode compatibility forms (NFKC), runs of spaces.

    rules: where the answer is looked for; ``"whole"`` takes a response without a mark as the answer.
    punctuation: ignore quotes, stops and commas outside numbers, and hyphens between letters. C++, -5, 50% and (x) keep
        their marks.
    articles: ignore a, an, the before the first word: "The Nile" is "Nile". A vitamin called A keeps its name.
    numbers: ``"words"`` reads English cardinals and thousands separators as digits, "twenty-one dogs" as "21 dogs";
        ``"literal"`` does not.
    """

    rules: tuple[Rule, ...] = (*RULES, "whole")
    punctuation: bool = True
    articles: bool = True
    numbers: Literal["literal", "words"] = "literal"


DEFAULT = TextPolicy()


@dataclass(frozen=True, slots=True)
class ShortTextVerifier:
    """Compares the answer with the accepted ones: the gold first, then its aliases.

    Raises:
        ValueError: no answer is accepted, or one is empty or longer than ``MAX_LENGTH`` under the policy.
    """

    answers: tuple[str, ...]
    policy: TextPolicy = DEFAULT
    _accepted: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.answers, str) or not self.answers:
            raise ValueError(f"answers is a tuple of one or more texts, not {self.answers!r}")
        accepted = frozenset(normal_form(answer, self.policy) for answer in self.answers)
        if "" in accepted or max(map(len, self.answers)) > MAX_LENGTH:
            raise ValueError(f"an answer of {self.answers!r} is empty, or longer than {MAX_LENGTH} characters")
        object.__setattr__(self, "_accepted", accepted)

    def verify(self, response: str) -> Verdict:
        """Judge a response; raises on no response whatever."""
        extraction = extract_answer(response, self.policy.rules)
        if extraction is None or not extraction.text:
            return wrong("no answer found")
        text = extraction.text
        if len(text) > MAX_LENGTH:
            return wrong(f"the answer is longer than {MAX_LENGTH} characters")
        if {normal_form(text, self.policy), normal_form(_bare(text), self.policy)} & self._accepted:
            return right(f"{quoted(text)} is accepted", answer=quoted(text))
        return wrong(f"expected {quoted(self.answers[0])}, got {quoted(text)}", answer=quoted(text))


def _bare(text: str) -> str:
    """Without the LaTeX that words are set in."""
    return unspaced(undelimited(text.strip()))


def normal_form(text: str, policy: TextPolicy = DEFAULT) -> str:
    """The form in which two texts are compared under ``policy``."""
    text = unicodedata.normalize("NFKC", text.translate(_SUPERSCRIPTS)).casefold()
    text = unicodedata.normalize("NFKC", text)  # casefolding can undo the first
    if policy.numbers == "words":
        text = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
    if policy.punctuation:
        text = _DROPPED.sub("", _HYPHEN.sub(" ", text))
    text = " ".join(text.split())
    if policy.articles:
        text = _ARTICLE.sub("", text, count=1) if _ARTICLE.match(text) else text
    if policy.numbers == "words":
        text = " ".join(_in_digits(_HYPHEN.sub(" ", text).split()))
    return text


def _in_digits(words: list[str]) -> Iterator[str]:
    """The words, each longest run that is an English cardinal written in digits."""
    at = 0
    while at < len(words):
        value, end = _cardinal(words, at)
        yield words[at] if value is None else str(value)
        at = max(end, at + 1)


def _cardinal(words: list[str], at: int) -> tuple[int | None, int]:
    """The number that starts at ``at``, or None, and where it ends: groups below 1000, each scale below the last."""
    total: int | None = None
    scale = max(_SCALES.values()) + 1
    while True:
        group, end = _below_thousand(words, at)
        if group is None:
            return total, at
        unit = _SCALES.get(words[end], 1) if end < len(words) else 1
        if unit >= scale or (total is not None and group == 0):
            return total, at
        total, scale, at = (total or 0) + group * unit, unit, end + (unit > 1)
        if unit == 1:
            return total, at
        at += words[at : at + 1] == ["and"] and _below_thousand(words, at + 1)[0] is not None


def _below_thousand(words: list[str], at: int) -> tuple[int | None, int]:
    value, end = _below_hundred(words, at)
    if value is None or not 1 <= value <= 9 or words[end : end + 1] != ["hundred"]:
        return value, end
    value, end = 100 * value, end + 1
    rest, after = _below_hundred(words, end + (words[end : end + 1] == ["and"]))
    return (value + rest, after) if rest else (value, end)


def _below_hundred(words: list[str], at: int) -> tuple[int | None, int]:
    word = words[at] if at < len(words) else ""
    if word in _SMALL:
        return _SMALL[word], at + 1
    if word not in _TENS:
        return None, at
    one = _SMALL.get(words[at + 1], 0) if at + 1 < len(words) else 0
    return (_TENS[word] + one, at + 2) if 1 <= one <= 9 else (_TENS[word], at + 1)
