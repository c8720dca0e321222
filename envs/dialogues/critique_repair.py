"""The agent criticises a worksheet that somebody else filled in and revises (after RL4F: arXiv:2305.08844)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from palaestra.envs.dialogue import Dialogue, State, Turn, last_action
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers import Verdict, right, undecided, wrong
from palaestra.verifiers.quoting import quoted

Solver: TypeAlias = Callable[[str, str, str], str]  # task, draft, critique -> revised draft

ROUNDS = 3
MOST_LINES = 20
TERSE = ("{draft}",)
MAX_DRAFT = 4000  # characters of a revision that are read
EASY = 100  # results up to which the scripted solver calculates rightly
SLIP = 7  # by which it errs beyond; no mistake of a draft, so that it repairs none
LINE = re.compile(r"^\s*(\d{1,2})\.[^=\n]{0,40}=\s*(-?\d{1,12})\s*$", re.MULTILINE | re.ASCII)
SUM = re.compile(r"^(\d{1,2})\. (\d+) ([-+*]) (\d+) = (-?\d+)$", re.MULTILINE | re.ASCII)
REMARK = re.compile(r"\bline\s{1,3}(\d{1,2})\s{1,3}is\s{1,3}wrong\b(?:\s{0,3}:\s{0,3}(-?\d{1,12})\b)?", re.I | re.ASCII)


@register("palaestra/CritiqueRepair-v0")
@dataclass(frozen=True)
class CritiqueRepair(Dialogue):
    """Difficulty raises how many sums the worksheet has (4 to 13), their numbers, and how well mistakes are hidden.

    solver: who revises; frozen, and the same for the same arguments. None stands for a scripted one, which adopts a
        value it is told, and calculates a line called wrong anew, badly beyond 100: so it spoils a right one.
    lines: how many sums. largest: of their numbers. None: as the difficulty has it.
    terse: the prompt is the worksheet and nothing else: for models of bytes, which pay for every letter.

    An action is a critique, read by the solver, or ``accept[]``. A round's reward is the change in the share of right
    lines, so that harm costs; all together are the share at the end less that at the start. Right is a worksheet
    without mistakes; there are three rounds, and the worksheet is judged as it stands then.
    """

    solver: Solver | None = None
    lines: int | None = None
    largest: int | None = None
    terse: bool = False
    tags: ClassVar[tuple[str, ...]] = ("dialogue", "critique", "arithmetic")
    ceiling = 0.05
    wordings: ClassVar[tuple[str, ...]] = (
        "Somebody has filled in a worksheet and made mistakes:\n{draft}\nYou are the critic. Write, for each mistake, "
        "a remark such as: line 2 is wrong: 35. The value after the colon may be left out. The worksheet is then "
        "revised by its author, who believes every remark. There are {rounds} rounds; accept[] ends earlier.",
        "{draft}\nCheck these results. Your remarks, of the form 'line 2 is wrong: 35' or 'line 2 is wrong', go to the "
        "author, who changes just those lines. Do not call a right line wrong. You have {rounds} rounds, or fewer if "
        "you write accept[].",
        "Role: critic\nRounds: {rounds}\nReply: any text; each 'line 2 is wrong: 35' (the value is optional) makes the "
        "author change that line; accept[] when nothing is left to say\nGoal: no mistakes left\nWorksheet:\n{draft}",
    )

    def __post_init__(self) -> None:
        if self.lines is not None and not 1 <= self.lines <= MOST_LINES:
            raise ValueError(f"lines is None or from 1 to {MOST_LINES}, not {self.lines}")
        if self.largest is not None and not 3 <= self.largest <= 999:
            raise ValueError(f"largest is None or from 3 to 999, not {self.largest}")
        if self.terse:
            object.__setattr__(self, "wordings", TERSE)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count = self.lines or 3 + difficulty
        largest = 9 + 4 * difficulty if self.largest is None else self.largest - 1
        uniforms = rng.random(5 * count).tolist()
        sums, gold, draft = [], [], []
        spoiled = max(range(count), key=lambda k: uniforms[5 * k + 3])  # one at least
        for k in range(count):
            a, b, kind, luck, slip = uniforms[5 * k : 5 * k + 5]
            x, y, op = 2 + int(a * largest), 2 + int(b * largest), "+-*"[int(kind * 3)]
            value = _result(x, op, y)
            sums.append(f"{x} {op} {y}")
            gold.append(value)
            draft.append(_mistaken(value, slip, difficulty) if k == spoiled or luck < 0.15 else value)
        text = _worksheet(sums, draft)
        fields = {"draft": text, "rounds": str(ROUNDS)}
        return self.ask(rng, {"sums": sums, "gold": gold, "draft": text, "turns": ROUNDS}, difficulty, fields)

    def begin(self, problem: Problem) -> State:
        return problem.reference["draft"]

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the worksheet."""
        accepted = last_action(action, "accept")
        if accepted is not None:
            return Turn("", state, self.exhausted(problem, state), 0.0)
        revise = self.solver or scripted
        try:
            revised = revise(problem.prompt, state, action)[:MAX_DRAFT]
        except Exception as error:  # a stranger's callable: nothing is known of the critique
            return Turn("", state, undecided(f"the solver failed: {quoted(f'{type(error).__name__}: {error}')}"), 0.0)
        before, after = (len(faults(problem, text)) for text in (state, revised))
        change = (before - after) / len(problem.reference["gold"])
        verdict = self.exhausted(problem, revised) if after == 0 else None
        return Turn(f"Revised:\n{revised}", revised, verdict, change)

    def exhausted(self, problem: Problem, state: State) -> Verdict:
        """The verdict on the worksheet as it stands."""
        mistakes, count = faults(problem, state), len(problem.reference["gold"])
        if not mistakes:
            return right("no mistake is left")
        share = (count - len(mistakes)) / count
        return wrong(f"{len(mistakes)} of {count} lines are wrong, the first is line {mistakes[0]}", share)

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Names every mistake and the right value."""
        gold = problem.reference["gold"]
        return "\n".join(f"line {k} is wrong: {gold[k - 1]}" for k in faults(problem, state)) or "accept[]"

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Compares last digits, and leaves the repair to the author."""
        stated = _values(state)
        suspect = [
            k
            for k, value in enumerate(problem.reference["gold"], start=1)
            if abs(stated.get(k, 0)) % 10 != abs(value) % 10
        ]
        return "\n".join(f"line {k} is wrong" for k in suspect) or "accept[]"


def scripted(task: str, draft: str, critique: str) -> str:
    """A solver that believes its critic and calculates badly beyond 100."""
    remarks = {int(line): value for line, value in REMARK.findall(critique[:MAX_DRAFT])}

    def revised(match: re.Match[str]) -> str:
        line, a, op, b, stated = match.groups()
        if int(line) not in remarks:
            return match[0]
        told, value = remarks[int(line)], _result(int(a), op, int(b))
        new = int(told) if told else value if abs(value) < EASY and value != int(stated) else int(stated) + SLIP
        return f"{line}. {a} {op} {b} = {new}"

    return SUM.sub(revised, draft)


def faults(problem: Problem, draft: str) -> list[int]:
    """The lines, from 1, that are wrong or missing."""
    stated = _values(draft)
    return [k for k, value in enumerate(problem.reference["gold"], start=1) if stated.get(k) != value]


def _values(draft: str) -> dict[int, int]:
    """What each line says; of several lines with one number the last counts."""
    return {int(line): int(value) for line, value in LINE.findall(draft)}


def _worksheet(sums: Sequence[str], values: Sequence[Any]) -> str:
    pairs = zip(sums, values, strict=True)
    return "\n".join(f"{number}. {text} = {value}" for number, (text, value) in enumerate(pairs, start=1))


def _result(a: int, op: str, b: int) -> int:
    return a + b if op == "+" else a - b if op == "-" else a * b


def _mistaken(value: int, uniform: float, difficulty: int) -> int:
    """Another value: at low levels with another last digit, at high ones with the same."""
    size = 1 + int(uniform * 4)
    if uniform * 7919 % 1 < (difficulty - 1) / 9:
        size *= 10
    return value + size if uniform < 0.5 else value - size
