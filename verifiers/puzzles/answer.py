r"""Puzzle answers in a response: grids, assignments, lists and moves, each with one strict reading.

The answer is the inside of the last ``\boxed{}``; without one, the inside of the last fenced block; without one, the
whole response. Nothing is searched for inside it: one line of prose too many is a row too many.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias, TypeVar

from ..extract import last_boxed
from ..fenced import last_fenced
from ..latex import unspaced
from ..quoting import quoted
from ..verdict import Verdict, right, wrong

MAX_ANSWER = 100_000  # characters of an answer
MAX_MOVES = 10_000  # moves of an answer
LABELS = ("", "text", "txt", "plaintext", "json", "csv")  # of a fenced block that may hold the answer

Grid: TypeAlias = tuple[tuple[int, ...], ...]
Rules: TypeAlias = Iterable[str | None]  # one entry a rule: None when it is kept, else how and where it is broken
Answer = TypeVar("Answer")

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_LATEX = re.compile(r"\\(?:begin|end)\{[a-z]{1,12}\*?\}(?:\{[^{}]*\})?|\\hline|\$")
_ROW_END = re.compile(r"\\\\|[\n;\]]")
_CELL_END = re.compile(r"""[\s,|&\["']+""")
_RULER = re.compile(r"[-+|=\s]*")
_ITEM_END = re.compile(r"[\n,;]")
_ARROW = re.compile(r"->|[=:]")
_ARROWS = re.compile(r"\\(?:long)?(?:rightarrow|to)(?![A-Za-z])|\u2192")
_BULLET = re.compile(r"(?:[-*\u2022]|[0-9]{1,5}[.)])\s+")  # also the number of a step
_QUOTES = " \t\r\"'{}[]$"
_RESERVED = frozenset(",;:=\n\"'{}[]$\u2192\\")


class AnswerError(ValueError):
    """The answer does not have the form asked for; the message is the verdict's reason."""


def find_answer(response: str) -> str:
    r"""The last ``\boxed{}``, else the last closed fenced block of plain text or data, else the response.

    Without the LaTeX that sets words and spaces, its arrows as ``->``.
    """
    text = last_boxed(response)
    if text is None:
        text = last_fenced(response, LABELS)
    return _ARROWS.sub("->", unspaced(response if text is None else text)).strip()


def judge(
    response: str, read: Callable[[str], Answer], rules: Callable[[Answer], Rules], partial: bool = False
) -> Verdict:
    """Read the answer and hold it against every rule; the first one broken is the reason.

    partial: score a wrong answer by the fraction of rules that it keeps, when ``read`` accepts its form.
    """
    text = find_answer(response)
    if len(text) > MAX_ANSWER:
        return wrong(f"the answer is longer than {MAX_ANSWER} characters", answer=quoted(text))
    try:
        if not text:
            raise AnswerError("no answer found")
        checked = list(rules(read(text)))
    except AnswerError as error:
        return wrong(str(error), answer=quoted(text))
    broken = [rule for rule in checked if rule is not None]
    counts = {"rules": len(checked), "broken": len(broken)}
    if not broken:
        return right("every rule is kept", answer=quoted(text), **counts)
    score = 1 - len(broken) / len(checked) if partial else 0.0
    return wrong(broken[0], score, answer=quoted(text), **counts)


def read_integer(token: str) -> int:
    """A whole number in at most 18 ASCII digits."""
    if not _INTEGER.fullmatch(token):
        raise AnswerError(f"'{quoted(token)}' is no whole number")
    return int(token)


def read_integers(text: str) -> list[int]:
    """Whole numbers between spaces, commas and brackets: ``1 2 3``, ``[1, 2, 3]``."""
    return [read_integer(token) for row in _rows(text) for token in row]


def read_cells(text: str, rows: int, columns: int) -> list[list[str]]:
    r"""The cells of a grid of this very size.

    A row ends at a line's end, ``\\``, ``;`` or ``]``; cells lie between spaces, ``,``, ``|``, ``&``, ``[`` and quotes;
    a row without any of them is read a character a cell. Lines of ``-+|=`` alone are rulers.
    """
    grid = _rows(text)
    if len(grid) != rows:
        raise AnswerError(f"the grid has {_count(len(grid), 'row')} instead of {rows}")
    for number, row in enumerate(grid, 1):
        if len(row) == 1 and len(row[0]) == columns:
            row[:] = row[0]
        if len(row) != columns:
            raise AnswerError(f"row {number} has {_count(len(row), 'cell')} instead of {columns}")
    return grid


def read_grid(text: str, rows: int, columns: int, low: int, high: int) -> Grid:
    """A grid of whole numbers from ``low`` to ``high``."""
    grid = tuple(tuple(map(read_integer, row)) for row in read_cells(text, rows, columns))
    for i, row in enumerate(grid):
        for j, value in enumerate(row):
            if not low <= value <= high:
                raise AnswerError(f"{place(i, j)} is {value}, not from {low} to {high}")
    return grid


def read_names(text: str) -> list[str]:
    """Names between commas, semicolons and line ends, as written; none for ``none``."""
    names = [name for item in _ITEM_END.split(text) if (name := tidy(item))]
    return [] if names == ["none"] else names


def read_assignment(text: str, names: Sequence[str]) -> dict[str, str]:
    """A value for each of ``names`` and nothing else: ``A=1, B: 2``, one pair a line or between commas.

    Also ``->`` between name and value, a bullet before them, and JSON's braces and quotes.
    """
    values: dict[str, str] = {}
    for item in filter(str.strip, _ITEM_END.split(text)):
        name, value = read_pair(item)
        if name not in names:
            raise AnswerError(f"'{quoted(name)}' is not to be assigned")
        if name in values:
            raise AnswerError(f"{name} is assigned twice")
        values[name] = value
    if missing := [name for name in names if name not in values]:
        raise AnswerError(f"{missing[0]} is not assigned")
    return values


def read_pair(item: str) -> tuple[str, str]:
    pair = _ARROW.split(item)
    if len(pair) != 2 or not all(map(tidy, pair)):
        raise AnswerError(f"'{quoted(item.strip())}' is not of the form name = value")
    return tidy(pair[0]), tidy(pair[1])


def read_moves(text: str, separators: str = "\n,;") -> list[str]:
    """Moves between line ends, commas and semicolons; their bullets and numbers ("1. ") are dropped."""
    table = str.maketrans(dict.fromkeys(separators, "\n"))
    moves = [move for item in text.translate(table).split("\n") if (move := tidy(item))]
    if len(moves) > MAX_MOVES:
        raise AnswerError(f"more than {MAX_MOVES} moves")
    return moves


def tidy(text: str) -> str:
    """``text`` without a bullet, quotes, brackets and spaces around it, its inner spaces single."""
    return " ".join(_BULLET.sub("", text.strip(), count=1).strip(_QUOTES).split())


def is_name(text: str) -> bool:
    """Whether an answer can hold ``text`` as a name: the readers here would give it back as it is."""
    if not text or text == "none" or tidy(text) != text or not text.isprintable():
        return False
    return not _RESERVED & set(text) and "->" not in text


def place(row: int, column: int) -> str:
    """How a cell is called in a reason; both count from 0."""
    return f"row {row + 1}, column {column + 1}"


def _rows(text: str) -> list[list[str]]:
    lines = [line for line in _ROW_END.split(_LATEX.sub(" ", text)) if not _RULER.fullmatch(line)]
    rows = [[cell for cell in _CELL_END.split(line) if cell] for line in lines]
    return [row for row in rows if row]


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
