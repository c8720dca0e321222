"""Mathematical signs outside ASCII, spelled in LaTeX or plain text: roots, pi, small digits above and below."""

from __future__ import annotations

import re
import unicodedata

from .tree import ParseError

SPELLINGS = str.maketrans(
    {
        **{"\u00d7": "*", "\u00b7": "*", "\u22c5": "*", "\u00f7": "/", "\u2044": "/", "\u2212": "-", "\u00b5": "u"},
        **{"\u221a": "sqrt ", "\u00b0": r"^\circ ", "\u00b1": r"\pm ", "\u2213": r"\mp ", "\u221e": r"\infty "},
        **{"\u2264": "<=", "\u2265": ">=", "\u2260": r"\neq ", "\u2208": r"\in ", "\u222a": r"\cup "},
        **{"\u2229": r"\cap ", "\u2205": r"\emptyset ", "\u211d": r"\mathbb{R}", "\u00ba": r"^\circ "},
        **{"\u03b1": r"\alpha ", "\u03b2": r"\beta ", "\u03b8": r"\theta ", "\u03bb": r"\lambda ", "\u03c0": r"\pi "},
        **{"\u20ac": r"\euro ", "\u00a3": r"\pounds ", "\u00a5": r"\yen ", "\u2019": "'"},
        **{"\u00a0": " ", "\u2009": r"\,", "\u202f": r"\,"},  # spaces; the thin ones part thousands
    }
)
SMALL = re.compile(  # exponents, indices, fractions
    "([\u00b2\u00b3\u00b9\u2070\u2074-\u207b\u207f]+)|([\u2080-\u208b\u2099]+)|([\u00bc-\u00be\u2150-\u215e])"
)


def in_ascii(text: str) -> str:
    """The text with each sign spelled out; small digits side by side are one exponent or one index.

    Raises:
        ParseError: a character outside ASCII that is no such sign.
    """
    if text.isascii():
        return text
    text = SMALL.sub(_spelled, text).translate(SPELLINGS)
    if not text.isascii():
        raise ParseError(f"unexpected {next(c for c in text if not c.isascii())!a}")
    return text


def _spelled(match: re.Match[str]) -> str:
    plain = unicodedata.normalize("NFKC", match[0]).translate(SPELLINGS)
    if match[3]:
        top, _, bottom = plain.partition("/")
        return rf"\frac{{{top}}}{{{bottom}}}"
    number = plain.removeprefix("-").isdigit()  # without braces it is read within \text as well
    return ("^" if match[1] else "_") + (f"{plain} " if number else f"{{{plain}}}")
