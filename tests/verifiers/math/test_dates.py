from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers import MathPolicy, MathVerifier
from palaestra.verifiers.math.dates import Moment, read_moment

SAME = [
    ("January 5, 2024", "2024-01-05"),
    ("5 January 2024", "Jan. 5, 2024"),
    ("5th of May", "May 5"),
    (r"\text{January } 5", "Jan 5"),
    (r"3:45 \text{ p.m.}", "15:45"),
    ("3 pm", "3:00 PM"),
    ("12 am", "00:00"),
    ("12:30 pm", "12:30 p.m."),
    ("June 4 at 5 pm", "June 4, 17:00"),
    ("2024-01-05T14:30", "January 5, 2024 2:30 pm"),
    ("May 2024", "May, 2024"),
    ("6:10", "3:5"),
]
DIFFERENT = [
    ("2018", "2024-01-05"),
    ("January 5, 2024", "May 1, 2024"),
    ("Jan 5", "January 5, 2024"),
    ("3:45", "3:45 pm"),
    ("3:45", "3:45 am"),
    ("3:45", "1:15"),
    ("12 am", "12 pm"),
    ("1/5/2024", "2024-01-05"),
]


def right(answer: str, gold: str, **policy: object) -> bool:
    return MathVerifier(MathPolicy(**policy)).verify(f"\\boxed{{{answer}}}", gold).right  # type: ignore[arg-type]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_same(a: str, b: str) -> None:
    assert right(a, b)
    assert right(b, a)


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different(a: str, b: str) -> None:
    assert not right(a, b)
    assert not right(b, a)


def test_slashed_dates_by_policy() -> None:
    assert right("1/5/2024", "2024-01-05", dates="mdy")
    assert right("1/5/2024", "2024-05-01", dates="dmy")
    assert not right("1/5/2024", "2024-05-01", dates="mdy")


@pytest.mark.parametrize("text", ["May", "may 40", "Feb 29, 2023", "2023-02-29", "25:00", "3:75", "13 pm", "5", "1:2"])
def test_no_day_and_no_time(text: str) -> None:
    assert read_moment(text) is None


def test_leap_days_without_a_year_are_days() -> None:
    assert read_moment("Feb 29") == Moment(month=2, day=29)


@given(st.datetimes(datetime(1000, 1, 1)))
def test_every_way_to_write_a_moment_is_read_alike(moment: datetime) -> None:
    formats = ("%Y-%m-%d %H:%M:%S", "%B %d, %Y %I:%M:%S %p", "%d %b %Y at %I:%M:%S %p")
    read = [read_moment(moment.strftime(form)) for form in formats]
    assert read[0] == read[1] == read[2] is not None
