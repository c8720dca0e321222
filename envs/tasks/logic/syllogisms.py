"""Categorical statements: which conclusions about groups follow (Aristotle, Prior Analytics; modern reading)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
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
NUMBERS = {form: number << 6 for number, form in enumerate(FORMS)}
ALL, NO, SOME, SOME_NOT = NUMBERS.values()
DRAWN = (ALL, ALL, ALL, NO, SOME, SOME_NOT)  # the forms of premises, as often as they occur

SIZES = ((3, 2), (4, 3), (4, 4), (5, 4), (5, 5), (6, 5), (6, 6), (7, 6), (7, 7), (7, 9))  # groups, premises
FOLLOWING = (1, 2, 2, 3, 3)  # of the six options; a single one seldom, so that no letter alone is right often

Statement = int  # form | a << 3 | b, of the groups a and b: numbers are many times faster to compare than tuples
STATED = [(form, a, b) for form in FORMS for a in range(8) for b in range(8)]  # by the statement
PLACES = "\0\1\2\3\4\5\6\7"  # of the groups' names
SENTENCES = [FORMS[form] % (PLACES[a], PLACES[b]) for form in FORMS for a in range(8) for b in range(8)]
BETWEEN = "\x1f"
SINGLE_WORDINGS = (
    "{premises}\n\nDoes this follow? A group may have no members.\n{options}\n\nAnswer \\boxed{{A}} if it does and "
    "\\boxed{{B}} if it does not.",
    "Statement: {options}\n\nIs it true in every situation in which the following holds? (In a situation there may be "
    'nobody at all of some group; then "all" and "no" statements about that group are true.)\n\n{premises}\n\nPut A '
    "for yes, or B for no, in \\boxed{{}}.",
    "A club keeps records of its {groups}. One person may belong to several of these groups, and a group may be "
    "empty. It is known that:\n{premises}\n\nCan this be concluded for certain?\n{options}\n\nA) It can.\nB) It "
    "cannot.\nGive the letter in \\boxed{{}}.",
)


class Known(NamedTuple):
    """What premises imply of a person, as sets of facts: bit a is "in group a", bit n + a is "not in group a".

    implied: by each fact, itself among it, one after the other in 2n bits each. people: what holds of those who must
    exist, a set for each.
    """

    implied: int
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

    single: ask of one statement only whether it follows, yes or no, which half the time it does.
    """

    single: bool = False
    tags: ClassVar[tuple[str, ...]] = ("logic", "first-order")
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

    def __post_init__(self) -> None:
        if self.single:
            object.__setattr__(self, "wordings", SINGLE_WORDINGS)

    @property
    def ceiling(self) -> float:
        return 0.6 if self.single else 0.06

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n, count = SIZES[difficulty - 1]
        word = rng.bit_generator.random_raw()
        size, wanted = (1, word & 1) if self.single else (len(OPTIONS), FOLLOWING[word % len(FOLLOWING)])
        asked = None
        while asked is None:
            premises, drawn = _premises(rng, n, count)
            asked = _options(rng, n, drawn, wanted, size)
        options, follow = asked
        names = list(GROUPS)
        groups = [names.pop(word % len(names)) for word in rng.bit_generator.random_raw(n).tolist()]
        listed = [SENTENCES[option] for option in options]
        if not self.single:
            listed = [f"{x}. {sentence}" for x, sentence in zip(OPTIONS, listed, strict=True)]
        text = "\n".join([SENTENCES[premise] for premise in premises]) + BETWEEN + "\n".join(listed)
        for place, group in zip(PLACES, groups, strict=False):
            text = text.replace(place, group)
        shown, _, statements = text.partition(BETWEEN)
        fields = {"premises": shown, "options": statements, "groups": f"{', '.join(groups[:-1])} and {groups[-1]}"}
        letters = self._letters([option in follow for option in options])
        meta = {"premises": [list(STATED[p]) for p in premises], "options": [list(STATED[o]) for o in options]}
        return self.ask(rng, {"letters": letters}, difficulty, fields, {**meta, "groups": groups})

    def verify(self, problem: Problem, response: str) -> Verdict:
        letters = problem.reference["letters"]
        listed = ", ".join(letters)
        if response.endswith(f"\\boxed{{{listed}}}"):  # the usual right answer, at a tenth of the cost
            return right(f"chose {letters}", answer=listed, choice=letters)
        return ChoiceVerifier(letters, len(OPTIONS), several=True).verify(response)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Each statement with the fewest premises, as far as dropping one after another finds them, that imply it."""
        groups, lines = problem.meta["groups"], []
        premises, options = _numbered(problem.meta["premises"]), _numbered(problem.meta["options"])
        for letter, option in zip(OPTIONS, options, strict=False):
            needed = _needed(option, premises, len(groups))
            because = " ".join(_text(premise, groups) for premise in needed)
            which = "It" if self.single else f"{letter}."
            lines.append(f"{which} {f'follows from: {because}' if needed else 'does not follow'}")
        return "\n".join([*lines, f"\\boxed{{{', '.join(problem.reference['letters'])}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Looks at two premises at a time only."""
        premises, n = _numbered(problem.meta["premises"]), len(problem.meta["groups"])
        pairs = [_known((p, q), n) for p in premises for q in premises]
        options = _numbered(problem.meta["options"])
        letters = self._letters([any(_holds(option, k, n) for k in pairs) for option in options])
        return f"\\boxed{{{', '.join(letters)}}}"

    def _letters(self, follows: Sequence[bool]) -> str:
        """Those of the statements that follow; of a single statement A if it does and B if not."""
        if self.single:
            return "A" if follows[0] else "B"
        return "".join([letter for letter, holds in zip(OPTIONS, follows, strict=True) if holds])


def _known(premises: Sequence[Statement], n: int) -> Known:
    """The consequences of each fact, closed under "if x then y" and its contraposition for each premise."""
    itself, every, facts, _ = _masks(n)
    implied, width, people = itself, 2 * n, []
    for premise in premises:
        if premise < SOME:
            a, b = premise >> 3 & 7, premise & 7
            y, not_y = (b, n + b) if premise < NO else (n + b, b)
            # The sets with x are where bit x is, and a product with these bits adds all that y implies to each of them.
            implied |= (implied >> a & every) * (implied >> y * width & facts)
            implied |= (implied >> not_y & every) * (implied >> (n + a) * width & facts)
    for premise in premises:
        if premise >= SOME:
            a, b = premise >> 3 & 7, premise & 7
            one, other = implied >> a * width, implied >> (b if premise < SOME_NOT else n + b) * width
            people.append((one | other) & facts)
    return Known(implied, people)


@cache
def _masks(n: int) -> tuple[int, int, int, int]:
    """Of 2n sets of 2n facts: each with its own fact; each with fact 0; all facts of one; all n groups in the first n.

    The last of these meets ``implied & implied >> n`` where a group is surely empty.
    """
    width = 2 * n
    starts = [1 << fact * width for fact in range(width)]
    itself = sum([start << fact for fact, start in enumerate(starts)])
    return itself, sum(starts), (1 << width) - 1, sum(starts[:n]) * ((1 << n) - 1)


def _implied(fact: int, known: Known, n: int) -> int:
    return known.implied >> fact * 2 * n & (1 << 2 * n) - 1


def _clash(facts: int, n: int) -> int:
    """The groups that somebody with these facts would both be in and not be in."""
    return facts & facts >> n


def _holds(statement: Statement, known: Known, n: int) -> bool:
    """Whether a statement is true in every situation that fits what is known.

    Following implications of two facts finds every contradiction (Krom 1967). "Some" follows only from one person who
    must exist: the others could be chosen elsewhere.
    """
    a, b = statement >> 3 & 7, statement & 7
    if statement < SOME:
        return _clash(_implied(a, known, n) | _implied(n + b if statement < NO else b, known, n), n) != 0
    both = 1 << a | 1 << (b if statement < SOME_NOT else n + b)
    return any(facts & both == both for facts in known.people)


class Drawn(NamedTuple):
    """new: what follows and is no premise. taken: all that follows, and the premises."""

    new: list[Statement]
    taken: frozenset[Statement]


@lru_cache(maxsize=1 << 12)  # which holds all that three groups and two premises make
def _conclusions(premises: tuple[Statement, ...], n: int) -> Drawn | None:
    """Of premises that can be true together, with nobody's group surely empty; else None."""
    known, (*_, inside) = _known(premises, n), _masks(n)
    if known.implied & known.implied >> n & inside or any(facts & facts >> n for facts in known.people):
        return None
    following: dict[Statement, None] = {}
    for facts in known.people:
        following.update(_particular(facts, n))
    implied, width = known.implied, 2 * n
    for a in range(n):
        following.update(_universal(a, implied & (1 << width) - 1, n))
        implied >>= width
    new = [statement for statement in following if statement not in premises]
    return Drawn(new, frozenset((*following, *premises)))


def _premises(rng: np.random.Generator, n: int, count: int) -> tuple[tuple[Statement, ...], Drawn]:
    """Statements on different pairs that join all groups, and what follows from them."""
    words = rng.bit_generator.random_raw
    every = _pairs(n)
    while True:
        pairs = [i << 3 | word % i for i, word in enumerate(words(n - 1).tolist(), 1)]
        while len(pairs) < count:
            pair = every[words() % len(every)]
            if pair not in pairs:
                pairs.append(pair)
        premises = tuple(
            [
                DRAWN[word % len(DRAWN)] | (pair if word >> 32 & 1 else (pair & 7) << 3 | pair >> 3)
                for pair, word in zip(shuffled(rng, pairs), words(count).tolist(), strict=True)
            ]
        )
        drawn = _conclusions(premises, n)
        if drawn is not None:
            return premises, drawn


def _options(
    rng: np.random.Generator, n: int, drawn: Drawn, wanted: int, size: int
) -> tuple[list[Statement], list[Statement]] | None:
    """So many statements (``size``), and those ``wanted`` of them that follow; None when too few do."""
    if len(drawn.new) < wanted:
        return None
    words = rng.bit_generator.random_raw
    new = drawn.new[:]
    follow = [new.pop(words() % len(new)) for _ in range(wanted)]
    every, options = _statements(n), follow[:]
    while len(options) < size:
        statement = every[words() % len(every)]
        if statement not in drawn.taken and statement not in options:
            options.append(statement)
    return shuffled(rng, options) if size > 1 else options, follow


@cache
def _pairs(n: int) -> list[int]:
    """Two of n groups, a << 3 | b."""
    return [a << 3 | b for b, a in combinations(range(n), 2)]


@cache
def _statements(n: int) -> list[Statement]:
    """All statements about two of n groups."""
    return [form | a << 3 | b for form in NUMBERS.values() for a, b in permutations(range(n), 2)]


@cache
def _universal(a: int, facts: int, n: int) -> dict[Statement, None]:
    """ "All" and "no" statements that say these facts of group a, in order."""
    forms = (ALL, 0), (NO, n)
    return dict.fromkeys([form | a << 3 | b for form, y in forms for b in range(n) if b != a and facts >> b + y & 1])


@cache
def _particular(facts: int, n: int) -> dict[Statement, None]:
    """ "Some" statements that a person makes true of whom these facts hold, in order."""
    inside = [a for a in range(n) if facts >> a & 1]
    forms = (SOME, 0), (SOME_NOT, n)
    return dict.fromkeys(
        [form | a << 3 | b for form, y in forms for a in inside for b in range(n) if b != a and facts >> b + y & 1]
    )


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
    form, a, b = STATED[statement]
    return FORMS[form] % (groups[a], groups[b])


def _numbered(statements: Iterable[tuple[str, int, int]]) -> list[Statement]:
    return [NUMBERS[form] | a << 3 | b for form, a, b in statements]
