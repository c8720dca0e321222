"""Filters: which answers are kept by what they say, by how likely they are, or by what somebody thinks of them.

Pure functions on rows, beside ``choices.solved``, which goes by the verdict. None looks at a verdict, so undecided
answers pass like others. A number that is nan says nothing of its answer, which is left out and counted.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from palaestra.verifiers import extract_answer

from .views import Decode, Row, View

AnswerOf = Callable[[Row], Hashable | None]
BANDS = ("low", "medium", "high")


def answer_of(decode: Decode) -> AnswerOf:
    """The answer that a row's action holds, as it is written; None when it holds none."""

    def answer(row: Row) -> str | None:
        found = extract_answer(decode(row.ids[row.action].tolist()))
        return found.text if found else None

    return answer


def by_vote(rows: Sequence[Row], answer: AnswerOf, share: float = 0.0) -> View:
    """Answers that agree with the majority of their group (LMSI; arXiv:2210.11610), of equals the first one's.

    share: of the group's answers that the majority must have at least, those without an answer counted too.

    Raises:
        ValueError: share is not in [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share that a majority must have is in [0, 1], not {share:g}")
    said = [answer(row) for row in rows]
    votes: dict[tuple[str, str], Counter[Hashable | None]] = defaultdict(Counter)
    for row, one in zip(rows, said, strict=True):
        votes[row.group_id, row.role][one] += 1
    kept: list[Row] = []
    dropped: Counter[str] = Counter()
    for row, one in zip(rows, said, strict=True):
        ballot = votes[row.group_id, row.role]
        winner, count = max(
            ((vote, n) for vote, n in ballot.items() if vote is not None), key=_count, default=(None, 0)
        )
        if one is None:
            dropped["no answer"] += 1
        elif one != winner:
            dropped["outvoted"] += 1
        elif count < share * ballot.total():
            dropped[f"the majority has less than {share:g} of the votes"] += 1
        else:
            kept.append(row)
    return View(kept, dropped)


def _count(vote: tuple[Hashable | None, int]) -> int:
    return vote[1]


def own_perplexities(rows: Sequence[Row]) -> list[float]:
    """exp(mean negative log-likelihood) of each row's action under the policy that sampled it; nan where unknown.

    To keep what the policy itself finds likely is to keep what it knows: diversity shrinks.
    """
    return [_perplexity(row) for row in rows]


def _perplexity(row: Row) -> float:
    likely = row.logprobs[row.action]
    if not len(likely) or not likely.any():  # nobody sampled it, so nobody knows
        return math.nan
    return float(np.exp(-likely.mean(dtype=np.float64)))


def by_perplexity(
    rows: Sequence[Row], perplexities: Sequence[float], band: str, keep: float = 0.5, min_tokens: int = 1
) -> View:
    """The rows in a band of perplexities, as many as ``keep`` of those that have one (Ankner et al.; 2405.20541).

    perplexities: of each row, under a model that was not trained on it. band: "low"; "medium", half on each side of
    the median; "high". Which is best depends on the data: try them on problems held out for that.
    min_tokens: rows of fewer action tokens are left out, for the mean over a few tokens is noise.

    Raises:
        ValueError: an unknown band, keep outside (0, 1], or not as many perplexities as rows.
    """
    if band not in BANDS or not 0 < keep <= 1:
        raise ValueError(f"a band is one of {', '.join(BANDS)} and keep in (0, 1], not {band!r} and {keep:g}")
    dropped: Counter[str] = Counter()
    ranked: list[tuple[float, int]] = []
    for number, (row, perplexity) in enumerate(zip(rows, perplexities, strict=True)):
        if math.isnan(perplexity):
            dropped["perplexity is nan"] += 1
        elif row.action.sum() < min_tokens:
            dropped[f"fewer than {min_tokens} tokens"] += 1
        else:
            ranked.append((perplexity, number))
    ranked.sort()
    count = round(keep * len(ranked))
    start = {"low": 0, "medium": (len(ranked) - count) // 2, "high": len(ranked) - count}[band]
    chosen = sorted(number for _, number in ranked[start : start + count])
    dropped[f"perplexity below the {band} band"] = start
    dropped[f"perplexity above the {band} band"] = len(ranked) - count - start
    return View([rows[number] for number in chosen], +dropped)


def by_score(rows: Sequence[Row], scores: Sequence[float], least: float = -math.inf, best: int | None = None) -> View:
    """Rows that an evaluator scores ``least`` or more, and of these the ``best`` of each group, the first of equals.

    Raises:
        ValueError: best below 1, or not as many scores as rows.
    """
    if best is not None and best < 1:
        raise ValueError(f"the best {best} of a group are none: ask for 1 or more")
    dropped: Counter[str] = Counter()
    groups: dict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
    for number, (row, score) in enumerate(zip(rows, scores, strict=True)):
        if math.isnan(score):
            dropped["score is nan"] += 1
        elif score < least:
            dropped[f"score below {least:g}"] += 1
        else:
            groups[row.group_id, row.role].append((-score, number))
    chosen = sorted(number for group in groups.values() for _, number in sorted(group)[:best])
    dropped[f"not among the best {best} of its group"] = sum(map(len, groups.values())) - len(chosen)
    return View([rows[number] for number in chosen], +dropped)


def unique(rows: Sequence[Row]) -> View:
    """The first of rows that are the same tokens in the same group."""
    seen: set[tuple[str, str, bytes]] = set()
    kept: list[Row] = []
    for row in rows:
        key = row.group_id, row.role, row.ids.tobytes()
        if key not in seen:
            seen.add(key)
            kept.append(row)
    return View(kept, +Counter({"the same tokens as another": len(rows) - len(kept)}))
