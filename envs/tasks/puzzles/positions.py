"""Clues about who stands where in a row, what follows from them by elimination, and puzzles made of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np

from palaestra.verifiers.puzzles.logic_grid import RELATIONS

from .candidates import all_different

MAX_DRAWS = 1200  # of clues for one puzzle
CHOICE = 4  # draws from which the clue that rules out most is taken

COIN = 1 << 10

Table: TypeAlias = tuple[int, ...]
Kind: TypeAlias = tuple[str, Table, Table]  # a relation, with what ``_reach`` tells of it


class Clue(NamedTuple):
    """Thing ``subject`` stands in one of the verifier's ``RELATIONS`` to thing ``object``.

    Things are numbered, after them the n positions, which are things that stand where they are.
    """

    subject: int
    relation: str
    object: int


class Row(NamedTuple):
    """n positions, and groups of n things each, of which no two share a position."""

    positions: int
    groups: int

    @property
    def things(self) -> int:
        return self.positions * self.groups

    def unknown(self) -> list[int]:
        """The possible positions of each thing, a mask of bits, when nothing is known."""
        return [(1 << self.positions) - 1] * self.things + [1 << k for k in range(self.positions)]


def eliminate(row: Row, masks: list[int], clues: Sequence[Clue], sweeps: int = MAX_DRAWS) -> bool:
    """Take from ``masks`` the positions that a clue alone or a group alone rules out, until there are no more.

    sweeps: over all clues and groups, at most. False when some thing has no position left.
    """
    n = row.positions
    tables = [(a, b, *_reach(relation, n)) for a, relation, b in clues]
    slices = [slice(start, start + n) for start in range(0, row.things, n)]
    for _ in range(sweeps):
        before = masks[:]
        for a, b, forward, backward in tables:
            masks[b] &= forward[masks[a]]
            masks[a] &= backward[masks[b]]
        for group in slices:
            left = all_different(tuple(masks[group]))
            if left is None:
                return False
            masks[group] = left
        if masks == before:
            break
    return True


def draw_clues(
    rng: np.random.Generator, row: Row, places: Sequence[int], kinds: tuple[str, ...], seats: float
) -> list[Clue] | None:
    """True clues by which elimination alone finds ``places``, the position of each thing from 0; None if none turn up.

    Half as many clues as things (n-1 in a single group) are drawn blindly, then always that of a few which rules out
    most at once; some may be implied by others. The places are the only ones that fit, since elimination is sound.
    kinds: the relations that occur, some perhaps several times; seats: the share of draws that are about a position
    instead of a second thing (of another group when there are several).
    """
    (n, groups), things = row, row.things
    draw, masks, clues = rng.bit_generator.random_raw, row.unknown(), list[Clue]()
    blindly, others = (things // 2, things - n) if groups > 1 else (n - 1, n)
    about: list[list[tuple[int, Table]]] = [[] for _ in masks]
    unsettled, pairs, changed = list(range(things)), set[tuple[int, int]](), list[int]()
    holding, seated, most = _holding(kinds, n), _holding(("at", "not at"), n), 0
    for number in range(1, MAX_DRAWS):
        word, k = divmod(draw(), len(unsettled))
        word, coin = divmod(word, COIN)
        a = unsettled[k]
        if coin < seats * COIN:
            b = things + word % n
            relations = seated[places[a]][b - things]
        else:
            word, k = divmod(word, others)
            b = (a // n * n + n + k) % things
            relations = holding[places[a]][places[b]]
        if a == b or not relations or (a, b) in pairs:
            continue
        relation, forward, backward = relations[word % len(relations)]
        if len(clues) >= blindly:
            ruled_out = (masks[b] & ~forward[masks[a]]).bit_count() + (masks[a] & ~backward[masks[b]]).bit_count()
            if ruled_out > most:
                best, most = (a, relation, b, forward, backward), ruled_out
            if number % CHOICE or not most:
                continue
            a, relation, b, forward, backward = best
            most = 0
        clues.append(Clue(a, relation, b))
        pairs |= {(a, b), (b, a)}
        about[a].append((b, forward))
        about[b].append((a, backward))
        changed += (a, b)
        if len(clues) >= blindly:
            _spread(n, masks, about, changed)
            unsettled = [thing for thing in unsettled if masks[thing] & (masks[thing] - 1)]
            if not unsettled:
                return clues
    return None


def _spread(n: int, masks: list[int], about: Sequence[Sequence[tuple[int, Table]]], changed: list[int]) -> None:
    """What ``eliminate`` finds, when only ``changed`` things can tell something new; they are emptied.

    about: of each thing, the things that clues set beside it, and the positions that these have for each mask of its.
    """
    groups = {thing // n for thing in changed if masks[thing] & (masks[thing] - 1)}
    while changed or groups:
        if changed:
            thing = changed.pop()
            for other, reach in about[thing]:
                left = masks[other] & reach[masks[thing]]
                if left != masks[other]:
                    masks[other] = left
                    changed.append(other)
                    groups.add(other // n)
            continue
        start = groups.pop() * n
        cells = tuple(masks[start : start + n])
        for thing, left in enumerate(all_different(cells) or cells, start):
            if left != masks[thing]:
                masks[thing] = left
                changed.append(thing)


@cache
def _holding(kinds: tuple[str, ...], n: int) -> list[list[list[Kind]]]:
    """Which of ``kinds`` hold between each two positions."""
    reaching = [(kind, *_reach(kind, n)) for kind in kinds]
    return [[[kind for kind in reaching if RELATIONS[kind[0]](i, j)] for j in range(n)] for i in range(n)]


def deductions(row: Row, clues: Sequence[Clue]) -> list[tuple[int, list[int], int | None]]:
    """The course of an elimination: a thing, the positions left to it (from 1), the clue's index (None: its group)."""
    masks, found = row.unknown(), list[tuple[int, list[int], int | None]]()
    start: list[int] = []
    while masks != start:
        start = masks[:]
        for k in [*range(len(clues)), None]:
            before = masks[:]
            if k is None:
                eliminate(row, masks, [], sweeps=1)
            else:
                a, relation, b = clues[k]
                forward, backward = _reach(relation, row.positions)
                masks[b] &= forward[masks[a]]
                masks[a] &= backward[masks[b]]
            pairs = enumerate(zip(before, masks, strict=True))
            found += [(thing, positions(new), k) for thing, (old, new) in pairs if old != new]
    return found


def positions(mask: int) -> list[int]:
    """The positions of a mask, from 1."""
    return [k + 1 for k in range(mask.bit_length()) if mask >> k & 1]


@cache
def _reach(relation: str, n: int) -> tuple[Table, Table]:
    """For each mask of positions of a clue's subject those that its object may have, and the other way round."""
    holds = RELATIONS[relation]
    forward = [sum(1 << j for j in range(n) if holds(i, j)) for i in range(n)]
    backward = [sum(1 << i for i in range(n) if holds(i, j)) for j in range(n)]
    return _unions(forward), _unions(backward)


def _unions(masks: Sequence[int]) -> Table:
    """The union of the masks picked by the bits of each index."""
    unions = [0]
    for mask in masks:
        unions += [union | mask for union in unions]
    return tuple(unions)
