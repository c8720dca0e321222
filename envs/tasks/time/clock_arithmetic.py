"""Times of day: one duration after another, across midnight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict

from .times import DAY, clock, in_words, judge_clock, listed

PARTS = (1, 2, 3, 4, 5, 4, 5, 6, 8, 10)  # of each difficulty: how many durations
SECONDS_FROM = 6  # the difficulty from which there are seconds
LONGEST = 9 * 3600


@register("palaestra/ClockArithmetic-v0")
@dataclass(frozen=True)
class ClockArithmetic(Task):
    """The time of day after 1 (difficulty 1) to 10 durations, in hours and minutes, from difficulty 6 on also seconds.

    The answer is right when it is that time on the 24-hour clock. The backward question gives the end and asks for the
    start.
    """

    tags: ClassVar[tuple[str, ...]] = ("time", "clock")
    wordings: ClassVar[tuple[str, ...]] = (
        "A machine is switched on at {start}. It then runs for {durations}, without a break. At what time of day does "
        "it stop? Answer in \\boxed{{}} on the 24-hour clock, as {layout}.",
        "A clock shows {start}. What does it show after {durations}? Give the time as {layout} (24 hours) in "
        "\\boxed{{}}.",
        "Start of work: {start}. Time needed: {durations}, one thing directly after the other. When is everything "
        "done? Write the time of day in \\boxed{{}}, from 00:00 to 23:59, as {layout}.",
    )
    ceiling = 0.01

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        unit = 1 if difficulty >= SECONDS_FROM else 60
        u, *uniforms = rng.random(1 + PARTS[difficulty - 1]).tolist()
        start = int(u * DAY) // unit * unit
        durations = [unit + int(v * LONGEST) // unit * unit for v in uniforms]
        fields = {
            "start": clock(start, unit == 1),
            "durations": listed(list(map(in_words, durations))),
            "layout": "HH:MM:SS" if unit == 1 else "HH:MM",
        }
        return self.ask(
            rng, (start + sum(durations)) % DAY, difficulty, fields, {"start": start, "durations": durations}
        )

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_clock(response, problem.reference)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        durations, asked = problem.meta["durations"], problem.reference
        seconds = problem.difficulty >= SECONDS_FROM
        backward = problem.meta.get("end")
        now = problem.meta["start"] if backward is None else backward
        lines = []
        for duration in durations if backward is None else reversed(durations):
            then = (now + (duration if backward is None else -duration)) % DAY
            sign = "+" if backward is None else "-"
            lines.append(f"{clock(now, seconds)} {sign} {clock(duration, seconds)} = {clock(then, seconds)}")
            now = then
        return "\n".join([*lines, f"\\boxed{{{clock(asked, seconds)}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Adds hours, minutes and seconds apart, and carries no more than one."""
        times = [problem.meta["start"], *problem.meta["durations"]]
        seconds, carry = _carry_once(sum(t % 60 for t in times))
        minutes, carry = _carry_once(sum(t // 60 % 60 for t in times) + carry)
        hours = sum(t // 3600 for t in times) + carry
        return f"\\boxed{{{hours % 24:02}:{minutes:02}" + (f":{seconds:02}}}" if times[1] % 60 else "}")

    def invert(self, problem: Problem) -> Problem | None:
        """When did it start?"""
        if "end" in problem.meta:
            return None
        fields, start = problem.meta["fields"], problem.meta["start"]
        end = clock(problem.reference, problem.difficulty >= SECONDS_FROM)
        prompt = (
            f"After {fields['durations']} a clock shows {end}. What did it show at first? "
            f"Give the time as {fields['layout']} (24 hours) in \\boxed{{}}."
        )
        meta = {"end": problem.reference, "durations": problem.meta["durations"]}
        return Problem(prompt, start, problem.difficulty, meta)


def _carry_once(total: int) -> tuple[int, int]:
    return (total - 60, 1) if total >= 60 else (total, 0)
