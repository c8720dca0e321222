"""What judging parts of answers tells: the first one, where it was revised, and each solution that an answer holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

from palaestra.envs.dialogue import Dialogue
from palaestra.episodes import Episode
from palaestra.episodes.shortening import words
from palaestra.verifiers import Status

from .environments import Environments
from .measures import Solution, outcome_efficiency, process_efficiency, revision, solutions


@dataclass(frozen=True, slots=True)
class AnswerParts:
    """Of an agent's answers; nan where none was revised, or none holds several solutions.

    repair: share of wrong first answers that revising put right; harm: of right ones that it spoiled.
    outcome_efficiency, process_efficiency: xi_O and xi_P (``measures``), a token being a character of the text; a
    solution is of the kind of another when they are the same but for spaces.
    """

    repair: float = nan
    harm: float = nan
    outcome_efficiency: float = nan
    process_efficiency: float = nan


def judge_parts(episodes: Sequence[Episode], environments: Environments) -> AnswerParts:
    """Judge what post-processors noted as the ``first`` answer, and every solution of answers that hold several.

    Episodes of one turn alone: in a dialogue a part of an answer has no verdict of its own.
    """
    before: list[Status] = []
    after: list[Status] = []
    responses: list[list[Solution]] = []
    for episode in episodes:
        if episode.problem is None or len(episode.turns) != 1:
            continue
        task = environments.task(episode.env_id, episode.env_kwargs, episode.seed)
        if isinstance(task, Dialogue):
            continue
        turn, status = episode.turns[0], next(iter(episode.outcome.values())).status
        if "first" in turn.meta:
            before.append(task.verify(episode.problem, turn.meta["first"]).status)
            after.append(status)
        responses.append(_solutions(task, episode, status))
    revised = revision(before, after)
    if all(len(response) < 2 for response in responses):
        return AnswerParts(revised.repair, revised.harm)
    return AnswerParts(revised.repair, revised.harm, outcome_efficiency(responses), process_efficiency(responses))


def _solutions(task: Any, episode: Episode, status: Status) -> list[Solution]:
    turn = episode.turns[0]
    if len(turn.solution_spans) < 2:
        return [Solution(len(turn.text) or 1, status, words(turn.text))]
    return solutions(turn.text, turn.solution_spans, lambda text: task.verify(episode.problem, text), len, words)
