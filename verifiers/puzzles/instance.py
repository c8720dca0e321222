"""What every puzzle's constructor checks: a broken instance raises ValueError with one line that names the place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .answer import Grid, is_name, place

MAX_SIDE = 100  # rows or columns of a grid


def integer(value: object, what: str, low: int | None = None, high: int | None = None) -> int:
    """``value`` itself, a whole number (no bool, no float) within bounds."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{what} is a whole number, not {value!r}")
    if low is not None and value < low:
        raise ValueError(f"{what} is {low} or more, not {value}")
    if high is not None and value > high:
        raise ValueError(f"{what} is {high} or less, not {value}")
    return value


def integers(values: Sequence[int], what: str, low: int | None = None, high: int | None = None) -> tuple[int, ...]:
    """A frozen copy of whole numbers within bounds."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ValueError(f"{what} is a list of whole numbers, not {values!r}")
    return tuple(integer(value, f"each of {what}", low, high) for value in values)


def integer_grid(rows: Sequence[Sequence[int]], height: int, width: int, low: int, high: int, what: str) -> Grid:
    """A frozen copy of a grid of this size whose cells are within bounds."""
    if len(rows) != height:
        raise ValueError(f"{what} has {height} rows, not {len(rows)}")
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise ValueError(f"row {number} of {what} has {width} cells, not {len(row)}")
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            integer(value, f"{place(i, j)} of {what}", low, high)
    return tuple(map(tuple, rows))


def names(values: Iterable[object], what: str) -> tuple[str, ...]:
    """Distinct names that an answer can hold; whole numbers become their digits."""
    found = tuple(name(value, what) for value in values)
    if len(set(found)) < len(found):
        raise ValueError(f"{what} names {next(n for n in found if found.count(n) > 1)} twice")
    return found


def name(value: object, what: str) -> str:
    """A name that an answer can hold."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not is_name(text):
        raise ValueError(f"{what} holds {value!r}, which cannot be read from an answer: use plain words or numbers")
    return text


def known(value: str, names: Iterable[str], what: str) -> str:
    """``value`` itself, one of ``names``."""
    if value not in names:
        raise ValueError(f"{what} names {value!r}, which is not of this puzzle")
    return value


def freeze(instance: object, **fields: object) -> None:
    """Give a frozen dataclass the checked copies of its fields, within ``__post_init__``."""
    for field, value in fields.items():
        object.__setattr__(instance, field, value)
