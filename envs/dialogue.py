"""A dialogue is a task with turns: text goes back and forth until an answer is judged or the turns are used up."""

from __future__ import annotations

import dataclasses
import math
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, TypeAlias

import numpy as np

from palaestra.verifiers import Verdict, wrong

from .reasoning import ReasoningEnv, Snapshot
from .spaces import TextObs
from .task import OracleMissing, Problem, Task

LONGEST = 64  # turns, at most, of any dialogue
MAX_ARGUMENT = 200  # characters between the brackets of an action
MAX_READ = 1 << 14  # characters at an action's end, beyond which nothing is looked for
SLIP = 0.1  # of the weak player, a turn

State: TypeAlias = Any  # plain data that nothing changes: tuples, texts, numbers, None


@dataclass(frozen=True, slots=True)
class Turn:
    """What an action led to. The dialogue ends with the turn that has a verdict.

    reward: None stands for the verdict's score, and for 0 while there is none.
    """

    observation: str
    state: State
    verdict: Verdict | None = None
    reward: float | None = None


class DialogueEnv(ReasoningEnv):
    """Play one problem of a ``Dialogue``, an action a turn; the reward comes with the verdict, or with each turn.

    Spaces, seeds, splits and errors are those of ``ReasoningEnv``. Observation: the prompt, then what each turn says.
    An action that is too long or no text ends the dialogue as wrong. ``info`` holds ``problem``, ``difficulty``,
    ``seed`` and the task's ``facts``, and ``verdict`` at the end. Nothing is ever truncated: turns are part of the
    rules, and who has used them up is judged by ``Dialogue.exhausted``.
    """

    task: Dialogue
    _ended_by = "the dialogue has ended"

    def __init__(self, task: Dialogue, **knobs: Any) -> None:
        super().__init__(task, **knobs)
        self._state: State = None
        self._turns = 0
        self._seen = ""  # the last observation

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[TextObs, dict[str, Any]]:
        """Ask a problem: that of ``seed``, or the next of the stream. Raises as ``ReasoningEnv.reset`` does."""
        observation, info = super().reset(seed=seed, options=options)
        problem = info["problem"]
        self._state, self._turns, self._seen = self.task.begin(problem), 0, observation
        info.update(self.task.facts(problem, self._state))
        return observation, info

    def step(self, action: str) -> tuple[TextObs, float, bool, bool, dict[str, Any]]:
        """Take one turn.

        Raises:
            TypeError: the action is no string.
            ValueError: the observation is longer than the observation space.
            gymnasium.error.ResetNeeded: no problem has been asked, or the dialogue has ended.
        """
        problem, fault = self._accept(action)
        if fault is None:
            turn = self.task.take(problem, self._state, self._turns, action)
        else:
            turn = Turn("", self._state, wrong(fault))
        if len(turn.observation) > self.max_prompt_chars:
            raise ValueError(f"an observation of {len(turn.observation)} characters: raise max_prompt_chars")
        verdict = turn.verdict
        self._response, self._verdict = action, verdict
        self._state, self._turns, self._seen = turn.state, self._turns + 1, turn.observation
        info = {"problem": problem, "difficulty": problem.difficulty, "seed": self._seed}
        info.update(self.task.facts(problem, turn.state))
        if verdict is not None:
            info["verdict"] = verdict
        return TextObs(turn.observation), reward_of(turn), verdict is not None, False, info

    def oracle(self, rng: np.random.Generator) -> str:
        """The oracle's action now. Raises as ``ReasoningEnv.oracle`` does."""
        return self.task.act(self._asked(), self._state, self._seen, rng)

    def render(self) -> str | None:
        """The prompt and the last turn as text (``render_mode="ansi"``)."""
        if self.render_mode is None or self._problem is None:
            return None
        lines = [self._problem.prompt]
        if self._turns:
            lines += [f"turn {self._turns}: {self._response}", self._seen]
        if self._verdict is not None:
            lines.append(f"{self._verdict.status}: {self._verdict.reason}")
        return "\n".join(lines)

    def snapshot(self) -> DialogueSnapshot:
        """The present state: small, picklable, independent of what the environment does next."""
        known = super().snapshot()
        fields = {name: getattr(known, name) for name in Snapshot.__slots__}
        return DialogueSnapshot(**fields, state=self._state, turns=self._turns, seen=self._seen)

    def restore(self, state: Snapshot) -> None:
        """Continue exactly from ``state``. Raises as ``ReasoningEnv.restore`` does."""
        super().restore(state)
        assert isinstance(state, DialogueSnapshot)  # since it is of the same family
        self._state, self._turns, self._seen = state.state, state.turns, state.seen


@dataclass(frozen=True, slots=True)
class DialogueSnapshot(Snapshot):
    """What a ``DialogueEnv`` remembers beside: the task's state, how many turns were taken, the last observation."""

    state: State
    turns: int
    seen: str


class Dialogue(Task):
    """A family of problems with turns: subclass it like a ``Task``, with ``begin``, ``turn`` and ``act``.

    ``reference["turns"]`` is how many turns there are, 64 at most; the prompt should say so. States are immutable and
    JSON-able (a list for a tuple must not matter), and ``turn`` is a pure function, so that a snapshot is exact, a
    dialogue can be played again from its actions, and tree search needs nothing else.

    transparent: whoever knows the rules can tell what an action leads to, so that trying it in the environment and
    going back tells nothing; a search may do so while it is measured.
    """

    environment: ClassVar[type[ReasoningEnv]] = DialogueEnv
    transparent: ClassVar[bool] = False

    @abstractmethod
    def begin(self, problem: Problem) -> State:
        """The state before the first turn; what is seen then is the prompt."""

    @abstractmethod
    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """What an action leads to; raises on no text whatever. What cannot be understood costs a turn and is told."""

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Oracle: the next action, which from ``begin`` on leads to a RIGHT verdict within the turns."""
        raise OracleMissing(f"{self.id or type(self).__name__} has no oracle: define act")

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """A weak player, as ``Task.weak_solve``: this one is the oracle, which says nothing in one turn of ten."""
        return "" if rng.random() < SLIP else self.act(problem, state, observation, rng)

    def facts(self, problem: Problem, state: State) -> Mapping[str, Any]:
        """What ``info`` tells beside: goals, say. Not for the agent."""
        return {}

    def exhausted(self, problem: Problem, state: State) -> Verdict:
        """The verdict on who has used up the turns: an answer that is due and missing is wrong."""
        return wrong(f"no answer in {self.max_turns(problem)} turns")

    def max_turns(self, problem: Problem) -> int:
        """How many turns there are. Raises TypeError where the problem does not say."""
        try:
            turns: int = problem.reference["turns"]
        except (KeyError, TypeError) as error:
            told = f'the problem\'s reference["turns"] says how many turns there are, not {problem.reference!r}'
            raise TypeError(f"{self.id}: {told}") from error
        return turns

    def take(self, problem: Problem, state: State, number: int, action: str) -> Turn:
        """``turn`` number ``number``, from 0: the last one is judged."""
        turn = self.turn(problem, state, action)
        if not isinstance(turn, Turn):
            raise TypeError(f"{self.id}: turn gives a Turn(observation, state, verdict), not {turn!r}")
        if turn.verdict is None and number + 1 >= self.max_turns(problem):
            return dataclasses.replace(turn, verdict=self.exhausted(problem, turn.state))
        return turn

    def play(self, problem: Problem, actions: Iterable[str]) -> Iterator[Turn]:
        """The turns that ``actions`` lead to, up to the one that ends the dialogue."""
        state = self.begin(problem)
        for number, action in enumerate(actions):
            turn = self.take(problem, state, number, action)
            yield turn
            if turn.verdict is not None:
                return
            state = turn.state

    def next(self, problem: Problem, actions: Sequence[str], rng: np.random.Generator) -> str:
        """The oracle's action after these, its own or another's."""
        state, observation = self.begin(problem), problem.prompt
        for turn in self.play(problem, actions):
            state, observation = turn.state, turn.observation
        return self.act(problem, state, observation, rng)

    def demonstrate(self, problem: Problem, rng: np.random.Generator, weak: bool = False) -> Iterator[tuple[str, Turn]]:
        """A dialogue of the oracle, or of the weak player: actions with what they led to."""
        act = self.weak_act if weak else self.act
        state, observation = self.begin(problem), problem.prompt
        for number in range(self.max_turns(problem)):
            action = act(problem, state, observation, rng)
            turn = self.take(problem, state, number, action)
            yield action, turn
            if turn.verdict is not None:
                return
            state, observation = turn.state, turn.observation

    def verify(self, problem: Problem, response: str) -> Verdict:
        """The verdict on a response as the first and only action."""
        verdict = self.turn(problem, self.begin(problem), response).verdict
        return wrong("no answer yet: the dialogue would go on") if verdict is None else verdict

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The oracle's actions, one after the other, in one text."""
        return "\n".join(action for action, _ in self.demonstrate(problem, rng))

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The weak player's actions in one text."""
        return "\n".join(action for action, _ in self.demonstrate(problem, rng, weak=True))


def reward_of(turn: Turn) -> float:
    """A turn's reward: its own, else its verdict's score, else 0; 0 for UNDECIDED, as in ``ReasoningEnv``."""
    if turn.reward is not None:
        return turn.reward
    return 0.0 if turn.verdict is None or math.isnan(turn.verdict.score) else turn.verdict.score


def last_action(text: str, *names: str) -> tuple[str, str] | None:
    """The last ``name[argument]`` in (the end of) a text, its name in small letters; None when there is none.

    So an agent may think aloud first, and whoever writes several actions has taken the last.
    """
    found = _pattern(names).findall(text[-MAX_READ:])
    if not found:
        return None
    name, argument = found[-1]
    return name.lower(), argument.strip()


@cache
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(names)})\[([^\[\]\n]{{0,{MAX_ARGUMENT}}})\]", re.IGNORECASE | re.ASCII)
