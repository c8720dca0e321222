"""Shorter answers cut out of long ones, solution by solution, on the very tokens that were sampled.

Do not think that much for 2+3 (Chen et al., arXiv:2412.21187): a response that solves a problem several times over is
cut behind its first right solution, behind the second (so that it still reflects), or down to the solutions that are
each of a new kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from palaestra.verifiers import Status, Verdict

from .choices import by_group, unforked
from .record import Episode, Turn
from .views import Decode, Ids, Row, View, rows_of, step_ends


@dataclass(frozen=True, slots=True)
class Judged:
    """One solution of a response: its verdict, and the kind of way it takes."""

    status: Status
    kind: Hashable


Keep = Callable[[Sequence[Judged]], list[int]]  # of solutions in order: the numbers of those to be kept, ascending


def first_right(solutions: Sequence[Judged]) -> list[int]:
    """All up to the first right one; none when there is no right one."""
    return list(range(_nth_right(solutions, 1)))


def first_right_and_reflection(solutions: Sequence[Judged]) -> list[int]:
    """All up to the second right one, which checks the first; up to the first where it is the only one."""
    return list(range(_nth_right(solutions, 2) or _nth_right(solutions, 1)))


def greedily_diverse(solutions: Sequence[Judged]) -> list[int]:
    """The first right one with all before it, and of the rest those right ones that are of a kind not seen before."""
    kept = first_right(solutions)
    kinds = {solutions[number].kind for number in kept}
    for number in range(len(kept), len(solutions)):
        if kept and solutions[number].status is Status.RIGHT and solutions[number].kind not in kinds:
            kept.append(number)
            kinds.add(solutions[number].kind)
    return kept


def _nth_right(solutions: Sequence[Judged], n: int) -> int:
    """How many solutions there are up to the nth right one; 0 when there are not so many."""
    right = [number for number, solution in enumerate(solutions) if solution.status is Status.RIGHT]
    return right[n - 1] + 1 if len(right) >= n else 0


def words(solution: str) -> Hashable:
    """A solution is of the kind of another when they are the same but for spaces."""
    return tuple(solution.split())


def shortened(
    episodes: Iterable[Episode],
    judge: Callable[[Episode, str], Verdict],
    decode: Decode,
    end: Ids,
    keep: Keep = first_right,
    kind: Callable[[str], Hashable] = words,
) -> View:
    """Every response that holds a right solution, cut to the solutions that ``keep`` keeps, to be imitated.

    judge: of a text as the answer to an episode's problem. It judges each solution, and then what is left, which must
    be RIGHT. end: the ids that end an answer. kind: which way a solution takes. Tokens are those that were sampled,
    but nobody sampled them in this order, so they have no log-probabilities. A response that is whole as it was is
    kept too. ``dropped`` counts episodes.
    """
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    for episode in episodes:
        made = _shortened(episode, judge, decode, tuple(end), keep, kind)
        if isinstance(made, str):
            dropped[made] += 1
        else:
            rows.append(made)
    return View(rows, dropped)


def shortened_and_longest(short: Sequence[Row], rows: Sequence[Row], min_reward: float = 1.0) -> View:
    """A pair for each group: the shortest of the shortened answers, preferred to the longest right one as sampled.

    short: of ``shortened``; rows: of ``views.groups`` of the same episodes. ``dropped`` counts rows of both.
    """
    single = unforked(rows)
    cut, right = by_group(short), by_group([row for row in single.rows if row.reward >= min_reward])
    kept: list[Row] = []
    dropped = Counter({"not right": sum(not row.reward >= min_reward for row in single.rows), **single.dropped})
    for key in sorted(cut.keys() | right.keys()):
        group, sampled = cut.get(key, []), right.get(key, [])
        best, worst = min(group, key=_length, default=None), max(sampled, key=_length, default=None)
        if best is None or worst is None or _length(best) >= _length(worst):
            dropped["nothing shorter than the longest right answer"] += len(group) + len(sampled)
            continue
        kept += [replace(best, label=1, temperature=worst.temperature), replace(worst, label=-1)]
        dropped["neither the shortest nor the longest"] += len(group) + len(sampled) - 2
    return View(kept, +dropped)


def _shortened(
    episode: Episode,
    judge: Callable[[Episode, str], Verdict],
    decode: Decode,
    end: tuple[int, ...],
    keep: Keep,
    kind: Callable[[str], Hashable],
) -> Row | str:
    if len(episode.turns) != 1 or not episode.turns[0].action_ids:
        return "not one sampled turn"
    (turn,) = episode.turns
    if not decode(turn.action_ids).startswith(turn.text):
        return "its tokens are not its text"
    said = [turn.text[start:stop] for start, stop in turn.solution_spans]
    verdicts = [judge(episode, text) for text in said]
    kept = keep([Judged(verdict.status, kind(text)) for verdict, text in zip(verdicts, said, strict=True)])
    if not kept:
        undecided = any(verdict.status is Status.UNDECIDED for verdict in verdicts)
        return "no solution is known to be right" if undecided else "no solution is right"
    text, ids = _cut(turn, kept, decode)
    if decode(ids).strip() != text.strip():
        return "a token reaches beyond a solution"
    if not judge(episode, text).right:
        return "what is left is not right"
    mended = replace(turn, text=text, action_ids=ids + end, logprobs=(0.0,) * (len(ids) + len(end)))
    (row,) = rows_of(episode, turn.role, [mended])
    return replace(row, reward=1.0, label=1)


def _cut(turn: Turn, kept: Sequence[int], decode: Decode) -> tuple[str, tuple[int, ...]]:
    """The text and the ids of these solutions, each but the last with the delimiter behind it."""
    spans = turn.solution_spans
    following = [start for start, _ in spans[1:]]
    pieces = [(spans[number][0], following[number]) for number in kept[:-1]]
    start, stop = spans[kept[-1]]
    pieces.append((start, start + len(turn.text[start:stop].rstrip())))
    bounds = sorted({bound for piece in pieces for bound in piece if bound})
    read = dict(zip(bounds, step_ends(turn.action_ids, decode, [(0, bound) for bound in bounds]), strict=True))
    ids = [turn.action_ids[read.get(first, 0) : read.get(last, 0)] for first, last in pieces]
    return "".join(turn.text[first:last] for first, last in pieces), sum(ids, ())


def _length(row: Row) -> int:
    return int(np.count_nonzero(row.action))
