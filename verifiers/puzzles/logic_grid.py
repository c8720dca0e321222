"""Logic grids: who lives where, by clues (the zebra puzzle)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..verdict import Verdict
from .answer import AnswerError, Rules, judge, read_assignment, read_integer
from .instance import freeze, integer, known, names

RELATIONS: dict[str, Callable[[int, int], bool]] = {
    "at": lambda a, b: a == b,
    "not at": lambda a, b: a != b,
    "next to": lambda a, b: abs(a - b) == 1,
    "not next to": lambda a, b: abs(a - b) != 1,
    "left of": lambda a, b: a < b,
    "right of": lambda a, b: a > b,
    "just left of": lambda a, b: a == b - 1,
    "just right of": lambda a, b: a == b + 1,
    "one between": lambda a, b: abs(a - b) == 2,
    "two between": lambda a, b: abs(a - b) == 3,
}


@dataclass(frozen=True, slots=True)
class Clue:
    """``subject`` stands in a relation of ``RELATIONS`` to ``object``: a value, or a position from 1.

    ``Clue("Englishman", "at", "red")``, ``Clue("milk", "at", 3)``, ``Clue("green", "just right of", "ivory")``.
    """

    subject: str
    relation: str
    object: str | int

    def __str__(self) -> str:
        return f"{self.subject} {self.relation} {self.object}"


@dataclass(frozen=True, slots=True)
class LogicGrid:
    """Give each value its position so that no two values of a category share one and every clue holds.

    categories: of each, as many values as there are positions; all values are different.
    partial: a wrong answer's score is the fraction of categories and clues that are kept.

    The answer assigns every value its position, from 1 (``answer.read_assignment``): ``red=3, Englishman=3``.

    Raises:
        ValueError: categories of different sizes, a value twice, a clue about an unknown value, relation or position.
    """

    categories: Sequence[Sequence[str]]
    clues: Sequence[Clue]
    partial: bool = False

    def __post_init__(self) -> None:
        categories = tuple(names(category, "a category") for category in self.categories)
        if len({len(category) for category in categories}) != 1 or not categories[0]:
            raise ValueError("categories are one or more, with as many values each")
        values = names([value for category in categories for value in category], "the puzzle")
        clues = tuple(self.clues)
        for clue in clues:
            if clue.relation not in RELATIONS:
                raise ValueError(f"a clue's relation is one of {', '.join(RELATIONS)}, not {clue.relation!r}")
            known(clue.subject, values, f"the clue {clue}")
            if isinstance(clue.object, str):
                known(clue.object, values, f"the clue {clue}")
            else:
                integer(clue.object, f"the position in {clue}", 1, len(categories[0]))
        freeze(self, categories=categories, clues=clues)

    def verify(self, response: str) -> Verdict:
        return judge(response, self._read, self._rules, self.partial)

    def _read(self, text: str) -> dict[str, int]:
        values = [value for category in self.categories for value in category]
        positions = {value: read_integer(token) for value, token in read_assignment(text, values).items()}
        last = len(self.categories[0])
        for value, position in positions.items():
            if not 1 <= position <= last:
                raise AnswerError(f"{value} is at {position}, not from 1 to {last}")
        return positions

    def _rules(self, positions: dict[str, int]) -> Rules:
        for category in self.categories:
            owner: dict[int, str] = {}
            twins = [(owner.setdefault(positions[value], value), value) for value in category]
            shared = [(a, b) for a, b in twins if a != b]
            yield f"{shared[0][0]} and {shared[0][1]} are both at {positions[shared[0][0]]}" if shared else None
        for clue in self.clues:
            a = positions[clue.subject]
            b = positions[clue.object] if isinstance(clue.object, str) else clue.object
            yield None if RELATIONS[clue.relation](a, b) else f"broken: {clue} ({clue.subject} is at {a})"
