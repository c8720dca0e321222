"""Mastermind: find a secret row of letters from how many are right (Knuth, The computer as Master Mind, 1977)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from palaestra.envs.dialogue import Dialogue, State, Turn, last_action
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers import right
from palaestra.verifiers.quoting import quoted

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIZES = ((3, 5), (3, 6), (4, 5), (4, 6), (4, 6), (4, 7), (4, 8), (5, 7), (5, 8), (5, 9))  # places, letters; by level
WEAK_TRIES = 30

Reply: TypeAlias = tuple[str, tuple[int, int]]  # to a guess: letters in place, and misplaced


@register("palaestra/Mastermind-v0")
@dataclass(frozen=True)
class Mastermind(Dialogue):
    """Difficulty raises how many places there are (3 to 5) and letters for them (5 to 9).

    guesses: how many turns there are.

    An action is a guess, ``guess[ABCA]``; letters may repeat. It is told how many letters stand in their place and how
    many more belong elsewhere. Right is the secret within the guesses. Which letters there are changes from problem to
    problem, so that no fixed first guess is good everywhere.
    """

    guesses: int = 8
    tags: ClassVar[tuple[str, ...]] = ("dialogue", "search", "information")
    wordings: ClassVar[tuple[str, ...]] = (
        "I have written down {places} letters, each one of {letters}; a letter may occur more than once. Find them. "
        "Guess as guess[{example}]. After each guess I say how many letters are in the right place and how many others "
        "occur in another place. You have {turns} guesses.",
        "Mastermind\nplaces: {places}\nletters: {letters} (repeats allowed)\nguesses: {turns}\nmove: guess[{example}]\n"
        "reply: how many letters are in place, and how many more are right but misplaced",
        "A safe opens with a code of {places} letters out of {letters}, where letters can repeat. You can try {turns} "
        "codes, one a turn, like this: guess[{example}]. The safe shows the number of letters that are in place and "
        "the number of further letters that are in the code but misplaced.",
    )

    def __post_init__(self) -> None:
        if not 1 <= self.guesses <= 20:
            raise ValueError(f"guesses is from 1 to 20, not {self.guesses}")

    @property
    def ceiling(self) -> float:
        """Other guesses in every turn, at the easiest level, and some luck."""
        places, letters = SIZES[0]
        codes: int = letters**places
        return min(1.0, 0.03 + self.guesses / codes)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        places, count = SIZES[difficulty - 1]
        uniforms = rng.random(places + count).tolist()
        pool = list(ALPHABET)
        letters = "".join(sorted(pool.pop(int(u * len(pool))) for u in uniforms[:count]))
        secret = "".join(letters[int(u * count)] for u in uniforms[count:])
        fields = {
            "places": str(places),
            "letters": ", ".join(letters),
            "turns": str(self.guesses),
            "example": letters[:places],
        }
        return self.ask(rng, {"letters": letters, "secret": secret, "turns": self.guesses}, difficulty, fields)

    def begin(self, problem: Problem) -> State:
        return ()

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the guesses."""
        secret, letters = problem.reference["secret"], problem.reference["letters"]
        found = last_action(action, "guess")
        if found is None:
            return Turn(f"That is no guess: write guess[{letters[: len(secret)]}].", state)
        guess = found[1].upper()
        if len(guess) != len(secret) or not set(guess) <= set(letters):
            return Turn(f"{quoted(found[1], 20)} is not {len(secret)} letters out of {', '.join(letters)}.", state)
        if guess == secret:
            return Turn(f"{guess} is the code.", (*state, guess), right(f"{secret} in {len(state) + 1} guesses"))
        placed, misplaced = feedback(secret, guess)
        return Turn(f"{guess}: {placed} in place, {misplaced} misplaced.", (*state, guess))

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Guesses what fits all that was said; what it knows, on the last turn."""
        secret = problem.reference["secret"]
        if len(state) + 1 >= problem.reference["turns"]:
            return f"guess[{secret}]"
        letters = problem.reference["letters"]
        order = [letters[i] for i in np.argsort(rng.random(len(letters))).tolist()]
        return f"guess[{consistent(order, len(secret), [(guess, feedback(secret, guess)) for guess in state])}]"

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Guesses what fits the last reply, if a few tries find that."""
        secret, letters = problem.reference["secret"], problem.reference["letters"]
        code = ""
        for _ in range(WEAK_TRIES):
            code = "".join(letters[i] for i in rng.integers(len(letters), size=len(secret)).tolist())
            if not state or feedback(code, state[-1]) == feedback(secret, state[-1]):
                break
        return f"guess[{code}]"


def consistent(letters: Sequence[str], places: int, replies: Sequence[Reply], code: str = "") -> str:
    """The first code, in the order of ``letters``, that would have got these replies; "" when there is none."""
    if len(code) == places:
        return code
    for letter in letters:
        longer = code + letter
        if all(_possible(longer, places, reply) for reply in replies):
            found = consistent(letters, places, replies, longer)
            if found:
                return found
    return ""


def _possible(code: str, places: int, reply: Reply) -> bool:
    """Whether some end of ``code`` gets the reply."""
    guess, (placed, misplaced) = reply
    rest = places - len(code)
    hits, others = feedback(code, guess)
    return hits <= placed <= hits + rest and hits + others <= placed + misplaced <= hits + others + rest


def feedback(secret: str, guess: str) -> tuple[int, int]:
    """How many letters of a guess are in place, and how many more are misplaced."""
    placed = sum(map(str.__eq__, secret, guess))
    common = sum(min(secret.count(letter), guess.count(letter)) for letter in set(guess))
    return placed, common - placed
