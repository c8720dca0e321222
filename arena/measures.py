"""Measures beside accuracy: how much of an answer was needed, how many answers differ, what more samples would find."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass

from palaestra.episodes import Span
from palaestra.verifiers import Status, Verdict


@dataclass(frozen=True, slots=True)
class Solution:
    """One of the solutions that a response holds: its tokens, its verdict, and the perspective that it takes."""

    tokens: int
    status: Status
    kind: Hashable


def solutions(
    text: str,
    spans: Sequence[Span],
    verify: Callable[[str], Verdict],
    count: Callable[[str], int],
    kind: Callable[[str], Hashable],
) -> list[Solution]:
    """The solutions of a response, where ``Turn.solution_spans`` says, each judged on its own.

    count: tokens of a text, of which the delimiters between the solutions are part: each belongs to the one before.
    """
    ends = [start for start, _ in spans[1:]] + [len(text)]
    lengths = [count(text[:end]) for end in ends]
    tokens = [length - before for length, before in zip(lengths, [0, *lengths], strict=False)]
    said = [text[start:end] for start, end in spans]
    return [Solution(n, verify(one).status, kind(one)) for n, one in zip(tokens, said, strict=True)]


def outcome_efficiency(responses: Iterable[Sequence[Solution]]) -> float:
    """xi_O: the mean share of a response's tokens that its first right solution took, 0 where none is right.

    Do not think that much for 2+3 (arXiv:2412.21187): (1/N) sum_i sigma_i That_i / T_i. A response whose first right
    solution cannot be told, since an undecided one stands before it or none is right beside an undecided one, is in
    no mean; nan when all are like that.
    """
    shares = [_first_right(response) for response in responses]
    return _mean([share for share in shares if share is not None])


def process_efficiency(responses: Iterable[Sequence[Solution]]) -> float:
    """xi_P: the mean share of a response's tokens spent on solutions of a kind that it had not had before.

    arXiv:2412.21187: (1/N) sum_i D_i / T_i; whether a solution is right does not matter. nan without a response.
    """
    return _mean([_fresh(response) / _length(response) for response in responses])


def _first_right(response: Sequence[Solution]) -> float | None:
    tokens = 0
    for solution in response:
        tokens += solution.tokens
        if solution.status is not Status.WRONG:
            return tokens / _length(response) if solution.status is Status.RIGHT else None
    return 0.0


def _fresh(response: Sequence[Solution]) -> int:
    first: dict[Hashable, int] = {}
    for solution in response:
        first.setdefault(solution.kind, solution.tokens)
    return sum(first.values())


def _length(response: Sequence[Solution]) -> int:
    tokens = sum(solution.tokens for solution in response)
    if tokens <= 0:
        raise ValueError("a response without tokens has no efficiency: leave it out")
    return tokens


def distinct(answers: Collection[Hashable]) -> float:
    """Distinct answers of a group as a share of its answers; nan without any."""
    return len(set(answers)) / len(answers) if answers else math.nan


def pass_at_k(samples: int, right: int, k: int) -> float:
    """The chance that of k answers drawn from ``samples``, ``right`` of which are right, one is right at least.

    1 - C(n-c, k) / C(n, k), unbiased for k fresh samples (Chen et al., arXiv:2107.03374). Count decided answers only.

    Raises:
        ValueError: k is not from 1 to ``samples``, or ``right`` not from 0.
    """
    if not 1 <= k <= samples or not 0 <= right <= samples:
        raise ValueError(f"pass@k needs 1 <= k <= samples and right among them, not k {k}, {right} of {samples}")
    return 1.0 - math.comb(samples - right, k) / math.comb(samples, k)


def headroom(samples: int, right: int, k: int) -> float:
    """pass@k - pass@1: what choosing among k answers could add. It shrinks as a policy loses its diversity."""
    return pass_at_k(samples, right, k) - pass_at_k(samples, right, 1)


def balance(right: int, distinct_right: int, selected: int, wanted: int) -> float:
    """B-STaR's balance score of one problem (arXiv:2412.17256): min(distinct right / wanted, 1) * right / selected.

    selected: decided answers that passed the round's reward threshold; right, distinct_right: of these; wanted: n*,
    distinct right answers that are enough. 0 when none was selected.

    Raises:
        ValueError: the counts do not fit into one another, or ``wanted`` is below 1.
    """
    if not 0 <= distinct_right <= right <= selected or wanted < 1:
        counts = f"{distinct_right} distinct, {right} right, {selected} selected, {wanted} wanted"
        raise ValueError(f"distinct right answers are among the right, those among the selected, not {counts}")
    return min(distinct_right / wanted, 1.0) * right / selected if selected else 0.0


def _mean(shares: Sequence[float]) -> float:
    return sum(shares) / len(shares) if shares else math.nan
