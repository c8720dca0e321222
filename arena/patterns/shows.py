"""Demonstrations for modules that are models: problems as the task writes them, opinions and repairs by execution."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Task
from palaestra.episodes import Episode, Turn
from palaestra.episodes.views import Row, followed
from palaestra.verifiers import Status

from .playing import ASK, MEND

Words = Mapping[str, Sequence[int]]


def all_shows(
    makers: Mapping[str, Callable[..., Row]], shown: Sequence[Episode], task: Task, chat: Any, words: Words
) -> list[Row]:
    """What each maker, by slot, makes of each of the oracle's answers."""
    return [
        make(episode, task, chat, words, np.random.default_rng(derive_seed("show", slot, episode.id)))
        for slot, make in makers.items()
        for episode in shown
    ]


def shown_text(episode: Episode, task: Task, chat: Any, words: Words, rng: np.random.Generator) -> Row:
    """A problem of the level asked for, in the task's notation."""
    assert episode.problem is not None
    asked = ASK.format(level=episode.problem.difficulty)
    return _row(episode, *chat.example(asked, task.notation(episode.problem)))


def shown_opinion(episode: Episode, task: Task, chat: Any, words: Words, rng: np.random.Generator) -> Row:
    """Yes to the answer, or no to it with an error put in."""
    assert episode.problem is not None
    text = _maybe_spoiled(episode, task, rng)
    row = _row(episode, *chat.example(episode.turns[0].observation, text))
    return followed(row, words["right"], words["yes" if task.verify(episode.problem, text).right else "no"])


def shown_critique(episode: Episode, task: Task, chat: Any, words: Words, rng: np.random.Generator) -> Row:
    """The task's words on each line of the answer, or of it with an error put in, and on the whole; yes or no."""
    assert episode.problem is not None
    text = _maybe_spoiled(episode, task, rng)
    right = task.verify(episode.problem, text).right
    steps = [one.status for one in task.steps(episode.problem, text) if one.status is not Status.UNDECIDED]
    told = ["ok" if one is Status.RIGHT else "bad" for one in steps]
    critique = chat.example(episode.turns[0].observation, " ".join([*told, "right" if right else "wrong"]))[1]
    row = _row(episode, *chat.example(episode.turns[0].observation, text))
    return followed(row, words["critique"], [*critique, *words["right"], *words["yes" if right else "no"]])


def shown_repair(episode: Episode, task: Task, chat: Any, words: Words, rng: np.random.Generator) -> Row:
    """The answer again, behind itself or itself with an error put in."""
    first = episode.turns[0]
    spoken = Turn("reasoner", first.observation, _maybe_spoiled(episode, task, rng), 0.0)
    return _row(episode, *chat.continued([spoken, Turn("reasoner", MEND, first.text, 1.0)]))


def _maybe_spoiled(episode: Episode, task: Task, rng: np.random.Generator) -> str:
    """The answer, or, half the time, the same with a digit and the last one changed (error injection)."""
    text = episode.turns[0].text
    digits = [found.start() for found in re.finditer(r"\d", text)]
    if not digits or rng.random() < 0.5:
        return text
    start, shift = digits[int(rng.integers(len(digits)))], int(rng.integers(1, 10))
    last = digits[-1]
    return "".join(
        str((int(letter) + shift) % 10) if place in (start, last) else letter for place, letter in enumerate(text)
    )


def _row(episode: Episode, prompt: Sequence[int], said: Sequence[int]) -> Row:
    ids = np.array([*prompt, *said], dtype=np.int64)
    zeros = np.zeros(len(ids), np.float32)
    return Row(
        ids, np.arange(len(ids)) >= len(prompt), zeros, 1.0, episode.id, episode.group_id, episode.env_id, "shown"
    )
