r"""Regular expressions as positions: what each character may be, and which may follow which (Glushkov's automaton).

Read are the expressions of RE2 that describe a regular language of whole texts: characters, ``.`` (all but a newline),
classes, ``\d \w \s`` and their complements (ASCII), groups, ``|``, ``* + ? {n} {n,} {n,m}``, greedy or not, and ``^``,
``\A``, ``$`` and ``\z`` at the two ends, also of a group that stands there. Flags, word boundaries, ``\p`` and POSIX
classes are refused.

V. M. Glushkov, The abstract theory of automata, Russian Mathematical Surveys 16, 1961.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

MAX_LENGTH = 1000  # characters of an expression
MAX_NESTING = 30  # groups inside one another
MAX_REPEAT = 100  # n and m of {n,m}
MAX_POSITIONS = 600  # characters of an expression, repeated parts counted each time
LAST = 0x10FFFF

Characters: TypeAlias = tuple[tuple[int, int], ...]  # sorted, disjoint ranges, both ends included


class RegularExpressionError(ValueError):
    """The text is not a regular expression that can be read here, or is past a bound."""


@dataclass(frozen=True, slots=True)
class Automaton:
    """A non-deterministic automaton without empty moves, whose states are a start and the positions.

    characters: what each position matches. first: where a text may begin. last: where it may end.
    follow: where each position may go on. empty: whether it matches the empty text.
    """

    characters: tuple[Characters, ...]
    first: frozenset[int]
    last: frozenset[int]
    follow: tuple[frozenset[int], ...]
    empty: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an expression: its own first and last positions.

    begins, ends: it holds an anchor, so that no character may stand before it, or behind it.
    """

    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    empty: bool = True
    begins: bool = False
    ends: bool = False


def complement(ranges: Characters) -> Characters:
    """Every other character."""
    found, low = [], 0
    for first, last in ranges:
        if low < first:
            found.append((low, first - 1))
        low = last + 1
    return (*found, (low, LAST)) if low <= LAST else tuple(found)


def union(ranges: list[tuple[int, int]]) -> Characters:
    """Sorted and disjoint."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


DIGIT: Characters = ((48, 57),)
WORD: Characters = ((48, 57), (65, 90), (95, 95), (97, 122))
SPACE: Characters = ((9, 10), (12, 13), (32, 32))
CLASSES = {"d": DIGIT, "w": WORD, "s": SPACE} | {
    c.upper(): complement(r) for c, r in zip("dws", (DIGIT, WORD, SPACE), strict=True)
}
CONTROLS = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11, "a": 7}
DOT = complement(((10, 10),))
GROUP = re.compile(r"\((?:\?:|\?P?<\w+>)?(?!\?)")
REPEAT = re.compile(r"\{(\d{1,4})(,)?(\d{1,4})?\}", re.ASCII)
ANCHOR, BEGINNINGS = re.compile(r"\^|\$|\\[Az]"), ("^", "\\A")
HEX = re.compile(r"x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))")


def parse(text: str) -> Automaton:
    """Read an expression that RE2 accepts.

    Raises:
        RegularExpressionError: see there.
    """
    if len(text) > MAX_LENGTH:
        raise RegularExpressionError(f"longer than {MAX_LENGTH} characters")
    parser = _Parser(text)
    part = parser.alternatives()
    if parser.index < len(text):
        raise RegularExpressionError("unexpected )")
    follow = tuple(map(frozenset, parser.follow))
    return Automaton(tuple(parser.characters), part.first, part.last, follow, part.empty)


class _Parser:
    """Recursive descent; a repeated part is read again for each copy."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.index = 0
        self.depth = 0
        self.characters: list[Characters] = []
        self.follow: list[set[int]] = []

    @property
    def peek(self) -> str:
        return self.text[self.index : self.index + 1]

    def alternatives(self) -> _Part:
        part = self.sequence()
        while self.peek == "|":
            self.index += 1
            other = self.sequence()
            part = _Part(
                part.first | other.first,
                part.last | other.last,
                part.empty or other.empty,
                part.begins or other.begins,
                part.ends or other.ends,
            )
        return part

    def sequence(self) -> _Part:
        part = _Part()
        while self.peek not in ("", "|", ")"):
            part = self.joined(part, self.repeated())
        return part

    def joined(self, left: _Part, right: _Part) -> _Part:
        if (right.begins and left.last) or (left.ends and right.first):
            raise RegularExpressionError("^ or $ within an expression")
        for position in left.last:
            self.follow[position] |= right.first
        return _Part(
            left.first | right.first if left.empty else left.first,
            left.last | right.last if right.empty else right.last,
            left.empty and right.empty,
            left.begins or right.begins,
            left.ends or right.ends,
        )

    def repeated(self) -> _Part:
        start = self.index
        part = self.atom()
        end = self.index
        least, most = self.quantifier()
        after = self.index
        if (least, most) == (1, 1):
            return part
        if part.begins or part.ends:
            raise RegularExpressionError("a quantifier of ^ or $")
        if most == 0:
            return _Part()
        copies = [part]
        for _ in range(max(least, most or 1) - 1):
            self.index = start
            copies.append(self.atom())
            if self.index != end:
                raise RegularExpressionError("a quantifier of a quantifier")
        self.index = after
        if most is None:
            for position in copies[-1].last:
                self.follow[position] |= copies[-1].first
        whole = _Part()
        for index in range(len(copies) - 1, -1, -1):
            copy = copies[index]
            whole = self.joined(copy, whole)
            if index >= least:
                whole = _Part(whole.first, whole.last, True)
        return whole

    def quantifier(self) -> tuple[int, int | None]:
        """The least and the most copies; None for no end."""
        bounds: tuple[int, int | None] = (1, 1)
        if self.peek and self.peek in "*+?":
            bounds = {"*": (0, None), "+": (1, None), "?": (0, 1)}[self.peek]
            self.index += 1
        elif match := REPEAT.match(self.text, self.index):
            least = int(match[1])
            most = int(match[3]) if match[3] else None if match[2] else least
            if max(least, most or 0) > MAX_REPEAT:
                raise RegularExpressionError(f"a repetition above {MAX_REPEAT}")
            bounds = (least, most)
            self.index = match.end()
        else:
            return bounds
        if self.peek == "?":  # lazy: the same language
            self.index += 1
        return bounds

    def atom(self) -> _Part:
        character = self.text[self.index]
        if character == "(":
            return self.group()
        if anchor := ANCHOR.match(self.text, self.index):
            self.index = anchor.end()
            return _Part(begins=anchor[0] in BEGINNINGS, ends=anchor[0] not in BEGINNINGS)
        self.index += 1
        if character == "[":
            return self.position(self.character_class())
        if character == "\\":
            return self.position(self.escape())
        return self.position(DOT if character == "." else ((ord(character), ord(character)),))

    def group(self) -> _Part:
        match = GROUP.match(self.text, self.index)
        if match is None:
            raise RegularExpressionError("a flag or a look-around")
        self.index = match.end()
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise RegularExpressionError(f"nested deeper than {MAX_NESTING}")
        part = self.alternatives()
        if self.peek != ")":
            raise RegularExpressionError("missing )")
        self.index += 1
        self.depth -= 1
        return part

    def position(self, characters: Characters) -> _Part:
        if len(self.characters) == MAX_POSITIONS:
            raise RegularExpressionError(f"more than {MAX_POSITIONS} characters once repetitions are written out")
        index = len(self.characters)
        self.characters.append(characters)
        self.follow.append(set())
        return _Part(frozenset((index,)), frozenset((index,)), False)

    def escape(self) -> Characters:
        """What stands after a backslash."""
        character = self.peek
        self.index += 1
        if character in CLASSES:
            return CLASSES[character]
        if character in CONTROLS:
            return ((CONTROLS[character], CONTROLS[character]),)
        if match := HEX.match(self.text, self.index - 1):
            self.index = match.end()
            code = int(match[1] or match[2], 16)
            return ((code, code),)
        if not character or character.isalnum():
            raise RegularExpressionError(f"\\{character} is not read here")
        return ((ord(character), ord(character)),)

    def character_class(self) -> Characters:
        """What stands after an opening square bracket."""
        negated = self.peek == "^"
        self.index += negated
        ranges: list[tuple[int, int]] = []
        start = self.index
        while self.peek != "]" or self.index == start:
            low = self.member()
            if self.peek == "-" and self.text[self.index + 1 : self.index + 2] not in ("]", "") and _single(low):
                self.index += 1
                high = self.member()
                if not _single(high) or high[0][0] < low[0][0]:
                    raise RegularExpressionError("a range that is none")
                low = ((low[0][0], high[0][0]),)
            ranges += low
        self.index += 1
        return complement(union(ranges)) if negated else union(ranges)

    def member(self) -> Characters:
        character = self.peek
        if not character:
            raise RegularExpressionError("missing ]")
        if self.text.startswith(("[:", "[=", "[."), self.index):
            raise RegularExpressionError("a POSIX class")
        self.index += 1
        return self.escape() if character == "\\" else ((ord(character), ord(character)),)


def _single(characters: Characters) -> bool:
    return len(characters) == 1 and characters[0][0] == characters[0][1]
