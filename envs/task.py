"""A task is a seeded family of problems together with the rule that decides answers to them."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from string import Formatter
from typing import Any, ClassVar

import numpy as np

from palaestra.verifiers import Verdict

from .seeding import reseed

SPLITS = ("train", "test")
SOLUTION_DELIMITER = "Check:"  # a line of its own between two solutions in one response; the last answer counts
TEST_SHARE = 8  # one problem in so many belongs to the test split
SLIP = 1 / 60  # of the weak solver, a character
MAX_DRAWS = 2000  # draws before a difficulty is said to hold too few problems for its split


@dataclass(frozen=True, slots=True, init=False)
class Problem:
    """One question. ``reference`` is JSON-able and is all that ``Task.verify`` needs beside the answer."""

    prompt: str
    reference: Any
    difficulty: int
    meta: Mapping[str, Any]

    def __init__(self, prompt: str, reference: Any, difficulty: int, meta: Mapping[str, Any] | None = None) -> None:
        _set_prompt(self, prompt)
        _set_reference(self, reference)
        _set_difficulty(self, difficulty)
        _set_meta(self, {} if meta is None else meta)


# The slots' own setters take half the time of a frozen dataclass's generated __init__, and every episode makes one.
_set_prompt, _set_reference, _set_difficulty, _set_meta = (
    getattr(Problem, name).__set__ for name in ("prompt", "reference", "difficulty", "meta")
)


class Task(ABC):
    """A family of problems: subclass it, usually as a frozen dataclass of knobs, and ``@register`` it.

    id: the Gymnasium id, set by ``@register``.
    difficulties: the levels that ``sample`` accepts.
    tags: what it is about, for ``palaestra envs list --tag``.
    wordings: templates of the prompt (``str.format``) that ask the same in other words; see ``ask``.
    costly: drawing or judging takes milliseconds: ``palaestra envs check`` tries cheats on fewer problems.
    max_prompt_chars: that its environment shows, unless that is told otherwise.
    """

    id: ClassVar[str] = ""
    difficulties: ClassVar[range] = range(1, 11)
    tags: ClassVar[tuple[str, ...]] = ()
    wordings: ClassVar[tuple[str, ...]] = ()
    costly: ClassVar[bool] = False
    max_prompt_chars: ClassVar[int] = 1 << 14

    @property
    def ceiling(self) -> float:
        """The highest mean score that a policy which does not read the prompt may earn, at the worst difficulty.

        A constant answer is right on one in ten questions that ask for a digit. ``palaestra envs check`` holds the
        task to it. A task without knobs that matter here writes ``ceiling = 0.1`` in its body.
        """
        return 0.0

    @property
    def stream(self) -> str:
        """What a problem's seed is hashed with: tasks of one stream draw alike, as a task and its wrappers do."""
        return self.id

    @abstractmethod
    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        """Draw a problem; every choice comes from ``rng``, which is valid only during the call."""

    @abstractmethod
    def verify(self, problem: Problem, response: str) -> Verdict:
        """Judge a response: a pure function of its arguments that raises on no text whatever."""

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Oracle: a worked solution that verifies RIGHT, one step a line, the answer on the last line."""
        raise OracleMissing(f"{self.id or type(self).__name__} has no oracle: define solve(problem, rng)")

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """A weak solver: a fixed method that a hurried person might use, right on easy problems, seldom on hard ones.

        By it ``palaestra envs check`` sees that difficulty matters. This one writes the oracle's solution, and one
        character in sixty is a slip, which spoils the answer; a task with a method of its own overrides it.
        """
        solution = self.solve(problem, rng)
        effort = sum(map(len, solution.split()))
        return solution if rng.random() < (1 - SLIP) ** effort else ""

    def steps(self, problem: Problem, response: str) -> list[Verdict]:
        """Judge each line of a response, for process rewards; empty when the task judges outcomes only."""
        return []

    def invert(self, problem: Problem) -> Problem | None:
        """The backward question, whose answer is unique; None when this problem has none."""
        return None

    def pose(self, text: str) -> Problem:
        """The problem that a text states in the task's own notation, worked out by execution: so others propose some.

        Raises:
            Unposed: the text states no problem of this task with one answer; the message says why.
        """
        raise Unposed(f"{self.id or type(self).__name__} reads no problems: define pose(text) and notation(problem)")

    def notation(self, problem: Problem) -> str:
        """The text that ``pose`` reads as this problem. Raises Unposed where the task has no notation."""
        raise Unposed(f"{self.id or type(self).__name__} writes no problems: define pose(text) and notation(problem)")

    def identity(self, problem: Problem) -> str:
        """What makes two problems the same one, whatever the words they are put in. It decides the split."""
        fields = problem.meta.get("fields")
        return problem.prompt if fields is None else "\n".join(fields.values())

    def ask(
        self,
        rng: np.random.Generator,
        reference: Any,
        difficulty: int,
        fields: Mapping[str, str],
        meta: Mapping[str, Any] | None = None,
    ) -> Problem:
        """A problem put in one of the task's ``wordings``, drawn by ``rng``, with ``fields`` filled in.

        ``meta`` then also holds the fields and the wording's number, by which ``reword`` puts it otherwise.
        """
        wordings = self.wordings
        wording = rng.bit_generator.random_raw() % len(wordings)  # a tenth of the time of rng.integers
        details = (
            {"fields": fields, "wording": wording} if meta is None else {**meta, "fields": fields, "wording": wording}
        )
        return Problem(_filler(wordings[wording])(fields), reference, difficulty, details)

    def reword(self, problem: Problem, wording: int) -> Problem:
        """The same problem in another of the task's wordings."""
        fields = problem.meta["fields"]
        prompt = _filler(self.wordings[wording])(fields)
        return Problem(prompt, problem.reference, problem.difficulty, {**problem.meta, "wording": wording})


@cache
def _filler(wording: str) -> Callable[[Mapping[str, str]], str]:
    """``wording.format_map``, by the % operator where its fields are names only: in half the time."""
    template = ""
    for literal, name, form, conversion in Formatter().parse(wording):
        template += literal.replace("%", "%%")
        if name is not None:
            if form or conversion or not name.isidentifier():
                return wording.format_map
            template += f"%({name})s"
    return template.__mod__


class OracleMissing(LookupError):
    """The task cannot solve its own problems."""


class Unposed(ValueError):
    """A text states no problem of a task, or one that is held out."""


def posed(task: Task, text: str, split: str = "train") -> Problem:
    """The problem that a text states, if it belongs to the split.

    Raises:
        Unposed: it states none, at no level that the task has, or one of the other split.
    """
    problem = task.pose(text)
    if problem.difficulty not in task.difficulties:
        raise Unposed(f"level {problem.difficulty}: the task has {task.difficulties[0]} to {task.difficulties[-1]}")
    if split_of(task, problem) != split:
        raise Unposed(f"the problem is not of the {split} split")
    return problem


def known_level(value: Any, levels: range, of: str) -> int:
    """``value`` as an integer: 3.0 and True are equal to levels, and yet draw other problems than these.

    Raises:
        ValueError: it is no integer, or none of the levels ``of`` something.
    """
    with suppress(TypeError):
        level = int(operator.index(value))
        if level in levels:
            return level
    raise ValueError(f"{of} has difficulties {levels[0]} to {levels[-1]}, not {value!r}")


class SplitExhausted(ValueError):
    """A difficulty holds too few problems for its split."""


def split_of(task: Task, problem: Problem) -> str:
    """The split that a problem belongs to, by a hash of the problem itself: no problem is in both."""
    return "test" if _held_out(task, problem) else "train"


def _held_out(task: Task, problem: Problem) -> bool:
    return blake2b(task.identity(problem).encode()).digest()[0] % TEST_SHARE == 0


def sample_problem(
    task: Task, seed: int, difficulty: int, split: str = "train", rng: np.random.Generator | None = None
) -> Problem:
    """The problem of (task, version, split, difficulty, seed): the same one in any process, on any machine.

    The generator is seeded by a hash, so that neighbouring seeds and levels share nothing; draws that belong to the
    other split are passed over. ``rng`` may lend a PCG64 generator to reseed, five times cheaper than a new one.

    Raises:
        ValueError: unknown split, or difficulty outside ``task.difficulties``.
        TypeError: the task gives no problem.
        SplitExhausted: no problem of this split in ``MAX_DRAWS`` draws.
    """
    if split not in SPLITS:
        raise ValueError(f"split is one of {', '.join(SPLITS)}, not {split!r}")
    if type(difficulty) is not int or difficulty not in task.difficulties:
        difficulty = known_level(difficulty, task.difficulties, task.id)
    if rng is None:
        rng = np.random.Generator(np.random.PCG64(0))
    reseed(rng, f"{task.stream}|{split}|{difficulty}|{seed}")
    held_out = split == "test"
    sample = task.sample
    for _ in range(MAX_DRAWS):
        problem = sample(rng, difficulty)
        if not isinstance(problem, Problem) or not isinstance(problem.prompt, str):
            raise TypeError(f"{task.id}: sample gives a Problem whose prompt is a string, not {problem!r}")
        if _held_out(task, problem) is held_out:
            return problem
    raise SplitExhausted(f"{task.id} at difficulty {difficulty} has too few problems for a {split} split")
