"""Twenty questions: find the one thing in a small world by asking about its properties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.dialogue import Dialogue, State, Turn, last_action
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers import right, wrong
from palaestra.verifiers.quoting import quoted

QUESTIONS = 20  # turns, the guess included
WEAK_QUESTIONS = 4
PROPERTIES: dict[str, tuple[str, ...]] = {
    "colour": ("red", "green", "blue", "white"),
    "size": ("tiny", "small", "large", "huge"),
    "material": ("wood", "iron", "glass", "clay"),
    "shape": ("round", "square", "flat", "long"),
}
NAMES = tuple("ABCDEFGHJKLMNPQRSTUVWXYZ")  # with a digit each; no I and O, which look like digits
ASK = "ask[colour = red]"


@register("palaestra/Guess20-v0")
@dataclass(frozen=True)
class Guess20(Dialogue):
    """Difficulty raises how many things there are (12 to 66); no two have all four properties in common.

    An action asks about one property, ``ask[colour = red]``, and is answered by Yes or No, or names the thing,
    ``guess[B2]``, once and for all. Right is the thing that was drawn. Twenty turns are plenty for whoever halves the
    candidates; without questions a guess is right once in as many times as there are things.
    """

    tags: ClassVar[tuple[str, ...]] = ("dialogue", "search", "information")
    ceiling = 0.1
    wordings: ClassVar[tuple[str, ...]] = (
        "I am thinking of one of these things:\n{things}\n"
        "Find out which. You have {turns} turns. In each turn either ask about one property, as ask[colour = red], and "
        "I say yes or no, or name the thing, as guess[{example}]. You may guess only once.",
        "Twenty questions. There are {count} things, each with {properties}:\n{things}\n"
        "One of them is the secret. A turn is a yes-or-no question like ask[size = huge] or the final guess like "
        "guess[{example}]; a wrong guess loses, and so does having no guess after {turns} turns.",
        "{things}\nSomebody has hidden a prize in one of the {count} things above and answers yes-or-no questions "
        "about it. Write ask[property = value] to ask, where the properties are {properties}. Within {turns} turns, "
        "write guess[name], as in guess[{example}], to open one: only one can be opened.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count = 6 + 6 * difficulty
        uniforms = iter(rng.random(4 * count + 64).tolist())
        codes: dict[int, None] = {}
        while len(codes) < count:
            codes[int(next(uniforms) * 256)] = None
        things = [[code >> 2 * k & 3 for k in range(4)] for code in codes]
        secret = int(next(uniforms, 0.5) * count)
        fields = {
            "things": "\n".join(f"{name_of(i)}: {_described(thing)}" for i, thing in enumerate(things)),
            "count": str(count),
            "turns": str(QUESTIONS),
            "properties": "colour, size, material and shape",
            "example": name_of(1),
        }
        return self.ask(rng, {"things": things, "secret": secret, "turns": QUESTIONS}, difficulty, fields)

    def begin(self, problem: Problem) -> State:
        return ()

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the questions, each as property and value."""
        found = last_action(action, "ask", "guess")
        if found is None:
            return Turn(f"That is neither a question such as {ASK} nor a guess such as guess[B1].", state)
        name, argument = found
        secret = problem.reference["secret"]
        if name == "guess":
            if argument.upper() == name_of(secret):
                return Turn("Yes, that is it!", state, right(f"{name_of(secret)} it is"))
            return Turn(
                f"No, it was {name_of(secret)}.", state, wrong(f"guesses {quoted(argument, 20)}, not {name_of(secret)}")
            )
        question = _question(argument)
        if question is None:
            return Turn(f"Nothing is known of {quoted(argument, 40)!r}: ask as {ASK}.", state)
        yes = problem.reference["things"][secret][question[0]] == question[1]
        return Turn("Yes." if yes else "No.", (*state, question))

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Asks what halves the candidates best."""
        candidates = self._candidates(problem, state)
        if len(candidates) == 1:
            return f"Only {name_of(candidates[0])} is left.\nguess[{name_of(candidates[0])}]"
        things = problem.reference["things"]
        counts = [[0] * 4 for _ in range(4)]
        for i in candidates:
            for k, value in enumerate(things[i]):
                counts[k][value] += 1
        _, k, value = min(
            (abs(2 * counts[k][value] - len(candidates)), k, value) for k in range(4) for value in range(4)
        )
        return f"{len(candidates)} things are left.\nask[{_text(k, value)}]"

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Asks four questions that come to mind, then guesses among what is left."""
        candidates = self._candidates(problem, state)
        if len(candidates) == 1 or len(state) >= WEAK_QUESTIONS:
            return f"guess[{name_of(candidates[int(rng.integers(len(candidates)))])}]"
        k, value = (int(n) for n in rng.integers(4, size=2))
        return f"ask[{_text(k, value)}]"

    def _candidates(self, problem: Problem, state: State) -> list[int]:
        things: list[list[int]] = problem.reference["things"]
        secret = things[problem.reference["secret"]]
        return [
            i
            for i, thing in enumerate(things)
            if all((thing[k] == value) is (secret[k] == value) for k, value in state)
        ]


def name_of(index: int) -> str:
    """A1, B1, …, Z1, A2, …"""
    return f"{NAMES[index % len(NAMES)]}{1 + index // len(NAMES)}"


def _described(thing: list[int]) -> str:
    return ", ".join(values[value] for values, value in zip(PROPERTIES.values(), thing, strict=True))


def _text(k: int, value: int) -> str:
    name = tuple(PROPERTIES)[k]
    return f"{name} = {PROPERTIES[name][value]}"


def _question(text: str) -> tuple[int, int] | None:
    """Property and value that a question is about."""
    name, _, value = (part.strip() for part in text.lower().partition("="))
    if value in PROPERTIES.get(name, ()):
        return tuple(PROPERTIES).index(name), PROPERTIES[name].index(value)
    return None
