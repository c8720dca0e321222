"""Dates: so many days later or earlier."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong
from palaestra.verifiers.math.dates import read_moment

from ..numbers.single_number import judge_number
from .times import WEEKDAYS, without_weekday

MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
ANSWER_CHARS = 80  # a longer answer is none
ISO = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Level(NamedTuple):
    """least, most: days. years: the start is in one of them. told: whether the weekday of the start is."""

    least: int
    most: int
    years: tuple[int, int]
    told: bool


NEAR, FAR = (1900, 2100), (1600, 2400)
LEVELS = (
    Level(3, 20, NEAR, True),
    Level(10, 50, NEAR, True),
    Level(30, 120, NEAR, True),
    Level(100, 365, NEAR, True),
    Level(300, 1000, NEAR, True),
    Level(300, 1000, NEAR, False),
    Level(1000, 4000, NEAR, False),
    Level(4000, 15_000, NEAR, False),
    Level(10_000, 50_000, FAR, False),
    Level(40_000, 150_000, FAR, False),
)


@register("palaestra/CalendarDay-v0")
@dataclass(frozen=True)
class CalendarDay(Task):
    """The date and weekday n days after a date, or before it; difficulty raises n from 20 to 150,000.

    From difficulty 6 on the weekday of the given date is not told. The answer is right when both weekday and date are,
    by the Gregorian calendar. The backward question gives both dates and asks for the number of days.
    """

    tags: ClassVar[tuple[str, ...]] = ("time", "calendar")
    wordings: ClassVar[tuple[str, ...]] = (
        "Which date is {days} days {direction} {date}{told}? "
        "Answer in \\boxed{{}} with the weekday and the date, as in \\boxed{{Monday, 1999-12-27}}.",
        "Start: {date}{told}. Count {days} days {way} in the Gregorian calendar. On which weekday and date do you "
        "arrive? Write them in \\boxed{{}} as: weekday, year-month-day.",
        "By the Gregorian calendar, an event took place on {date}{told}; another one was {days} days {side}. Give the "
        "weekday and the date of the other one in \\boxed{{}}, for example \\boxed{{Friday, 2038-01-08}}.",
    )
    ceiling = 0.01

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        u, v, w = rng.random(3).tolist()
        first, last = date(level.years[0], 1, 1).toordinal(), date(level.years[1], 12, 31).toordinal()
        start = date.fromordinal(first + int(u * (last - first + 1)))
        days = level.least + int(v * (level.most - level.least + 1))
        later = w < 0.5
        end = date.fromordinal(start.toordinal() + (days if later else -days))
        fields = {
            "date": _written(start),
            "told": f", a {WEEKDAYS[start.weekday()]}" if level.told else "",
            "days": str(days),
            "direction": "after" if later else "before",
            "way": "forward" if later else "backward",
            "side": "later" if later else "earlier",
        }
        meta = {"start": start.isoformat(), "days": days if later else -days, "told": level.told}
        return self.ask(rng, {"date": end.isoformat()}, difficulty, fields, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        if "days" in problem.reference:
            return judge_number(response, problem.reference["days"])
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        shown = text[:ANSWER_CHARS]
        weekday, rest = without_weekday(shown)
        if weekday is None:
            return wrong("names no weekday, or several", answer=shown)
        expected = date.fromisoformat(problem.reference["date"])
        found = _read_date(rest) if len(text) <= ANSWER_CHARS else None
        if found is None:
            return wrong(f"{shown[:40]!a} is no weekday and date", answer=shown)
        if found != expected:
            return wrong(f"expected {expected}, got {found}", answer=shown)
        if weekday != expected.weekday():
            return wrong(f"{expected} is a {WEEKDAYS[expected.weekday()]}", answer=shown)
        return right("the date and its weekday", answer=shown)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Through the day of the year, then the weekday by sevens."""
        start, days = date.fromisoformat(problem.meta["start"]), problem.meta["days"]
        end = date.fromordinal(start.toordinal() + days)
        if "days" in problem.reference:
            lines = [_day_of_year(min(start, end)), _day_of_year(max(start, end)), *_whole_years(start, end)]
            return "\n".join([*lines, f"\\boxed{{{abs(days)}}}"])
        weekday = WEEKDAYS[end.weekday()]
        if problem.meta["told"]:
            side = "after" if days > 0 else "before"
            by_sevens = f"{abs(days)} = {abs(days) // 7} * 7 + {abs(days) % 7}"
            last = f"{by_sevens}, and {abs(days) % 7} days {side} {WEEKDAYS[start.weekday()]} is {weekday}"
        else:
            number = end.toordinal() - 1
            last = f"{number} = {number // 7} * 7 + {number % 7} days after 0001-01-01, a Monday, is {weekday}"
        lines = [
            _day_of_year(start),
            f"{start.timetuple().tm_yday} {'+' if days > 0 else '-'} {abs(days)} = {start.timetuple().tm_yday + days}",
            *_whole_years(start, end),
            _day_of_year(end),
            last,
        ]
        return "\n".join([*lines, f"\\boxed{{{weekday}, {end}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Gives every month 30 days, and takes a start whose weekday is not told for a Monday."""
        start, days = date.fromisoformat(problem.meta["start"]), problem.meta["days"]
        months, day = divmod(start.day - 1 + days, 30)
        years, month = divmod(start.month - 1 + months, 12)
        weekday = WEEKDAYS[((start.weekday() if problem.meta["told"] else 0) + days) % 7]
        return f"\\boxed{{{weekday}, {start.year + years:04}-{month + 1:02}-{day + 1:02}}}"

    def invert(self, problem: Problem) -> Problem | None:
        """How many days lie between the two dates?"""
        if "days" in problem.reference:
            return None
        start, end = sorted((problem.meta["start"], problem.reference["date"]))
        first, second = _written(date.fromisoformat(start)), _written(date.fromisoformat(end))
        prompt = f"How many days after {first} is {second} in the Gregorian calendar? Answer in \\boxed{{}}."
        meta = {"start": start, "days": abs(problem.meta["days"]), "told": False}
        return Problem(prompt, {"days": meta["days"]}, problem.difficulty, meta)


def _written(day: date) -> str:
    """``5 March 2024``."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _read_date(text: str) -> date | None:
    if ISO.fullmatch(text) is None:
        moment = read_moment(text)
        if moment is None or not (moment.year and moment.month and moment.day):
            return None
        text = f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _day_of_year(day: date) -> str:
    return f"{day} is day {day.timetuple().tm_yday} of {day.year}"


def _whole_years(start: date, end: date) -> list[str]:
    """The days of the years from the earlier date's to the one before the later date's, if there are any."""
    first, last = sorted((start.year, end.year))
    days = date(last, 1, 1).toordinal() - date(first, 1, 1).toordinal()
    if days == 0:
        return []
    span = f"the year {first} has" if last - first == 1 else f"the years {first} to {last - 1} have"
    return [f"{span} {days} days"]
