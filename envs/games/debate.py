"""Debate: two players argue for two answers to one problem, and a judge who can check steps decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np

from palaestra.envs.registration import make_task
from palaestra.envs.seeding import derive_seed, reseed
from palaestra.envs.task import SOLUTION_DELIMITER, SPLITS, Problem, Task, known_level, sample_problem
from palaestra.verifiers import Status, last_boxed

from .game import BOX, Illegal
from .registration import register_game
from .text_game import TextGame, indented

MAX_ROUNDS = 3
MAX_LINES = 40  # of an argument
MAX_PROMPT = 2000  # characters of a problem
NEAR = 9  # a false number is that close to the true one
DRAWS = 100  # problems looked at for a false answer
OPEN = -2  # the judge has not been asked
NOBODY = -1


class Case(NamedTuple):
    """What a judge is given. A model in its place should be shown ``problem.prompt`` and not the reference.

    answers: of player_0 and of player_1. arguments: in turn, player_0 first.
    """

    task: Task
    problem: Problem
    answers: tuple[str, str]
    arguments: tuple[str, ...]


Judge: TypeAlias = Callable[[Case], int | None]  # the player who wins, None for nobody


class Dispute(NamedTuple):
    """seed: of the problem; winner: a player, NOBODY, or OPEN while it goes on."""

    seed: int
    answers: tuple[str, str]
    arguments: tuple[str, ...] = ()
    winner: int = OPEN


@register_game("palaestra/Debate-v0")
@dataclass(frozen=True)
class Debate(TextGame[Dispute]):
    """Each player is bound to an answer, one of them right; whom the judge believes wins, right or not.

    family: id of a task whose ``steps`` are judged; difficulty, split: of its problems. rounds: arguments of each
    player, 1 to 3. judge: None for ``by_execution``. Which answer is right is told at the end only, though a player may
    well find out: both see the problem. After G. Irving et al., "AI safety via debate", 2018 (arXiv:1805.00899).
    """

    tags: ClassVar[tuple[str, ...]] = ("games", "language", "debate", "process")
    max_chars: ClassVar[int] = 1500
    family: str = "palaestra/ChainArith-v0"
    difficulty: int = 3
    rounds: int = 2
    judge: Judge | None = None
    split: str = "train"

    def __post_init__(self) -> None:
        task = _task(self.family)
        if self.judge is None and type(task).steps is Task.steps:
            raise ValueError(f"{self.family} judges no steps: choose another family, or pass a judge")
        object.__setattr__(self, "difficulty", known_level(self.difficulty, task.difficulties, self.family))
        if self.split not in SPLITS:
            raise ValueError(f"split is one of {', '.join(SPLITS)}, not {self.split!r}")
        if not 1 <= self.rounds <= MAX_ROUNDS:
            raise ValueError(f"rounds is from 1 to {MAX_ROUNDS}, not {self.rounds}")

    @property
    def max_length(self) -> int:
        return 2 * self.rounds

    @property
    def rules(self) -> str:
        decides = "A judge then decides who wins."
        if self.judge is None:
            decides = (
                "A judge then checks every line that states a step towards the answer, such as "
                f"{_example(self.family)} and counts a right line as 1, a wrong one as -1; a line given twice counts "
                "once, no more right lines count than a full solution has, and a boxed answer counts nothing. Who has "
                "more wins; between equals, who has fewer wrong lines."
            )
        return (
            "Debate. Two players are given a problem and an answer each, one of which is right. In turn, player_0 "
            f"first, each writes {self.rounds} {'argument' if self.rounds == 1 else 'arguments'} for the own answer. "
            f"{decides}"
        )

    def initial(self, rng: np.random.Generator) -> Dispute:
        """Raises ValueError when the family has a problem too long, or no answer is false."""
        u, v, w = rng.random(3).tolist()
        seed = int(u * (1 << 53))
        problem = self._problem(seed)
        if len(problem.prompt) > MAX_PROMPT:
            raise ValueError(f"{self.family} has a problem of {len(problem.prompt)} characters, {MAX_PROMPT} at most")
        true = last_boxed(_solution(self.family, self.difficulty, seed, self.split)[-1]) or ""
        false = self._false_answer(problem, true, seed, v)
        return Dispute(seed, (true, false) if w < 0.5 else (false, true))

    def player(self, state: Dispute) -> int:
        return len(state.arguments) & 1

    def described(self, state: Dispute) -> str:
        own = state.answers[self.player(state)]
        return (
            f"Argue that the answer is {own}: at most {self.max_chars} characters in {MAX_LINES} lines, each step on a "
            "line of its own. All that you write is shown to the other player and to the judge."
        )

    def accept(self, state: Dispute, text: str) -> str | Illegal:
        if text.count("\n") >= MAX_LINES:
            return Illegal(f"it has {1 + text.count(chr(10))} lines, {MAX_LINES} are allowed")
        return self.limited(text)

    def act(self, state: Dispute, action: str) -> Dispute:
        arguments = (*state.arguments, action)
        if len(arguments) < 2 * self.rounds:
            return Dispute(state.seed, state.answers, arguments)
        case = Case(_task(self.family), self._problem(state.seed), state.answers, arguments)
        winner = (self.judge or by_execution)(case)
        if winner not in (0, 1, None):
            raise ValueError(f"a judge names player 0 or 1, or None, not {winner!r}")
        return Dispute(state.seed, state.answers, arguments, NOBODY if winner is None else winner)

    def terminal(self, state: Dispute) -> bool:
        return state.winner != OPEN

    def returns(self, state: Dispute) -> tuple[float, ...]:
        if state.winner == NOBODY:
            return (0.0, 0.0)
        return (1.0, -1.0) if state.winner == 0 else (-1.0, 1.0)

    def truthful(self, state: Dispute) -> int:
        """The player whose answer is right."""
        return 0 if _right(_task(self.family), self._problem(state.seed), state.answers[0]) else 1

    def show(self, state: Dispute) -> str:
        lines = [self._problem(state.seed).prompt, ""]
        lines += [f"player_{k} argues for {answer}." for k, answer in enumerate(state.answers)]
        for k, argument in enumerate(state.arguments):
            lines += [f"player_{k & 1}, argument {1 + k // 2}:", indented(argument)]
        if state.winner != OPEN:
            judged = "nobody" if state.winner == NOBODY else f"player_{state.winner}"
            lines.append(f"The judge believes {judged}; the right answer is that of player_{self.truthful(state)}.")
        return "\n".join(lines)

    def sample(self, state: Dispute, rng: np.random.Generator) -> str:
        """The own answer and a line of the solution, half of the time with a wrong digit."""
        u, v, w, x = rng.random(4).tolist()
        solution = _solution(self.family, self.difficulty, state.seed, self.split)[:-1] or [""]
        line = solution[int(u * len(solution))]
        digits = [k for k, c in enumerate(line) if c in "0123456789"]
        if digits and v < 0.5:
            k = digits[int(w * len(digits))]
            line = f"{line[:k]}{(int(line[k]) + 1 + int(9 * x)) % 10}{line[k + 1 :]}"
        return f"I say {state.answers[self.player(state)]}.\n{line}".strip()[: self.max_chars]

    def _problem(self, seed: int) -> Problem:
        return _problem(self.family, self.difficulty, seed, self.split)

    def _false_answer(self, problem: Problem, true: str, seed: int, u: float) -> str:
        """A number close to a true number; else the answer to another problem."""
        task = _task(self.family)
        others: Iterable[str]
        if true.lstrip("-").isdecimal():
            shift = 1 + int(u * NEAR)
            others = [str(int(true) + shift), str(int(true) - shift)][:: 1 if int(u * 1000) % 2 else -1]
        else:
            seeds = (derive_seed(seed, k) for k in range(DRAWS))
            others = (_answer(self.family, self.difficulty, other, self.split) for other in seeds)
        for other in others:
            if other and not _right(task, problem, other):
                return other
        raise ValueError(f"{self.family} has no false answer to: {problem.prompt[:80]}")


def by_execution(case: Case) -> int | None:
    """Who has more right steps less wrong ones, as the task judges them, wins; between equals, fewer wrong ones.

    Neither repetition nor true words beside the matter earn anything: a line counts once, and of right ones no more
    count than the worked solution has. Boxed answers are left out, since the task knows whether these are right: who
    lies must be caught by a wrong step.
    """
    tallies = [tally(case, player) for player in (0, 1)]
    ranks = [(right - wrong, -wrong) for right, wrong in tallies]
    return None if ranks[0] == ranks[1] else int(ranks[1] > ranks[0])


def tally(case: Case, player: int) -> tuple[int, int]:
    """How many steps of a player's arguments are right, and how many wrong."""
    solution = solve(case.task, case.problem)
    needed, _ = _counts(case, solution)
    right, wrong = _counts(case, [line for argument in case.arguments[player::2] for line in argument.split("\n")])
    return min(right, needed), wrong


def partisan(game: Any, view: Dispute, rng: np.random.Generator) -> str:
    """Quotes the solution, with the own answer where the last step has the right one."""
    solution = _solution(game.family, game.difficulty, view.seed, game.split)
    player = game.player(view)
    true, own = view.answers[game.truthful(view)], view.answers[player]
    lines = solution[:-1][1 - MAX_LINES :]
    before, found, after = lines[-1].rpartition(true) if lines else ("", "", "")
    if found:
        lines[-1] = f"{before}{own}{after}"
    return "\n".join([*lines, f"So the answer is {own}."])[-game.max_chars :]


def solve(task: Task, problem: Problem) -> list[str]:
    """The lines of the oracle's solution, the same each time."""
    rng = np.random.Generator(np.random.PCG64(0))
    reseed(rng, problem.prompt)
    return task.solve(problem, rng).split("\n")


def _counts(case: Case, lines: Sequence[str]) -> tuple[int, int]:
    """Right and wrong steps among the lines, each line once."""
    distinct: dict[str, str] = {}
    for line in lines:
        if BOX[:-1] not in line and line.strip() != SOLUTION_DELIMITER:
            distinct.setdefault("".join(line.lower().split()), line)
    found = [verdict.status for verdict in case.task.steps(case.problem, "\n".join(distinct.values()))]
    return found.count(Status.RIGHT), found.count(Status.WRONG)


def _right(task: Task, problem: Problem, answer: str) -> bool:
    return task.verify(problem, f"\\boxed{{{answer}}}").right


@lru_cache(maxsize=256)
def _task(id: str) -> Task:
    return make_task(id)


@lru_cache(maxsize=1 << 10)
def _problem(family: str, level: int, seed: int, split: str) -> Problem:
    return sample_problem(_task(family), seed, level, split)


@lru_cache(maxsize=1 << 10)
def _solution(family: str, level: int, seed: int, split: str) -> list[str]:
    return solve(_task(family), _problem(family, level, seed, split))


def _answer(family: str, level: int, seed: int, split: str) -> str:
    return last_boxed(_solution(family, level, seed, split)[-1]) or ""


@lru_cache(maxsize=256)
def _example(family: str) -> str:
    """A line of a solution, for the rules."""
    level = _task(family).difficulties[0]
    return _solution(family, level, 0, "train")[0]
