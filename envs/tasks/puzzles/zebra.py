"""Zebra puzzles: who sits where and has what, by clues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.draws import shuffled
from palaestra.verifiers import Verdict, right
from palaestra.verifiers import puzzles as verifiers

from .positions import Clue, Row, deductions, draw_clues, eliminate, positions


class Category(NamedTuple):
    """noun: how its values are called together. who: the person of a value."""

    noun: str
    who: str
    values: tuple[str, ...]


# fmt: off
CATEGORIES = (
    Category("person", "{}", ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gwen", "Hugo", "Ida", "Jack", "Kate")),
    Category("colour", "the person in {}", ("red", "blue", "green", "white", "black", "yellow", "brown", "grey")),
    Category("drink", "the {} drinker", ("tea", "coffee", "milk", "juice", "cocoa", "cola", "water", "cider", "beer")),
    Category("pet", "the owner of the {}", ("cat", "dog", "horse", "parrot", "snail", "rabbit", "fox", "zebra")),
    Category("job", "the {}", ("baker", "pilot", "nurse", "judge", "farmer", "tailor", "poet", "sailor", "lawyer")),
    Category("sport", "the person who likes {}", (
        "tennis", "chess", "golf", "rowing", "boxing", "rugby", "judo", "fencing", "cricket",
    )),
)
# fmt: on
CLUES = {
    "at": "{} is {}",
    "not at": "{} is not {}",
    "next to": "{} sits next to {}",
    "not next to": "{} does not sit next to {}",
    "left of": "{} sits somewhere to the left of {}",
    "right of": "{} sits somewhere to the right of {}",
    "just left of": "{} sits directly to the left of {}",
    "just right of": "{} sits directly to the right of {}",
    "one between": "exactly one seat is between {} and {}",
}
DIRECT = ("at", "at", "just left of", "just right of", "next to")
ALL = (
    "at",
    "at",
    "next to",
    "next to",
    "left of",
    "right of",
    "just left of",
    "just right of",
    "one between",
    "not at",
)
INDIRECT = ("at", "next to", "left of", "right of", "one between", "not at", "not next to", "not next to")


class Level(NamedTuple):
    """kinds: of clues (see ``positions.draw_clues``). by_seat: the share of clues that name a seat."""

    seats: int
    categories: int
    kinds: tuple[str, ...]
    by_seat: float


LEVELS = (
    Level(3, 2, DIRECT, 0.3),
    Level(3, 3, DIRECT, 0.2),
    Level(4, 2, ALL, 0.2),
    Level(4, 3, ALL, 0.15),
    Level(4, 4, ALL, 0.1),
    Level(5, 3, ALL, 0.1),
    Level(5, 4, ALL, 0.1),
    Level(5, 5, ALL, 0.1),
    Level(6, 5, ALL, 0.05),
    Level(6, 6, INDIRECT, 0.05),
)


@register("palaestra/Zebra-v0")
@dataclass(frozen=True)
class Zebra(Task):
    """Find the seat of every person, colour, drink, ... of a logic grid from clues.

    Difficulty raises the number of seats (3 to 6) and of categories (2 to 6), and clues become less direct. Clues are
    drawn until elimination (a clue or a category at a time) leaves one arrangement, so it is the only one;
    puzzles that call for cases do not occur. An answer is right when every clue holds. Arrangement, clues and values
    are all drawn anew for each problem; some clues may be implied by others.
    """

    tags: ClassVar[tuple[str, ...]] = ("puzzles", "logic")
    ceiling = 0.03
    wordings: ClassVar[tuple[str, ...]] = (
        "{count} people sit in a row of seats, numbered 1 to {count} from left to right. They differ in these "
        "respects:\n{values}\n\n{clues}\n\nIn which seat is each? Answer in \\boxed{{}} with the "
        "seat of every value above, as in {example}.",
        "Clues:\n{clues}\n\nThere are {count} seats, 1 to {count} from the left, one person in each, and each of the "
        "following belongs to a different person of its line:\n{values}\n\nPut the seat number of every word in these "
        "lines in \\boxed{{}}, as {example}.",
        "Solve this logic puzzle. Seats 1 to {count} stand side by side, 1 at the left end. In each sits a person with "
        "one word from every list.\n\n{values}\n\nWhat is known:\n{clues}\n\nGive the whole "
        "arrangement in \\boxed{{}}: all words, each with its seat ({example}).",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        row = Row(level.seats, level.categories)
        n = row.positions
        clues = None
        while clues is None:
            places = [place for _ in range(row.groups) for place in shuffled(rng, range(n))]
            clues = draw_clues(rng, row, places, level.kinds, level.by_seat)
        chosen = [CATEGORIES[0], *shuffled(rng, CATEGORIES[1:])[: row.groups - 1]]
        values = [shuffled(rng, category.values)[:n] for category in chosen]
        flat = [value for group in values for value in group]
        who = [category.who.format(v) for category, group in zip(chosen, values, strict=True) for v in group]
        fields = {
            "count": str(n),
            "values": "\n".join([f"{c.noun}: {', '.join(group)}" for c, group in zip(chosen, values, strict=True)]),
            "clues": "\n".join([f"{i}. {_text(clue, who)}" for i, clue in enumerate(clues, 1)]),
            "example": f"{flat[0]}=..., {flat[1]}=..., ...",
        }
        solution = ", ".join([f"{value}={place + 1}" for value, place in zip(flat, places, strict=True)])
        reference = {"categories": values, "clues": [list(clue) for clue in clues], "solution": solution}
        return self.ask(rng, reference, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        solution = problem.reference["solution"]
        if response.endswith(f"\\boxed{{{solution}}}"):  # the usual right answer, at a hundredth of the cost
            return right("every rule is kept", answer=solution)
        categories = problem.reference["categories"]
        flat = [value for group in categories for value in group]
        clues = [
            verifiers.Clue(flat[a], relation, flat[b] if b < len(flat) else b - len(flat) + 1)
            for a, relation, b in problem.reference["clues"]
        ]
        return verifiers.LogicGrid(categories, clues).verify(response)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Elimination, clue by clue and category by category: a line for each value whose seats become fewer."""
        row, flat, clues = _read(problem)
        lines = []
        for thing, seats, clue in deductions(row, clues):
            reason = f"clue {clue + 1}" if clue is not None else "no two of a kind share a seat"
            lines.append(f"{flat[thing]}: seat {' or '.join(map(str, seats))} ({reason})")
        return "\n".join([*lines, f"\\boxed{{{problem.reference['solution']}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Reads the clues twice, from the first to the last, and takes the leftmost seat left for each value."""
        row, flat, clues = _read(problem)
        masks = row.unknown()
        eliminate(row, masks, clues, sweeps=2)
        return f"\\boxed{{{', '.join(f'{v}={positions(mask)[0]}' for v, mask in zip(flat, masks, strict=False))}}}"


def _read(problem: Problem) -> tuple[Row, list[str], list[Clue]]:
    """The row of a problem, its values in the order in which clues number them, and the clues."""
    categories = problem.reference["categories"]
    clues = [Clue(a, relation, b) for a, relation, b in problem.reference["clues"]]
    return Row(len(categories[0]), len(categories)), [value for group in categories for value in group], clues


def _text(clue: Clue, who: Sequence[str]) -> str:
    a, relation, b = clue
    if b >= len(who):
        text = f"{who[a]} {'sits' if relation == 'at' else 'does not sit'} in seat {b - len(who) + 1}"
    else:
        text = CLUES[relation].format(who[a], who[b])
    return f"{text[0].upper()}{text[1:]}."
