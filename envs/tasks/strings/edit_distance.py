"""Turn one word into another by as few edits as possible, and show the way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

LETTERS = "abcdefgh"
ANSWER_CHARS = 1000  # a longer answer is none
ARROW = re.compile(r"->|=>|\u2192|\\to\b|\\rightarrow\b|,|\n")


@register("palaestra/EditDistance-v0")
@dataclass(frozen=True)
class EditDistance(Task):
    """Difficulty raises the length of the words (about 5 to 14) and the number of edits between them (2 to 7).

    The answer is a chain of words, each made from the one before it by inserting, deleting or replacing one letter;
    any chain of the least length is right.
    Levenshtein, Binary codes capable of correcting deletions, insertions and reversals, 1966.
    """

    tags: ClassVar[tuple[str, ...]] = ("strings", "optimisation")
    wordings = (
        "Turn {first} into {second} in as few steps as possible. A step inserts, deletes or replaces one letter; the "
        "words in between need no meaning. Answer in \\boxed{{}} as {first} -> ... -> {second} with every word on the "
        "way.",
        "Start: {first}\nEnd: {second}\nFind a shortest chain of strings from start to end in which neighbours differ "
        "by one edit: one character added, removed or changed. Write the whole chain in \\boxed{{}}, with -> between "
        "its strings.",
        "The Levenshtein distance of {first} and {second} is the least number of single-letter insertions, deletions "
        "and substitutions that lead from one to the other. Show a way of that length: in \\boxed{{}} list the strings "
        "from {first} to {second}, separated by ->.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        length = 4 + difficulty
        edits = 2 + difficulty // 2
        uniforms = rng.random(length + 3 * edits).tolist()
        first = "".join([LETTERS[int(u * 8)] for u in uniforms[:length]])
        second = first
        for k in range(length, len(uniforms), 3):
            place = int(uniforms[k] * len(second))
            letter = LETTERS[int(uniforms[k + 1] * 8)]
            kept = int(uniforms[k + 2] * 3)  # 0: replace, 1: insert, 2: delete
            second = second[:place] + letter * (kept < 2) + second[place + (kept != 1) :]
        if first == second:
            second += LETTERS[int(uniforms[0] * 8)]
        reference = {"first": first, "second": second, "distance": _distances(first, second)[-1][-1]}
        return self.ask(rng, reference, difficulty, {"first": first, "second": second})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        if len(text) > ANSWER_CHARS:
            return wrong(f"an answer of more than {ANSWER_CHARS} characters")
        chain = [word.strip() for word in ARROW.split(text)]
        first, second, distance = (problem.reference[key] for key in ("first", "second", "distance"))
        if chain[0] != first or chain[-1] != second:
            return wrong(f"the chain does not lead from {first} to {second}", answer=text)
        for before, after in pairwise(chain):
            if not _is_edit(before, after):
                return wrong(f"from {before[:40]!a} to {after[:40]!a} is not one edit", answer=text)
        if len(chain) - 1 > distance:
            return wrong(f"{len(chain) - 1} steps; {distance} are enough", answer=text)
        return right(f"{distance} steps", answer=text)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The table of distances from right to left, then the edits on a cheapest way through it."""
        first, second = problem.reference["first"], problem.reference["second"]
        table = _distances(first, second)
        lines = [f"{first[:i] or '-'}: {' '.join(map(str, row))}" for i, row in enumerate(table)]
        i, j = len(first), len(second)
        chain = [first]
        while i or j:
            here = table[i][j]
            if i and j and first[i - 1] == second[j - 1]:
                i, j = i - 1, j - 1
                continue
            if i and j and table[i - 1][j - 1] == here - 1:
                i, j = i - 1, j - 1
            elif i and table[i - 1][j] == here - 1:
                i -= 1
            else:
                j -= 1
            chain.append(first[:i] + second[j:])
        return "\n".join([*lines, _boxed(chain)])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Letter by letter at the same places, then what is missing or too much at the end."""
        word, second = problem.reference["first"], problem.reference["second"]
        chain = [word]
        for k, letter in enumerate(second):
            if word[k : k + 1] != letter:
                word = word[:k] + letter + word[k + 1 :]
                chain.append(word)
        while len(word) > len(second):
            word = word[:-1]
            chain.append(word)
        return _boxed(chain)


def _distances(first: str, second: str) -> list[list[int]]:
    """Row i, column j: the distance of the first i letters of one word and the first j of the other."""
    row = list(range(len(second) + 1))
    table = [row]
    for i, letter in enumerate(first, 1):
        diagonal, left = row[0], i
        new = [i]
        for other, above in zip(second, row[1:], strict=True):
            if letter != other:
                if above < diagonal:
                    diagonal = above
                if left < diagonal:
                    diagonal = left
                diagonal += 1
            left = diagonal
            new.append(left)
            diagonal = above
        row = new
        table.append(row)
    return table


def _is_edit(before: str, after: str) -> bool:
    """Whether one letter inserted, deleted or replaced makes one of the other."""
    if len(before) > len(after):
        before, after = after, before
    k = 0
    while k < len(before) and before[k] == after[k]:
        k += 1
    return before[k + (len(before) == len(after)) :] == after[k + 1 :] and before != after


def _boxed(chain: list[str]) -> str:
    return f"\\boxed{{{' -> '.join(chain)}}}"
