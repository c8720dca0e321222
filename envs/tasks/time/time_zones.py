"""Journeys through time zones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from .times import WEEKDAYS, clock, in_words, read_clock, without_weekday

PLACES = ("Arlen", "Bergo", "Cardin", "Dunmor", "Elvas", "Farrow", "Gilden")
HOURS_WEST, HOURS_EAST = -11, 13  # zones, from UTC
DAY = 24 * 60  # all times are in minutes
ANSWER_CHARS = 60  # a longer answer is none


class Level(NamedTuple):
    """flights: how many. longest: of a flight, in hours. halves: zones may differ by half an hour."""

    flights: int
    longest: int
    halves: bool


LEVELS = (
    Level(1, 4, False),
    Level(1, 9, False),
    Level(1, 15, True),
    Level(2, 8, False),
    Level(2, 14, True),
    Level(3, 8, False),
    Level(3, 14, True),
    Level(4, 14, True),
    Level(5, 15, True),
    Level(6, 15, True),
)


@register("palaestra/TimeZones-v0")
@dataclass(frozen=True)
class TimeZones(Task):
    """Weekday and local time at the end of a journey of 1 (difficulty 1 to 3) to 6 flights between time zones.

    Flights grow longer, stops lie between them, and zones may differ by half hours. The answer is right when weekday
    and time are. The backward question gives the arrival and asks for the departure.
    """

    tags: ClassVar[tuple[str, ...]] = ("time", "time zones")
    wordings: ClassVar[tuple[str, ...]] = (
        "A traveller leaves {first} on {weekday} at {start} local time. The journey: {route}. On which weekday and at "
        "which local time does the traveller arrive in {last}? Answer in \\boxed{{}}, as in \\boxed{{Friday 09:05}}.",
        "Departure: {first}, {weekday}, {start}.\nThen: {route}.\nAll clock times are local. Give weekday and time (24 "
        "hours) of the arrival in {last}, in \\boxed{{}}, as in \\boxed{{Monday 17:40}}.",
        "Which weekday and local time (HH:MM) do travellers read from a clock in {last} when they arrive, if they set "
        "out from {first} on {weekday} at {start} local time for {route}? Put both in \\boxed{{}}, the weekday first.",
    )
    ceiling = 0.01

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        uniforms = iter(rng.random(2 + 4 * level.flights + 2).tolist())
        start = 5 * int(next(uniforms) * 7 * DAY / 5)
        zones = [_zone(next(uniforms), next(uniforms), level.halves) for _ in range(level.flights + 1)]
        flights = [5 * (8 + int(next(uniforms) * (12 * level.longest - 8))) for _ in range(level.flights)]
        stops = [5 * (6 + int(next(uniforms) * 40)) for _ in flights[1:]]
        end = (start - zones[0] + sum(flights) + sum(stops) + zones[-1]) % (7 * DAY)
        names = [f"{place} ({_written_zone(zone)})" for place, zone in zip(PLACES, zones, strict=False)]
        route = []
        for flight, stop, name in zip(flights, [0, *stops], names[1:], strict=True):
            if stop:
                route.append(f"a stop of {in_words(stop * 60)}")
            route.append(f"a flight of {in_words(flight * 60)} to {name}")
        fields = {
            "first": names[0],
            "weekday": WEEKDAYS[start // DAY],
            "start": clock(start % DAY * 60),
            "route": ", ".join(route),
            "last": PLACES[level.flights],
        }
        meta = {"start": start, "zones": zones, "flights": flights, "stops": stops}
        return self.ask(rng, {"time": end}, difficulty, fields, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        shown = text[:ANSWER_CHARS]
        weekday, rest = without_weekday(shown)
        if weekday is None:
            return wrong("names no weekday, or several", answer=shown)
        seconds = read_clock(rest) if len(text) <= ANSWER_CHARS else None
        if seconds is None:
            return wrong(f"{shown!a} is no weekday and time", answer=shown)
        if weekday * DAY * 60 + seconds != problem.reference["time"] * 60:
            return wrong(f"expected {_written(problem.reference['time'])}, got {shown}", answer=shown)
        return right("weekday and time", answer=shown)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """To UTC, through all flights and stops, and to the zone of arrival; or the same way back."""
        zones, flights, stops = (problem.meta[name] for name in ("zones", "flights", "stops"))
        legs = [flights[0], *(leg for pair in zip(stops, flights[1:], strict=True) for leg in pair)]
        if "end" in problem.meta:
            now, zones, legs, sign = problem.meta["end"], zones[::-1], [-leg for leg in legs[::-1]], "-"
        else:
            now, sign = problem.meta["start"], "+"
        lines = [f"{_written(now)} at {_written_zone(zones[0])} is {_written(now - zones[0])} UTC"]
        now -= zones[0]
        for leg in legs:
            lines.append(f"{_written(now)} {sign} {clock(abs(leg) * 60)} = {_written(now + leg)}")
            now += leg
        lines.append(f"{_written(now)} UTC is {_written(now + zones[-1])} at {_written_zone(zones[-1])}")
        return "\n".join([*lines, f"\\boxed{{{_written(now + zones[-1])}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Finds the time of day, but leaves the weekday as it was."""
        start, zones, flights, stops = (problem.meta[name] for name in ("start", "zones", "flights", "stops"))
        end = start - zones[0] + sum(flights) + sum(stops) + zones[-1]
        return f"\\boxed{{{WEEKDAYS[start // DAY]} {clock(end % DAY * 60)}}}"

    def invert(self, problem: Problem) -> Problem | None:
        """On which weekday and at which local time did the journey begin?"""
        if "end" in problem.meta:
            return None
        fields, end = problem.meta["fields"], problem.reference["time"]
        prompt = (
            f"A traveller arrived in {fields['last']} on {_written(end)} local time, having come "
            f"from {fields['first']} by {fields['route']}. "
            "On which weekday and at which local time did the journey begin? "
            "Answer in \\boxed{}, as in \\boxed{Friday 09:05}."
        )
        meta = {"end": end, **{name: problem.meta[name] for name in ("zones", "flights", "stops")}}
        return Problem(prompt, {"time": problem.meta["start"]}, problem.difficulty, meta)


def _zone(u: float, v: float, halves: bool) -> int:
    """Minutes from UTC; one zone in five ends on a half hour, where they may."""
    return 60 * (HOURS_WEST + int(u * (HOURS_EAST - HOURS_WEST + 1))) + (30 if halves and v < 0.2 else 0)


def _written_zone(minutes: int) -> str:
    """``UTC+5:30``, ``UTC-3``, ``UTC``."""
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours}{':30' if rest else ''}"


def _written(minutes: int) -> str:
    """``Friday 09:05``, of minutes after the start of a week."""
    return f"{WEEKDAYS[minutes // DAY % 7]} {clock(minutes % DAY * 60)}"
