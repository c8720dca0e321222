r"""The fast path of math answers: a number alone, read without building a tree.

Grammar, a part of that of ``expression`` with the same readings: an optional sign, then an integer, a decimal, ``a/b``
or ``\frac{a}{b}``; thousands are written ``1,000``, ``1{,}000``, ``1\,000`` or ``1,\!000``.
"""

from __future__ import annotations

import re
from fractions import Fraction

from .tokens import MAX_DIGITS, THIN

_INTEGER = re.compile(rf"[+-]?\d{{1,{MAX_DIGITS}}}", re.ASCII).fullmatch
_DECIMAL = re.compile(
    rf"([+-]?)((?:[1-9]\d{{0,2}}(?:(?:,|\{{,\}}|\\,|,\\!)\d{{3}})+|\d{{1,{MAX_DIGITS}}}))(?:\.(\d{{0,{MAX_DIGITS}}}))?",
    re.ASCII,
).fullmatch
_FRACTION = re.compile(
    rf"([+-]?)(?:\\[dt]?frac\{{(-?\d{{1,{MAX_DIGITS}}})\}}\{{(\d{{1,{MAX_DIGITS}}})\}}"
    rf"|(\d{{1,{MAX_DIGITS}}})/(\d{{1,{MAX_DIGITS}}}))",
    re.ASCII,
).fullmatch


def read_number(text: str) -> int | Fraction | None:
    """The number that ``text`` is; None when it is none of this grammar (the full parser may read it)."""
    if _INTEGER(text):
        return int(text)
    if match := _FRACTION(text):
        sign, top, bottom, plain_top, plain_bottom = match.groups()
        denominator = int(bottom or plain_bottom)
        if not denominator:
            return None
        value = Fraction(int(top or plain_top), denominator)
        return -value if sign == "-" else value
    if match := _DECIMAL(text):
        sign, whole, decimals = match.groups("")
        if len(whole) + len(decimals) >= MAX_DIGITS:
            return None
        value = Fraction(int(THIN.sub("", whole).replace(",", "") + decimals), 10 ** len(decimals))
        return -value if sign == "-" else value
    return None
