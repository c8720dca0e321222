"""Weekdays, and times of day in seconds after midnight: as text, and in answers."""

from __future__ import annotations

import re

from palaestra.verifiers import Verdict, last_boxed, right, wrong
from palaestra.verifiers.math.dates import read_moment

DAY = 24 * 3600
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAY = re.compile(rf"\(?\b({'|'.join(WEEKDAYS)})\b[),]?", re.IGNORECASE)
MARKUP = re.compile(r"\\text\s*\{([^{}]*)\}")
SHOWN_CHARS = 40  # of an answer, in evidence and reasons


def clock(seconds: int, with_seconds: bool = False) -> str:
    """``21:05`` or ``21:05:30``."""
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours:02}:{minutes:02}" + (f":{seconds % 60:02}" if with_seconds else "")


def in_words(seconds: int) -> str:
    """``1 hour 20 minutes``; what is 0 is left out."""
    amounts = ((seconds // 3600, "hour"), (seconds // 60 % 60, "minute"), (seconds % 60, "second"))
    return " ".join(f"{n} {unit}{'s' if n > 1 else ''}" for n, unit in amounts if n)


def listed(items: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def without_weekday(text: str) -> tuple[int | None, str]:
    """The number of the weekday that a text names (None when it names none or several), and the rest of it."""
    text = MARKUP.sub(r"\1", text)
    names = WEEKDAY.findall(text)
    weekday = WEEKDAYS.index(names[0].capitalize()) if len(names) == 1 else None
    return weekday, WEEKDAY.sub("", text).strip(" ,$")


def read_clock(text: str) -> int | None:
    """Seconds after midnight, on the 24-hour clock unless am or pm is said; None when the text is no time of day."""
    if len(text) == 5 and text[2] == ":" and text.isascii() and (text[:2] + text[3:]).isdigit():
        hours, minutes = int(text[:2]), int(text[3:])
        return (hours * 60 + minutes) * 60 if hours < 24 and minutes < 60 else None
    moment = read_moment(text)
    if moment is None or moment.seconds is None or moment.seconds >= DAY or moment.year or moment.month:
        return None
    return moment.seconds


def judge_clock(response: str, expected: int) -> Verdict:
    """Right when the last box holds the time of day ``expected``."""
    text = last_boxed(response)
    if text is None:
        return wrong("no \\boxed answer")
    shown = text[:SHOWN_CHARS]
    found = read_clock(text)
    if found is None:
        return wrong(f"{shown!a} is no time of day", answer=shown)
    if found != expected:
        with_seconds = bool(expected % 60 or found % 60)
        return wrong(f"expected {clock(expected, with_seconds)}, got {clock(found, with_seconds)}", answer=shown)
    return right("the time of day", answer=shown)
