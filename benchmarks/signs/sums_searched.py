"""Countdown as a tree: a state is the numbers at hand, an action a sum of two of them, drawn by a scripted proposer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from palaestra.agents.agent import Dialogue, Reply
from palaestra.agents.evaluators.assessment import Answer, Assessment, Grain, spans_of
from palaestra.agents.search.tree import Proposal
from palaestra.agents.search.world import Method, Proposed, Request, Valued, run
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem
from palaestra.episodes import Actor, Cost

LARGEST = 999  # of any value on the way, as in Countdown's own problems


@dataclass(frozen=True, slots=True)
class Hand:
    """The numbers at hand, each with how it was made, and the lines that were written.

    dialogue: the seed of what is answered. seed: of what is drawn from here.
    """

    target: int
    numbers: tuple[tuple[int, str], ...]
    lines: tuple[str, ...] = ()
    dialogue: int = 0
    seed: int = 0

    @property
    def ended(self) -> bool:
        return len(self.numbers) == 1


def dealt(problem: Problem) -> Hand:
    """Nothing done yet."""
    return Hand(problem.reference["target"], tuple((n, str(n)) for n in problem.reference["numbers"]))


def choices(hand: Hand) -> list[tuple[tuple[int, int], str]]:
    """Every sum of two numbers at hand: which two, and the operator."""
    return [(pair, op) for pair in combinations(range(len(hand.numbers)), 2) for op in _legal(hand, pair)]


def _legal(hand: Hand, pair: tuple[int, int]) -> list[str]:
    """Operators whose value is a natural number within bounds; sums always are, so there is always one."""
    a, b = sorted((hand.numbers[index][0] for index in pair), reverse=True)
    return ["+", *(["-"] if a > b else []), *(["*"] if a * b <= LARGEST else []), *(["/"] if a % b == 0 else [])]


def _taken(hand: Hand, pair: tuple[int, int], op: str) -> Hand:
    (a, a_text), (b, b_text) = sorted((hand.numbers[index] for index in pair), key=lambda one: -one[0])
    value = {"+": a + b, "-": a - b, "*": a * b, "/": a // b}[op]
    rest = tuple(one for index, one in enumerate(hand.numbers) if index not in pair)
    text = f"({a_text}{op}{b_text})"
    line = f"{a}{op}{b}={value}" + ("" if rest else f"\n\\boxed{{{text[1:-1]}}}")
    return replace(hand, numbers=(*rest, (value, text)), lines=(*hand.lines, line))


def tokens(lines: Sequence[str]) -> int:
    """A token a character, and one for each line's end."""
    return sum(len(line) + 1 for line in lines)


def played_out(hand: Hand, rng: np.random.Generator) -> Hand:
    """Sums at random until one number is left."""
    while not hand.ended:
        sums = choices(hand)
        hand = _taken(hand, *sums[int(rng.integers(len(sums)))])
    return hand


def nearness(hand: Hand) -> float:
    """1 / (1 + distance from the target) of the number that is left, which who wrote it can see: no verdict."""
    return 1 / (1 + abs(hand.numbers[0][0] - hand.target))


Worth = Callable[[Hand], float]


class Sums:
    """The world: sums are tried in a random order, a state is worth what playing it out at random comes to.

    worth: of a number that is left; all that is written, in the tree and behind it, costs its tokens.
    """

    def __init__(self, worth: Worth = nearness) -> None:
        self.worth = worth
        self.nearest: dict[int, Hand] = {}  # that a dialogue's tree was played out to

    def expand(self, requests: Sequence[Request]) -> list[Proposed]:
        return [self._proposed(request) for request in requests]

    def _proposed(self, request: Request) -> Proposed:
        hand, sums = request.state, choices(request.state)
        order = np.random.default_rng(derive_seed("order", hand.seed)).permutation(len(sums))
        proposals, cost = [], Cost()
        for number, seed in enumerate(request.seeds, request.start):
            if number < len(sums):  # else all have been tried
                made = replace(_taken(hand, *sums[order[number]]), seed=seed)
                proposals.append(Proposal(action=made.lines[-1], state=made, terminal=made.ended))
                cost += Cost(tokens_out=tokens(made.lines[-1:]))
        return Proposed(proposals, cost)

    def evaluate(self, states: Sequence[Any]) -> list[Valued]:
        return [self._valued(state) for state in states]

    def _valued(self, hand: Hand) -> Valued:
        end = played_out(hand, np.random.default_rng(derive_seed("played out", hand.seed)))
        self.nearest[hand.dialogue] = max(self.nearest.get(hand.dialogue, end), end, key=nearness)
        return Valued(self.worth(end), Cost(tokens_out=tokens(end.lines[len(hand.lines) :])))


class Searcher:
    """Answers with the nearest to the target of all that its search was played out to (Schadd et al. 2008)."""

    actor = Actor("sums searched")

    def __init__(self, world: Sums, method: Method) -> None:
        self.world, self.method = world, method

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        roots = [replace(dealt(_asked(one)), dialogue=one.seed, seed=one.seed) for one in dialogues]
        trees = run(self.world, self.method, roots, [one.seed for one in dialogues])
        ends = [self.world.nearest.pop(one.seed) for one in dialogues]
        return [Reply("\n".join(end.lines), cost=tree.cost) for tree, end in zip(trees, ends, strict=True)]


class Guesser:
    """Answers with sums at random; how near they came is in the reply's meta."""

    actor = Actor("sums at random")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        ends = [played_out(dealt(_asked(one)), np.random.default_rng(one.seed)) for one in dialogues]
        return [
            Reply("\n".join(end.lines), cost=Cost(tokens_out=tokens(end.lines)), meta={"nearness": nearness(end)})
            for end in ends
        ]


class Nearest:
    """An assessor that says how near an answer of ``Guesser`` came: what the search is told, too."""

    grains: tuple[Grain, ...] = ("answer",)

    def assess(self, answers: Sequence[Answer], grain: Grain = "answer") -> list[Assessment]:
        return [Assessment((one.reply.meta["nearness"],), spans_of(one.reply, grain)) for one in answers]


def _asked(dialogue: Dialogue) -> Problem:
    assert dialogue.problem is not None
    return dialogue.problem
