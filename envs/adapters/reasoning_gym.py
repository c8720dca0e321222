"""reasoning-gym's data sets as tasks: ``reasoning_gym/<name>-v0``, made known when such an id is asked for.

Items are made, and answers judged, in a killable worker process, for its scorers evaluate what models write, its
generators use global random state, and four of them depend on Python's hash seed. This process never imports it.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.registration import UnknownEnvironment, register
from palaestra.envs.task import OracleMissing, Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, undecided, wrong
from palaestra.verifiers.optional import require
from palaestra.verifiers.workers import Ending, Outcome, Workers

from .reasoning_gym_faults import EXPLOITABLE

NAMESPACE = "reasoning_gym"
CEILINGS = Path(__file__).with_name("reasoning_gym_ceilings.json")  # as ``reasoning_gym_survey`` measured them
SAMPLING_SECONDS = 100.0  # of processor time for one item
SCORING_SECONDS = 2.0  # for one answer
MEMORY = 4 << 30  # bytes of address space of a worker
MAX_ANSWER = 1 << 15  # characters
OPEN, CLOSE = "<answer>", "</answer>"
RIGHT_FROM = 1 - 1e-9
FORM = f"\n\nGive the final answer alone, in \\boxed{{}} or between {OPEN} and {CLOSE}."


class Exploitable(ValueError):
    """The data set's own scorer pays for answers that solve nothing."""


@dataclass(frozen=True)
class ReasoningGymTask(Task):
    """One data set of reasoning-gym; its curriculum's levels are the difficulties, 1 alone where it has none.

    allow_exploitable: needed for the data sets in ``EXPLOITABLE``, which are refused without it.
    partial_credit: take scores between 0 and 1 as they are. By default only a full score counts, since about half of
        the scorers pay for an answer that merely holds the right one, or for any answer of the right form.
    """

    data_set: ClassVar[str] = ""
    costly: ClassVar[bool] = True  # a call to a worker
    max_prompt_chars: ClassVar[int] = 1 << 17  # arc_agi's grids take 20,000
    allow_exploitable: bool = False
    partial_credit: bool = False

    def __post_init__(self) -> None:
        reason = EXPLOITABLE.get(self.data_set)
        if reason is not None and not self.allow_exploitable:
            raise Exploitable(f"{self.id}: {reason}; allow_exploitable=True makes it all the same")

    @property
    def ceiling(self) -> float:
        if self.data_set in EXPLOITABLE or self.partial_credit:
            return 1.0
        return _ceilings().get(self.data_set, 1.0)  # of a data set of a later release nothing is known

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        seed = int(rng.integers(1 << 32))  # NumPy's global generator takes no more
        outcome = _call(samplers(), "sample", self.data_set, difficulty, seed)
        if outcome.ending is not Ending.DONE:
            raise RuntimeError(f"{self.id} makes no item at difficulty {difficulty}: {outcome.reason}")
        item, question, answer = outcome.value
        return Problem(question + FORM, {"item": item, "level": difficulty, "answer": answer}, difficulty)

    def verify(self, problem: Problem, response: str) -> Verdict:
        answer = final_answer(response)
        if not answer:
            return wrong("no answer in \\boxed{} or in answer tags")
        if len(answer) > MAX_ANSWER:
            return wrong(f"the answer has {len(answer)} characters, {MAX_ANSWER} are allowed")
        reference = problem.reference
        outcome = _call(_scorers(), "score", self.data_set, reference["level"], reference["item"], answer)
        if outcome.ending is Ending.DIED:
            return undecided(outcome.reason)
        if outcome.ending is not Ending.DONE:
            return wrong(f"the scorer was stopped: {outcome.reason}")
        score: float = outcome.value
        if score >= RIGHT_FROM:
            return right("the data set's scorer gives 1", answer=answer)
        reason = f"the data set's scorer gives {score:.3g}"
        return wrong(reason, score if self.partial_credit else 0.0, answer=answer)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        answer = problem.reference["answer"]
        if answer is None:
            raise OracleMissing(f"{self.id} gives no answers to its items")
        return formed(answer)

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        raise OracleMissing(f"{self.id} has no weak solver: that its levels differ in difficulty is not shown")


def names() -> list[str]:
    """The data sets that the installed reasoning-gym has.

    Raises:
        MissingLibrary: reasoning-gym is not installed.
    """
    return sorted(_data_sets())


def load(id: str) -> type[ReasoningGymTask]:
    """Register the data set of ``reasoning_gym/<name>-v0``.

    Raises:
        UnknownEnvironment: no such data set; the message names the nearest.
        MissingLibrary: reasoning-gym is not installed.
    """
    name = id.removeprefix(f"{NAMESPACE}/").removesuffix("-v0")
    if id != f"{NAMESPACE}/{name}-v0" or name not in _data_sets():
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0.4)
        raise UnknownEnvironment(f"no data set {id!r} (nearest: {', '.join(f'{NAMESPACE}/{n}-v0' for n in near)})")
    return _task(name)


def __getattr__(name: str) -> type[ReasoningGymTask]:
    """The task class of a data set, by which Gymnasium specs and other processes find it."""
    if name.startswith("_") or find_spec(NAMESPACE) is None or name not in _data_sets():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _task(name)


@cache
def _task(name: str) -> type[ReasoningGymTask]:
    levels, category = _data_sets()[name]
    body = {
        "__module__": __name__,
        "__qualname__": name,
        "__doc__": f"reasoning-gym's data set {name}.",
        "data_set": name,
        "difficulties": range(1, levels + 1),
        "tags": (category, "reasoning-gym"),
    }
    return register(f"{NAMESPACE}/{name}-v0")(dataclass(frozen=True)(type(name, (ReasoningGymTask,), body)))


@cache
def _data_sets() -> dict[str, tuple[int, str]]:
    """By name: levels and category."""
    outcome = _call(samplers(), "names")
    if outcome.ending is not Ending.DONE:
        raise RuntimeError(f"reasoning-gym cannot be asked for its data sets: {outcome.reason}")
    return {name: (levels, category) for name, levels, category in outcome.value}


@cache
def _ceilings() -> dict[str, float]:
    measured = json.loads(CEILINGS.read_text())["data_sets"]
    return {name: facts["ceiling"] for name, facts in measured.items()}


@cache
def samplers() -> Workers:
    """The worker that makes items."""
    return Workers(f"{__name__}_worker:serve", seconds=SAMPLING_SECONDS, memory=MEMORY)


@cache
def _scorers() -> Workers:
    return Workers(f"{__name__}_worker:serve", seconds=SCORING_SECONDS, memory=MEMORY)


def _call(workers: Workers, *arguments: Any) -> Outcome:
    if find_spec(NAMESPACE) is None:
        require(NAMESPACE, "reasoning-gym")  # which says how to install it
    return workers.call(*arguments)


def formed(answer: str) -> str:
    """A response whose final answer this is."""
    boxed = f"\\boxed{{{answer}}}"
    return boxed if last_boxed(boxed) == answer else f"{OPEN}{answer}{CLOSE}"


def final_answer(response: str) -> str | None:
    """What stands between the last answer tags, or else in the last box."""
    start = response.rfind(OPEN)
    end = response.find(CLOSE, start)
    if 0 <= start < end:
        return response[start + len(OPEN) : end].strip()
    return last_boxed(response)
