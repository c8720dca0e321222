"""Environments of Prime Intellect's verifiers as tasks: ``prime_verifiers/<module>-v0``, made known when asked for.

``<module>`` is an installed package with ``load_environment``, as verifiers has them. One that takes a single turn is a
``Task``, one of several turns a ``Dialogue``. It is loaded, played and scored in a killable worker process; this
process never imports it. Environments that call tools, or that a model judges over the network, are refused. A worker
writes no files: data to be downloaded must be in its cache before, as by calling ``load_environment`` once oneself.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np

import palaestra.verifiers
from palaestra.envs.dialogue import LONGEST, Dialogue, Turn
from palaestra.envs.registration import UnknownEnvironment, register
from palaestra.envs.task import OracleMissing, Problem, Task
from palaestra.verifiers import Verdict, right, undecided, wrong
from palaestra.verifiers.optional import MissingLibrary
from palaestra.verifiers.workers import Ending, Outcome, Workers

NAMESPACE = "prime_verifiers"
EXTRA = "prime-verifiers"
SECONDS = 10.0  # of processor time for one rollout and its score
MEMORY = 8 << 30  # bytes of address space of a worker
TURNS = 16  # where an environment sets no limit
MAX_ANSWER = 1 << 15  # characters
RIGHT_FROM = 1 - 1e-9
ORACLES = ("{}", "\\boxed{{{}}}", "<answer>{}</answer>", "<answer>\n{}\n</answer>")  # forms of a row's answer


class Unplayable(ValueError):
    """The environment does not load, or cannot be met in text; the message says why."""


@dataclass(frozen=True)
class PrimeTask(Task):
    """A single-turn environment; a problem is a row of its data, and the verdict's score its rubric's reward.

    arguments: of ``load_environment``, as a JSON object.
    data: which data set, "train" or "eval".
    full_reward: the reward that is RIGHT and scores 1; when 0, what all reward functions give that give 1 each.
        A smaller reward is a share of it, a negative one 0.
    """

    difficulties: ClassVar[range] = range(1, 2)
    ceiling: ClassVar[float] = 1.0  # nobody has looked at what their rubrics pay for
    module: ClassVar[str] = ""
    arguments: str = "{}"
    data: str = "train"
    full_reward: float = 0.0

    def __post_init__(self) -> None:
        if self.data not in ("train", "eval"):
            raise ValueError(f"data is 'train' or 'eval', not {self.data!r}")
        if not self._about["rows"][self.data]:
            raise Unplayable(f"{self.id} has no {self.data} data")

    @property
    def _about(self) -> dict[str, Any]:
        return _described(self.module, self.arguments)

    @property
    def limit(self) -> int:
        """Turns."""
        turns = self._about["turns"]
        return min(turns if turns > 0 else TURNS, LONGEST)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        index = int(rng.integers(self._about["rows"][self.data]))
        row = _row(self.module, self.arguments, self.data, index)
        outcome = self._played(row, [])
        if outcome.ending is not Ending.DONE or outcome.value["over"]:
            raise RuntimeError(f"{self.id} asks nothing in row {index}: {outcome.reason or 'the rollout is over'}")
        return Problem(_text(outcome.value["messages"]), {"row": row, "turns": self.limit}, difficulty)

    def verify(self, problem: Problem, response: str) -> Verdict:
        outcome = self._played(problem.reference["row"], [response])
        if outcome.ending is Ending.DONE and not outcome.value["over"]:
            return wrong("no answer yet: the environment asks on")
        return self._judged(outcome)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The row's answer, in the first of ``ORACLES`` that the rubric takes."""
        answer = problem.reference["row"].get("answer")
        for form in ORACLES if isinstance(answer, str) else ():
            if self.verify(problem, form.format(answer)).right:
                return form.format(answer)
        raise OracleMissing(f"{self.id} does not say how the answer to this row is written")

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        raise OracleMissing(f"{self.id} has no weak solver: its rows have no levels")

    def _played(self, row: dict[str, Any], said: list[str]) -> Outcome:
        if said and (not said[-1] or len(said[-1]) > MAX_ANSWER):
            fault = f"a message of {len(said[-1])} characters: 1 to {MAX_ANSWER} are allowed"
            return Outcome(Ending.DONE, {"over": True, "messages": [], "reward": 0.0, "faults": [fault]})
        return _workers(self.module, self.arguments).call("play", self.module, self.arguments, row, self.limit, said)

    def _judged(self, outcome: Outcome) -> Verdict:
        if outcome.ending is Ending.DIED:
            return undecided(outcome.reason)
        if outcome.ending is not Ending.DONE:
            return wrong(f"the environment was stopped: {outcome.reason}")
        reward, faults = outcome.value["reward"], outcome.value["faults"]
        score = reward / (self.full_reward or self._about["full"] or 1.0)
        reason = "; ".join([f"the rubric gives {reward:.3g}", *faults])
        evidence = {"reward": reward, "metrics": outcome.value.get("metrics", {})}
        if score >= RIGHT_FROM:
            return right(reason, **evidence)
        return wrong(reason, max(score, 0.0) if score == score else 0.0, **evidence)


@dataclass(frozen=True)
class PrimeDialogue(PrimeTask, Dialogue):
    """An environment of several turns. Its state is what the agent has said: each turn plays the rollout again.

    So an environment must answer the same to the same; the global generators are seeded by the row.
    """

    costly: ClassVar[bool] = True

    def begin(self, problem: Problem) -> tuple[str, ...]:
        return ()

    def turn(self, problem: Problem, state: Any, action: str) -> Turn:
        said = (*state, action)
        outcome = self._played(problem.reference["row"], list(said))
        if outcome.ending is Ending.DONE and not outcome.value["over"]:
            return Turn(_text(_since(outcome.value["messages"])), said)
        final = _text(outcome.value["messages"]) if outcome.ending is Ending.DONE else ""
        return Turn(final, said, self._judged(outcome))

    def act(self, problem: Problem, state: Any, observation: str, rng: np.random.Generator) -> str:
        raise OracleMissing(f"{self.id} has no oracle: it does not say how its dialogues are won")

    verify = Dialogue.verify
    solve = Dialogue.solve


def load(id: str) -> type[PrimeTask]:
    """Register the environment of ``prime_verifiers/<module>-v0``.

    Raises:
        UnknownEnvironment: there is no such module.
        Unplayable: see there.
        MissingLibrary: verifiers is not installed.
    """
    name = id.removeprefix(f"{NAMESPACE}/").removesuffix("-v0")
    if id != f"{NAMESPACE}/{name}-v0" or not name.isidentifier() or find_spec(name) is None:
        raise UnknownEnvironment(f"no environment {id!r}: an id is {NAMESPACE}/<module>-v0, of an installed module")
    return _task(name)


def __getattr__(name: str) -> type[PrimeTask]:
    """The task class of an environment that has been loaded, by which Gymnasium specs find it."""
    if name.startswith("_") or find_spec(name) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return _task(name)
    except (Unplayable, MissingLibrary) as error:
        raise AttributeError(str(error)) from error


@cache
def _task(name: str) -> type[PrimeTask]:
    base = PrimeTask if _described(name, "{}")["single"] else PrimeDialogue
    body = {
        "__module__": __name__,
        "__qualname__": name,
        "__doc__": f"The environment {name} of verifiers.",
        "module": name,
        "tags": ("verifiers",),
    }
    return register(f"{NAMESPACE}/{name}-v0")(dataclass(frozen=True)(type(name, (base,), body)))


@cache
def _described(name: str, arguments: str) -> dict[str, Any]:
    try:
        version("verifiers")  # which is not imported here: this package has a room of that name
    except PackageNotFoundError as error:
        raise MissingLibrary(f"verifiers is not installed: pip install 'palaestra[{EXTRA}]'") from error
    if not isinstance(json.loads(arguments), dict):
        raise ValueError(f"arguments are a JSON object, not {arguments!r}")
    outcome = _workers(name, arguments).call("describe", name, arguments)
    if outcome.ending is not Ending.DONE:
        raise Unplayable(f"the environment {name} does not load: {_shadow() or outcome.reason}")
    about: dict[str, Any] = outcome.value
    return about


def without_own_room(path: Sequence[str]) -> list[str]:
    """The path without the folders where ``import verifiers`` would find this package's room of that name."""
    rooms = {os.path.realpath(room) for room in palaestra.verifiers.__path__}
    return [entry for entry in path if os.path.realpath(os.path.join(entry or ".", "verifiers")) not in rooms]


def _shadow() -> str:
    """What stands on the path before the installed library and has its name, such as the room of another checkout of
    this package; "" where nothing does."""
    installed = os.path.realpath(str(distribution("verifiers").locate_file("verifiers/__init__.py")))
    found = PathFinder.find_spec("verifiers", without_own_room(sys.path))
    if found is None or not found.origin or not os.path.isfile(installed):  # nothing, or installed as editable
        return ""
    folder = os.path.dirname(os.path.realpath(found.origin))
    if folder == os.path.dirname(installed):
        return ""
    how = f"take {os.path.dirname(folder)} off PYTHONPATH, or start Python in another folder"
    return f"`import verifiers` finds {folder}, which is not Prime Intellect's library: {how}"


@cache
def _row(name: str, arguments: str, data: str, index: int) -> dict[str, Any]:
    outcome = _workers(name, arguments).call("row", name, arguments, data, index)
    if outcome.ending is not Ending.DONE:
        raise Unplayable(f"the environment {name} gives no row {index}: {outcome.reason}")
    row: dict[str, Any] = outcome.value
    return row


@cache
def _workers(name: str, arguments: str) -> Workers:
    """A worker that has loaded the environment before it is asked for anything."""
    warm = [["describe", name, arguments]]
    return Workers(f"{__name__}_worker:serve", seconds=SECONDS, memory=MEMORY, warm=warm)


def _text(messages: list[dict[str, str]]) -> str:
    """Messages as one text; roles are named where an assistant has spoken among them."""
    if all(message["role"] != "assistant" for message in messages):
        return "\n\n".join(message["content"] for message in messages)
    return "\n\n".join(f"{message['role']}: {message['content']}" for message in messages)


def _since(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """What follows the last message of the agent."""
    said = max((k for k, message in enumerate(messages) if message["role"] == "assistant"), default=-1)
    return messages[said + 1 :]
