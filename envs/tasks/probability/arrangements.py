"""In how many ways? People in a row, letters in a word, a committee, each under conditions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import comb, factorial, prod
from typing import Any, ClassVar, TypeAlias

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.calculus.closed_form import judge_number
from palaestra.verifiers import Verdict

PEOPLE = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gina", "Hugo", "Iris", "Jack", "Kim", "Leo", "Mia", "Noah")
WOMEN, MEN = PEOPLE[::2], PEOPLE[1::2]
LETTERS = "ABCDEFGHKLMNPRST"

Condition: TypeAlias = list[
    Any
]  # [kind, argument, ...], JSON-able; the kinds are those of the three counting functions
Count: TypeAlias = tuple[int, list[str]]  # the number of ways, and the lines that lead to it


@register("palaestra/Arrangements-v0")
@dataclass(frozen=True)
class Arrangements(Task):
    """Difficulty raises how many people or letters there are and how many conditions they are under (1 to 4).

    The answer is the exact number of ways, as a number or as an expression of that value. Conditions speak of different
    people or letters, so that the ways can be counted by blocks and by inclusion and exclusion.
    """

    tags: ClassVar[tuple[str, ...]] = ("probability", "combinatorics", "counting")
    ceiling = 0.07
    wordings: ClassVar[tuple[str, ...]] = (
        "{setting} In how many ways can this be done if {conditions}? Answer in \\boxed{{}}.",
        "Count the possibilities. {setting} Conditions: {conditions}. Give the exact number in \\boxed{{}}.",
        "{setting} It is required that {conditions}. How many different outcomes are possible? "
        "Write the number as \\boxed{{number}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        uniforms = iter(rng.random(40).tolist())
        conditions = 1 + difficulty // 3
        kind, draw = KINDS[int(next(uniforms) * len(KINDS))]
        data, setting, texts = draw(uniforms, difficulty, conditions)
        answer = COUNTS[kind](**data)[0]
        fields = {"setting": setting, "conditions": " and ".join(texts)}
        return self.ask(rng, answer, difficulty, fields, {"kind": kind, "data": data})

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_number(response, problem.reference)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        answer, lines = COUNTS[problem.meta["kind"]](**problem.meta["data"])
        return "\n".join([*lines, f"\\boxed{{{answer}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Heeds the first condition only."""
        data = problem.meta["data"]
        answer, _ = COUNTS[problem.meta["kind"]](**{**data, "conditions": data["conditions"][:1]})
        return f"\\boxed{{{answer}}}"


def _draw_row(uniforms: Iterator[float], difficulty: int, count: int) -> tuple[dict[str, Any], str, list[str]]:
    n = count + 3 + difficulty // 3 + difficulty % 3 + int(next(uniforms) * 4)
    people = _choose(uniforms, PEOPLE, n)
    conditions: list[Condition] = []
    texts = []
    for i in range(count):
        a, b = people[2 * i], people[2 * i + 1]
        kind = ("together", "apart", "before", "end")[int(next(uniforms) * 4)]
        if kind == "end" and sum(c[0] == "end" for c in conditions) == 2:
            kind = "apart"
        conditions.append([kind])
        texts.append(
            {
                "together": f"{a} and {b} stand next to each other",
                "apart": f"{a} and {b} do not stand next to each other",
                "before": f"{a} stands somewhere to the left of {b}",
                "end": f"{a} stands at one of the two ends",
            }[kind]
        )
    setting = f"{n} people ({', '.join(sorted(people))}) line up in a row."
    return {"n": n, "conditions": conditions}, setting, texts


def count_rows(n: int, conditions: Sequence[Condition]) -> Count:
    """Orders of ``n`` people: neighbours form a block of two orders, and pairs kept apart are excluded in turn."""
    kinds = [condition[0] for condition in conditions]
    together, apart, before, end = (kinds.count(kind) for kind in ("together", "apart", "before", "end"))
    total, lines = 0, []
    for glued in range(apart + 1):
        units = n - together - glued - end
        blocks = together + glued
        ways = comb(apart, glued) * 2**blocks * (2 if end else 1) * factorial(units)
        total += -ways if glued % 2 else ways
        sign = "subtract" if glued % 2 else "add"
        lines.append(f"{blocks} blocks of two, {units} units besides those at the ends: {sign} {ways}")
    if before:
        lines.append(f"of {total}, one in {2**before} has the required order from left to right")
    return total >> before, lines


def _draw_word(uniforms: Iterator[float], difficulty: int, count: int) -> tuple[dict[str, Any], str, list[str]]:
    distinct = max(count + 1, 3) + difficulty // 5 + int(next(uniforms) * 2)
    letters = _choose(uniforms, LETTERS, distinct)
    copies = [1 + int(next(uniforms) * 3) for _ in letters]
    copies[int(next(uniforms) * distinct)] += 1
    kinds = _choose(uniforms, ("first", "last", "together", "apart"), count)
    conditions: list[Condition] = []
    texts = []
    for i, kind in enumerate(kinds):
        x = letters[i]
        if kind == "together":
            copies[i] = max(copies[i], 2)
        elif kind == "apart":
            copies[i] = 2
        conditions.append([kind, x])
        texts.append(
            {
                "first": f"{x} comes first",
                "last": f"{x} comes last",
                "together": f"all copies of {x} stand together",
                "apart": f"no two copies of {x} are adjacent",
            }[kind]
        )
    counts = dict(sorted(zip(letters, copies, strict=True)))
    word = "".join(letter * k for letter, k in counts.items())
    setting = f"All {len(word)} letters of {word} are arranged into a string; equal letters look the same."
    return {"counts": counts, "conditions": conditions}, setting, texts


def count_words(counts: dict[str, int], conditions: Sequence[Condition]) -> Count:
    """Strings of a multiset: a fixed letter is set aside, a block is one unit, and what stays apart fills gaps."""
    units, lines, apart = dict(counts), [], 0
    for kind, x in conditions:
        if kind == "together":
            units[x] = 1
            lines.append(f"the copies of {x} are one unit")
        elif kind == "apart":
            apart = units.pop(x)
            lines.append(f"the {apart} copies of {x} go into gaps afterwards")
        else:
            units[x] -= 1
            lines.append(f"one {x} has its place at the {'start' if kind == 'first' else 'end'}")
    n = sum(units.values())
    ways = factorial(n) // prod(map(factorial, units.values()))
    lines.append(f"{n} other units have {ways} orders")
    if apart:
        gaps = comb(n + 1, apart)
        lines.append(f"{n + 1} gaps hold {apart} letters in {gaps} ways: {ways}*{gaps}={ways * gaps}")
        ways *= gaps
    return ways, lines


def _draw_committee(uniforms: Iterator[float], difficulty: int, count: int) -> tuple[dict[str, Any], str, list[str]]:
    men = 3 + difficulty // 3 + int(next(uniforms) * 5)
    women = 3 + difficulty // 3 + int(next(uniforms) * 5)
    size = 3 + difficulty // 4 + int(next(uniforms) * 3)
    least = 1 + int(next(uniforms) * 2)
    conditions: list[Condition] = [["at least", least]]
    texts = [f"at least {least} of its members {'is a woman' if least == 1 else 'are women'}"]
    for i in range(count - 1):
        kind = ("not both", "only with")[int(next(uniforms) * 2)]
        man, woman = MEN[i], WOMEN[i]
        conditions.append([kind])
        texts.append(
            f"{man} (one of the men) and {woman} (one of the women) are not both members"
            if kind == "not both"
            else f"{man} (one of the men) is a member only if {woman} (one of the women) is one too"
        )
    setting = f"A committee of {size} is chosen from {men} men and {women} women."
    return {"men": men, "women": women, "size": size, "conditions": conditions}, setting, texts


def count_committees(men: int, women: int, size: int, conditions: Sequence[Condition]) -> Count:
    """Choices of ``size`` people, by who of the people named is in; then by the number of women."""
    least = conditions[0][1]
    pairs = [[(0, 0), (0, 1), (1, 0) if kind == "not both" else (1, 1)] for (kind,) in conditions[1:]]
    other_men, other_women = men - len(pairs), women - len(pairs)
    total, lines = 0, []
    for named in product(*pairs):
        m, w = sum(pair[0] for pair in named), sum(pair[1] for pair in named)
        ways = sum(comb(other_women, k - w) * comb(other_men, size - k - m) for k in range(max(least, w), size - m + 1))
        total += ways
        lines.append(f"{m} men and {w} women named are in: {ways} ways, {total} so far")
    return total, lines


def _choose(uniforms: Iterator[float], items: Sequence[str], count: int) -> list[str]:
    """``count`` of the items, in random order."""
    pool = list(items)
    return [pool.pop(int(next(uniforms) * len(pool))) for _ in range(count)]


KINDS = (("row", _draw_row), ("word", _draw_word), ("committee", _draw_committee))
COUNTS: dict[str, Any] = {"row": count_rows, "word": count_words, "committee": count_committees}
