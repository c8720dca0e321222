"""Cryptarithms: sums with letters for digits (Dudeney 1924)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from operator import mul
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, right, wrong
from palaestra.verifiers import puzzles as verifiers
from palaestra.verifiers.puzzles.answer import find_answer, read_assignment

from ..draws import order_of

DIGITS = "0123456789"
ZERO = ord("0")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIZES = ((3, 3), (3, 4), (4, 4), (4, 5), (5, 5), (5, 6), (6, 6), (6, 7), (7, 7), (7, 8))  # digits, unknown letters
TABULATED = 4  # so many unknown letters are tried in all ways at once; sums of five digits are exact in 32-bit floats
MAX_NODES = 1500  # of the search for a second solution
WEAK_NODES = 12  # of the weak solver's search

Column = tuple[int, int, int]  # letters, by number: of both words and of their sum


@register("palaestra/Cryptarithm-v0")
@dataclass(frozen=True)
class Cryptarithm(Task):
    """Find the digit of every letter in the sum of two words.

    Difficulty raises the length of the words (3 to 7) and the number of letters whose digit is not given (3 to 8).
    Numbers are drawn at random; a sum is kept when a search over its columns finds no second solution. An answer is
    right when different letters have different digits, no word begins with 0, the sum holds and the given digits are
    kept. The letters are drawn anew for each problem and do not make words of a language.
    """

    tags: ClassVar[tuple[str, ...]] = ("puzzles", "arithmetic", "search")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "Each letter stands for a digit, different letters for different digits, and no number begins with 0:\n\n"
        "{first} + {second} = {total}\n\n{known}Which digit is each letter? Answer in \\boxed{{}}, as A=1, B=2, ..., "
        "with all of {letters}.",
        "{known}Decode the subtraction {total} - {first} = {second}, in which digits were replaced by letters (one "
        "letter for one digit, throughout; the first digit of a number is not 0). Write the value of every letter, "
        "of {letters}, in \\boxed{{}} in the form A=1, B=2, ...",
        "  {first}\n+ {second}\n= {total}\n\nThis addition is in code: the letters {letters} are digits, no two the "
        "same. Leading digits are not zero. {known}Give the key in \\boxed{{}}, one pair such as A=1 for each "
        "letter, separated by commas.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        length, unknown = SIZES[difficulty - 1]
        words, ranked = rng.bit_generator.random_raw, order_of(rng, 10)
        least, choices = 10 ** (length - 1), 9 * 10 ** (length - 1)
        while True:
            y, x = divmod(words() % (choices * choices), choices)
            shown = f"{least + x}+{least + y}+{2 * least + x + y}"
            order = [digit for digit in ranked if DIGITS[digit] in shown]
            if len(order) >= unknown and _unique(shown, order, unknown):
                break
        letters = "".join([LETTERS[k] for k in words(len(LETTERS)).argsort()[:10].tolist()])
        coded = _substituted(shown, letters).split("+")
        pairs = sorted([f"{letters[digit]}={digit}" for digit in order])
        given = dict(sorted([(letters[digit], digit) for digit in order[unknown:]]))
        listed = ", ".join([f"{letter} = {digit}" for letter, digit in given.items()])
        fields = {
            "first": coded[0],
            "second": coded[1],
            "total": coded[2],
            "known": f"Given: {listed}. " if given else "",
            "letters": ", ".join([pair[0] for pair in pairs]),
        }
        reference = {"words": coded, "given": given, "solution": ", ".join(pairs)}
        return self.ask(rng, reference, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        solution, given = problem.reference["solution"], problem.reference["given"]
        if response.endswith(f"\\boxed{{{solution}}}"):  # the usual right answer, at a fraction of the cost
            return right("every rule is kept", answer=solution)
        first, second, total = problem.reference["words"]
        rules = verifiers.Cryptarithm(f"{first} + {second} = {total}")
        verdict = rules.verify(response)
        if verdict.right and given:
            digits = read_assignment(find_answer(response), rules.letters)
            for letter, digit in given.items():
                if int(digits[letter]) != digit:
                    return wrong(f"{letter} is {digits[letter]}, but {digit} is given", **verdict.evidence)
        return verdict

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The sum column by column from the right."""
        solution, words = problem.reference["solution"], problem.reference["words"]
        digit = {pair[0]: int(pair[2:]) for pair in solution.split(", ")}
        lines, carry = [], 0
        for a, b, c in zip(*(reversed(word) for word in words), strict=False):
            value = digit[a] + digit[b] + carry
            carried = f" + {carry}" if carry else ""
            lines.append(f"{a} + {b}{carried} = {digit[a]} + {digit[b]}{carried} = {value}, so {c} = {value % 10}")
            carry = value // 10
        if carry:
            lines.append(f"The carry is {words[2][0]} = 1")
        return "\n".join([*lines, f"\\boxed{{{solution}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The search, column by column, given up after a few steps."""
        words, given = problem.reference["words"], problem.reference["given"]
        letters = sorted(set("".join(words)))
        puzzle = _sum([[letters.index(letter) for letter in word] for word in words], ())
        for letter, digit in given.items():
            puzzle.digits[letters.index(letter)] = digit
        found = _search(puzzle, 1, WEAK_NODES)
        pairs = zip(letters, found[0], strict=False) if found else ()
        return f"\\boxed{{{', '.join(f'{letter}={digit}' for letter, digit in pairs)}}}"


def _substituted(shown: str, letters: str) -> str:
    table = bytes.maketrans(DIGITS.encode(), letters.encode())  # of bytes: at half the cost
    return shown.encode().translate(table).decode()


def _unique(shown: str, order: Sequence[int], unknown: int) -> bool:
    """Whether a sum, "1234+5678+6912", has one solution if its digits are given but the first ``unknown`` of ``order``.

    Where few are unknown all their digits are tried at once: first + second - total is a sum of digits by weights.
    """
    if unknown > TABULATED:
        words = [[int(digit) for digit in number] for number in shown.split("+")]
        return len(_search(_sum(words, order[unknown:]), 2, MAX_NODES)) == 1
    total, second, first = shown[::-1].encode().split(b"+")
    weights, place = [0] * (ZERO + 10), 1  # by the digit's code
    for a, b, c in zip(first, second, total, strict=False):
        weights[a] += place
        weights[b] += place
        weights[c] -= place
        place *= 10
    if len(total) > len(first):
        weights[total[-1]] -= place
    free, unused = order[:unknown], 1023
    rest = [weights[ZERO + digit] for digit in free]
    if len(set(rest)) < unknown:
        swappable = [weight for weight, digit in zip(rest, free, strict=True) if digit]  # by one of the same weight
        if len(set(swappable)) < len(swappable):
            return False
    for digit in order[unknown:]:
        unused ^= 1 << digit
    ways, zero_at = _arrangements(unused, unknown)
    left_over = np.array([*rest, -sum(map(mul, rest, free))], np.float32).dot(ways)  # in half the time of @
    if np.count_nonzero(left_over) == len(zero_at) - 1:
        return True
    heads = first[-1] - ZERO, second[-1] - ZERO, total[-1] - ZERO
    leading = [place for place, digit in enumerate(free) if digit in heads]
    if not leading or unused & 1 == 0:  # no digit can be 0 that must not
        return False
    return sum([place not in leading for place in zero_at[left_over == 0].tolist()]) == 1


@cache
def _arrangements(unused: int, count: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int8]]:
    """All ways to give ``count`` letters different digits of the mask ``unused``, a column each, and who has 0 in it.

    A last row of the first array is 1. The second holds that letter's place, ``count`` where none of them has 0.
    """
    ways = list(permutations(_unused(1023 ^ unused, 0), count))
    zero_at = [way.index(0) if 0 in way else count for way in ways]
    return np.array([(*way, 1) for way in ways], np.float32).T.copy(), np.array(zero_at, np.int8)


class Sum(NamedTuple):
    """A sum of two words of one length, its letters numbered (from 0 to 9).

    columns: from the right, where both words have letters. carry: out of the last of these. digits: by letter, -1 where
    not known. least: the least digit that each letter may be.
    """

    columns: list[Column]
    carry: int
    digits: list[int]
    least: list[int]


def _sum(words: Sequence[Sequence[int]], known: Iterable[int]) -> Sum:
    """The sum of two words of numbered letters; ``known`` letters are numbered by their digits."""
    first, second, total = words
    digits, least = [-1] * 10, [0] * 10
    for digit in known:
        digits[digit] = digit
    for word in words:
        least[word[0]] = 1
    carry = len(total) - len(first)
    if carry:
        digits[total[0]] = 1
    return Sum(list(zip(first, second, total[carry:], strict=True))[::-1], carry, digits, least)


def _search(puzzle: Sum, limit: int, nodes: int) -> list[list[int]]:
    """Up to ``limit`` solutions, found column by column; none when it takes more than ``nodes`` columns."""
    columns, carry_out, digits, least = puzzle
    found: list[list[int]] = []
    left = nodes

    def search(k: int, carry: int, used: int) -> None:
        nonlocal left
        left -= 1
        if k == len(columns):
            if carry == carry_out:
                found.append(digits[:])
            return
        a, b, c = columns[k]
        if digits[a] < 0 <= digits[b]:
            a, b = b, a
        was_a, was_b = digits[a], digits[b]
        for x in _unused(used, least[a]) if was_a < 0 else (was_a,):
            digits[a] = x
            with_x, y, z = used | 1 << x, digits[b], digits[c]
            if y >= 0:
                options: Iterable[int] = (y,)
            elif z >= 0:
                y = (z - x - carry) % 10
                options = (y,) if y >= least[b] and not with_x >> y & 1 else ()
            else:
                options = _unused(with_x, least[b])
            for y in options:
                digits[b] = y
                z = x + y + carry
                more = z > 9
                if more:
                    z -= 10
                if digits[c] == z:
                    search(k + 1, more, with_x | 1 << y)
                elif digits[c] < 0 and z >= least[c] and not (with_x | 1 << y) >> z & 1:
                    digits[c] = z
                    search(k + 1, more, with_x | 1 << y | 1 << z)
                    digits[c] = -1
                if left < 0 or len(found) == limit:
                    return
            digits[b] = was_b
        digits[a] = was_a

    search(0, 0, sum([1 << d for d in digits if d >= 0]))
    return found if left >= 0 else []


@cache
def _unused(used: int, least: int) -> list[int]:
    """The digits from ``least`` on that are not in the mask ``used``."""
    return [digit for digit in range(least, 10) if not used >> digit & 1]
