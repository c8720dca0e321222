"""A slot in which everybody is free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from .times import clock, listed, read_clock

Slot: TypeAlias = list[int]  # [start, end] in minutes after midnight

NAMES = ("Ann", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gil", "Hana", "Ivo", "June", "Kim", "Lea")
OPEN, CLOSE = 8 * 60, 18 * 60
STEP = 5  # minutes: every time is a multiple of it
ANSWER_CHARS = 40  # a longer answer is none
MAX_UNIFORMS = 3 + 3 * (CLOSE - OPEN) // 15 + 6 * len(NAMES)  # blocks last 15 minutes or more
WEAK_PEOPLE = 3


@register("palaestra/MeetingSchedule-v0")
@dataclass(frozen=True)
class MeetingSchedule(Task):
    """Find a start at which a meeting of given length suits 2 (difficulty 1) to 11 people, whose busy times are listed.

    There is one stretch of the day in which all are free for so long, mostly with several possible starts; every other
    stretch is blocked by somebody. Any start in it is right.
    """

    tags: ClassVar[tuple[str, ...]] = ("time", "scheduling", "witness")
    wordings: ClassVar[tuple[str, ...]] = (
        "{names} want to meet for {length} minutes between {open} and {close}. They are busy at these times:\n"
        "{lines}\nFind a start time that suits all of them. Answer in \\boxed{{}} as HH:MM.",
        "Calendars for one working day, {open} to {close}:\n{lines}\n"
        "When can a meeting of {length} minutes start so that nobody is in another one? Give one such time as HH:MM in "
        "\\boxed{{}}.",
        "A meeting of {length} minutes must lie between {open} and {close} and must not overlap with anything that "
        "{names} have on. Choose its start (HH:MM, in \\boxed{{}}).\nAlready taken:\n{lines}",
    )
    ceiling = 0.05

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        people = 1 + difficulty
        uniforms = iter(rng.random(MAX_UNIFORMS).tolist())
        length = STEP * (4 + int(next(uniforms) * 9))
        window = length + STEP * int(next(uniforms) * 4)
        start = OPEN + STEP * int(next(uniforms) * ((CLOSE - OPEN - window) // STEP + 1))
        stretches = [[OPEN, start], [start + window, CLOSE]]
        busy: list[list[Slot]] = [[] for _ in range(people)]
        for first, last in stretches:
            for slot in _blocks(first, last, length, uniforms):
                busy[int(next(uniforms) * people)].append(slot)
        for slots in busy:
            for _ in range(2):
                first, last = stretches[next(uniforms) * (CLOSE - OPEN - window) >= start - OPEN]
                begin = first + STEP * int(next(uniforms) * ((last - first) // STEP))
                slots.append([begin, min(begin + STEP * (3 + int(next(uniforms) * 10)), last)])
        calendars = [_merged(slots) for slots in busy]
        fields = {
            "names": listed(list(NAMES[:people])),
            "length": str(length),
            "open": clock(OPEN * 60),
            "close": clock(CLOSE * 60),
            "lines": "\n".join(
                f"{name}: {', '.join(map(_written, slots))}" for name, slots in zip(NAMES, calendars, strict=False)
            ),
        }
        return self.ask(rng, {"busy": calendars, "length": length}, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        shown = text[:ANSWER_CHARS]
        seconds = read_clock(text)
        if seconds is None or seconds % 60:
            return wrong(f"{shown!a} is no time HH:MM", answer=shown)
        start, length = seconds // 60, problem.reference["length"]
        if start < OPEN or start + length > CLOSE:
            return wrong(f"{_written([start, start + length])} is not within the day", answer=shown)
        clash = _clash(problem.reference["busy"], start, length)
        if clash is not None:
            return wrong(f"{clash[0]} is busy {_written(clash[1])}", answer=shown)
        return right("everybody is free", answer=shown)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """From the morning on: while somebody is busy, wait until that is over."""
        start, length, lines = OPEN, problem.reference["length"], []
        while clash := _clash(problem.reference["busy"], start, length):
            lines.append(f"{_written([start, start + length])}: {clash[0]} is busy {_written(clash[1])}")
            start = clash[1][1]
        lines.append(f"{_written([start, start + length])}: everybody is free")
        return "\n".join([*lines, f"\\boxed{{{clock(start * 60)}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Looks at the calendars of the first three people only."""
        start, length = OPEN, problem.reference["length"]
        while clash := _clash(problem.reference["busy"][:WEAK_PEOPLE], start, length):
            start = clash[1][1]
        return f"\\boxed{{{clock(start * 60)}}}"


def _blocks(first: int, last: int, length: int, uniforms: Iterator[float]) -> Iterator[Slot]:
    """Busy slots from ``first`` to ``last`` with gaps that are shorter than ``length``."""
    begin = first
    while begin < last:
        end = begin + STEP * (3 + int(next(uniforms) * 14))
        resume = end + STEP * int(next(uniforms) * (length // STEP))
        yield [begin, end if resume < last else last]
        begin = resume


def _clash(calendars: Sequence[Sequence[Slot]], start: int, length: int) -> tuple[str, Slot] | None:
    """The first person who is busy during the meeting, and when; None when all are free."""
    for name, slots in zip(NAMES, calendars, strict=False):
        for slot in slots:
            if slot[0] < start + length and start < slot[1]:
                return name, slot
    return None


def _merged(slots: list[Slot]) -> list[Slot]:
    """The same times as slots in order that do not touch."""
    merged: list[Slot] = []
    for begin, end in sorted(slots):
        if merged and begin <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        elif begin < end:
            merged.append([begin, end])
    return merged


def _written(slot: Slot) -> str:
    return f"{clock(slot[0] * 60)}-{clock(slot[1] * 60)}"
