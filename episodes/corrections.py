"""Rows made of an answer and what its task knows about it: corrections, critiques, and the question turned round.

All are demonstrations in text, verified before they are kept, of a task's own oracle and line verdicts: for imitation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import OracleMissing, Problem, Task
from palaestra.verifiers import Status, Verdict

from .record import Episode, Turn
from .views import Encode, Row, View, encoded, rows_of

TaskOf = Callable[[Episode], Task]
CORRECT = "{question}\n\nThis answer is wrong:\n{answer}\n\nName its first wrong line, say why, and go on from there."
CRITIQUE = "{question}\n\nThis is an answer:\n{answer}\n\nJudge its lines and the whole."
REWRITE = "{question}\n\nSolution:\n{solution}\n\nAnswer:\n{answer}\n\nMake the answer right with the fewest changes."
WAIT = "Wait, that is wrong."  # between a wrong line and what follows it in a journey
TURN_ROUND = "{question}\n\nTurn the question round: give its answer and ask for what was given."


def corrections(episodes: Iterable[Episode], task_of: TaskOf, encode: Encode, seed: int = 0) -> View:
    """A wrong answer's first wrong line, why it is wrong, and the solution from there (LeMa; arXiv:2310.20689).

    The prompt is the question with the wrong answer. The rest of the solution is what the oracle has and the lines
    before the error have not; it is kept only if, behind these lines, it verifies RIGHT with no line judged wrong.
    """

    def make(episode: Episode, task: Task, problem: Problem, turn: Turn) -> list[Turn] | str:
        lines, verdicts = _judged_lines(task, problem, turn.text)
        if len(lines) != len(verdicts):
            return "its lines were not judged one by one"
        first = next((k for k, verdict in enumerate(verdicts) if verdict.status is Status.WRONG), None)
        if first is None:
            return "no line was judged wrong"
        oracle = task.solve(problem, _rng("corrections", seed, episode)).splitlines()
        tail = [line for line in oracle if line not in lines[:first]]
        mended = "\n".join([*lines[:first], *tail])
        if not task.verify(problem, mended).right or _any_wrong(task.steps(problem, mended)):
            return "the oracle's continuation is not right"
        told = "\n".join([f"Line {first + 1} is wrong: {verdicts[first].reason}.", *tail])
        return [_said(turn, CORRECT.format(question=turn.observation, answer=turn.text), told)]

    return _written(episodes, task_of, encode, make, wanted=Status.WRONG, kind="correction")


def journeys(episodes: Iterable[Episode], task_of: TaskOf, encode: Encode, seed: int = 0) -> View:
    """A wrong answer up to its first wrong line, that this line is wrong, and a right solution from there on, all as
    one answer to the question (journey learning; O1 Journey, arXiv:2410.18982).

    It is kept only if the whole verifies RIGHT.
    """

    def make(episode: Episode, task: Task, problem: Problem, turn: Turn) -> list[Turn] | str:
        lines, verdicts = _judged_lines(task, problem, turn.text)
        first = next((k for k, verdict in enumerate(verdicts) if verdict.status is Status.WRONG), None)
        if first is None or len(lines) != len(verdicts):
            return "no line was judged wrong"
        solution = task.solve(problem, _rng("journeys", seed, episode)).splitlines()
        tail = [line for line in solution if line not in lines[:first]]
        told = "\n".join([*lines[: first + 1], WAIT, *tail])
        if not task.verify(problem, told).right:
            return "the oracle's continuation is not right"
        return [_said(turn, turn.observation, told)]

    return _written(episodes, task_of, encode, make, wanted=Status.WRONG, kind="journey")


def rewrites(episodes: Iterable[Episode], task_of: TaskOf, encode: Encode, seed: int = 0) -> View:
    """Answers with as few edits as make them right, asked for with the question and the oracle's solution (RLMEC;
    arXiv:2401.06081): of a wrong one, the lines before its first wrong one and the rest of the solution; a right one
    as it is.
    """

    def make(episode: Episode, task: Task, problem: Problem, turn: Turn) -> list[Turn] | str:
        solution = task.solve(problem, _rng("rewrites", seed, episode))
        is_right = episode.outcome[turn.role].status is Status.RIGHT
        better = turn.text if is_right else _mended(task, problem, turn, solution)
        if better is None:
            return "no line was judged wrong, or the oracle's continuation is not right"
        return [_said(turn, rewriting(turn, solution), better)]

    return _written(episodes, task_of, encode, make, wanted=None, kind="rewrite")


def rewriting(turn: Turn, solution: str) -> str:
    """What a rewriter is asked of an answer."""
    return REWRITE.format(question=turn.observation, solution=solution, answer=turn.text)


def _mended(task: Task, problem: Problem, turn: Turn, solution: str) -> str | None:
    lines, verdicts = _judged_lines(task, problem, turn.text)
    first = next((k for k, verdict in enumerate(verdicts) if verdict.status is Status.WRONG), None)
    if first is None or len(lines) != len(verdicts):
        return None
    text = "\n".join([*lines[:first], *(line for line in solution.splitlines() if line not in lines[:first])])
    return text if task.verify(problem, text).right else None


def critiques(episodes: Iterable[Episode], task_of: TaskOf, encode: Encode) -> View:
    """What the task says of each line of an answer that it decided on, and of the whole.

    The prompt is the question with the answer. Lines that the task could not judge are passed over.
    """

    def make(episode: Episode, task: Task, problem: Problem, turn: Turn) -> list[Turn] | str:
        lines, verdicts = _judged_lines(task, problem, turn.text)
        if len(lines) != len(verdicts):
            return "its lines were not judged one by one"
        outcome = episode.outcome[turn.role]
        judged = [(k, verdict) for k, verdict in enumerate(verdicts, 1) if verdict.status is not Status.UNDECIDED]
        told = [f"Line {k} is {verdict.status}: {verdict.reason}." for k, verdict in judged]
        told.append(f"The answer is {outcome.status}.")
        return [_said(turn, CRITIQUE.format(question=turn.observation, answer=turn.text), "\n".join(told))]

    return _written(episodes, task_of, encode, make, wanted=None, kind="critique")


def turned_round(episodes: Iterable[Episode], task_of: TaskOf, encode: Encode, seed: int = 0) -> View:
    """Three rows for each right answer, or none: L = (CE_1 + CE_2 + CE_3) / 3 (RevThink; arXiv:2411.19865).

    Question to the answer as it was given; question to backward question; backward question to the oracle's answer,
    which must verify RIGHT. The first keeps the ids that were sampled. Each task's mean a token weighs a third, however
    long its texts are, so a row's weight is a third of all action tokens over those of its task.
    """

    def make(episode: Episode, task: Task, problem: Problem, turn: Turn) -> list[Turn] | str:
        backward = task.invert(problem)
        if backward is None:
            return "no backward question"
        reasoning = task.solve(backward, _rng("turned round", seed, episode))
        if not task.verify(backward, reasoning).right:
            return "the backward answer is not right"
        asked = _said(turn, TURN_ROUND.format(question=turn.observation), backward.prompt)
        return [turn, asked, _said(turn, backward.prompt, reasoning)]

    view = _written(episodes, task_of, encode, make, wanted=Status.RIGHT, kind="turned round")
    tokens = np.array([row.action.sum() for row in view.rows]).reshape(-1, 3)
    weights = tokens.sum() / (3 * tokens.sum(axis=0)) if len(tokens) else ()
    rows = [replace(row, weight=float(weights[index % 3])) for index, row in enumerate(view.rows)]
    return View(rows, view.dropped)


_Make = Callable[[Episode, Task, Problem, Turn], list[Turn] | str]


def _written(
    episodes: Iterable[Episode], task_of: TaskOf, encode: Encode, make: _Make, wanted: Status | None, kind: str
) -> View:
    """Rows of the turns that ``make`` writes for each answer of the wanted status, or the number of each reason."""
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    for episode in episodes:
        made = _make_for(episode, task_of, make, wanted)
        if isinstance(made, str):
            dropped[made] += 1
            continue
        for turn in made:
            (row,) = rows_of(episode, turn.role, [encoded(turn, encode)])
            rows.append(replace(row, reward=1.0, weight=1.0, group_id=f"{episode.group_id}/{kind}"))
    return View(rows, dropped)


def _make_for(episode: Episode, task_of: TaskOf, make: _Make, wanted: Status | None) -> list[Turn] | str:
    problem = episode.problem
    if problem is None or len(episode.turns) != 1:
        return "no problem, or not one turn"
    (turn,) = episode.turns
    outcome = episode.outcome[turn.role]
    if not outcome.decided:
        return "undecided"
    if wanted is not None and outcome.status is not wanted:
        return f"not {wanted}"
    try:
        return make(episode, task_of(episode), problem, turn)
    except OracleMissing:
        return "no oracle"


def _judged_lines(task: Task, problem: Problem, text: str) -> tuple[list[str], list[Verdict]]:
    return [line for line in text.splitlines() if line.strip()], task.steps(problem, text)


def _any_wrong(verdicts: Sequence[Verdict]) -> bool:
    return any(verdict.status is Status.WRONG for verdict in verdicts)


def _said(turn: Turn, observation: str, text: str) -> Turn:
    """A scripted turn of the same role, at the temperature of the answers that it is learned with."""
    return Turn(turn.role, observation, text, 1.0, temperature=turn.temperature or 1.0)


def _rng(name: str, seed: int, episode: Episode) -> np.random.Generator:
    return np.random.default_rng(derive_seed(name, seed, episode.id))
