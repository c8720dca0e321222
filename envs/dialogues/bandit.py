"""A bandit told in text: find the arm that pays most often (best-arm identification: Audibert and Bubeck, 2010)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.dialogue import Dialogue, State, Turn, last_action
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers import right, wrong
from palaestra.verifiers.quoting import quoted

PULLS = 5  # of an arm in one turn
MACHINES = ("Amber", "Basil", "Cedar", "Dahlia", "Ember", "Fern", "Garnet", "Hazel", "Iris", "Jade", "Kelp", "Lilac")
MASK = (1 << 64) - 1


@register("palaestra/Bandit-v0")
@dataclass(frozen=True)
class Bandit(Dialogue):
    """Difficulty raises how many machines there are (8 to 12) and brings the second best nearer to the best.

    An action plays one machine five times, ``play[Fern]``, and is told how often it paid; or it names the best
    machine, ``answer[Fern]``, once and for all. Right is the machine with the highest chance. Each play's luck is drawn
    with the problem, by machine and count, so that two dialogues that play alike see the same, in whatever order.
    """

    tags: ClassVar[tuple[str, ...]] = ("dialogue", "exploration", "probability")
    ceiling = 0.16
    wordings: ClassVar[tuple[str, ...]] = (
        "There are {count} slot machines: {names}. Each pays with a fixed chance of its own. In each turn write "
        "play[{example}] to play a machine {pulls} times and hear how often it paid, or answer[{example}] to say which "
        "machine has the highest chance, which ends the game. You have {turns} turns, the answer included.",
        "Which of {names} has the best odds?\nTo test one: play[{example}] ({pulls} plays a turn).\n"
        "To decide, once: answer[{example}].\nTurns, with the decision: {turns}.",
        "You run an experiment with {count} treatments called {names}; each works on a fixed share of patients, which "
        "you do not know. play[{example}] gives one to {pulls} patients and tells how many it cured. Within {turns} "
        "turns, write answer[{example}] with the treatment that works most often. There is one such answer only.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count = 8 + difficulty // 3
        gap = 0.62 - 0.05 * difficulty
        uniforms = rng.random(count + len(MACHINES) + 1).tolist()
        pool = list(MACHINES)
        names = [pool.pop(int(u * len(pool))) for u in uniforms[:count]]
        best = int(uniforms[count] * count)
        top = 0.95 - 0.2 * uniforms[count + 1]
        chances = [round((top - gap) * u, 3) for u in uniforms[-count:]]
        chances[best] = round(top, 3)
        turns = 2 * count + 1
        fields = {
            "count": str(count),
            "names": ", ".join(names),
            "example": names[0],
            "pulls": str(PULLS),
            "turns": str(turns),
        }
        luck = int(rng.integers(1 << 53))
        return self.ask(rng, {"names": names, "chances": chances, "luck": luck, "turns": turns}, difficulty, fields)

    def begin(self, problem: Problem) -> State:
        return ((), ())

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the machines that were played, and how often each time paid."""
        names, chances = problem.reference["names"], problem.reference["chances"]
        found = last_action(action, "play", "answer")
        if found is None:
            return Turn(f"That is no action: write play[{names[0]}] or answer[{names[0]}].", state)
        verb, name = found[0], found[1].capitalize()
        if name not in names:
            return Turn(f"There is no {quoted(found[1], 20)}: there are {', '.join(names)}.", state)
        arm = names.index(name)
        if verb == "answer":
            best = max(range(len(names)), key=chances.__getitem__)
            if arm == best:
                return Turn(f"{name} it is.", state, right(f"{name} is the best"))
            return Turn(f"{names[best]} was better.", state, wrong(f"{names[best]} is better than {name}"))
        played, paid = state
        before = sum(1 for other in played if other == arm)
        wins = sum(_uniform(problem.reference["luck"], arm, PULLS * before + k) < chances[arm] for k in range(PULLS))
        return Turn(f"{name} paid {wins} times of {PULLS}.", ((*played, arm), (*paid, wins)))

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Plays each machine, then the two that paid most, and at last says what it knows."""
        names, chances, turns = (problem.reference[key] for key in ("names", "chances", "turns"))
        played = state[0]
        if len(played) + 1 >= turns:
            return f"answer[{names[max(range(len(names)), key=chances.__getitem__)]}]"
        if len(played) < len(names):
            return f"play[{names[len(played)]}]"
        ranked = sorted(range(len(names)), key=lambda arm: -_rate(state, arm))
        return f"play[{names[ranked[len(played) % 2]]}]"

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Plays each machine once and takes the best so far."""
        names = problem.reference["names"]
        if len(state[0]) < len(names):
            return f"play[{names[len(state[0])]}]"
        return f"answer[{names[max(range(len(names)), key=lambda arm: _rate(state, arm))]}]"


def _rate(state: State, arm: int) -> float:
    wins: Sequence[int] = [paid for other, paid in zip(*state, strict=True) if other == arm]
    return sum(wins) / (PULLS * len(wins)) if wins else 0.0


def _uniform(luck: int, arm: int, count: int) -> float:
    """The luck of an arm's play: a number in [0, 1) that is a hash (SplitMix64: Steele, Lea and Flood, 2014)."""
    z = (luck + 0x9E3779B97F4A7C15 * (arm * 1009 + count + 1)) & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return ((z ^ z >> 31) >> 11) / (1 << 53)
