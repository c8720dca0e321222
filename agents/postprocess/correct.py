"""Corrections that a model writes: which line is the first wrong one, why, and how it goes on (LeMa, arXiv:2310.20689).

``episodes.corrections`` has the exact ones, of a task's own oracle; these are for tasks without one, and for a model
that has learned from either to mend its own answers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from palaestra.agents.agent import Agent, Dialogue, Message, Reply, joined
from palaestra.agents.strategies.asking import question
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem, Task
from palaestra.episodes import Actor, Cost, Episode, Turn
from palaestra.episodes.corrections import CORRECT, TaskOf
from palaestra.episodes.views import Encode, Row, View, encoded, rows_of
from palaestra.verifiers import Status

from .asking import afresh

NAMED = re.compile(r"\s*line\s{1,3}(\d{1,4})\s{1,3}is\s{1,3}wrong\b([^\n]*)", re.IGNORECASE | re.ASCII)


class Correction(NamedTuple):
    """Line ``line``, from 1, is the first wrong one, since ``why``; ``tail`` is how it should go on from there."""

    line: int
    why: str
    tail: str


def read_correction(text: str) -> Correction | None:
    """What a corrector wrote, in the form of ``corrections.corrections``; None when it is in no such form."""
    match = NAMED.match(text)
    return Correction(int(match[1]), match[2].strip(" :."), text[match.end() :].strip("\n")) if match else None


def mended(answer: str, correction: Correction) -> str | None:
    """The answer up to the wrong line, and the correction's tail; None when the answer has no such line."""
    lines = [line for line in answer.splitlines() if line.strip()]
    if not 1 <= correction.line <= len(lines) or not correction.tail.strip():
        return None
    return "\n".join([*lines[: correction.line - 1], correction.tail])


class Corrected:
    """Wraps an agent and a corrector, who is asked about every answer, or about those of which ``suspect`` is true.

    A correction that can be read and names a line of the answer replaces everything from there on; any other leaves the
    answer as it was. A mended answer was put together, not sampled: it has no token ids. meta: ``correction`` says
    which it was, ``first`` is the answer before.
    """

    def __init__(
        self, agent: Agent, corrector: Agent, suspect: Callable[[Dialogue, Reply], bool] | None = None
    ) -> None:
        self.agent, self.corrector, self.suspect = agent, corrector, suspect

    @property
    def actor(self) -> Actor:
        inner, other = self.agent.actor, self.corrector.actor
        hashes = joined(inner.weights_hash, other.weights_hash)
        return Actor(f"{inner.agent_id}+corrected({other.agent_id})", hashes)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        replies = self.agent.respond(dialogues)
        pairs = list(enumerate(zip(dialogues, replies, strict=True)))
        about = [i for i, pair in pairs if self.suspect is None or self.suspect(*pair)]
        asked = [_asked(dialogues[i], replies[i].text) for i in about]
        for i, told in zip(about, self.corrector.respond(asked) if asked else [], strict=True):
            replies[i] = _with(replies[i], told)
        return replies


def _asked(dialogue: Dialogue, answer: str) -> Dialogue:
    text = CORRECT.format(question=question(dialogue), answer=answer)
    return afresh(dialogue, text, derive_seed(dialogue.seed, "correct"))


def _with(reply: Reply, told: Reply) -> Reply:
    cost = reply.cost + told.cost
    correction = read_correction(told.text)
    text = mended(reply.text, correction) if correction else None
    if correction is None or text is None:
        why = "unreadable" if correction is None else "no such line, or nothing to put there"
        return replace(reply, cost=cost, meta={**reply.meta, "correction": why})
    meta = {**reply.meta, "correction": f"line {correction.line}", "first": reply.text}
    return Reply(text, cost=cost, meta=meta)


@dataclass(frozen=True, slots=True)
class Written:
    """The rows of corrections, with what was dropped, and what asking for them cost."""

    view: View
    cost: Cost


def written_corrections(
    episodes: Sequence[Episode],
    corrector: Agent,
    task_of: TaskOf,
    encode: Encode,
    misplaced: bool = False,
) -> Written:
    """``corrections.corrections`` by a model: of every wrong answer of one turn, kept when the mended answer is RIGHT.

    An answer that comes out right may still have been mended elsewhere than where it was wrong: where the task judges
    lines, the line named must be the first that it calls wrong, unless ``misplaced``. Every verdict is counted in the
    cost. ``dropped`` counts episodes.
    """
    dropped: Counter[str] = Counter()
    wrong: list[tuple[Episode, Problem, Turn]] = []
    for episode in episodes:
        problem = episode.problem
        if problem is None or len(episode.turns) != 1:
            dropped["no problem, or not one turn"] += 1
        elif episode.outcome[episode.turns[0].role].status is not Status.WRONG:
            dropped["not wrong"] += 1
        else:
            wrong.append((episode, problem, episode.turns[0]))
    asked = [
        Dialogue(
            (Message("user", CORRECT.format(question=turn.observation, answer=turn.text)),), derive_seed(0, one.id)
        )
        for one, _, turn in wrong
    ]
    told = corrector.respond(asked) if asked else []
    cost = sum((reply.cost for reply in told), Cost())
    rows: list[Row] = []
    for (episode, problem, turn), reply in zip(wrong, told, strict=True):
        task = task_of(episode)
        fault, calls = _fault(task, problem, turn, reply.text, misplaced)
        cost += Cost(verifier_calls=calls)
        if fault:
            dropped[fault] += 1
            continue
        question = CORRECT.format(question=turn.observation, answer=turn.text)
        shown = Turn(turn.role, question, reply.text, 1.0)
        (row,) = rows_of(episode, turn.role, [encoded(shown, encode)])
        rows.append(replace(row, reward=1.0, group_id=f"{episode.group_id}/correction"))
    return Written(View(rows, dropped), cost)


def _fault(task: Task, problem: Problem, turn: Turn, told: str, misplaced: bool) -> tuple[str, int]:
    """Why a correction is not kept, "" when it is, and how many verdicts were asked for."""
    correction = read_correction(told)
    if correction is None:
        return "it names no wrong line", 0
    text = mended(turn.text, correction)
    if text is None:
        return "no such line, or nothing to put there", 0
    if not task.verify(problem, text).right:
        return "the mended answer is not right", 1
    if misplaced:
        return "", 1
    verdicts = task.steps(problem, turn.text)
    first = next((k for k, verdict in enumerate(verdicts, 1) if verdict.status is Status.WRONG), correction.line)
    return ("", 2) if first == correction.line else ("another line is the first wrong one", 2)
