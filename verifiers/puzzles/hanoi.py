"""The tower of Hanoi, from any position to any other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..quoting import quoted
from ..verdict import Verdict
from .answer import AnswerError, Rules, judge, read_moves
from .instance import freeze, integer, integers

PEGS = "ABCDEFGH"
_MOVE = re.compile(r"(?:move )?([A-H])(?: ?-> ?| to | )?([A-H])")


@dataclass(frozen=True, slots=True)
class Hanoi:
    """Move the discs, one at a time and never onto a smaller one, until all are where ``goal`` has them.

    start, goal: the peg (from 0) of each disc, from the smallest disc to the largest: ``(0, 0, 0)`` to ``(2, 2, 2)``.
    pegs: how many there are, named A, B, C ... in answers.
    at_most: the most moves that count as a solution; None for any number within ``answer.MAX_MOVES``.

    The answer is the list of moves, one a line or between commas: ``A C``, ``A->C`` or ``A to C``.

    Raises:
        ValueError: start and goal are not of one length, or a peg does not exist.
    """

    start: Sequence[int]
    goal: Sequence[int]
    pegs: int = 3
    at_most: int | None = None

    def __post_init__(self) -> None:
        integer(self.pegs, "pegs", 3, len(PEGS))
        if self.at_most is not None:
            integer(self.at_most, "at_most", 0)
        start, goal = (integers(discs, "pegs of discs", 0, self.pegs - 1) for discs in (self.start, self.goal))
        if not start or len(start) != len(goal):
            raise ValueError(f"start has {len(start)} discs and goal {len(goal)}: give one or more, as many in both")
        freeze(self, start=start, goal=goal)

    def verify(self, response: str) -> Verdict:
        return judge(response, self._read, self._rules)

    def _read(self, text: str) -> list[tuple[int, int]]:
        moves = []
        for number, move in enumerate(read_moves(text), 1):
            match = _MOVE.fullmatch(move)
            if match is None:
                raise AnswerError(f"move {number}, '{quoted(move)}', is not of the form A->C")
            pegs = (PEGS.index(match[1]), PEGS.index(match[2]))
            if max(pegs) >= self.pegs:
                raise AnswerError(f"move {number} uses peg {PEGS[max(pegs)]}, which does not exist")
            moves.append(pegs)
        return moves

    def _rules(self, moves: list[tuple[int, int]]) -> Rules:
        if self.at_most is not None:
            yield f"{len(moves)} moves, more than {self.at_most}" if len(moves) > self.at_most else None
        stacks: list[list[int]] = [[] for _ in range(self.pegs)]
        for disc in reversed(range(len(self.start))):
            stacks[self.start[disc]].append(disc + 1)
        for number, (a, b) in enumerate(moves, 1):
            if not stacks[a]:
                yield f"move {number} takes a disc from peg {PEGS[a]}, which is empty"
                return
            if stacks[b] and stacks[b][-1] < stacks[a][-1]:
                yield f"move {number} puts disc {stacks[a][-1]} onto disc {stacks[b][-1]}"
                return
            stacks[b].append(stacks[a].pop())
        ends = {disc: peg for peg, stack in enumerate(stacks) for disc in stack}
        for disc, peg in enumerate(self.goal, 1):
            yield None if ends[disc] == peg else f"disc {disc} ends on peg {PEGS[ends[disc]]}, not {PEGS[peg]}"
