"""The rules of a game: pure functions over immutable states, with text for whoever plays it."""

from __future__ import annotations

import re
import reprlib
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from palaestra.verifiers import last_boxed

MAX_ANSWER_CHARS = 1 << 16
QUOTED_CHARS = 40  # of an answer, in the reason why it is refused
BOX = "\\boxed{"
TEXT_COMMAND = re.compile(r"\\(?:text|mathrm|textbf|mathbf) ?\{([^{}\\]*)\}")
BETWEEN_ACTIONS = re.compile(r" ?[,;/|&] ?| and | or ")

S = TypeVar("S", bound=Hashable)
A = TypeVar("A", bound=Hashable)


class Illegal(str):
    """Why a text is no legal action, in one line."""

    __slots__ = ()


class Unresampled(LookupError):
    """No other state was found that a player cannot tell from a state."""


class BrokenRules(ValueError):
    """A game's ``initial``, ``player`` or ``legal`` gives what no game can go on with."""


class Game(ABC, Generic[S, A]):
    """A turn-based game for one table; subclass it as a frozen dataclass of knobs and ``@register_game`` it.

    States and actions are immutable, hashable and picklable. Chance falls once, in ``initial``, and is kept in the
    state, so that a game is its first state and its actions. Players who choose at the same time are asked one after
    the other, and ``seen`` hides what the others chose.

    id: set by ``@register_game``.
    tags: what it is about; the first is "games".
    zero_sum: the returns of every game add up to 0.
    hidden: some player may not see all of some state.
    simultaneous: each round every player chooses once, in the order of ``players``.
    form: what players are told of how to write an action; empty where ``rules`` and ``described`` say it.
    """

    id: ClassVar[str] = ""
    tags: ClassVar[tuple[str, ...]] = ("games",)
    zero_sum: ClassVar[bool] = True
    hidden: ClassVar[bool] = False
    simultaneous: ClassVar[bool] = False
    form: ClassVar[str] = "Write your action, alone, in \\boxed{}."

    @property
    def lowest(self) -> float:
        """The least that a player's return can be."""
        return -1.0

    @property
    def highest(self) -> float:
        """The most that a player's return can be."""
        return 1.0

    @property
    def players(self) -> tuple[str, ...]:
        """The players' names, in the order of their seats."""
        return ("player_0", "player_1")

    @property
    @abstractmethod
    def max_length(self) -> int:
        """No game has more actions than this."""

    @property
    @abstractmethod
    def rules(self) -> str:
        """What every player is told: the aim, the rules, and how an action is written."""

    @abstractmethod
    def initial(self, rng: np.random.Generator) -> S:
        """The first state, not yet terminal; all that chance decides in the game is drawn here and kept in it."""

    @abstractmethod
    def player(self, state: S) -> int:
        """Whose turn it is; no meaning in a terminal state."""

    @abstractmethod
    def legal(self, state: S) -> Sequence[A]:
        """The legal actions: at least one, or none where actions are free text (``TextGame``); not asked at the end."""

    @abstractmethod
    def act(self, state: S, action: A) -> S:
        """The state after a legal action."""

    @abstractmethod
    def terminal(self, state: S) -> bool:
        """Whether the game is over."""

    @abstractmethod
    def returns(self, state: S) -> tuple[float, ...]:
        """What each player gets, from ``lowest`` to ``highest``, in a terminal state."""

    @abstractmethod
    def show(self, state: S) -> str:
        """The position as text; what ``seen`` has hidden in it is shown as unknown."""

    @abstractmethod
    def action_text(self, action: A) -> str:
        """The one canonical text of an action, in lower case."""

    @abstractmethod
    def read(self, text: str) -> A | None:
        """The action that a text names (lower case, single spaces), legal or not; None when it names none."""

    def sample(self, state: S, rng: np.random.Generator) -> str:
        """The text of some legal action; ``state`` may be as ``seen`` by the player whose turn it is."""
        legal = self.legal(state)
        return self.action_text(legal[int(rng.random() * len(legal))])

    def described(self, state: S) -> str:
        """What an action is here, told to the player whose turn it is; empty where ``legal`` lists the actions."""
        return ""

    def why(self, state: S, action: A) -> str:
        """Why an action that can be read is not legal in ``state``."""
        return f"{self.action_text(action)} is not allowed here"

    def seen(self, state: S, player: int) -> S:
        """``state`` with everything left out that ``player`` may not know; ``legal``, ``player`` and ``show`` take it.

        It is the player's information state: equal for states that the player cannot tell apart.
        """
        return state

    def resample(self, state: S, player: int, rng: np.random.Generator) -> S:
        """A state drawn among those that ``player`` cannot tell from ``state``.

        Raises:
            Unresampled: none was found.
        """
        return state

    def deals(self) -> Sequence[tuple[float, S]]:
        """Every first state with its probability, for solvers.

        Raises:
            LookupError: the game does not list them.
        """
        raise LookupError(f"{self.id or type(self).__name__} does not list its first states")

    def role(self, player: int) -> str:
        """What a player is called in texts."""
        return self.players[player]

    def observe(self, state: S, player: int) -> str:
        """The position as ``player`` may know it, and who the player is."""
        return f"{self.show(self.seen(state, player))}\nYou are {self.role(player)}."

    def forfeit(self, state: S, losers: Sequence[int]) -> tuple[float, ...]:
        """The returns when ``losers`` gave no legal action in ``state``: the lowest for each of them.

        The others share what they lose in a zero-sum game, and else get the lowest too: the game came to nothing.
        """
        count = len(self.players)
        others = count - len(losers)
        if not self.zero_sum:
            return (self.lowest,) * count
        if not others:
            return (0.0,) * count
        share = -self.lowest * len(losers) / others
        return tuple(self.lowest if k in losers else share for k in range(count))

    def parse(self, state: S, text: str) -> A | Illegal:
        r"""The legal action that stands in the last ``\boxed{}`` of ``text`` or is all of it, or why there is none.

        One action and nothing beside it: prose around an unboxed action is refused, and so are two actions.
        """
        if len(text) > MAX_ANSWER_CHARS:
            return Illegal(f"the answer has {len(text)} characters, {MAX_ANSWER_CHARS} are allowed")
        content = last_boxed(text) if BOX in text else text
        if content is None:
            return Illegal("the box is never closed")
        words = " ".join(TEXT_COMMAND.sub(r"\1", content).lower().split())
        action = self.read(words)
        if action is None:
            return Illegal(self._unreadable(words))
        return action if action in self.legal(state) else Illegal(self.why(state, action))

    def _unreadable(self, words: str) -> str:
        if not words:
            return "the answer is empty"
        named = [self.read(part) for part in BETWEEN_ACTIONS.split(words[:QUOTED_CHARS])]
        texts = list(dict.fromkeys(self.action_text(action) for action in named if action is not None))
        if len(texts) > 1:
            return f"two actions, {texts[0]} and {texts[1]}: give one"
        quoted = repr(words if len(words) <= QUOTED_CHARS else words[:QUOTED_CHARS] + "…")
        return f"{quoted} is no action: write one alone or in \\boxed{{}}"


AnyGame = Game[Any, Any]


def no_choice(game: AnyGame, legal: Any) -> BrokenRules:
    """The error that ``legal`` is no list of actions to choose from."""
    expected = "one action or more, hashable, each once, wherever terminal is false"
    return BrokenRules(f"{game.id}: legal gives {expected}, not {reprlib.repr(legal)}")
