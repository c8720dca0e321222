"""Games whose actions are free text: what is said is judged, not chosen from a list."""

from __future__ import annotations

import unicodedata
from abc import abstractmethod
from collections.abc import Hashable
from typing import ClassVar, TypeVar

import numpy as np

from .game import MAX_ANSWER_CHARS, Game, Illegal

INVISIBLE = frozenset({"Cf", "Cc", "Cn", "Co", "Cs"})  # Unicode's categories of formats, controls and no characters

S = TypeVar("S", bound=Hashable)


class TextGame(Game[S, str]):
    """A game in which a player may write what it likes, within the rules that ``accept`` holds it to.

    ``legal`` lists nothing; ``described`` tells the player what an action is, and ``sample`` makes one up, for random
    players and for tests. Players do not choose at the same time. An action is the text that ``accept`` makes of an
    answer: accepted again it is the same.

    max_chars: of an action. Those of a whole game must fit into an observation beside the rules.
    """

    form: ClassVar[str] = ""
    max_chars: ClassVar[int] = 2000

    @abstractmethod
    def described(self, state: S) -> str:
        """What an action is here: one line or two for the player whose turn it is."""

    @abstractmethod
    def sample(self, state: S, rng: np.random.Generator) -> str:
        """A text such as a player without a plan might write, accepted always; ``state`` may be as ``seen``."""

    @abstractmethod
    def accept(self, state: S, text: str) -> str | Illegal:
        """The action that a clean text is, or why it is none. It must not depend on what the player may not know."""

    def parse(self, state: S, text: str) -> str | Illegal:
        """The action in ``text``: cleaned (see ``clean``), then as ``accept`` has it."""
        if len(text) > MAX_ANSWER_CHARS:
            return Illegal(f"the answer has {len(text)} characters, {MAX_ANSWER_CHARS} are allowed")
        cleaned = clean(text)
        return cleaned if isinstance(cleaned, Illegal) else self.accept(state, cleaned)

    def legal(self, state: S) -> tuple[str, ...]:
        return ()

    def action_text(self, action: str) -> str:
        return action

    def read(self, text: str) -> str:
        return text

    def limited(self, text: str) -> str | Illegal:
        """``text`` unless it is empty or longer than ``max_chars``."""
        if not text:
            return Illegal("the answer is empty")
        if len(text) > self.max_chars:
            return Illegal(f"it has {len(text)} characters, {self.max_chars} are allowed")
        return text


def clean(text: str) -> str | Illegal:
    """``text`` without invisible characters, at its ends without space, its lines ended by a newline each.

    So nobody hides a word from the judge, or turns the other's screen about. A lone surrogate is refused: such a text
    cannot be stored.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    lines = []
    for line in text.splitlines():
        kept = line.replace("\t", " ")
        if not kept.isprintable():
            if any("\ud800" <= c <= "\udfff" for c in kept):
                return Illegal("it holds lone surrogates, which are no text")
            kept = "".join(c for c in kept if unicodedata.category(c) not in INVISIBLE)
        lines.append(kept.rstrip())
    return "\n".join(lines).strip()


def indented(text: str) -> str:
    """Each line behind a bar: what a player wrote cannot be taken for what the game tells."""
    return "\n".join(f"| {line}" for line in text.split("\n"))
