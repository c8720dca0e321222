"""The forms of an English word: what counts as saying it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

VOWELS = "aeiou"
AFTER_ANY = ("s", "ly", "ness", "ful", "fully", "less", "like", "ish", "hood", "ship", "ment", "ments", "y")
AFTER_BARE = (
    "ed",
    "es",
    "ing",
    "ings",
    "er",
    "ers",
    "est",
    "able",
    "ish",
    "y",
)  # where e falls and letters double
AFTER_I = ("es", "ed", "er", "ers", "est", "ly", "ness", "ful", "fully", "less", "able")  # where y becomes i
PREFIXES = ("", "un", "re", "non")
RUN = re.compile(r"[a-z]+(?:['\u2019-][a-z]+)*")  # words with the apostrophes and hyphens in them
SPELLED = re.compile(r"(?<![a-z])[a-z](?:[^a-z\n]{1,3}[a-z](?![a-z])){2,}")  # a-p-p-l-e, a. p. p. l. e.


@lru_cache(maxsize=1 << 12)
def forms(word: str, irregular: Iterable[str] = (), others: Iterable[str] = ()) -> frozenset[str]:
    """``word``, its inflections and what the usual suffixes and prefixes make of it.

    irregular: forms that no rule gives, such as mice; they are inflected too. others: words that only look like forms,
    such as corner for corn.

    The rules make more than there is (mouseful), which does no harm.
    """
    found = {word}
    for stem in (word, *irregular):
        found.update(stem + suffix for suffix in AFTER_ANY)
        found.update(bare + suffix for bare in _bare(stem) for suffix in AFTER_BARE)
        if stem[-1] == "y" and stem[-2:-1] not in VOWELS:
            found.update(stem[:-1] + "i" + suffix for suffix in AFTER_I)
        found.add(stem)
    return frozenset(prefix + form for prefix in PREFIXES for form in found) - frozenset(others)


def _bare(stem: str) -> list[str]:
    """What stands before a suffix that begins with a vowel: mak(ing), stopp(ing), visit(ing)."""
    if stem[-1] == "e":
        return [stem[:-1], stem]
    doubles = stem[-1] not in VOWELS + "wxy" and stem[-2:-1] in tuple(VOWELS) and stem[-3:-2] not in tuple(VOWELS)
    return [stem, stem + stem[-1]] if doubles else [stem]


@lru_cache(maxsize=1 << 10)
def words_of(text: str) -> frozenset[str]:
    """The words of a text, in lower case and without accents, each alone and as it is joined by hyphens or spelled out.

    So ap-ple and a-p-p-l-e are apple, and an apple's skin holds apple; a word within another one does not count.
    """
    plain = plain_letters(text)
    found: set[str] = set()
    for run in RUN.findall(plain):
        parts = re.split("['\u2019-]", run)
        found.update(parts)
        found.add("".join(parts))
        found.add("".join(re.split("-", re.split("['\u2019]", run)[0])))
    found.update(re.sub("[^a-z]", "", spelled) for spelled in SPELLED.findall(plain))
    return frozenset(found)


def plain_letters(text: str) -> str:
    """``text`` in lower case, its letters without accents and of the usual width."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", text).lower() if not unicodedata.combining(c))


def foreign_letter(text: str) -> str | None:
    """The first letter of ``text`` that is none of English, accents aside: it may look like one that is."""
    if text.isascii():
        return None
    return next((c for c in plain_letters(text) if c.isalpha() and not c.isascii()), None)
