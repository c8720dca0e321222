from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers.code.comparison import Comparison, shown
from palaestra.verifiers.code.output import OutputRule, same_output

HUGE = 10**5000  # which Python does not print
EXACT = Comparison()
LOOSE = Comparison(bool_is_int=True, int_is_float=True, list_is_tuple=True)
ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
KEYS = ATOMS | st.tuples(ATOMS, ATOMS) | st.frozensets(ATOMS)
VALUES = st.recursive(
    ATOMS | st.sets(KEYS, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "expected", "loose"),
    [
        (True, 1, True),
        (1, 1.0, True),
        ([1, 2], (1, 2), True),
        ({True: 2}, {1: 2}, True),
        ({(True,)}, {(1,)}, True),
        ({frozenset({1})}, {frozenset({1.0})}, True),
        ([[1], {"a": (True,)}], [(1,), {"a": [1.0]}], True),
        (None, False, False),
        ("1", 1, False),
        ("a", b"a", False),
        ({1}, [1], False),
        ({1}, frozenset({1}), False),
        ([], {}, False),
        ([1], [1, 1], False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1}, {"a": 2}, False),
        (math.nan, math.nan, False),
        (6, 5, False),
        (10**400, math.inf, False),
    ],
)
def test_types_count_unless_told_otherwise(value: Any, expected: Any, loose: bool) -> None:
    assert not EXACT.same(value, expected)
    assert not EXACT.same(expected, value)
    assert LOOSE.same(value, expected) is loose
    assert LOOSE.same(expected, value) is loose


@given(VALUES)
def test_every_plain_value_is_the_same_as_itself(value: Any) -> None:
    assert EXACT.same(value, value)
    assert LOOSE.same(value, value)


@given(VALUES, VALUES)
def test_same_values_are_equal_and_have_one_printed_form(x: Any, y: Any) -> None:
    if EXACT.same(x, y):
        assert x == y
        assert type(x) is type(y)
        assert EXACT.same(y, x)
        assert LOOSE.same(x, y)


@pytest.mark.parametrize(
    ("value", "expected", "same"),
    [
        (0.3, 0.1 + 0.2, True),
        (1e-7, 0.0, True),
        (1.0001, 1.0, False),
        (1e9 + 100, 1e9, True),
        (1e300, 1.0, False),
        (-math.inf, math.inf, False),
        ([1.0, {"a": 2.0000001}], [1.0, {"a": 2.0}], True),
        (1, 1.0, False),
        (math.inf, 1.0, False),
        (math.inf, math.inf, True),
        (math.nan, 1.0, False),
        (10**400, 1, False),
        (1 + 1e-9j, 1 + 0j, True),
        (101, 100, False),
    ],
)
def test_tolerance_is_absolute_near_zero_and_relative_far_from_it(value: Any, expected: Any, same: bool) -> None:
    assert Comparison(tolerance=1e-6).same(value, expected) is same


def test_no_tolerance_makes_true_false_or_a_large_number_small() -> None:
    loose = Comparison(tolerance=2.0)
    assert not loose.same(True, False)
    assert not loose.same(10.0**9, 1.0)
    assert loose.same(3, 1)


@pytest.mark.parametrize("tolerance", [-1.0, math.inf, math.nan])
def test_a_tolerance_that_is_none_is_refused(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        Comparison(tolerance=tolerance)


@pytest.mark.parametrize("value", [HUGE, [HUGE], "x" * 10**6, "\ud800\x00\n", ["\x1b[2J"] * 100], ids=type)
def test_any_value_is_shown_in_a_short_printable_line(value: Any) -> None:
    assert len(shown(value)) < 1000
    assert shown(value).isascii()
    assert shown(value).isprintable()


@pytest.mark.parametrize(
    ("printed", "expected", "least"),
    [
        ("1 2\n", "1 2\n", "exact"),
        ("1 2", "1 2\n", "lines"),
        ("1 2  \r\n\n", "1 2", "lines"),
        ("1\n2", "1 2", "tokens"),
        ("1.0 2", "1.0000001\n2", "floats"),
        ("1e3 -.5", "1000 -0.5", "floats"),
        ("yes 1.0", "yes 1", "floats"),
        ("1 2", "12", None),
        ("1 2 3", "1 2", None),
        ("Yes", "yes", None),
        ("nan", "1", None),
        ("inf", "1e9", None),
        ("1e9999", "1", None),
        ("1.1", "1", None),
        ("\u0661", "1", None),
        ("1_0", "10", None),
        ("passed", "5", None),
    ],
)
def test_each_rule_for_output_accepts_what_the_stricter_do(
    printed: str, expected: str, least: OutputRule | None
) -> None:
    rules: tuple[OutputRule, ...] = ("exact", "lines", "tokens", "floats")
    accepted = [rule for rule in rules if same_output(printed, expected, rule, 1e-6)]
    assert accepted == (list(rules[rules.index(least) :]) if least else [])
