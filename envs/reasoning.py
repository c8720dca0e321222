"""A task as a Gymnasium environment: one question, one answer, one verdict."""

from __future__ import annotations

import dataclasses
import math
import operator
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium
import numpy as np
from numpy.random import PCG64

from palaestra.verifiers import Verdict, wrong

from .seeding import TextSeeded, continued, reseed
from .snapshots import expect
from .spaces import TextObs, UnicodeText
from .task import SPLITS, Problem, Task, Unposed, known_level, posed, sample_problem

MAX_ANSWER_CHARS = 1 << 16
END = TextObs("")  # what is seen after the answer


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that an environment remembers. ``family`` names task, knobs and split; ``rng`` is a bit generator's state."""

    family: str
    problem: Problem | None
    seed: int | None
    response: str | None
    verdict: Verdict | None
    rng: dict[str, Any]
    rng_seed: int | None


class ReasoningEnv(gymnasium.Env[str, str]):
    """Ask one problem of ``task``; the action is a whole response; the reward is the verdict's score.

    Observation: the prompt (after the step an empty text). Action: the response, at most ``max_answer_chars``
    characters; a longer one is judged wrong, not refused. Reward: ``verdict.score``; 0 when the verdict is
    UNDECIDED, since rewards are finite: read ``info["verdict"]`` to leave such episodes out.
    ``info`` holds ``problem``, ``difficulty`` and ``seed``, and after the step ``verdict``.

    ``reset(seed=s)`` asks the problem of (task, split, s) at the difficulty of ``options["difficulty"]``, else the one
    given here, else the task's easiest. ``reset()`` goes on with the stream that the last seeded reset began.
    ``options["problem"]`` asks the problem of this text instead, in the task's own notation, if it is of the split.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi"], "render_fps": 1}  # type: ignore[misc]  # gymnasium's is no ClassVar
    _ended_by: ClassVar[str] = "one problem takes one answer"

    def __init__(
        self,
        task: Task,
        *,
        split: str = "train",
        difficulty: int | None = None,
        max_answer_chars: int = MAX_ANSWER_CHARS,
        max_prompt_chars: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"split is one of {', '.join(SPLITS)}, not {split!r}")
        if render_mode not in (None, "ansi"):
            raise ValueError(f"render_mode is None or 'ansi', not {render_mode!r}")
        self.task = task
        self.split = split
        level = task.difficulties[0] if difficulty is None else difficulty
        self.difficulty = known_level(level, task.difficulties, task.id)
        self.max_answer_chars = max_answer_chars
        self.max_prompt_chars = task.max_prompt_chars if max_prompt_chars is None else max_prompt_chars
        self.render_mode = render_mode
        self.observation_space = UnicodeText(self.max_prompt_chars)
        self.action_space = UnicodeText(max_answer_chars)
        self._problem: Problem | None = None
        self._seed: int | None = None
        self._response: str | None = None
        self._verdict: Verdict | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[TextObs, dict[str, Any]]:
        """Ask a problem: that of ``seed``, or the next of the stream.

        Raises:
            ValueError: a negative or non-integer seed, an unknown option or difficulty, or a prompt that is longer
                than the observation space.
            Unposed: the option "problem" states none of this split, or one of another difficulty than the option's.
        """
        difficulty = self.difficulty
        proposed: Problem | None = None
        if options:
            if "problem" in options:
                proposed = _proposed(self.task, options, self.split)
                difficulty = proposed.difficulty
            else:
                difficulty = _difficulty(options, difficulty)
        rng = self._np_random
        if rng is None or type(rng.bit_generator) is not PCG64:
            rng = self._np_random = TextSeeded()
        if seed is None:
            seed = rng.bit_generator.random_raw() >> 1
            if self._np_random_seed is None:
                self._np_random_seed = seed
        elif type(seed) is int and seed >= 0:  # a truth value would be another seed than its number
            # The generator is reseeded from ``seed`` below, so a new one (as super().reset makes) is not needed.
            self._np_random_seed = seed
        else:
            raise ValueError(f"a seed is an integer of 0 or more, not {seed!r}")
        if proposed is None:
            problem = sample_problem(self.task, seed, difficulty, self.split, rng)
        else:  # nothing is drawn, but the stream goes on from this seed all the same
            problem = proposed
            reseed(rng, f"{self.task.stream}|posed|{seed}")
        if len(problem.prompt) > self.max_prompt_chars:
            raise ValueError(f"a prompt of {len(problem.prompt)} characters: raise max_prompt_chars")
        self._problem, self._seed, self._response, self._verdict = problem, seed, None, None
        return TextObs(problem.prompt), {"problem": problem, "difficulty": difficulty, "seed": seed}

    def step(self, action: str) -> tuple[TextObs, float, bool, bool, dict[str, Any]]:
        """Judge the response; the episode then ends.

        Raises:
            TypeError: the action is no string, or the task's verdict is none.
            RuntimeError: the task's ``verify`` ends the program.
            gymnasium.error.ResetNeeded: no problem has been asked, or it has been answered.
        """
        problem, fault = self._accept(action)
        try:
            verdict = self.task.verify(problem, action) if fault is None else wrong(fault)
        except SystemExit as end:  # which nobody would be told of
            told = f"{self.task.id}: verify gives a Verdict or raises an error; it ends no program, as exit() does"
            raise RuntimeError(told).with_traceback(end.__traceback__) from None
        if not isinstance(verdict, Verdict):
            raise TypeError(f"{self.task.id}: verify gives a Verdict, as right(...) and wrong(...) do, not {verdict!r}")
        self._response, self._verdict = action, verdict
        reward = 0.0 if math.isnan(verdict.score) else verdict.score  # nan is UNDECIDED
        info = {"problem": problem, "difficulty": problem.difficulty, "seed": self._seed, "verdict": verdict}
        return END, reward, True, False, info

    def _asked(self) -> Problem:
        """The problem that awaits an answer; raises ResetNeeded when there is none."""
        if self._problem is None or self._verdict is not None:
            raise gymnasium.error.ResetNeeded(f"call reset() first: {self._ended_by}")
        return self._problem

    def _accept(self, action: str) -> tuple[Problem, str | None]:
        """The problem that awaits ``action``, and why the task is not to judge it, or None; raises as ``step`` does."""
        problem = self._problem if self._verdict is None else None
        if problem is None:
            problem = self._asked()  # which raises
        if not isinstance(action, str):
            raise TypeError(f"an action is the response as a string, not {type(action).__name__}")
        if action.isascii() and len(action) <= self.max_answer_chars:
            return problem, None
        return problem, _fault(action, self.max_answer_chars)

    def fault(self, response: str) -> str | None:
        """Why a response is judged wrong without the task being asked, or None."""
        return _fault(response, self.max_answer_chars)

    @property
    def difficulties(self) -> range:
        """The levels that ``reset`` accepts."""
        return self.task.difficulties

    def oracle(self, rng: np.random.Generator) -> str:
        """The right answer to what is asked now, by the task's oracle.

        Raises:
            OracleMissing: the task has none.
            TypeError: its solution is no string.
            gymnasium.error.ResetNeeded: nothing is asked.
        """
        solution = self.task.solve(self._asked(), rng)
        if not isinstance(solution, str):
            raise TypeError(f"{self.task.id}: solve gives a string, not {solution!r}")
        return solution

    def render(self) -> str | None:
        """The episode so far as text (``render_mode="ansi"``)."""
        if self.render_mode is None or self._problem is None:
            return None
        lines = [self._problem.prompt]
        if self._verdict is not None:
            lines += [self._response or "", f"{self._verdict.status}: {self._verdict.reason}"]
        return "\n".join(lines)

    def snapshot(self) -> Snapshot:
        """The present state: small, picklable, independent of what the environment does next."""
        state = dict(self.np_random.bit_generator.state)
        return Snapshot(
            self._family(), self._problem, self._seed, self._response, self._verdict, state, self._np_random_seed
        )

    def restore(self, state: Snapshot) -> None:
        """Continue exactly from ``state``, be it of this environment or of another of the same task and split.

        Raises:
            ValueError: it is no snapshot, or was taken from another task, other knobs or another split.
        """
        expect(Snapshot, state)
        if state.family != self._family():
            raise ValueError(f"a snapshot of {state.family} cannot be restored into {self._family()}")
        self._problem, self._seed = state.problem, state.seed
        self._response, self._verdict = state.response, state.verdict
        self._np_random, self._np_random_seed = continued(self.np_random, state.rng), state.rng_seed

    def _family(self) -> str:
        knobs = repr(self.task) if dataclasses.is_dataclass(self.task) else type(self.task).__qualname__
        return f"{self.task.id} {knobs} {self.split}"


def _proposed(task: Task, options: dict[str, Any], split: str) -> Problem:
    problem = posed(task, str(options["problem"]), split)
    asked = _difficulty({key: value for key, value in options.items() if key != "problem"}, problem.difficulty)
    if asked != problem.difficulty:
        raise Unposed(f"level {asked} was asked for, and the problem is of level {problem.difficulty}")
    return problem


def _difficulty(options: dict[str, Any], default: int) -> int:
    unknown = options.keys() - {"difficulty"}
    if unknown:
        raise ValueError(
            f"reset knows the options 'difficulty' and 'problem', not {', '.join(sorted(map(repr, unknown)))}"
        )
    level = options.get("difficulty", default)
    try:
        return int(operator.index(level))
    except TypeError:
        raise ValueError(f"a difficulty is an integer, not {level!r}") from None


def _fault(response: str, max_chars: int) -> str | None:
    """Why a response is not judged at all, or None."""
    if len(response) > max_chars:
        return f"the response has {len(response)} characters, {max_chars} are allowed"
    try:
        response.encode()
    except UnicodeEncodeError:
        return "the response holds lone surrogates, which are no text"
    return None
