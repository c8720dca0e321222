"""Small regular expressions as automata in bit masks: the positions of their letters, and which may follow which.

Time to match is linear in the text, whatever the expression.
V. M. Glushkov, The abstract theory of automata, Russian Mathematical Surveys 16, 1961.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Tree: TypeAlias = list[Any]  # [quantifier, letter] or [quantifier, "cat" or "or", left tree, right tree]
Automaton: TypeAlias = Mapping[str, Any]  # JSON-able; see automaton
START = -1  # the set of states before the first letter; others are masks of positions


def text(tree: Tree) -> str:
    """The expression as it is written."""
    quantifier, kind, *parts = tree
    if not parts:
        return f"{kind}{quantifier}"
    sides = [text(part) for part in parts]
    if kind == "or":
        body = "|".join(sides)
    else:
        body = "".join(
            [f"({side})" if part[1] == "or" and not part[0] else side for part, side in zip(parts, sides, strict=True)]
        )
    return f"({body}){quantifier}" if quantifier else body


def automaton(tree: Tree) -> dict[str, Any]:
    """letters: the positions of each letter. first, last: where a text may begin and end. follow: of each position,
    where to go on. empty: whether the empty text matches. All but the last as masks, bit k for position k.
    """
    letters: dict[str, int] = {}
    follow: list[int] = []
    first, last, empty = _add(tree, letters, follow)
    return {"letters": letters, "first": first, "last": last, "follow": follow, "empty": empty}


def matches(machine: Automaton, word: str) -> bool:
    """Whether the whole word matches."""
    states = START
    for letter in word:
        states = step(machine, states, letter)
        if not states:
            return False
    return bool(machine["empty"] if states == START else states & machine["last"])


def step(machine: Automaton, states: int, letter: str) -> int:
    """The states after one more letter; 0 when there are none."""
    return successors(machine, states) & int(machine["letters"].get(letter, 0))


def successors(machine: Automaton, states: int) -> int:
    """The positions that may come next, whatever their letter."""
    if states == START:
        return int(machine["first"])
    follow = machine["follow"]
    reached = 0
    while states:
        lowest = states & -states
        reached |= follow[lowest.bit_length() - 1]
        states ^= lowest
    return reached


def _add(tree: Tree, letters: dict[str, int], follow: list[int]) -> tuple[int, int, bool]:
    """Number the positions of a tree; its first and last ones, and whether it matches the empty text."""
    quantifier, kind, *parts = tree
    if not parts:
        first = last = 1 << len(follow)
        empty = False
        letters[kind] = letters.get(kind, 0) | first
        follow.append(0)
    else:
        left_first, left_last, left_empty = _add(parts[0], letters, follow)
        first, last, empty = _add(parts[1], letters, follow)
        if kind == "or":
            first, last, empty = left_first | first, left_last | last, left_empty or empty
        else:
            _link(follow, left_last, first)
            first = left_first | first if left_empty else left_first
            last = left_last | last if empty else last
            empty = empty and left_empty
    if quantifier in ("*", "+"):
        _link(follow, last, first)
    return first, last, empty or quantifier in ("*", "?")


def _link(follow: list[int], from_: int, to: int) -> None:
    while from_:
        lowest = from_ & -from_
        follow[lowest.bit_length() - 1] |= to
        from_ ^= lowest
