"""Proposer and solver: one chooses a problem that can be checked, the other solves it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import make_task, task_class
from palaestra.envs.seeding import reseed
from palaestra.envs.task import SPLITS, Problem, SplitExhausted, Task, sample_problem
from palaestra.verifiers import last_boxed
from palaestra.verifiers.quoting import quoted

from .game import BOX, Illegal
from .registration import register_game
from .text_game import TextGame

PROPOSER, SOLVER = 0, 1
ROLES = ("the proposer", "the solver")
FAMILIES = (
    "palaestra/ChainArith-v0",
    "palaestra/Countdown-v0",
    "palaestra/LinearEquations-v0",
    "palaestra/KnightsAndKnaves-v0",
)
MAX_ATTEMPTS = 16
MAX_PROMPT = 8000  # characters of a problem
SEEDS = 1 << 31  # that a random proposer draws from
PROPOSAL = re.compile(r"(\w{1,60}) (\d{1,3}) (\d{1,18})", re.ASCII)
UNDECIDED = -1.0  # in place of a score: no attempt, as far as rewards go


class Match(NamedTuple):
    """proposal: "ChainArith 3 42", empty at first; scores: of the attempts, None where unknown."""

    proposal: str = ""
    scores: tuple[float | None, ...] = ()


@register_game("palaestra/ProposerSolver-v0")
@dataclass(frozen=True)
class ProposerSolver(TextGame[Match]):
    """The proposer names family, difficulty and seed of a problem; the solver attempts it, several times.

    The solver gets the mean score p of the attempts, as the family's verifier has it. The proposer gets for

    - reward="learnable": 4p(1 - p), highest where the solver is right half the time (A. Rutherford et al., "No
      regrets", 2024, arXiv:2408.15099);
    - reward="hard": 1 - p, but 0 where no attempt was right (A. Zhao et al., "Absolute Zero", 2025, arXiv:2505.03335).

    attempts: 2 to 16; the solver is told nothing of the earlier ones, so that they are independent. families: ids of
    tasks. split: of their problems. Nothing that a player writes is run.
    """

    tags: ClassVar[tuple[str, ...]] = ("games", "self-play", "curriculum", "general-sum")
    zero_sum: ClassVar[bool] = False
    hidden: ClassVar[bool] = True
    max_chars: ClassVar[int] = 1 << 14
    lowest = 0.0
    attempts: int = 4
    families: tuple[str, ...] = FAMILIES
    reward: str = "learnable"
    split: str = "train"

    def __post_init__(self) -> None:
        if not 2 <= self.attempts <= MAX_ATTEMPTS:
            raise ValueError(f"attempts is from 2 to {MAX_ATTEMPTS}, not {self.attempts}")
        if self.reward not in ("learnable", "hard"):
            raise ValueError(f"reward is 'learnable' or 'hard', not {self.reward!r}")
        if self.split not in SPLITS:
            raise ValueError(f"split is one of {', '.join(SPLITS)}, not {self.split!r}")
        for id in self.families:
            task_class(id)
        if len(self._ids) < max(1, len(self.families)):
            raise ValueError(f"families are one or more, each of another name, not {self.families}")

    @property
    def max_length(self) -> int:
        return 1 + self.attempts

    @property
    def rules(self) -> str:
        aim = (
            "gets the more, the nearer that share is to one half"
            if self.reward == "learnable"
            else "gets the share of attempts that fail, but nothing when all of them do"
        )
        return (
            "Proposer and solver. The proposer chooses a problem by naming a family, a difficulty and a seed (a whole "
            f"number, from which the problem is drawn). The solver then attempts it {self.attempts} times without "
            "being told how the earlier attempts went. The solver gets the share of attempts that are right, and the "
            f"proposer {aim}. Families and their difficulties: {self._listed()}."
        )

    def initial(self, rng: np.random.Generator) -> Match:
        return Match()

    def player(self, state: Match) -> int:
        return SOLVER if state.proposal else PROPOSER

    def described(self, state: Match) -> str:
        if state.proposal:
            return "Solve the problem and answer as it says. All that you write is judged, its last answer counts."
        name, task = next(iter(self._ids)), _task(self.families[0])
        return f"Name family, difficulty and seed in \\boxed{{}}, such as \\boxed{{{name} {task.difficulties[0]} 42}}."

    def accept(self, state: Match, text: str) -> str | Illegal:
        return self.limited(text) if state.proposal else self._proposal(text)

    def act(self, state: Match, action: str) -> Match:
        if not state.proposal:
            return Match(action)
        task, problem = self.problem(state)
        verdict = task.verify(problem, action)
        score = verdict.score if verdict.score == verdict.score else UNDECIDED  # nan is not equal to itself
        return Match(state.proposal, (*state.scores, score))

    def terminal(self, state: Match) -> bool:
        return len(state.scores) == self.attempts

    def returns(self, state: Match) -> tuple[float, ...]:
        decided = [score for score in state.scores if score is not None and score != UNDECIDED]
        if not decided:
            return (0.0, 0.0)
        p = sum(decided) / len(decided)
        if self.reward == "hard":
            return (1.0 - p if p > 0 else 0.0, p)
        return (4.0 * p * (1.0 - p), p)

    def show(self, state: Match) -> str:
        if not state.proposal:
            return "Nothing is proposed yet."
        lines = [f"Proposed: {state.proposal}.", "", self.problem(state)[1].prompt, ""]
        if self.terminal(state):
            told = ["undecided" if score == UNDECIDED else f"{score:g}" for score in state.scores]
            lines.append(f"Scores of the attempts: {', '.join(told)}.")
        else:
            lines.append(f"Attempt {len(state.scores) + 1} of {self.attempts}.")
        return "\n".join(lines)

    def seen(self, state: Match, player: int) -> Match:
        """How the attempts went is not known before the last one, to the proposer either."""
        return state if self.terminal(state) else Match(state.proposal, (None,) * len(state.scores))

    def resample(self, state: Match, player: int, rng: np.random.Generator) -> Match:
        if self.terminal(state):
            return state
        return Match(state.proposal, tuple(float(u < 0.5) for u in rng.random(len(state.scores)).tolist()))

    def role(self, player: int) -> str:
        return ROLES[player]

    def sample(self, state: Match, rng: np.random.Generator) -> str:
        """Any problem of any family; a number of two digits as its answer."""
        u, v, w = rng.random(3).tolist()
        if state.proposal:
            return f"I guess \\boxed{{{int(u * 100)}}}"
        name, id = list(self._ids.items())[int(u * len(self._ids))]
        levels = _task(id).difficulties
        return f"\\boxed{{{name} {levels[int(v * len(levels))]} {int(w * SEEDS)}}}"

    def problem(self, state: Match) -> tuple[Task, Problem]:
        """The problem proposed, and the task that judges it."""
        name, level, seed = state.proposal.split(" ")
        id = self._ids[name]
        return _task(id), _problem(id, int(level), int(seed), self.split)

    def _proposal(self, text: str) -> str | Illegal:
        content = last_boxed(text) if BOX in text else text
        if content is None:
            return Illegal("the box is never closed")
        words = " ".join(content[: self.max_chars].split())
        if not words:
            return Illegal("the answer is empty")
        found = PROPOSAL.fullmatch(words)
        if found is None:
            return Illegal(f"'{quoted(words, 40)}' is not a family, a difficulty and a seed")
        name = next((name for name in self._ids if name.lower() == found[1].lower()), None)
        if name is None:
            return Illegal(f"no family {found[1]}: there are {quoted(', '.join(self._ids), 120)}")
        level, seed = int(found[2]), int(found[3])
        levels = _task(self._ids[name]).difficulties
        if level not in levels:
            return Illegal(f"{name} has difficulties {levels[0]} to {levels[-1]}, not {level}")
        try:
            problem = _problem(self._ids[name], level, seed, self.split)
        except SplitExhausted:
            return Illegal(f"{name} has no problem at difficulty {level}")
        if len(problem.prompt) > MAX_PROMPT:
            return Illegal(f"that problem has {len(problem.prompt)} characters, {MAX_PROMPT} are allowed")
        return f"{name} {level} {seed}"

    @property
    def _ids(self) -> dict[str, str]:
        """The families' ids by their short names."""
        return _short_names(self.families)

    def _listed(self) -> str:
        levels = ((name, _task(id).difficulties) for name, id in self._ids.items())
        return ", ".join(f"{name} ({found[0]} to {found[-1]})" for name, found in levels)


def hurried(game: Any, view: Match, rng: np.random.Generator) -> str:
    """The proposer chooses a middling difficulty; the solver is each family's weak one and stays with its answer."""
    if not view.proposal:
        name, id = list(game._ids.items())[int(rng.random() * len(game._ids))]
        levels = _task(id).difficulties
        return f"\\boxed{{{name} {levels[len(levels) // 2]} {int(rng.random() * SEEDS)}}}"
    task, problem = game.problem(view)
    reseed(rng, view.proposal)
    return str(task.weak_solve(problem, rng)) or "I cannot solve it."


def oracle(game: Any, view: Match, rng: np.random.Generator) -> str:
    """The proposer as above; the solver knows the answer."""
    if not view.proposal:
        return hurried(game, view, rng)
    task, problem = game.problem(view)
    return str(task.solve(problem, rng))


@lru_cache(maxsize=256)
def _short_names(families: tuple[str, ...]) -> dict[str, str]:
    return {id.rpartition("/")[2].rpartition("-v")[0]: id for id in families}


@lru_cache(maxsize=256)
def _task(id: str) -> Task:
    return make_task(id)


@lru_cache(maxsize=1 << 10)
def _problem(id: str, level: int, seed: int, split: str) -> Problem:
    return sample_problem(_task(id), seed, level, split)
