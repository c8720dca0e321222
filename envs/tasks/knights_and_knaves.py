"""Knights tell the truth, knaves lie: who is what? (Smullyan, What Is the Name of This Book?, 1978)"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, TypeAlias

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, undecided, wrong

PEOPLE = "ABCDEFGH"
ANSWER_CHARS = 400  # a longer answer is none
ROLE = r"\b\s*(?:=|:|is)?\s*(?:an?\s+)?(knight|knave)\b"
ANSWER = re.compile(r"\b([A-H])" + ROLE, re.IGNORECASE | re.ASCII)
CLAIM = re.compile(r"\b((?-i:[A-H]))" + ROLE, re.IGNORECASE | re.ASCII)  # in prose "a knight" names nobody
LATEX = re.compile(r"\\text|[{}$&]|\\[,; ]")
FILLER = re.compile(r"[\s,;.]|\band\b", re.IGNORECASE)
WEAK_WORLDS = 4  # assignments that the weak solver tries
QUOTED = re.compile(r'"[^"]*"')
SUPPOSED = re.compile(r"\b(?:if|suppose|assume|were|would)\b", re.IGNORECASE)

Statement: TypeAlias = list[Any]  # [kind, argument, ...], JSON-able; see truth_table
KINDS = (  # of statements, and the difficulty from which each occurs
    ("is", 1),
    ("same", 1),
    ("and", 1),
    ("or", 1),
    ("exactly", 3),
    ("iff", 5),
    ("at least", 7),
    ("nested", 9),
)


@register("palaestra/KnightsAndKnaves-v0")
@dataclass(frozen=True)
class KnightsAndKnaves(Task):
    """Difficulty raises how many people there are (2 to 7) and how involved their statements are.

    people: how many, whatever the difficulty.

    Exactly one of the 2^n assignments is consistent with all statements; it is drawn uniformly before them. An answer
    is right when every knight's statement is true and every knave's false.
    """

    people: int | None = None
    tags: ClassVar[tuple[str, ...]] = ("logic", "propositional")
    wordings: ClassVar[tuple[str, ...]] = (
        "Knights always tell the truth, knaves always lie.\n{says}\nWho is what? "
        "Answer in \\boxed{{}} as: A knight, B knave, ...",
        "On an island everybody is either a knight, all of whose statements are true, or a knave, all of whose "
        "statements are false. You meet {people} islanders.\n{says}\n"
        "Say of each what he or she is, in \\boxed{{}} and in this form: A knight, B knave, ...",
        "{says}\n\nEach of the {people} speakers is a knight or a knave. What knights say is true; what knaves say "
        "is false. Find out who is which, and answer in \\boxed{{}} with a list such as: A knight, B knave, ...",
    )

    def __post_init__(self) -> None:
        if self.people is not None and not 2 <= self.people <= len(PEOPLE):
            raise ValueError(f"people is None or from 2 to {len(PEOPLE)}, not {self.people}")

    @property
    def ceiling(self) -> float:
        """A constant answer is right once in 2^n."""
        return 1.3 * 0.5 ** (self.people or 2)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = self.people or 2 + difficulty // 2
        world = int(rng.integers(1 << n))  # bit i: person i is a knight
        while True:
            statements = _draw(rng.random(12 * n).tolist(), n, world, difficulty)
            if statements is not None and consistent_worlds(statements) == 1 << world:
                break
        fields = {
            "says": "\n".join([f'{PEOPLE[i]} says: "{_text(s)}"' for i, s in enumerate(statements)]),
            "people": ("two", "three", "four", "five", "six", "seven", "eight")[n - 2],
        }
        return self.ask(rng, {"statements": statements}, difficulty, fields, {"knights": _names(world, n)})

    def identity(self, problem: Problem) -> str:
        return str(problem.reference["statements"])

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        statements = problem.reference["statements"]
        world = _world(text, len(statements))
        if isinstance(world, str):
            return wrong(world, answer=text[:80])
        for i, statement in enumerate(statements):
            knight, true = world >> i & 1, truth_table(statement, len(statements)) >> world & 1
            if knight != true:
                role = "knight" if knight else "knave"
                return wrong(
                    f"{PEOPLE[i]} would be a {role} whose statement is {'true' if true else 'false'}", answer=text
                )
        return right("every statement fits", answer=text)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Each person with the truth of the statement made, then the answer."""
        knights, lines, answer = problem.meta["knights"], [], []
        for i, statement in enumerate(problem.reference["statements"]):
            name = PEOPLE[i]
            role, truth = ("knight", "true") if name in knights else ("knave", "false")
            lines.append(f'"{_text(statement)}" is {truth}, so {name} is a {role}')
            answer.append(f"{name} {role}")
        return "\n".join([*lines, f"\\boxed{{{', '.join(answer)}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Tries four assignments at random, and settles for the last."""
        statements = problem.reference["statements"]
        n = len(statements)
        fitting = consistent_worlds(statements)
        for world in rng.permutation(1 << n)[:WEAK_WORLDS].tolist():
            if fitting >> world & 1:
                break
        roles = (f"{PEOPLE[i]} {'knight' if world >> i & 1 else 'knave'}" for i in range(n))
        return f"\\boxed{{{', '.join(roles)}}}"

    def steps(self, problem: Problem, response: str) -> list[Verdict]:
        """A line is right when every "X is a knight" or "X is a knave" in it, outside quotation marks, is true."""
        return [self._step(problem, line.strip()) for line in response.splitlines() if line.strip()]

    def _step(self, problem: Problem, line: str) -> Verdict:
        if "\\boxed" in line:
            return self.verify(problem, line)
        text = QUOTED.sub("", line[:ANSWER_CHARS])
        claims = CLAIM.findall(text)
        if not claims or SUPPOSED.search(text):
            return undecided("claims nothing of anyone", line=line[:40])
        for name, role in claims:
            if (name in problem.meta["knights"]) != (role.lower() == "knight"):
                return wrong(f"{name} is no {role.lower()}", line=line[:80])
        return right("true", line=line[:80])


def truth_table(statement: Statement, n: int) -> int:
    """2^n bits: bit w tells whether the statement is true in world w, where bit i of w makes person i a knight."""
    kind, *args = statement
    knights, counts, everywhere = _tables(n)
    if kind == "is":
        return knights[args[0]] if args[1] else knights[args[0]] ^ everywhere
    if kind == "same":
        different = knights[args[0]] ^ knights[args[1]]
        return different ^ everywhere if args[2] else different
    if kind == "exactly":
        return counts[args[0]]
    if kind == "at least":
        return sum(counts[args[0] :])
    left, right_ = truth_table(args[0], n), truth_table(args[1], n)
    return {"and": left & right_, "or": left | right_, "iff": left ^ right_ ^ everywhere}[kind]


def consistent_worlds(statements: Sequence[Statement]) -> int:
    """2^n bits: the worlds in which exactly the knights' statements are true."""
    n = len(statements)
    knights, _, everywhere = _tables(n)
    worlds = everywhere
    for i, statement in enumerate(statements):
        worlds &= ~(knights[i] ^ truth_table(statement, n))
    return worlds


@cache
def _tables(n: int) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Truth tables of "person i is a knight" and of "exactly k are knights", and the table that is always true."""
    worlds = range(1 << n)
    knights = tuple(sum(1 << w for w in worlds if w >> i & 1) for i in range(n))
    counts = tuple(sum(1 << w for w in worlds if w.bit_count() == k) for k in range(n + 1))
    return knights, counts, (1 << (1 << n)) - 1


def _draw(uniforms: list[float], n: int, world: int, difficulty: int) -> list[Statement] | None:
    """A statement for each person, true in ``world`` exactly for the knights; None when the uniforms run out."""
    kinds = [kind for kind, level in KINDS if difficulty >= level]
    source = iter(uniforms)

    def pick(k: int) -> int:
        return int(next(source) * k)

    statements: list[Statement] = []
    try:
        while len(statements) < n:
            statement = _statement(pick, kinds[pick(len(kinds))], len(statements), n)
            if truth_table(statement, n) >> world & 1 == world >> len(statements) & 1:
                statements.append(statement)
    except StopIteration:
        return None
    return statements


def _statement(pick: Callable[[int], int], kind: str, speaker: int, n: int) -> Statement:
    if kind in ("exactly", "at least"):
        return [kind, pick(n + 1) if kind == "exactly" else 1 + pick(n)]
    first = pick(n)
    second = (first + 1 + pick(n - 1)) % n
    if kind == "is":
        return ["is", first if first != speaker else second, pick(2)]
    if kind == "same":
        return ["same", first, second, pick(2)]
    if kind == "nested":
        third = pick(n)
        return [("and", "or", "iff")[pick(3)], ["same", first, second, pick(2)], ["is", third, pick(2)]]
    return [kind, ["is", first, pick(2)], ["is", second, pick(2)]]


def _text(statement: Statement) -> str:
    kind, *args = statement
    if kind == "is":
        return f"{PEOPLE[args[0]]} is a {'knight' if args[1] else 'knave'}"
    if kind == "same":
        return f"{PEOPLE[args[0]]} and {PEOPLE[args[1]]} are {'the same' if args[2] else 'different'}"
    if kind in ("exactly", "at least"):
        return f"{kind} {args[0]} of us are knights"
    joint = {"and": "and", "or": "or", "iff": "if and only if"}[kind]
    return f"{_text(args[0])} {joint} {_text(args[1])}"


def _world(text: str, n: int) -> int | str:
    """The world that an answer states, or why it states none."""
    if len(text) > ANSWER_CHARS:
        return f"an answer of more than {ANSWER_CHARS} characters"
    text = LATEX.sub(" ", text)
    rest = FILLER.sub("", ANSWER.sub("", text))
    if rest:
        return f"{rest[:40]!r} is no part of an answer such as 'A knight, B knave'"
    roles: dict[str, bool] = {}
    for name, role in ANSWER.findall(text):
        knight = role.lower() == "knight"
        if roles.setdefault(name.upper(), knight) != knight:
            return f"{name.upper()} is both"
    for i in range(n):
        if PEOPLE[i] not in roles:
            return f"says nothing of {PEOPLE[i]}"
    if len(roles) > n:
        return f"there are {n} people only"
    return sum(1 << i for i in range(n) if roles[PEOPLE[i]])


def _names(world: int, n: int) -> str:
    return "".join(PEOPLE[i] for i in range(n) if world >> i & 1)
