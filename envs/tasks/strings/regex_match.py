"""Write a string that one regular expression matches and another does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from .glushkov import START, Automaton, Tree, automaton, matches, step, successors, text

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
LETTERS = 3  # of the alphabet in one problem
ANSWER_CHARS = 200  # a longer answer is none
MAX_PAIRS = 150  # pairs of sets of states that the search for a witness looks at
HURRIED = 10  # pairs that the weak solver looks at
SHORTEST = 3  # characters of the shortest answer
NARROWED = {"*": "?", "+": "", "?": ""}  # quantifiers, and what takes less


@register("palaestra/RegexMatch-v0")
@dataclass(frozen=True)
class RegexMatch(Task):
    """Difficulty raises the number of letters in each expression (4 to 13).

    The answer is a string that the first expression matches as a whole and the second does not; any such string is
    right. The second is the first with one part narrowed and others widened. From difficulty 4 on it also matches
    the shortest string that the first one does.
    """

    tags: ClassVar[tuple[str, ...]] = ("strings", "formal languages")
    ceiling = 0.02
    wordings = (
        "Write a string that the regular expression {accepting} matches and {rejecting} does not. Matches are of the "
        "whole string. Answer in \\boxed{{}} with the string alone.",
        "Two regular expressions are given: P = {accepting} and Q = {rejecting}. (x* is x any number of times, also "
        "none; x+ is once or more; x? is once or not at all; x|y is either.) Find a text that matches P from its "
        "first letter to its last, but does not so match Q. Put it in \\boxed{{}}.",
        "A filter lets a word pass if all of it matches {accepting}, unless all of it also matches {rejecting}. "
        "Give a word that passes, in \\boxed{{}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        size = 3 + difficulty
        while True:
            uniforms = iter(rng.random(6 * size).tolist())
            letters = [ALPHABET[int(next(uniforms) * 26)] for _ in range(LETTERS)]
            tree = _draw(uniforms, letters, size)
            other = _varied(tree, uniforms)
            if other is None:
                continue
            accepting, rejecting = automaton(tree), automaton(other)
            shortest, witness = _search(accepting, rejecting)
            if len(witness) >= SHORTEST and (difficulty < 4 or matches(rejecting, shortest)):
                break
        fields = {"accepting": text(tree), "rejecting": text(other)}
        reference = {"accepting": accepting, "rejecting": rejecting}
        return self.ask(rng, reference, difficulty, fields, {"witness": witness})

    def verify(self, problem: Problem, response: str) -> Verdict:
        word = last_boxed(response)
        if word is None:
            return wrong("no \\boxed answer")
        if not 0 < len(word) <= ANSWER_CHARS:
            return wrong(f"an answer of 0 or more than {ANSWER_CHARS} characters")
        if not matches(problem.reference["accepting"], word):
            return wrong("the first expression does not match it", answer=word)
        if matches(problem.reference["rejecting"], word):
            return wrong("the second expression matches it too", answer=word)
        return right("only the first expression matches it", answer=word)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """How far the second expression follows, then the answer."""
        witness, fields = problem.meta["witness"], problem.meta["fields"]
        rejecting = problem.reference["rejecting"]
        states, k = START, 0
        while k < len(witness) and (states := step(rejecting, states, witness[k])):
            k += 1
        stuck = f"no match begins with {witness[: k + 1]}" if k < len(witness) else "no match ends there"
        return "\n".join(
            [f"{fields['accepting']} matches {witness}", f"{fields['rejecting']}: {stuck}", f"\\boxed{{{witness}}}"]
        )

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The few shortest texts that come to mind; if none will do, a shortest match of the first expression."""
        shortest, witness = _search(problem.reference["accepting"], problem.reference["rejecting"], HURRIED)
        return f"\\boxed{{{witness or shortest}}}"


def _draw(uniforms: Iterator[float], letters: list[str], size: int) -> Tree:
    """An expression with ``size`` letters."""
    u = next(uniforms)
    if size == 1:
        letter = letters[int(next(uniforms) * len(letters))]
        return ["*" if u < 0.12 else "+" if u < 0.24 else "?" if u < 0.3 else "", letter]
    left = 1 + int(next(uniforms) * (size - 1))
    kind = "or" if u < 0.3 else "cat"
    quantifier = "*" if u * 10 % 1 < 0.15 else "+" if u * 10 % 1 < 0.3 else ""
    return [quantifier, kind, _draw(uniforms, letters, left), _draw(uniforms, letters, size - left)]


def _varied(tree: Tree, uniforms: Iterator[float]) -> Tree | None:
    """The expression with one quantifier narrowed or one alternative left out, and some letters repeated at will.

    None when nothing can be narrowed.
    """
    nodes: list[Tree] = []
    other = _copy(tree, nodes)
    free = [node for node in nodes if node[0] or node[1] == "or"]
    if not free:
        return None
    node = free[int(next(uniforms) * len(free))]
    if node[0]:
        node[0] = NARROWED[node[0]]
    else:
        node[:] = node[2 + int(next(uniforms) * 2)]
    for leaf in nodes:
        if len(leaf) == 2 and not leaf[0] and leaf is not node and next(uniforms) < 0.15:
            leaf[0] = "*"
    return other


def _copy(tree: Tree, nodes: list[Tree]) -> Tree:
    """A copy, whose nodes are added to ``nodes``."""
    copy = tree[:2] if len(tree) == 2 else [*tree[:2], _copy(tree[2], nodes), _copy(tree[3], nodes)]
    nodes.append(copy)
    return copy


def _search(accepting: Automaton, rejecting: Automaton, pairs: int = MAX_PAIRS) -> tuple[str, str]:
    """A shortest match of the first automaton, and a shortest that the second does not accept; "" for none found.

    Breadth first over pairs of sets of states, about ``pairs`` of them.
    """
    words = {(START, START): ""}
    queue = [(START, START)]
    shortest = ""
    letters = [(letter, here, rejecting["letters"].get(letter, 0)) for letter, here in accepting["letters"].items()]
    for pair in queue:
        word = words[pair]
        next_here, next_there = successors(accepting, pair[0]), successors(rejecting, pair[1])
        for letter, here, there in letters:
            reached = (next_here & here, next_there & there)
            if not reached[0] or reached in words:
                continue
            words[reached] = word + letter
            queue.append(reached)
            if reached[0] & accepting["last"]:
                shortest = shortest or word + letter
                if not reached[1] & rejecting["last"]:
                    return shortest, word + letter
        if len(queue) > pairs:
            break
    return shortest, ""
