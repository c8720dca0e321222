"""Who is taller than whom: the one order that fits all statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong
from palaestra.verifiers.puzzles.answer import read_names
from palaestra.verifiers.puzzles.logic_grid import RELATIONS
from palaestra.verifiers.quoting import quoted

from ..puzzles.positions import Clue, Row, deductions, draw_clues

ANSWER_CHARS = 300  # a longer answer is none
# fmt: off
PEOPLE = (
    "Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gwen", "Hugo", "Ida", "Jack", "Kate", "Leo", "Mia", "Ned", "Olga",
    "Paul", "Quinn", "Rosa", "Sam", "Tess", "Uma", "Vera", "Will", "Yara", "Zoe",
)
# fmt: on
SCALES = (
    ("taller", "shorter", "tallest", "shortest"),
    ("older", "younger", "oldest", "youngest"),
    ("faster", "slower", "fastest", "slowest"),
    ("richer", "poorer", "richest", "poorest"),
    ("heavier", "lighter", "heaviest", "lightest"),
    ("stronger", "weaker", "strongest", "weakest"),
)
ORDINALS = ("", "second ", "third ", "fourth ", "fifth ", "sixth ", "seventh ")
STATEMENTS = {
    "left of": "{a} is {more} than {b}.",
    "right of": "{a} is {less} than {b}.",
    "next to": "In order, {a} and {b} are neighbours.",
    "not next to": "In order, {a} and {b} are no neighbours.",
    "one between": "In order, exactly one person is between {a} and {b}.",
    "two between": "In order, exactly two people are between {a} and {b}.",
}
COMPARED = ("left of", "right of")
MIXED = (*COMPARED, "next to", "not next to", "one between")
INDIRECT = ("left of", "next to", "not next to", "one between", "two between", "one between", "not next to")


class Level(NamedTuple):
    """kinds: of statements about two people. ranks: the share of statements about one person's rank."""

    people: int
    kinds: tuple[str, ...]
    ranks: float


LEVELS = (
    Level(4, COMPARED, 0.0),
    Level(5, COMPARED, 0.0),
    Level(5, COMPARED, 0.3),
    Level(5, MIXED, 0.2),
    Level(6, COMPARED, 0.1),
    Level(6, MIXED, 0.15),
    Level(6, INDIRECT, 0.1),
    Level(7, MIXED, 0.15),
    Level(7, MIXED, 0.05),
    Level(7, INDIRECT, 0.05),
)


@register("palaestra/LinearOrder-v0")
@dataclass(frozen=True)
class LinearOrder(Task):
    """Put people in order, from the tallest to the shortest, say, by statements about two of them or about a rank.

    Difficulty raises the number of people (4 to 7) and how indirect the statements are: comparisons at first, then
    ranks, neighbours and how many are between. Statements are drawn until elimination leaves one order, so it is the
    only one. An answer is right when it names everyone once and every statement holds.
    """

    tags: ClassVar[tuple[str, ...]] = ("logic", "ordering")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "{facts}\n\nNo two of them are equal. Put {people} in order from the {most} to the {least}. Answer in "
        "\\boxed{{}} with the names, separated by commas.",
        "{people} are compared: who is {more} than whom? List all {count} of them in \\boxed{{}}, the {most} first and "
        "the {least} last, separated by commas. There are no ties, and all of the following is true.\n{facts}",
        "Only one ranking of {people} by who is {more} agrees with these notes:\n\n{facts}\n\nWork it out. Write it in "
        "\\boxed{{}} with commas between the names, beginning with the {most} (rank 1) and ending with the {least}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level, words = LEVELS[difficulty - 1], rng.bit_generator.random_raw
        n = level.people
        pool = list(PEOPLE)
        people = [pool.pop(word % len(pool)) for word in words(n).tolist()]
        clues = None
        while clues is None:
            clues = draw_clues(rng, Row(n, 1), range(n), level.kinds, level.ranks)
        scale = SCALES[words() % len(SCALES)]
        listed = sorted(people)
        fields = {
            "facts": "\n".join([_text(clue, people, scale) for clue in clues]),
            "people": f"{', '.join(listed[:-1])} and {listed[-1]}",
            "count": str(n),
            **dict(zip(("more", "less", "most", "least"), scale, strict=True)),
        }
        reference = {"order": people, "clues": [list(clue) for clue in clues], "scale": list(scale)}
        return self.ask(rng, reference, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        people, scale = problem.reference["order"], problem.reference["scale"]
        listed = ", ".join(people)
        if response.endswith(f"\\boxed{{{listed}}}"):  # the usual right answer, at a tenth of the cost
            return right("every statement holds", answer=listed)
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        if len(text) > ANSWER_CHARS:
            return wrong(f"an answer of more than {ANSWER_CHARS} characters")
        names = read_names(text)
        if sorted(names) != sorted(people):
            return wrong(f"'{quoted(text)}' does not name each of {', '.join(sorted(people))} once")
        ranks = [names.index(person) for person in people]
        for a, relation, b in problem.reference["clues"]:
            if not RELATIONS[relation](ranks[a], ranks[b] if b < len(people) else b - len(people)):
                return wrong(f"does not hold: {_text(Clue(a, relation, b), people, scale)}", answer=quoted(text))
        return right("every statement holds", answer=quoted(text))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Elimination of ranks, statement by statement."""
        people, scale = problem.reference["order"], problem.reference["scale"]
        clues = [Clue(a, relation, b) for a, relation, b in problem.reference["clues"]]
        lines = []
        for thing, ranks, clue in deductions(Row(len(people), 1), clues):
            reason = "No two share a rank" if clue is None else _text(clues[clue], people, scale).rstrip(".")
            lines.append(f"{reason}: {people[thing]} has rank {' or '.join(map(str, ranks))}")
        return "\n".join([*lines, f"\\boxed{{{', '.join(people)}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Sorts by how many others someone surpasses in direct comparisons, less the number who surpass him."""
        people = problem.reference["order"]
        surplus = [0] * len(people)
        for a, relation, b in problem.reference["clues"]:
            if relation in COMPARED:
                better, worse = (a, b) if relation == "left of" else (b, a)
                surplus[better] += 1
                surplus[worse] -= 1
        order = sorted(rng.permutation(len(people)).tolist(), key=lambda i: -surplus[i])
        return f"\\boxed{{{', '.join(people[i] for i in order)}}}"


def _text(clue: Clue, people: Sequence[str], scale: Sequence[str]) -> str:
    a, relation, b = clue
    more, less, most, least = scale
    if b < len(people):
        return STATEMENTS[relation].format(a=people[a], b=people[b], more=more, less=less)
    rank = b - len(people)
    title = least if rank == len(people) - 1 else f"{ORDINALS[rank]}{most}"
    return f"{people[a]} is {'' if relation == 'at' else 'not '}the {title}."
