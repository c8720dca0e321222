"""Dates and times of day, as whole answers."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Literal

MAX_LENGTH = 80  # characters of a date with its markup
MONTHS = "january february march april may june july august september october november december".split()  # noqa: SIM905
NUMBERS = {name[:n]: number for number, name in enumerate(MONTHS, 1) for n in (3, len(name))} | {"sept": 9}

_MARKUP = re.compile(r"\\(?:text|textbf|mathrm|mbox)\s*\{([^{}\\]*)\}|\\[ ,;:!]|~", re.ASCII)
_MONTH = rf"(?P<month>{'|'.join(sorted(NUMBERS, key=len, reverse=True))})\.?"
_YEAR = r"(?P<year>\d{4})"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_CLOCK = r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2}))?)? ?(?P<half>[ap](?:\.m\.|m))?"
_DATES = [
    re.compile(rf"(?:{date})(?:(?: |, | at |t)(?P<clock>{_CLOCK}))?", re.ASCII)
    for date in (
        rf"{_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)",
        rf"{_MONTH} {_DAY}(?:,? {_YEAR})?",
        rf"{_DAY} (?:of )?{_MONTH}(?:,? {_YEAR})?",
        rf"{_MONTH},? {_YEAR}",
    )
]
_SLASHED = {
    "mdy": re.compile(rf"(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/{_YEAR}", re.ASCII),
    "dmy": re.compile(rf"(?P<day>\d{{1,2}})/(?P<month>\d{{1,2}})/{_YEAR}", re.ASCII),
}
_TIME = re.compile(_CLOCK, re.ASCII)


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, a time of day, or both; what was not said is None.

    half_known: False for ``3:45`` without am or pm, which equals neither ``3:45 am`` nor ``3:45 pm``.
    bare: whether it is ``a:b`` alone, which could also be a ratio.
    """

    year: int | None = None
    month: int | None = None
    day: int | None = None
    seconds: int | None = None
    half_known: bool = True
    bare: tuple[int, int] | None = None


def read_moment(text: str, slashed: Literal["named", "mdy", "dmy"] = "named") -> Moment | None:
    """The date or time that a text is; None when it is none, or no day of the calendar."""
    if len(text) > MAX_LENGTH or not text.isascii():
        return None
    plain = " ".join(_MARKUP.sub(lambda match: match[1] or " ", text).lower().split())
    plain = plain if plain.endswith(".m.") else plain.removesuffix(".")
    if slashed in _SLASHED and (match := _SLASHED[slashed].fullmatch(plain)):
        return _date(match.groupdict())
    if match := _TIME.fullmatch(plain):
        return _time(match.groupdict())
    for pattern in _DATES:
        if match := pattern.fullmatch(plain):
            return _date(match.groupdict(), whole_day=pattern is _DATES[0])
    return None


def _date(found: dict[str, str | None], whole_day: bool = False) -> Moment | None:
    """whole_day: the clock runs to 24, as beside ``2024-01-05``."""
    year, day, name = (found.get(key) for key in ("year", "day", "month"))
    if not name:
        return None
    month = NUMBERS.get(name) or int(name)
    try:
        datetime.date(int(year or 2000), month, int(day or 1))  # of no year, a leap year
    except ValueError:
        return None
    clock = Moment()
    if found.get("clock"):
        time = _time(found)
        if time is None:
            return None
        clock = time
    half_known = whole_day or clock.half_known
    return Moment(int(year) if year else None, month, int(day) if day else None, clock.seconds, half_known)


def _time(found: dict[str, str | None]) -> Moment | None:
    hour, minute, second = (int(found[key] or 0) for key in ("hour", "minute", "second"))
    half = (found["half"] or "")[:1]
    if minute > 59 or second > 59 or (not found["minute"] and not half):
        return None
    bare = (hour, minute) if not half and not found["second"] else None
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    elif hour > 24 or (hour == 24 and minute + second):
        return None
    return Moment(seconds=(hour * 60 + minute) * 60 + second, half_known=bool(half) or not 1 <= hour <= 12, bare=bare)
