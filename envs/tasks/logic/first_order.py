"""First-order formulas over a small model: who satisfies them?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict

from .named_set import judge_set

Formula: TypeAlias = Any  # what one person may satisfy; see Model.satisfying

# fmt: off
PEOPLE = (
    "Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gwen", "Hugo", "Ida", "Jack", "Kate", "Leo", "Mia", "Ned", "Olga",
    "Paul", "Quinn", "Rosa", "Sam", "Tess", "Uma", "Vera", "Will", "Yara", "Zoe",
)
# fmt: on
PROPERTIES = ("sings", "dances", "paints", "swims")
VERBS = ("admires", "helps", "trusts", "phones")
QUANTIFIERS = {
    "some": "someone who",
    "every": "everyone else who",
    "none": "nobody else who",
    "one": "exactly one person who",
    "many": "more than one person who",
}
IN_LOGIC = {"some": "some", "every": "every", "none": "no", "one": "exactly one", "many": "more than one"}
DEPTHS = 9  # more than a formula has quantifiers within one another


class Level(NamedTuple):
    """depth: quantifiers within one another. branches: conditions joined at the outermost level."""

    people: int
    depth: int
    branches: int


LEVELS = (
    Level(6, 0, 2),
    Level(6, 1, 1),
    Level(7, 1, 1),
    Level(7, 1, 2),
    Level(8, 1, 2),
    Level(8, 2, 1),
    Level(9, 2, 1),
    Level(9, 2, 2),
    Level(10, 3, 1),
    Level(10, 3, 2),
)


@dataclass(frozen=True)
class Model:
    """People numbered from 0: sets are masks of bits, a relation has one for each person (whom that person ...)."""

    people: int
    properties: Sequence[int]
    relation: Sequence[int]
    converse: Sequence[int]

    def satisfying(self, formula: Formula, depth: int = DEPTHS) -> int:
        """Those whom a formula is true of; beyond ``depth`` quantifiers everyone is taken to satisfy it.

        A formula is ["is", property, yes or no], ["and" or "or", formula, formula] or
        ["active" or "passive", quantifier, formula].
        """
        everyone = (1 << self.people) - 1
        kind, first, second = formula
        if kind == "is":
            having: int = self.properties[first]
            return having if second else everyone ^ having
        if kind == "and":
            return self.satisfying(first, depth) & self.satisfying(second, depth)
        if kind == "or":
            return self.satisfying(first, depth) | self.satisfying(second, depth)
        inner = self.satisfying(second, depth - 1) if depth > 1 else everyone
        related = self.relation if kind == "active" else self.converse
        return sum(1 << i for i in range(self.people) if _quantified(first, inner & ~(1 << i), related[i]))


def _quantified(quantifier: str, others: int, related: int) -> bool:
    """Whether a person is related to as many of ``others`` as the quantifier says."""
    count = (others & related).bit_count()
    if quantifier == "some":
        return count > 0
    if quantifier == "every":
        return not others & ~related
    if quantifier == "none":
        return count == 0
    return count == 1 if quantifier == "one" else count > 1


@register("palaestra/FirstOrder-v0")
@dataclass(frozen=True)
class FirstOrder(Task):
    """Given who does what and who stands in a relation to whom, list everyone who satisfies a quantified formula.

    Difficulty raises the number of people (6 to 10) and how deep quantifiers stand within one another (0 to 3); there
    are "some", "every", "no", "exactly one" and "more than one", and the relation is also taken the other way round.
    An answer is right when it is the set of those who satisfy the formula; they are neither none nor all. Facts and
    formula are drawn freely. One of the wordings writes the formula with variables, the others in words.
    """

    tags: ClassVar[tuple[str, ...]] = ("logic", "first-order")
    ceiling = 0.03
    wordings: ClassVar[tuple[str, ...]] = (
        "{count} people: {people}.\n{properties}\n{relation}\nNobody does any of this unless it is said here.\n\nWho "
        "{words}? A statement about everyone of some kind is true where there is nobody of that kind. List the names "
        "in \\boxed{{}}, separated by commas.",
        "Find every x among {people} for which this is true:\n\n{formula}\n\n({verb}(a, b) means that a {verb} b; "
        '"every" is true where there is nobody to check.)\n\nFacts, which are complete:\n{properties}\n{relation}\n\n'
        "Answer with all such x in \\boxed{{}}, separated by commas.",
        "Complete facts about {people}:\n{relation}\n{properties}\n\nName each person who {words}. (If there is no "
        'other person of the kind in question, "everyone else" of that kind counts as fulfilled.) Put the names in '
        "\\boxed{{}}, with commas between them.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level, random = LEVELS[difficulty - 1], rng.random
        n = level.people
        model, satisfied = _draw_model(random, n), 0
        while not 1 < satisfied.bit_count() < n - 1:
            formula = _draw_formula(random, level.depth)
            for _ in range(level.branches - 1):
                formula = [("and", "or")[int(random() * 2)], formula, _draw_formula(random, level.depth)]
            satisfied = model.satisfying(formula)
        pool = list(PEOPLE)
        people = sorted(pool.pop(int(random() * len(pool))) for _ in range(n))
        verb = VERBS[int(random() * len(VERBS))]
        fields = {
            "count": str(n),
            "people": f"{', '.join(people[:-1])} and {people[-1]}",
            "properties": "\n".join(
                f"{p}: {', '.join(_names(s, people))}" for p, s in zip(PROPERTIES, model.properties, strict=True)
            ),
            "relation": "\n".join(
                f"{x} {verb} {', '.join(_names(s, people)) or 'nobody'}."
                for x, s in zip(people, model.relation, strict=True)
            ),
            "words": _in_words(formula, verb),
            "formula": _in_logic(formula, verb, "x"),
            "verb": verb,
        }
        reference = {"people": people, "satisfied": _names(satisfied, people)}
        meta = {
            "model": [n, list(model.properties), list(model.relation), list(model.converse)],
            "parsed": formula,
        }
        return self.ask(rng, reference, difficulty, fields, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        people, satisfied = problem.reference["people"], problem.reference["satisfied"]
        return judge_set(response, satisfied, people, "{} satisfies it too", "{} does not satisfy it")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Who satisfies each part of the formula, inner parts first."""
        people, model = problem.reference["people"], Model(*problem.meta["model"])
        verb = problem.meta["fields"]["verb"]
        lines = [
            f"{_in_words(part, verb)}: {', '.join(_names(model.satisfying(part), people)) or 'nobody'}"
            for part in _parts(problem.meta["parsed"])
        ]
        return "\n".join([*lines, f"\\boxed{{{', '.join(problem.reference['satisfied'])}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Takes what stands within a quantifier to be true of everyone."""
        satisfied = Model(*problem.meta["model"]).satisfying(problem.meta["parsed"], depth=1)
        return f"\\boxed{{{', '.join(_names(satisfied, problem.reference['people']))}}}"


def _draw_model(random: Callable[[], float], n: int) -> Model:
    """Each property holds of some and not of all; the relation of a pair with probability 3/8, of nobody to himself."""
    size = 1 << n
    properties = [1 + int(random() * (size - 2)) for _ in PROPERTIES]
    masks = [int(random() * size**3) for _ in range(n)]  # of three sets each
    relation = [m & (m >> n | m >> 2 * n) & (size - 1) & ~(1 << i) for i, m in enumerate(masks)]
    converse = [sum(1 << i for i in range(n) if relation[i] >> j & 1) for j in range(n)]
    return Model(n, properties, relation, converse)


def _draw_formula(random: Callable[[], float], depth: int) -> Formula:
    if depth == 0:
        first = int(random() * len(PROPERTIES))
        literal = ["is", first, int(random() * 2)]
        if random() < 0.5:
            return literal
        second = (first + 1 + int(random() * (len(PROPERTIES) - 1))) % len(PROPERTIES)
        return [("and", "or")[int(random() * 2)], literal, ["is", second, int(random() * 2)]]
    voice = ("active", "passive")[int(random() * 2)]
    return [voice, tuple(QUANTIFIERS)[int(random() * len(QUANTIFIERS))], _draw_formula(random, depth - 1)]


def _parts(formula: Formula) -> list[Formula]:
    """The formula's parts, inner ones first, and itself."""
    kind, first, second = formula
    inner = [] if kind == "is" else _parts(second) if kind in ("active", "passive") else _parts(first) + _parts(second)
    return [*inner, formula]


def _in_words(formula: Formula, verb: str, outermost: bool = True) -> str:
    """``admires someone who (sings and does not dance)``."""
    kind, first, second = formula
    if kind == "is":
        return PROPERTIES[first] if second else f"does not {PROPERTIES[first][:-1]}"
    if kind in ("and", "or"):
        text = f"{_in_words(first, verb, False)} {kind} {_in_words(second, verb, False)}"
        return text if outermost else f"({text})"
    relation = verb if kind == "active" else f"is {verb.removesuffix('s').removesuffix('e')}ed by"
    text = f"{relation} {QUANTIFIERS[first]} {_in_words(second, verb, False)}"
    return text if outermost else f"({text})"


def _in_logic(formula: Formula, verb: str, variable: str) -> str:
    """``some y other than x: (admires(x, y) and (sings(y) and not dances(y)))``."""
    kind, first, second = formula
    if kind == "is":
        return f"{'' if second else 'not '}{PROPERTIES[first]}({variable})"
    if kind in ("and", "or"):
        return f"({_in_logic(first, verb, variable)} {kind} {_in_logic(second, verb, variable)})"
    other = "xyzuv"["xyzuv".index(variable) + 1]
    related = f"{verb}({variable}, {other})" if kind == "active" else f"{verb}({other}, {variable})"
    inner = _in_logic(second, verb, other)
    body = f"{inner} implies {related}" if first == "every" else f"{inner} and {related}"
    return f"[{IN_LOGIC[first]} {other} other than {variable}: {body}]"


def _names(mask: int, people: Sequence[str]) -> list[str]:
    return [name for i, name in enumerate(people) if mask >> i & 1]
