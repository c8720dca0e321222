"""Words, sentences and paragraphs: where each begins and ends, in time linear in the text."""

from __future__ import annotations

import re

ABBREVIATIONS = ("mr", "mrs", "ms", "dr", "prof", "st", "vs", "cf", "e.g", "i.e")

_ALNUM = re.compile(r"[^\W_]")
_STOP = re.compile(  # a run of marks is tried once, from its first: possessive, and never from its middle
    r"""(?<![.!?\u2026])[.!?\u2026]++["')\]*_\u2019\u201d]*+(?=\s|$)|[\u3002\uff01\uff1f]++[\u300d\u300f\u201d\uff09]*+"""
)
_ABBREVIATED = re.compile(rf"(?:^|[\s(\[\"'])(?:{'|'.join(map(re.escape, ABBREVIATIONS))})\Z", re.IGNORECASE)
_LONGEST = 1 + max(map(len, ABBREVIATIONS))  # and what stands before it
_DIVIDER = re.compile(r"[ \t]*\*\*\*[ \t]*")


def has_text(text: str) -> bool:
    """Whether there is a letter or a digit of any script."""
    return _ALNUM.search(text) is not None


def words(text: str) -> list[str]:
    """What stands between white space, if it holds a letter or a digit: ``don't`` and ``well-known`` are one word."""
    return [word for word in text.split() if has_text(word)]


def bare(word: str) -> str:
    """``word`` without marks before its first and after its last letter or digit, in lower case."""
    start, end = 0, len(word)
    while start < end and not word[start].isalnum():
        start += 1
    while end > start and not word[end - 1].isalnum():
        end -= 1
    return word[start:end].lower()


def paragraphs(text: str, divider: str = "") -> list[str]:
    """The stretches between lines that are blank, or that are ``***`` alone, which hold a letter or a digit."""
    found: list[list[str]] = []
    inside = False
    for line in text.split("\n"):
        if not line.strip() if divider == "" else _DIVIDER.fullmatch(line):
            inside = False
        elif inside:
            found[-1].append(line)
        else:
            found.append([line])
            inside = True
    return [block for block in map("\n".join, found) if has_text(block)]


def sentences(text: str) -> list[str]:
    """Stretches of a paragraph that hold a letter or digit, up to a stop or the paragraph's end.

    A stop is a run of ``. ! ?`` or an ellipsis, and the quotes or brackets it closes, before white space; so 3.5 holds
    none. The full-width stops of Chinese and Japanese need no space. A single ``.`` behind one of ``ABBREVIATIONS`` is
    no stop.
    """
    found = []
    for paragraph in paragraphs(text):
        start = 0
        for stop in _STOP.finditer(paragraph):
            end = stop.start()
            if stop[0] == "." and _ABBREVIATED.search(paragraph[max(0, end - _LONGEST) : end]):
                continue
            found.append(paragraph[start : stop.end()])
            start = stop.end()
        found.append(paragraph[start:])
    return [sentence.strip() for sentence in found if has_text(sentence)]
