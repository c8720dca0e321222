"""The same problem among facts that have nothing to do with it, and about people of other names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict

from .task_wrapper import TaskWrapper

MAX_FACTS = 12
# Who the facts are about; those that the problem itself speaks of are left out.
# fmt: off
BYSTANDERS = (
    "Agnes", "Bruno", "Celia", "Dorian", "Edith", "Fabian", "Greta", "Harold", "Ingrid", "Jonas", "Klara", "Lorenz",
    "Matilda", "Norbert", "Odette", "Philip",
)
# Names that families give to people (but for those that are other words too, such as June), and those that people are
# given here, both in alphabetical order.
PEOPLE = (
    "Ada", "Ann", "Ben", "Cleo", "Dan", "Eva", "Eve", "Finn", "Gil", "Gina", "Gwen", "Hana", "Hugo", "Ida", "Iris",
    "Ivo", "Jack", "Kate", "Kim", "Lea", "Leo", "Mia", "Ned", "Noah", "Olga", "Paul", "Quinn", "Rosa", "Sam", "Tess",
    "Uma", "Vera", "Yara", "Zoe",
)
OTHERS = (
    "Abdul", "Amara", "Bao", "Bilal", "Chidi", "Dalia", "Emeka", "Fatou", "Goran", "Hiro", "Imani", "Jorge", "Kenji",
    "Laila", "Mbali", "Nadia", "Omar", "Petra", "Qadir", "Ravi", "Soren", "Tariq", "Usha", "Viktor", "Wangari", "Xiu",
    "Yusuf", "Zahra",
)
# fmt: on
FACTS = (
    "{name} is {age} years old and has {few} bicycles.",
    "Last year {name} read {many} books, {few} of them twice.",
    "The garden of {name} has {few} apple trees and {many} rose bushes.",
    "{name} lives at number {many} and takes bus {age} to work.",
    "A ticket to the museum costs {few} coins, which {name} finds too much.",
    "In the shop of {name}, {many} of {hundreds} lamps are out of order.",
    "{name} once walked {many} miles in {few} days.",
    "It rained on {age} days this spring, says {name}.",
    "{name} keeps {few} cats, and a fish that weighs {hundreds} grams.",
    "The oldest clock that {name} owns was made {hundreds} years ago.",
)
LOWEST, SIZES = (2, 19, 12, 100), (8, 60, 80, 800)  # of few, age, many, hundreds
CAPITALISED = re.compile(r"\b([A-Z][a-z]+)\b")


@register("palaestra/Distract-v0")
@dataclass(frozen=True)
class Distract(TaskWrapper):
    """A task's problems with irrelevant facts before and after the prompt, which change no verdict.

    facts: how many, from 0 to 12. rename: people whom the problem names get other names, in the same alphabetical
    order; an answer is judged in the new names. variant: another number draws other facts and names.

    The problem of a seed does not depend on the knobs: by how much success falls from ``facts=0``, over the same seeds,
    is how easily a reasoner is led astray (after Shi et al., arXiv:2302.00093).

    Raises:
        ValueError: that many facts are not to be had.
    """

    env: str | Task = "palaestra/KnightsAndKnaves-v0"
    facts: int = 3
    rename: bool = False
    variant: int = 0
    tags: ClassVar[tuple[str, ...]] = ("wrapper", "robustness")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.facts <= MAX_FACTS:
            raise ValueError(f"facts is from 0 to {MAX_FACTS}, not {self.facts!r}")

    def dress(self, problem: Problem) -> Problem:
        seed = self.draw(problem, self.variant)
        strangers = [name for name in BYSTANDERS if name not in problem.prompt] or BYSTANDERS
        facts = [_fact(strangers, seed, k) for k in range(self.facts)]
        names = _renamed(seed, problem.prompt) if self.rename else {}
        before = seed % (self.facts + 1)
        paragraphs = [" ".join(facts[:before]), _exchange(problem.prompt, names), " ".join(facts[before:])]
        return self.dressed(problem, "\n\n".join(filter(None, paragraphs)), names=names)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return super().verify(problem, _exchange(response, problem.reference["names"]))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return _exchange(super().solve(problem, rng), problem.reference["names"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return _exchange(super().weak_solve(problem, rng), problem.reference["names"])

    def steps(self, problem: Problem, response: str) -> list[Verdict]:
        return super().steps(problem, _exchange(response, problem.reference["names"]))


def _fact(people: Sequence[str], seed: int, number: int) -> str:
    """A sentence about somebody; those of numbers that are close to each other differ in the person and the kind."""
    uniform = derive_seed(seed, number)
    draws = [(uniform >> 12 * k) % 4096 for k in range(4)]
    few, age, many, hundreds = (low + u % size for u, low, size in zip(draws, LOWEST, SIZES, strict=True))
    name = people[(seed // 64 + 3 * number) % len(people)]
    return FACTS[(seed // 4096 + 3 * number) % len(FACTS)].format(
        name=name, few=few, age=age, many=many, hundreds=hundreds
    )


def _renamed(seed: int, prompt: str) -> dict[str, str]:
    """A new name for each person in the prompt, and the old one back, so that an answer in old names is another one."""
    found = set(CAPITALISED.findall(prompt))
    old = [name for name in PEOPLE if name in found]
    new = sorted(sorted(OTHERS, key=lambda name: derive_seed(seed, name))[: len(old)])
    pairs = list(zip(old, new, strict=True))
    return dict(pairs) | {b: a for a, b in pairs}


def _exchange(text: str, names: Mapping[str, str]) -> str:
    """The text with each name replaced by its partner."""
    return CAPITALISED.sub(lambda match: names.get(match[0], match[0]), text) if names else text
