"""Tasks of calendars, clocks and schedules: oracles against brute force, right and wrong answers with their reasons."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest

from palaestra.envs import Problem, Task, sample_problem
from palaestra.envs.tasks.time.calendar_day import CalendarDay
from palaestra.envs.tasks.time.clock_arithmetic import ClockArithmetic
from palaestra.envs.tasks.time.meeting_schedule import CLOSE, NAMES, OPEN, MeetingSchedule
from palaestra.envs.tasks.time.time_zones import TimeZones
from palaestra.envs.tasks.time.times import in_words, read_clock
from palaestra.verifiers import Status

RNG = np.random.default_rng(0)


def problems(task: Task, seeds: int = 15) -> list[Problem]:
    return [sample_problem(task, seed, level) for level in task.difficulties for seed in range(seeds)]


def check(task: Task, problem: Problem, answer: str, reason: str) -> None:
    """The answer is right when ``reason`` is empty, else wrong for this reason."""
    verdict = task.verify(problem, f"so \\boxed{{{answer}}}")
    assert verdict.status is (Status.WRONG if reason else Status.RIGHT), verdict
    assert reason in verdict.reason


def boxed(text: str) -> str:
    return text.rpartition("\\boxed{")[2].rstrip("}")


def test_dates_are_those_of_the_proleptic_calendar() -> None:
    task = CalendarDay()
    for problem in problems(task):
        fields = problem.meta["fields"]
        start = datetime.strptime(fields["date"], "%d %B %Y")
        days = int(fields["days"]) * (1 if fields["side"] == "later" else -1)
        end = start + timedelta(days=days)
        assert fields["told"] in ("", f", a {start:%A}")
        assert (fields["told"] == "") == (problem.difficulty >= 6)
        check(task, problem, f"{end:%A}, {end:%Y-%m-%d}", "")
        check(task, problem, f"{end + timedelta(7):%A}, {end + timedelta(7):%Y-%m-%d}", "expected")


def test_the_days_between_are_counted_backward() -> None:
    task = CalendarDay()
    for problem in problems(task, 5):
        question = task.invert(problem)
        assert question is not None
        assert task.invert(question) is None
        check(task, question, problem.meta["fields"]["days"], "")
        check(task, question, "0", "expected")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Friday, 2024-03-01", ""),
        ("friday 2024-03-01", ""),
        ("2024-03-01 (Friday)", ""),
        ("Friday, March 1, 2024", ""),
        ("Friday, 1 March 2024", ""),
        ("\\text{Friday, 1 March 2024}", ""),
        ("Thursday, 2024-03-01", "2024-03-01 is a Friday"),
        ("Friday, 2024-02-30", "is no weekday and date"),
        ("Friday, 2024-02-29", "expected 2024-03-01, got 2024-02-29"),
        ("Friday, March 1", "is no weekday and date"),
        ("2024-03-01", "names no weekday"),
        ("Friday or Thursday, 2024-03-01", "names no weekday, or several"),
        ("Friday, 2024-03-01" + "!" * 80, "is no weekday and date"),
        ("", "names no weekday"),
    ],
)
def test_weekday_and_date_must_both_be_right(answer: str, reason: str) -> None:
    check(CalendarDay(), Problem("", {"date": "2024-03-01"}, 1), answer, reason)


def test_clocks_add_up_and_run_back() -> None:
    task = ClockArithmetic()
    for problem in problems(task):
        fields = problem.meta["fields"]
        layout = "%H:%M:%S" if problem.difficulty >= 6 else "%H:%M"
        now = datetime.strptime(fields["start"], layout)
        words = fields["durations"].replace(" and ", " ").replace(",", "").split()
        for number, unit in zip(words[::2], words[1::2], strict=True):
            assert unit.endswith("s") == (number != "1")
            now += timedelta(**{unit.rstrip("s") + "s": int(number)})
        check(task, problem, f"{now:{layout}}", "")
        backward = task.invert(problem)
        assert backward is not None
        assert task.invert(backward) is None
        assert f"{now:{layout}}" in backward.prompt
        check(task, backward, fields["start"], "")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("00:05", ""),
        ("0:05", ""),
        ("00:05:00", ""),
        ("12:05 am", ""),
        ("24:05", "is no time of day"),
        ("12:05", "expected 00:05, got 12:05"),
        ("00:65", "is no time of day"),
        ("00:05:30", "expected 00:05:00, got 00:05:30"),
        ("5 past midnight", "is no time of day"),
        ("\u0660\u0660:\u0660\u0665", "is no time of day"),
        ("", "is no time of day"),
    ],
)
def test_times_are_read_on_the_24_hour_clock(answer: str, reason: str) -> None:
    check(ClockArithmetic(), Problem("", 5 * 60, 1), answer, reason)


def test_a_day_ends_before_midnight() -> None:
    assert read_clock("00:00") == 0
    assert read_clock("23:59") == 24 * 3600 - 60
    assert read_clock("24:00") is None is read_clock("24:00:00")


def test_durations_are_told_in_the_singular_and_the_plural() -> None:
    assert in_words(3600 + 120) == "1 hour 2 minutes"
    assert in_words(61) == "1 minute 1 second"


def starts_free_for_all(problem: Problem) -> list[int]:
    """By looking at every minute of every calendar in the prompt's words."""
    fields = problem.meta["fields"]
    taken = set()
    for line in fields["lines"].split("\n"):
        for slot in line.partition(": ")[2].split(", "):
            begin, end = (60 * int(t[:2]) + int(t[3:]) for t in slot.split("-"))
            taken |= set(range(begin, end))
    length = int(fields["length"])
    return [s for s in range(OPEN, CLOSE - length + 1) if not taken & set(range(s, s + length))]


def test_a_start_is_right_exactly_when_nobody_is_busy() -> None:
    task = MeetingSchedule()
    for problem in problems(task, 4):
        free = starts_free_for_all(problem)
        assert free
        assert free == list(range(free[0], free[-1] + 1))
        assert len(free) <= 16
        assert len(problem.reference["busy"]) == 1 + problem.difficulty <= len(NAMES)
        for start in range(OPEN - 60, CLOSE + 60, 5):
            answer = f"{start // 60:02}:{start % 60:02}"
            assert task.verify(problem, f"\\boxed{{{answer}}}").right == (start in free)
        assert boxed(task.solve(problem, RNG)) == f"{free[0] // 60:02}:{free[0] % 60:02}"


BUSY = Problem("", {"busy": [[[480, 600]], [[660, 1080]]], "length": 30}, 1)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("10:00", ""),
        ("10:30", ""),
        ("10:07", ""),
        ("09:59", "Ann is busy 08:00-10:00"),
        ("10:31", "Ben is busy 11:00-18:00"),
        ("07:00", "07:00-07:30 is not within the day"),
        ("17:45", "17:45-18:15 is not within the day"),
        ("10", "is no time HH:MM"),
        ("10:00-10:30", "is no time HH:MM"),
    ],
)
def test_a_wrong_start_names_who_is_busy(answer: str, reason: str) -> None:
    check(MeetingSchedule(), BUSY, answer, reason)


def test_journeys_end_when_datetime_says() -> None:
    task = TimeZones()
    for problem in problems(task):
        meta, fields = problem.meta, problem.meta["fields"]
        zones = [timezone(timedelta(minutes=minutes)) for minutes in meta["zones"]]
        monday = datetime.combine(date(2024, 1, 1), datetime.min.time(), zones[0])
        start = monday + timedelta(minutes=meta["start"])
        assert f"{start:%A %H:%M}" == f"{fields['weekday']} {fields['start']}"
        end = (start + timedelta(minutes=sum(meta["flights"]) + sum(meta["stops"]))).astimezone(zones[-1])
        check(task, problem, f"{end:%A %H:%M}", "")
        check(task, problem, f"{end + timedelta(1):%A %H:%M}", "expected")
        backward = task.invert(problem)
        assert backward is not None
        assert task.invert(backward) is None
        check(task, backward, f"{start:%A %H:%M}", "")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Tuesday 00:10", ""),
        ("tuesday, 0:10", ""),
        ("00:10 (Tuesday)", ""),
        ("Tuesday, 12:10 am", ""),
        ("Monday 00:10", "expected Tuesday 00:10"),
        ("Tuesday 00:15", "expected Tuesday 00:10"),
        ("00:10", "names no weekday"),
        ("Tuesday", "is no weekday and time"),
        ("Tuesday 00:10" + " " * 60, ""),
        ("Tuesday 00:10" + "x" * 60, "is no weekday and time"),
    ],
)
def test_weekday_and_time_must_both_be_right(answer: str, reason: str) -> None:
    check(TimeZones(), Problem("", {"time": 24 * 60 + 10}, 1), answer, reason)
