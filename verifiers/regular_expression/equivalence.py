"""Do two automata accept the same texts? Both are run side by side over every reachable pair of states.

J. E. Hopcroft and R. M. Karp, A linear algorithm for testing equivalence of finite automata, Cornell TR 71-114, 1971;
the pairs are made as they are met, so that a difference is found by a shortest text.
"""

from __future__ import annotations

from collections import deque

from .syntax import Automaton, Characters

MAX_WORK = 1_500_000  # states looked at, about a second
START = -1
READABLE = "a0A _-."  # taken for the texts that are shown, where they will do

States = frozenset[int]


class TooComplex(ArithmeticError):
    """The comparison would take more than ``MAX_WORK``."""


def distinguishing_text(a: Automaton, b: Automaton) -> str | None:
    """A shortest text that exactly one of two automata accepts; None when they are equivalent.

    Raises:
        TooComplex: see there.
    """
    letters = _letters([characters for automaton in (a, b) for characters in automaton.characters])
    moves = [_moves(automaton, letters) for automaton in (a, b)]
    start = (frozenset((START,)), frozenset((START,)))
    reached: dict[tuple[States, States], tuple[tuple[States, States], str] | None] = {start: None}
    waiting = deque([start])
    work = 0
    while waiting:
        pair = waiting.popleft()
        if _accepts(a, pair[0]) != _accepts(b, pair[1]):
            return _path(reached, pair)
        for index, letter in enumerate(letters):
            work += 2 + len(pair[0]) + len(pair[1])
            if work > MAX_WORK:
                raise TooComplex(f"more than {MAX_WORK} steps")
            after = (_step(a, moves[0][index], pair[0]), _step(b, moves[1][index], pair[1]))
            if after not in reached:
                reached[after] = (pair, letter)
                waiting.append(after)
    return None


def _letters(classes: list[Characters]) -> list[str]:
    """One character for each set of characters that no class tells apart."""
    edges = sorted({0, *(edge for ranges in classes for low, high in ranges for edge in (low, high + 1))})
    chosen = {}
    for index, low in enumerate(edges):
        high = edges[index + 1] - 1 if index + 1 < len(edges) else 0x10FFFF
        if low <= high and not 0xD800 <= low <= 0xDFFF:
            inside = tuple(any(first <= low <= last for first, last in ranges) for ranges in classes)
            letter = next((c for c in READABLE if low <= ord(c) <= high), chr(low))
            if inside not in chosen or letter in READABLE:
                chosen[inside] = letter
    return list(chosen.values())


def _moves(automaton: Automaton, letters: list[str]) -> list[States]:
    """The positions that match each letter."""
    return [
        frozenset(
            position
            for position, ranges in enumerate(automaton.characters)
            if any(first <= ord(letter) <= last for first, last in ranges)
        )
        for letter in letters
    ]


def _step(automaton: Automaton, matching: States, states: States) -> States:
    after = [automaton.first if state == START else automaton.follow[state] for state in states]
    return frozenset().union(*after) & matching


def _accepts(automaton: Automaton, states: States) -> bool:
    return not automaton.last.isdisjoint(states) or (START in states and automaton.empty)


def _path(
    reached: dict[tuple[States, States], tuple[tuple[States, States], str] | None], end: tuple[States, States]
) -> str:
    text = ""
    step = reached[end]
    while step is not None:
        pair, letter = step
        text = letter + text
        step = reached[pair]
    return text
