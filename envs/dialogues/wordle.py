"""Wordle: find a word of five letters; some guesses have been made already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from palaestra.envs.dialogue import Dialogue, State, Turn, last_action
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers import right
from palaestra.verifiers.quoting import quoted

from .words import FIVE_LETTERS

OPENINGS = (3, 3, 2, 2, 2, 1, 1, 1, 1, 1)  # guesses that were made before, by level
GUESSES = (6, 6, 6, 6, 5, 5, 5, 4, 4, 3)  # and turns that are left
MAX_MEASURED = 40  # candidates that the oracle compares as guesses


@register("palaestra/Wordle-v0")
@dataclass(frozen=True)
class Wordle(Dialogue):
    """Difficulty lessens the guesses that were made already (3 to 1) and those that are left (6 to 3).

    An action is any five letters, ``guess[crane]``; each is told to be in place (G), elsewhere in the word (Y) or not
    in it (-), where a letter is marked no more often than the word holds it. Right is the secret, which is one of some
    seven hundred common words (not told). What is not five letters costs a turn.
    """

    tags: ClassVar[tuple[str, ...]] = ("dialogue", "words", "information")
    ceiling = 0.03
    wordings: ClassVar[tuple[str, ...]] = (
        "Find a common English word of five letters. Guess as guess[crane]. Each letter of a guess is marked G when it "
        "is in the right place, Y when it occurs elsewhere in the word, and - otherwise. So far:\n{made}\n"
        "You have {turns} more guesses.",
        "Wordle, guesses left: {turns}\n{made}\n(G: right letter, right place; Y: right letter, wrong place; -: no "
        "such letter, or no more of it)\nWrite guess[crane] to guess the five-letter word crane.",
        "Somebody has already tried this for a secret word of five letters:\n{made}\nA G stands below a letter that is "
        "in its place, a Y below one that belongs elsewhere, a - below one too many or not in the word. Go on, within "
        "{turns} guesses, by writing for example guess[crane].",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        opened, turns = OPENINGS[difficulty - 1], GUESSES[difficulty - 1]
        uniforms = rng.random(opened + 1).tolist()
        pool = [int(u * len(FIVE_LETTERS)) for u in uniforms]
        secret = FIVE_LETTERS[pool[0]]
        made = []
        for index in pool[1:]:
            word = FIVE_LETTERS[index]
            made.append(word if word != secret else FIVE_LETTERS[index - 1])
        fields = {"made": "\n".join(f"{word}\n{marks(secret, word)}" for word in made), "turns": str(turns)}
        return self.ask(rng, {"secret": secret, "made": made, "turns": turns}, difficulty, fields)

    def begin(self, problem: Problem) -> State:
        return ()

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the guesses made in the dialogue."""
        secret = problem.reference["secret"]
        found = last_action(action, "guess")
        if found is None:
            return Turn("That is no guess: write guess[crane].", state)
        guess = found[1].lower()
        if len(guess) != 5 or not (guess.isascii() and guess.isalpha()):
            return Turn(f"{quoted(found[1], 20)} is not five letters.", state)
        if guess == secret:
            return Turn(f"{guess}\nGGGGG", (*state, guess), right(f"{secret} in {len(state) + 1} guesses"))
        return Turn(f"{guess}\n{marks(secret, guess)}", (*state, guess))

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Of the words that fit all marks, guesses the one that tells them apart best; at last, what it knows."""
        secret = problem.reference["secret"]
        if len(state) + 1 >= problem.reference["turns"]:
            return f"guess[{secret}]"
        candidates = fitting(secret, (*problem.reference["made"], *state))
        guesses = candidates[:: 1 + len(candidates) // MAX_MEASURED]
        best = min(guesses, key=lambda guess: _largest_group(guess, guesses))
        words = "One word fits" if len(candidates) == 1 else f"{len(candidates)} words fit"
        return f"{words}.\nguess[{best}]"

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Minds only the letters that are in their place."""
        secret = problem.reference["secret"]
        tried = (*problem.reference["made"], *state)
        placed = [i for i in range(5) if any(word[i] == secret[i] for word in tried)]
        candidates = [word for word in FIVE_LETTERS if all(word[i] == secret[i] for i in placed) and word not in tried]
        return f"guess[{candidates[int(rng.integers(len(candidates)))]}]"


def marks(secret: str, guess: str) -> str:
    """G, Y or - for each letter of a guess."""
    found = ["-"] * len(guess)
    left = Counter[str]()
    for i, (a, b) in enumerate(zip(secret, guess, strict=True)):
        if a == b:
            found[i] = "G"
        else:
            left[a] += 1
    for i, letter in enumerate(guess):
        if found[i] == "-" and left[letter] > 0:
            found[i] = "Y"
            left[letter] -= 1
    return "".join(found)


@lru_cache(maxsize=1024)
def fitting(secret: str, guesses: Sequence[str]) -> tuple[str, ...]:
    """The words of the list that would have got the same marks."""
    candidates = FIVE_LETTERS
    for guess in guesses:
        told = marks(secret, guess)
        candidates = tuple(word for word in candidates if marks(word, guess) == told)
    return candidates


def _largest_group(guess: str, words: Sequence[str]) -> int:
    """Of the words, how many at most a guess leaves possible."""
    return max(Counter(marks(word, guess) for word in words).values())
