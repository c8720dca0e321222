r"""The form of a response, each aspect a verdict of its own: parts to compose with that of the answer.

They say nothing of the answer. Give them a small weight, or use them in ``all_of``; alone they can be bought.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .extract import BOX, last_boxed
from .verdict import Verdict, right, wrong


def one_box(response: str) -> Verdict:
    r"""RIGHT when the response holds one ``\boxed{...}`` exactly, not empty, whose braces balance."""
    count = response.count(BOX)
    if count != 1:
        return wrong(f"expected one box, got {count}", boxes=count)
    content = last_boxed(response)
    if not content:
        return wrong("the box does not close" if content is None else "the box is empty", boxes=1)
    return right("one box", boxes=1)


@dataclass(frozen=True, slots=True)
class TagsInOrder:
    """RIGHT when each tag opens and closes once, one after the other: ``<think>…</think> … <answer>…</answer>``.

    tags: their names, in order, without brackets.
    alone: nothing but white space may stand outside them.
    """

    tags: tuple[str, ...] = ("think", "answer")
    alone: bool = False

    def __post_init__(self) -> None:
        if not self.tags or len(set(self.tags)) < len(self.tags):
            raise ValueError(f"name each tag once, and one at least, not {self.tags}")

    def __call__(self, response: str) -> Verdict:
        at, outside = 0, []
        for name in self.tags:
            marks = f"<{name}>", f"</{name}>"
            for mark in marks:
                if (count := response.count(mark)) != 1:
                    return wrong(f"expected one {mark}, got {count}")
            start, end = map(response.find, marks)
            if not at <= start < end:
                return wrong(f"{marks[0] if start < at else marks[1]} stands too early")
            outside.append(response[at:start])
            at = end + len(marks[1])
        if self.alone and any(text.strip() for text in (*outside, response[at:])):
            return wrong(f"there is text outside {' and '.join(f'<{name}>' for name in self.tags)}")
        return right(f"{', '.join(self.tags)} in order")


@dataclass(frozen=True, slots=True)
class LengthRamp:
    """Score 1 up to ``soft``, then falling in a line to 0 at ``hard``. RIGHT up to ``soft``, WRONG beyond.

    Lengths are in what ``count`` counts: characters, or the tokens of the function given.

    Raises:
        ValueError: ``soft`` is negative or not below ``hard``.
    """

    soft: int
    hard: int
    count: Callable[[str], int] = len

    def __post_init__(self) -> None:
        if not 0 <= self.soft < self.hard:
            raise ValueError(f"expected 0 <= soft < hard, got soft={self.soft}, hard={self.hard}")

    def __call__(self, response: str) -> Verdict:
        length = self.count(response)
        if length <= self.soft:
            return right(f"length {length} is within {self.soft}", length=length)
        score = max(0.0, (self.hard - length) / (self.hard - self.soft))
        return wrong(f"length {length} is over {self.soft}", score, length=length)


def overlong(limit: int, buffer: int) -> LengthRamp:
    """The soft overlong punishment of DAPO (2025, eq. 13) as a score: 1 plus the paper's reward, which is in [-1, 0].

    1 up to ``limit - buffer``, 0 from ``limit`` on: L_max and L_cache in the paper.

    Raises:
        ValueError: as ``LengthRamp``.
    """
    return LengthRamp(limit - buffer, limit)
