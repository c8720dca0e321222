"""Categorical statements: which conclusions about groups follow (Aristotle, Prior Analytics; modern reading)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.draws import shuffled
from palaestra.verifiers import ChoiceVerifier, Verdict, right

OPTIONS = "ABCDEF"
# fmt: off
GROUPS = (
    "bakers", "painters", "sailors", "dancers", "teachers", "miners", "poets", "farmers", "doctors", "singers",
    "drivers", "writers", "tailors", "pilots", "hunters", "climbers", "swimmers", "lawyers", "nurses", "actors",
    "judges", "cooks", "gardeners", "weavers",
)
# fmt: on
FORMS = {
    "all": "All %s are %s.",
    "no": "No %s are %s.",
    "some": "Some %s are %s.",
    "some not": "Some %s are not %s.",
}
DRAWN = ("all", "all", "all", "no", "some", "some not")  # the forms of premises, as often as they occur

SIZES = ((3, 2), (4, 3), (4, 4), (5, 4), (5, 5), (6, 5), (6, 6), (7, 6), (7, 7), (7, 9))  # groups, premises
FOLLOWING = (1, 2, 2, 3, 3)  # of the six options; a single one seldom, so that no letter alone is right often

Statement = tuple[str, int, int]  # a form, and the groups that it speaks of


class Known(NamedTuple):
    """What premises imply of a person, as sets of facts: bit a is "in group a", bit n + a is "not in group a".

    implied: by each fact, itself among it. people: what holds of those who must exist, a set for each.
    """

    implied: list[int]
    people: list[int]


@register("palaestra/Syllogisms-v0")
@dataclass(frozen=True)
class Syllogisms(Task):
    """Of six statements "all / no / some A are (not) B", lettered A to F, list those that follow from the premises.

    Difficulty raises the number of groups, from 3 to 7, and of premises, from 2 to 9. Groups may be empty (no
    existential import). What follows is decided exactly: "all" and "no" are implications between two facts about a
    person, of which all consequences are found by following them, and "some" makes a person exist of whom two facts
    hold. An answer is right when it is the set of the statements that follow; one to three do, and none of the six is
    itself a premise.
    """

    tags: ClassVar[tuple[str, ...]] = ("logic", "first-order")
    ceiling = 0.06
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
        n, count = SIZES[difficulty - 1]
        wanted = FOLLOWING[rng.bit_generator.random_raw() % len(FOLLOWING)]
        options = None
        while options is None:
            premises, known = _premises(rng, n, count)
            options = _options(rng, n, premises, known, wanted)
        names = list(GROUPS)
        groups = [names.pop(word % len(names)) for word in rng.bit_generator.random_raw(n).tolist()]
        fields = {
            "premises": "\n".join([_text(statement, groups) for statement in premises]),
            "options": "\n".join(
                [f"{x}. {_text(option, groups)}" for x, (option, _) in zip(OPTIONS, options, strict=True)]
            ),
            "groups": f"{', '.join(groups[:-1])} and {groups[-1]}",
        }
        letters = "".join(x for x, (_, holds) in zip(OPTIONS, options, strict=True) if holds)
        meta = {"premises": [list(p) for p in premises], "options": [list(o) for o, _ in options], "groups": groups}
        return self.ask(rng, {"letters": letters}, difficulty, fields, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        letters = problem.reference["letters"]
        listed = ", ".join(letters)
        if response.endswith(f"\\boxed{{{listed}}}"):  # the usual right answer, at a tenth of the cost
            return right(f"chose {letters}", answer=listed, choice=letters)
        return ChoiceVerifier(letters, len(OPTIONS), several=True).verify(response)

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
    """The consequences of each fact, closed under "if x then y" and its contraposition for each premise."""
    implied = [1 << fact for fact in range(2 * n)]
    for form, a, b in premises:
        if form == "all" or form == "no":
            y, not_a, not_y = (b, n + a, n + b) if form == "all" else (n + b, n + a, b)
            implied = [mask | implied[y] if mask >> a & 1 else mask for mask in implied]
            implied = [mask | implied[not_a] if mask >> not_y & 1 else mask for mask in implied]
    people = [implied[a] | implied[b if form == "some" else n + b] for form, a, b in premises if form[0] == "s"]
    return Known(implied, people)


def _clash(facts: int, n: int) -> int:
    """The groups that somebody with these facts would both be in and not be in."""
    return facts & facts >> n


def _holds(statement: Statement, known: Known, n: int) -> bool:
    """Whether a statement is true in every situation that fits what is known.

    Following implications of two facts finds every contradiction (Krom 1967). "Some" follows only from one person who
    must exist: the others could be chosen elsewhere.
    """
    form, a, b = statement
    if form == "all" or form == "no":
        return _clash(known.implied[a] | known.implied[n + b if form == "all" else b], n) != 0
    both = 1 << a | 1 << (b if form == "some" else n + b)
    return any(facts & both == both for facts in known.people)


def _premises(rng: np.random.Generator, n: int, count: int) -> tuple[list[Statement], Known]:
    """Statements on different pairs that join all groups and can be true together, with nobody's group surely empty."""
    words = rng.bit_generator.random_raw
    every = _pairs(n)
    while True:
        pairs = [(i, word % i) for i, word in enumerate(words(n - 1).tolist(), 1)]
        while len(pairs) < count:
            pair = every[words() % len(every)]
            if pair not in pairs:
                pairs.append(pair)
        premises = []
        for (a, b), word in zip(shuffled(rng, pairs), words(count).tolist(), strict=True):
            form = DRAWN[word % len(DRAWN)]
            premises.append((form, a, b) if word >> 32 & 1 else (form, b, a))
        known = _known(premises, n)
        if not any(_clash(facts, n) for facts in known.implied[:n] + known.people):
            return premises, known


def _options(
    rng: np.random.Generator, n: int, premises: Sequence[Statement], known: Known, wanted: int
) -> list[tuple[Statement, bool]] | None:
    """Six statements and whether they follow, as ``wanted`` of them do; None when too few do."""
    following = dict.fromkeys([statement for facts in known.people for statement in _particular(facts, n)])
    for a in range(n):
        following.update(dict.fromkeys(_universal(a, known.implied[a], n)))
    new = [statement for statement in following if statement not in premises]
    if len(new) < wanted:
        return None
    words = rng.bit_generator.random_raw
    options = [(new.pop(words() % len(new)), True) for _ in range(wanted)]
    every, taken = _statements(n), {*following, *premises}
    while len(options) < len(OPTIONS):
        statement = every[words() % len(every)]
        if statement not in taken:
            taken.add(statement)
            options.append((statement, False))
    return shuffled(rng, options)


@cache
def _pairs(n: int) -> list[tuple[int, int]]:
    return [(a, b) for b, a in combinations(range(n), 2)]


@cache
def _statements(n: int) -> list[Statement]:
    """All statements about two of n groups."""
    return [(form, a, b) for form in FORMS for a, b in permutations(range(n), 2)]


@cache
def _universal(a: int, facts: int, n: int) -> list[Statement]:
    """ "All" and "no" statements that say these facts of group a."""
    return [(form, a, b) for form, y in (("all", 0), ("no", n)) for b in range(n) if b != a and facts >> b + y & 1]


@cache
def _particular(facts: int, n: int) -> list[Statement]:
    """ "Some" statements that a person makes true of whom these facts hold."""
    inside = [a for a in range(n) if facts >> a & 1]
    kinds = (("some", 0), ("some not", n))
    return [(form, a, b) for form, y in kinds for a in inside for b in range(n) if b != a and facts >> b + y & 1]


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
    return FORMS[form] % (groups[a], groups[b])
