"""Whether a value that came out of the sandbox is the value expected."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..quoting import quoted


@dataclass(frozen=True, slots=True)
class Comparison:
    """When two plain values are the same. By default their types must be too, all the way down.

    tolerance: numbers may differ by this, or by this times the one expected; 0 is exact.
    bool_is_int: True is 1. int_is_float: 1 is 1.0. list_is_tuple: [1] is (1,).
    """

    tolerance: float = 0.0
    bool_is_int: bool = False
    int_is_float: bool = False
    list_is_tuple: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < math.inf:
            raise ValueError(f"tolerance is at least 0 and finite, not {self.tolerance}")

    def same(self, value: Any, expected: Any) -> bool:
        """Whether ``value`` is ``expected``. NaN is the same as nothing; -0.0 is 0.0."""
        if self._kind(value) is not self._kind(expected):
            return False
        match expected:
            case dict():
                keys = set(map(self._typed, value)), set(map(self._typed, expected))
                return keys[0] == keys[1] and all(self.same(value[key], expected[key]) for key in expected)
            case list() | tuple():
                return len(value) == len(expected) and all(map(self.same, value, expected))
            case set() | frozenset():
                return set(map(self._typed, value)) == set(map(self._typed, expected))
            case float() | int() | complex() if self.tolerance and not isinstance(expected, bool):
                return bool(value == expected) or self._close(value, expected)
        return bool(value == expected)

    def _kind(self, value: Any) -> type:
        kind = type(value)
        if kind is bool and self.bool_is_int:
            kind = int
        if kind is int and self.int_is_float:
            kind = float
        return list if kind is tuple and self.list_is_tuple else kind

    def _typed(self, value: Any) -> tuple[type, Any]:
        """A key or an element of a set with its type, so that True is not 1. They are compared without tolerance."""
        if isinstance(value, tuple | frozenset):
            return self._kind(value), type(value)(map(self._typed, value))
        return self._kind(value), value

    def _close(self, value: complex, expected: complex) -> bool:
        try:
            difference, size = abs(value - expected), max(abs(expected), 1)
            return math.isfinite(difference) and math.isfinite(size) and difference <= self.tolerance * size
        except OverflowError:  # an integer past the floats' range
            return False


EXACT = Comparison()


def shown(value: Any) -> str:
    """A value in a reason: ``repr`` in one short line, whatever its size."""
    try:
        return quoted(repr(value))
    except ValueError:  # Python prints no integer of more than 4300 digits
        return f"{type(value).__name__} too large to print"
