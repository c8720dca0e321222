"""What follows from premises of propositional logic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import ChoiceVerifier, Verdict

from .formulas import (
    CONNECTIVES,
    VARIABLES,
    Formula,
    draw_formula,
    everywhere,
    in_words,
    row_name,
    rows_of,
    truth_table,
)

OPTIONS = "ABCDE"
ROWS_TRIED = 5  # by the weak solver
KINDS = tuple(kind for kind in CONNECTIVES if kind != "xor")


class Level(NamedTuple):
    """variables, premises; premise, conclusion: connectives in one of each."""

    variables: int
    premises: int
    premise: int
    conclusion: int


LEVELS = (
    Level(3, 2, 1, 1),
    Level(3, 2, 2, 1),
    Level(4, 3, 1, 1),
    Level(4, 3, 2, 1),
    Level(4, 3, 2, 2),
    Level(5, 4, 2, 2),
    Level(5, 4, 3, 2),
    Level(6, 5, 2, 2),
    Level(6, 5, 3, 2),
    Level(6, 5, 4, 3),
)


@register("palaestra/PropositionalLogic-v0")
@dataclass(frozen=True)
class PropositionalLogic(Task):
    """Of five formulas, lettered A to E, list those that follow from the premises.

    Difficulty raises the number of variables (3 to 6), of premises (2 to 5) and of connectives in each formula. A
    formula follows when it is true in every row of the truth table in which all premises are; an answer is right when
    it is the set of those that do. Which of the five follow is drawn first, uniformly among the 31 sets that are not
    empty; no premise is implied by the others, and no candidate is true in all rows or in none.
    """

    tags: ClassVar[tuple[str, ...]] = ("logic", "propositional")
    ceiling = 0.06
    wordings: ClassVar[tuple[str, ...]] = (
        "Suppose that all of these are true:\n{premises}\n\nWhich of the following must then be true as well?\n"
        "{options}\n\nAnswer in \\boxed{{}} with the letters of all that must, such as B or A, D.",
        "Candidates:\n{options}\n\nPremises:\n{premises}\n\nA candidate follows from the premises if it is true for "
        "all values of {variables} that make every premise true. List the letters of the candidates that follow, in "
        "\\boxed{{}}, separated by commas.",
        "The letters {variables} stand for statements, each true or false. Someone knows only this:\n{premises}\n\n"
        "Give the letter of every formula below that can be proved from it; at least one can. Put the letters in "
        "\\boxed{{}}.\n\n{options}",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level, random = LEVELS[difficulty - 1], rng.random
        n = level.variables
        follows = 1 + int(random() * (2 ** len(OPTIONS) - 1))
        options = None
        while options is None:
            premises, models = _premises(random, level)
            options = _options(random, level, follows, models)
        fields = {
            "premises": "\n".join(f"{i}. {in_words(premise)}" for i, premise in enumerate(premises, 1)),
            "options": "\n".join(f"{letter}. {in_words(f)}" for letter, f in zip(OPTIONS, options, strict=True)),
            "variables": ", ".join(VARIABLES[:n]),
        }
        letters = "".join(letter for i, letter in enumerate(OPTIONS) if follows >> i & 1)
        reference = {"letters": letters}
        return self.ask(rng, reference, difficulty, fields, {"premises": premises, "options": options, "variables": n})

    def verify(self, problem: Problem, response: str) -> Verdict:
        return ChoiceVerifier(problem.reference["letters"], len(OPTIONS), several=True).verify(response)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The rows that satisfy the premises, and for each candidate one in which it fails."""
        n = problem.meta["variables"]
        models = _models(problem.meta["premises"], n)
        rows = ", ".join(row_name(row, n) for row in rows_of(models))
        lines = [f"Values of {', '.join(VARIABLES[:n])} that make every premise true: {rows}"]
        for letter, formula in zip(OPTIONS, problem.meta["options"], strict=True):
            fails = rows_of(models & ~truth_table(formula, n))
            reason = f"is false for {row_name(fails[0], n)}" if fails else "is true for all of them, so it follows"
            lines.append(f"{letter}. {in_words(formula)} {reason}")
        return "\n".join([*lines, f"\\boxed{{{', '.join(problem.reference['letters'])}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Tries the candidates in a few rows drawn at random only; what holds there is taken to follow."""
        n = problem.meta["variables"]
        models = _models(problem.meta["premises"], n)
        seen = sum(1 << row for row in rng.permutation(1 << n)[:ROWS_TRIED].tolist())
        tables = [truth_table(formula, n) for formula in problem.meta["options"]]
        letters = [x for x, table in zip(OPTIONS, tables, strict=True) if not models & seen & ~table]
        return f"\\boxed{{{', '.join(letters)}}}"


def _models(premises: Sequence[Formula], n: int) -> int:
    models = everywhere(n)
    for premise in premises:
        models &= truth_table(premise, n)
    return models


def _premises(random: Callable[[], float], level: Level) -> tuple[list[Formula], int]:
    """Premises that can all be true, each of which rules something out that those before it allow; and their models."""
    n = level.variables
    premises: list[Formula] = []
    models = everywhere(n)
    while len(premises) < level.premises:
        premise, table = draw_formula(random, n, level.premise, KINDS)
        left = models & table
        if left not in (0, models):
            premises.append(premise)
            models = left
        elif models.bit_count() == 1:
            premises, models = [], everywhere(n)
    return premises, models


def _options(random: Callable[[], float], level: Level, follows: int, models: int) -> list[Formula] | None:
    """Different formulas of which those in ``follows`` (a bit each) are true in all models; None when they are rare."""
    n, options = level.variables, list[Formula]()
    for _ in range(100):
        formula, table = draw_formula(random, n, level.conclusion, KINDS)
        entailed = not models & ~table
        if entailed == follows >> len(options) & 1 and 0 < table < everywhere(n) and formula not in options:
            options.append(formula)
            if len(options) == len(OPTIONS):
                return options
    return None
