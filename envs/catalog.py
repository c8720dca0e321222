"""All that is registered, tasks, dialogues and games alike: what there is, what one looks like, whether it conforms."""

from __future__ import annotations

import contextlib
import fnmatch
import importlib
import inspect
import multiprocessing
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import gymnasium
import numpy as np

from palaestra.verifiers import Verdict

from .dialogue import Dialogue
from .games.registration import game_class, game_ids, make_game
from .opponents import ENTRY_POINT as AGAINST
from .registration import (
    ADAPTERS,
    UnknownEnvironment,
    load_adapted,
    load_module,
    load_plugins,
    make_task,
    task_class,
    task_ids,
)
from .task import OracleMissing, Problem, Task, sample_problem
from .testing import MADE, Report, Row, check_task

LIBRARIES = {**ADAPTERS, "textarena": "textarena"}  # whose environments can be listed, shown and checked
ENDS = "the checks end"
TEXTARENA = "textarena/"  # environments of their own make, outside the registries
WRONG_TRIES = 20  # other problems whose answers are tried as the example of a wrong one


@dataclass(frozen=True, slots=True)
class Card:
    """What a person wants to know of an environment.

    kind: "task", "dialogue" or "game". knobs: with their defaults. ceiling: what cheating may earn; None for games.
    prompt: what is asked, or first seen. answers: responses with what each led to, a right one first.
    """

    id: str
    kind: str
    tags: tuple[str, ...]
    description: str
    knobs: Mapping[str, Any]
    wordings: int
    ceiling: float | None
    prompt: str
    answers: tuple[tuple[str, str], ...]

    @property
    def summary(self) -> str:
        return self.description.split("\n")[0]


def ids(tag: str | None = None) -> list[str]:
    """Every registered id, plugins included, sorted; with ``tag`` those that bear it."""
    every = sorted([*task_ids(), *game_ids()])
    return every if tag is None else [id for id in every if tag in _class(id).tags]


def adapted_ids(namespace: str) -> list[str]:
    """The ids that an adapter makes of what the installed library has; none where the library cannot be asked.

    Raises:
        UnknownEnvironment: there is no adapter of this namespace.
        MissingLibrary: the library is not installed.
    """
    if namespace not in LIBRARIES:
        raise UnknownEnvironment(f"no adapter makes {namespace}/...: there are {', '.join(LIBRARIES)}")
    adapter = importlib.import_module(f".adapters.{LIBRARIES[namespace]}", __package__)
    found = adapter.names() if hasattr(adapter, "names") else []
    return [f"{namespace}/{name}" if re.search(r"-v\d+(-|$)", name) else f"{namespace}/{name}-v0" for name in found]


def matching(pattern: str) -> list[str]:
    """The ids that a pattern with * and ? stands for, adapters' included. Raises as ``adapted_ids`` does."""
    namespace = pattern.partition("/")[0]
    every = adapted_ids(namespace) if namespace in LIBRARIES else ids()
    return fnmatch.filter(every, pattern)


def tags(id: str) -> tuple[str, ...]:
    """What an environment is about; its field first."""
    found: tuple[str, ...] = _class(id).tags
    return found


def summary(id: str) -> str:
    """The first line of its description."""
    return (inspect.getdoc(_class(id)) or "").split("\n")[0]


def card(id: str, difficulty: int | None = None, seed: int = 0) -> Card:
    """An environment with an example. Raises UnknownEnvironment, with the nearest names."""
    if id.startswith(TEXTARENA):
        return _told(id, seed)
    cls = _class(id)
    given = inspect.signature(cls).parameters.values()
    knobs = {p.name: "required" if p.default is p.empty else p.default for p in given}
    about = {"id": cls.id, "tags": cls.tags, "description": inspect.getdoc(cls) or "", "knobs": knobs}
    if not issubclass(cls, Task):
        other = _against(id).get("opponent")
        kind = f"game against its {other} player" if other else "game"
        return Card(**about, kind=kind, wordings=1, ceiling=None, **_opening(cls.id, seed))
    task = make_task(id)
    problem = sample_problem(task, seed, task.difficulties[0] if difficulty is None else difficulty)
    answers = _played(task, problem) if isinstance(task, Dialogue) else _judged(task, problem)
    kind = "dialogue" if isinstance(task, Dialogue) else "task"
    words = max(1, len(task.wordings))
    return Card(**about, kind=kind, wordings=words, ceiling=task.ceiling, prompt=problem.prompt, answers=answers)


def is_task(id: str) -> bool:
    """Whether it is a task, a dialogue included, and no game."""
    return issubclass(_class(id), Task)


def complete(id: str) -> bool:
    """Whether it can be made without knobs: an environment over the user's data cannot."""
    if not is_task(id):
        return True
    try:
        make_task(id)
    except (TypeError, ValueError):
        return False
    return True


def check(id: str, seeds: Sequence[int] = range(20)) -> Report:
    """Put an environment to its conformance kit; games, which are long, with a quarter of the seeds.

    One that its adapter refuses to make has a report that says why.
    """
    if id.startswith(TEXTARENA):
        from .adapters.textarena_testing import check_textarena

        return check_textarena(id, seeds[: max(2, len(seeds) // 4)])
    if issubclass(_class(id), Task):
        try:
            task = make_task(id)
        except ValueError as error:
            return Report(id, (Row(MADE, False, str(error)),))
        return check_task(task, seeds)
    from .games.testing import check_game  # imports PettingZoo's tests

    return check_game(_class(id).id, seeds[: max(2, len(seeds) // 4)])


def check_apart(id: str, seeds: int, seconds: float) -> Report:
    """``check`` in a process of its own, for so long at most: other people's code may hang, or take Python with it."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_report, args=(sender, id, seeds))
    process.start()
    sender.close()  # so that the child's end is the only one, and its death is told
    try:
        if receiver.poll(seconds):
            found: Report = receiver.recv()
            return found
        fault = f"no result within {seconds:g} s"
    except EOFError:
        process.join()
        fault = f"the process ended with exit code {process.exitcode}"
    finally:
        process.kill()
        process.join()
        receiver.close()
    return Report(id, (Row(ENDS, False, fault),))


def _send_report(sender: Connection, id: str, seeds: int) -> None:
    sender.send(check(id, range(seeds)))


def _class(id: str) -> type[Any]:
    try:
        return game_class(_against(id).get("game", id))
    except UnknownEnvironment:
        return task_class(id)


def _against(id: str) -> Mapping[str, Any]:
    """Game and opponent of an id such as palaestra/Nim-vs-random-v0; empty for others."""
    if "-vs-" not in id:
        return {}
    module, _, name = id.rpartition(":")
    with contextlib.suppress(UnknownEnvironment):
        load_module(module or f"{__package__}.games", name)
        load_adapted(name)
    if name not in gymnasium.registry:
        load_plugins()
    known = gymnasium.registry.get(name)
    return known.kwargs if known is not None and known.entry_point == AGAINST else {}


def _judged(task: Task, problem: Problem) -> tuple[tuple[str, str], ...]:
    """The oracle's answer, and one to another problem that is wrong here, with their verdicts."""
    rng = np.random.default_rng(0)
    shown = []
    try:
        responses = [task.solve(problem, rng)]
        for seed in range(1, WRONG_TRIES):
            other = task.solve(sample_problem(task, seed, problem.difficulty), rng).rsplit("\n", 1)[-1]
            if not task.verify(problem, other).right:
                responses.append(other)
                break
    except OracleMissing:
        responses = ["\\boxed{1}"]
    for response in responses:
        shown.append((response, _said(task.verify(problem, response))))
    return tuple(shown)


def _played(task: Dialogue, problem: Problem) -> tuple[tuple[str, str], ...]:
    """The oracle's actions with what each led to."""
    turns = task.demonstrate(problem, np.random.default_rng(0))
    return tuple((act, turn.observation if turn.verdict is None else _said(turn.verdict)) for act, turn in turns)


def _opening(id: str, seed: int) -> dict[str, Any]:
    """What the first player of a game sees, and an action."""
    env = make_game(id)
    env.reset(seed=seed)
    prompt = str(env.observe(env.agent_selection))
    action = env.game.sample(env.view(), np.random.default_rng(seed))
    return {"prompt": prompt, "answers": ((action, "a legal action"),)}


def _told(id: str, seed: int) -> Card:
    """What TextArena's game tells its first player; what it takes for an answer is the game's own affair."""
    from .adapters import textarena

    env = textarena.make(id)
    env.reset(seed=seed)
    return Card(
        id=id,
        kind="game",
        tags=("games",),
        description=f"TextArena's {env.id}, of {len(env.possible_agents)} players.",
        knobs={},
        wordings=1,
        ceiling=None,
        prompt=str(env.observe(env.agent_selection)),
        answers=(),
    )


def _said(verdict: Verdict) -> str:
    return f"{verdict.status}: {verdict.reason}"
