"""Which words does a finite automaton accept?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.sequences.listing import NoList, boxed, boxed_integers
from palaestra.verifiers import Verdict, right, wrong

WORDS = 6
MEMORY = 4  # letters of a word that the weak solver reads


@register("palaestra/Automaton-v0")
@dataclass(frozen=True)
class Automaton(Task):
    """Difficulty raises the number of states (3 to 7) and the length of the words (2 to 4, up to 20 to 22).

    The answer is the set of those of six words that a deterministic finite automaton accepts, by their numbers;
    at least one and not all.
    """

    tags: ClassVar[tuple[str, ...]] = ("strings", "formal languages")
    ceiling = 0.05
    wordings = (
        "A deterministic finite automaton starts in state 0 and accepts in {accepting}. Its moves, state by state: "
        "{moves}. Which of these words does it accept? {words}. Answer in \\boxed{{}} with their numbers.",
        "Words: {words}\nStart each word in state 0 and go from state to state, letter by letter: {moves}. "
        "Which words end in {accepting}? Give their numbers in \\boxed{{}}.",
        "A lock with the states of this table opens if a sequence of presses that begins in state 0 ends in "
        "{accepting}.\n{moves}\nList in \\boxed{{}} the numbers of the sequences that open it: {words}",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = 2 + (difficulty + 1) // 2
        alphabet = "ab" if difficulty < 6 else "abc"
        letters = len(alphabet)
        while True:
            uniforms = iter(rng.random(n * letters + 1 + WORDS * (2 * difficulty + 3)).tolist())
            table = [[int(next(uniforms) * n) for _ in range(letters)] for _ in range(n)]
            accepting = sorted({int(next(uniforms) * n), *range(1, n, 2)})
            words, accepted = [], []
            for number in range(1, WORDS + 1):
                state, word = 0, ""
                for _ in range(2 * difficulty + int(next(uniforms) * 3)):
                    letter = int(next(uniforms) * letters)
                    word += alphabet[letter]
                    state = table[state][letter]
                words.append(f"{number}. {word}")
                if state in accepting:
                    accepted.append(number)
            if 0 < len(accepted) < WORDS:
                break
        moves = [f"{state}: {', '.join(map(_move, alphabet, row))}" for state, row in enumerate(table)]
        fields = {
            "accepting": f"state {' or '.join(map(str, accepting))}",
            "moves": "; ".join(moves),
            "words": ", ".join(words),
        }
        return self.ask(rng, {"accepted": accepted}, difficulty, fields, {"table": table, "accepting": accepting})

    def verify(self, problem: Problem, response: str) -> Verdict:
        try:
            numbers = sorted({*boxed_integers(response)})
        except NoList as reason:
            return wrong(str(reason))
        accepted = problem.reference["accepted"]
        for number in numbers:
            if number not in accepted:
                return wrong(f"word {number} is not accepted" if 1 <= number <= WORDS else f"there is no word {number}")
        for number in accepted:
            if number not in numbers:
                return wrong(f"word {number} is accepted", answer=numbers)
        return right("the accepted words", answer=numbers)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The states on the way of each word, then the answer."""
        lines, accepted = [], []
        for number, word in enumerate(_words(problem), 1):
            states = _run(problem.meta["table"], word)
            said = states[-1] in problem.meta["accepting"]
            lines.append(f"{number}. {' -> '.join(map(str, states))} {'accepted' if said else 'not accepted'}")
            accepted += [number] * said
        return "\n".join([*lines, boxed(accepted)])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """As if each word ended after its first few letters."""
        ends = [_run(problem.meta["table"], word[:MEMORY])[-1] for word in _words(problem)]
        return boxed([number for number, end in enumerate(ends, 1) if end in problem.meta["accepting"]])


def _move(letter: str, state: int) -> str:
    return f"{letter} -> {state}"


def _words(problem: Problem) -> list[str]:
    numbered: str = problem.meta["fields"]["words"]
    return numbered.replace(",", "").split()[1::2]


def _run(table: Any, word: str) -> list[int]:
    """The states from the start to the end of a word."""
    states = [0]
    for letter in word:
        states.append(table[states[-1]]["abc".index(letter)])
    return states
