"""Categorical statements: which conclusions about groups follow (Aristotle, Prior Analytics; modern reading)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import ChoiceVerifier, Verdict

from .formulas import columns, everywhere

OPTIONS = "ABCDEF"
# fmt: off
GROUPS = (
    "bakers", "painters", "sailors", "dancers", "teachers", "miners", "poets", "farmers", "doctors", "singers",
    "drivers", "writers", "tailors", "pilots", "hunters", "climbers", "swimmers", "lawyers", "nurses", "actors",
    "judges", "cooks", "gardeners", "weavers",
)
# fmt: on
FORMS = {
    "all": "All {} are {}.",
    "no": "No {} are {}.",
    "some": "Some {} are {}.",
    "some not": "Some {} are not {}.",
}
DRAWN = ("all", "all", "all", "no", "some", "some not")  # the forms of premises, as often as they occur

SIZES = ((3, 2), (4, 3), (4, 4), (5, 4), (5, 5), (6, 5), (6, 6), (7, 6), (7, 7), (7, 9))  # groups, premises
MOST_FOLLOW = 3  # of the options

Statement = tuple[str, int, int]  # a form, and the groups that it speaks of


class Known(NamedTuple):
    """What premises imply: which kinds of person can exist (2^n bits), and sets of kinds that some person is of."""

    possible: int
    inhabited: tuple[int, ...]


@register("palaestra/Syllogisms-v0")
@dataclass(frozen=True)
class Syllogisms(Task):
    """Of six statements "all / no / some A are (not) B", lettered A to F, list those that follow from the premises.

    Difficulty raises the number of groups, from 3 to 7, and of premises, from 2 to 9. Groups may be empty (no
    existential import). What follows is decided exactly: a person is of one of 2^n kinds, "all" and "no" rule kinds
    out, "some" makes one of several inhabited. An answer is right when it is the set of the statements that follow; one
    to three do, and none of the six is itself a premise.
    """

    tags: ClassVar[tuple[str, ...]] = ("logic", "first-order")
    ceiling = 0.12
    wordings: ClassVar[tuple[str, ...]] = (
        "{premises}\n\nWhich of these follow? A group may have no members.\n{options}\n\nAnswer in \\boxed{{}} with "
        "the letters of all that follow, such as B or A, D.",
        "Statements:\n{options}\n\nGive the letters of those statements that are true in every situation in which the "
        'following holds. (In a situation there may be nobody at all of some group; then "all" and "no" statements '
        "about that group are true.)\n\n{premises}\n\nAnswer in \\boxed{{}}, with commas between the letters.",
        "A club keeps records of its {groups}. One person may belong to several of these groups, and a group may be "
        "empty. It is known that:\n{premises}\n\nWhat can be concluded for certain?\n{options}\n\nPut the letters of "
        "all certain conclusions in \\boxed{{}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        (n, count), random = SIZES[difficulty - 1], rng.random
        options = None
        while options is None:
            premises, known = _premises(random, n, count)
            options = _options(random, n, premises, known)
        names = list(GROUPS)
        groups = [names.pop(int(random() * len(names))) for _ in range(n)]
        fields = {
            "premises": "\n".join(_text(statement, groups) for statement in premises),
            "options": "\n".join(
                f"{x}. {_text(option, groups)}" for x, (option, _) in zip(OPTIONS, options, strict=True)
            ),
            "groups": f"{', '.join(groups[:-1])} and {groups[-1]}",
        }
        letters = "".join(x for x, (_, holds) in zip(OPTIONS, options, strict=True) if holds)
        meta = {"premises": [list(p) for p in premises], "options": [list(o) for o, _ in options], "groups": groups}
        return self.ask(rng, {"letters": letters}, difficulty, fields, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return ChoiceVerifier(problem.reference["letters"], len(OPTIONS), several=True).verify(response)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Each statement with the fewest premises, as far as dropping one after another finds them, that imply it."""
        groups, lines = problem.meta["groups"], []
        premises = [(form, a, b) for form, a, b in problem.meta["premises"]]
        for letter, (form, a, b) in zip(OPTIONS, problem.meta["options"], strict=True):
            needed = _needed((form, a, b), premises, len(groups))
            because = " ".join(_text(premise, groups) for premise in needed)
            lines.append(f"{letter}. {f'follows from: {because}' if needed else 'does not follow'}")
        return "\n".join([*lines, f"\\boxed{{{', '.join(problem.reference['letters'])}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Looks at two premises at a time only."""
        premises, n = [(form, a, b) for form, a, b in problem.meta["premises"]], len(problem.meta["groups"])
        pairs = [_known((p, q), n) for p in premises for q in premises]
        options = [(form, a, b) for form, a, b in problem.meta["options"]]
        letters = [x for x, option in zip(OPTIONS, options, strict=True) if any(_holds(option, k, n) for k in pairs)]
        return f"\\boxed{{{', '.join(letters)}}}"


def _known(premises: Sequence[Statement], n: int) -> Known:
    possible, inhabited = everywhere(n), []
    for form, a, b in premises:
        if form == "all" or form == "no":
            possible &= ~_kinds(form == "no", a, b, n)
        else:
            inhabited.append(_kinds(form == "some", a, b, n))
    return Known(possible, tuple(kinds & possible for kinds in inhabited))


@cache
def _kinds(both: bool, a: int, b: int, n: int) -> int:
    """The kinds of person in group a and in group b, or not in b."""
    return columns(n)[a] & (columns(n)[b] if both else ~columns(n)[b])


def _holds(statement: Statement, known: Known, n: int) -> bool:
    """Whether a statement is true in every situation that fits what is known.

    "Some" follows only from one set of kinds that must be inhabited: with one inhabitant in each of the other sets
    chosen elsewhere, the statement would otherwise be false.
    """
    form, a, b = statement
    if form == "all" or form == "no":
        return not known.possible & _kinds(form == "no", a, b, n)
    others = ~_kinds(form == "some", a, b, n)
    return 0 in [inhabited & others for inhabited in known.inhabited]


def _premises(random: Callable[[], float], n: int, count: int) -> tuple[list[Statement], Known]:
    """Statements on different pairs that join all groups and can be true together, with nobody's group surely empty."""
    while True:
        pairs = [(i, int(random() * i)) for i in range(1, n)]
        while len(pairs) < count:
            pair = int(random() * n), int(random() * n)
            if pair[0] > pair[1] and pair not in pairs:
                pairs.append(pair)
        premises = []
        for a, b in sorted(pairs, key=lambda _: random()):
            form = DRAWN[int(random() * len(DRAWN))]
            premises.append((form, a, b) if random() < 0.5 else (form, b, a))
        known = _known(premises, n)
        if all(known.inhabited) and all(known.possible & column for column in columns(n)):
            return premises, known


def _options(
    random: Callable[[], float], n: int, premises: Sequence[Statement], known: Known
) -> list[tuple[Statement, bool]] | None:
    """Six statements and whether they follow, as one to three of them do; None when too few do."""
    follow: list[Statement] = []
    fail: list[Statement] = []
    for statement in _statements(n):
        if statement not in premises:
            (follow if _holds(statement, known, n) else fail).append(statement)
    wanted = 1 + int(random() * MOST_FOLLOW)
    if len(follow) < wanted:
        return None
    options = [(follow.pop(int(random() * len(follow))), True) for _ in range(wanted)]
    options += [(fail.pop(int(random() * len(fail))), False) for _ in range(len(OPTIONS) - wanted)]
    return sorted(options, key=lambda _: random())


@cache
def _statements(n: int) -> list[Statement]:
    """All statements about two of n groups."""
    return [(form, a, b) for form in FORMS for a, b in permutations(range(n), 2)]


def _needed(statement: Statement, premises: Sequence[Statement], n: int) -> list[Statement]:
    """Premises from which the statement follows and none of which can be dropped; none when it does not follow."""
    needed = list(premises)
    if not _holds(statement, _known(needed, n), n):
        return []
    for premise in premises:
        fewer = [p for p in needed if p != premise]
        if _holds(statement, _known(fewer, n), n):
            needed = fewer
    return needed


def _text(statement: Statement, groups: Sequence[str]) -> str:
    form, a, b = statement
    return FORMS[form].format(groups[a], groups[b])
