"""Measures beside accuracy: how much of an answer was needed, how many answers differ, what more samples would find,
how far confidences may be believed, what revising did, and what a right answer cost."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass

from palaestra.episodes import Cost, Episode, Span
from palaestra.verifiers import Status, Verdict, extract_answer


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


def entropy(answers: Iterable[Hashable]) -> float:
    """Shannon entropy, in nats, of the answers of a group; 0 when all are one, nan without any."""
    counts = Counter(answers).values()
    total = sum(counts)
    return sum(count / total * math.log(total / count) for count in counts) if total else math.nan


@dataclass(frozen=True, slots=True)
class Diversity:
    """How much a group's responses differ.

    answers: distinct answers as a share of the responses that hold one. derivations: distinct texts as a share of the
    responses, spaces and empty lines aside. entropy: of the answers, in nats. unanswered: responses without an answer.
    """

    answers: float
    derivations: float
    entropy: float
    unanswered: int


def diversity(responses: Sequence[str]) -> Diversity:
    """Of the responses to one problem; nan where nothing is there to be counted."""
    found = [extract_answer(response) for response in responses]
    answers = [answer.text for answer in found if answer is not None]
    derivations = ["\n".join("".join(line.split()) for line in text.splitlines() if line.strip()) for text in responses]
    return Diversity(distinct(answers), distinct(derivations), entropy(answers), len(responses) - len(answers))


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


def majority_at_k(answers: Sequence[Hashable | None], right: Collection[Hashable], k: int) -> float:
    """The chance that the majority of k of these answers, drawn without replacement, is right: unbiased, as pass@k is.

    Self-consistency (Wang et al., arXiv:2203.11171), over all C(n, k) draws at once. answers: None where a response
    held none, which is no vote; right: the right ones. Of answers with equally many votes, each wins as often.

    Raises:
        ValueError: k is not from 1 to the number of answers.
    """
    if not 1 <= k <= len(answers):
        raise ValueError(f"majority@k needs 1 <= k <= answers, not k {k} of {len(answers)}")
    counts = Counter(answer for answer in answers if answer is not None)
    silent = len(answers) - counts.total()
    won = 0.0
    for answer in counts.keys() & set(right):
        others = [count for other, count in counts.items() if other != answer]
        for votes in range(1, min(counts[answer], k) + 1):
            won += math.comb(counts[answer], votes) * _outvoted(others, silent, k - votes, votes)
    return won / math.comb(len(answers), k)


def _outvoted(others: Sequence[int], silent: int, left: int, votes: int) -> float:
    """In how many ways ``left`` more can be drawn so that nobody has more than ``votes``; with t rivals that have as
    many, a way counts 1/(1 + t)."""
    ways: dict[tuple[int, int], int] = {(drawn, 0): math.comb(silent, drawn) for drawn in range(min(silent, left) + 1)}
    for count in others:
        more: dict[tuple[int, int], int] = defaultdict(int)
        for (drawn, ties), number in ways.items():
            for taken in range(min(count, votes, left - drawn) + 1):
                more[drawn + taken, ties + (taken == votes)] += number * math.comb(count, taken)
        ways = more
    return sum(number / (1 + ties) for (drawn, ties), number in ways.items() if drawn == left)


def oracle_gap(answers: Sequence[Hashable | None], right: Collection[Hashable], k: int) -> float:
    """pass@k - majority@k: what a perfect choice among k answers would add to a vote. Raises as ``majority_at_k``."""
    hits = sum(answer in right for answer in answers if answer is not None)
    voted = majority_at_k(answers, right, k)
    return pass_at_k(len(answers), hits, k) - voted


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far confidences may be believed.

    ece: expected calibration error (Naeini et al. 2015), the mean gap between confidence and accuracy over bins of
    equal width, weighted by their sizes. brier: mean squared error of the confidences (Brier 1950). n: answers in
    both; left_out: those whose confidence or verdict was nan, in neither.
    """

    ece: float
    brier: float
    n: int
    left_out: int


def calibration(confidences: Sequence[float], right: Sequence[float], bins: int = 10) -> Calibration:
    """Of confidences in [0, 1] beside scores: 1 right, 0 wrong, nan undecided.

    Raises:
        ValueError: they are not equally many, a confidence is outside [0, 1], or there is no bin.
    """
    if len(confidences) != len(right) or bins < 1:
        raise ValueError(f"{len(confidences)} confidences, {len(right)} scores and {bins} bins do not fit together")
    pairs = [pair for pair in zip(confidences, right, strict=True) if not any(map(math.isnan, pair))]
    if any(not 0 <= confidence <= 1 for confidence, _ in pairs):
        raise ValueError("a confidence is in [0, 1]: map scores to chances first, by a sigmoid say")
    found: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for confidence, score in pairs:
        found[min(int(confidence * bins), bins - 1)].append((confidence, score))
    gaps = [abs(sum(confidence - score for confidence, score in inside)) for inside in found.values()]
    brier = _mean([(confidence - score) ** 2 for confidence, score in pairs])
    ece = sum(gaps) / len(pairs) if pairs else math.nan
    return Calibration(ece, brier, len(pairs), len(confidences) - len(pairs))


@dataclass(frozen=True, slots=True)
class Revision:
    """What revising did: the share of wrong answers that it put right, and of right ones that it spoiled.

    Each is nan where there was no such answer. before, after: accuracy over the ``n`` answers decided both times.
    """

    repair: float
    harm: float
    before: float
    after: float
    n: int
    undecided: int


def revision(before: Sequence[Status], after: Sequence[Status]) -> Revision:
    """Of answers as they were first given and as they were revised, in the same order.

    Raises:
        ValueError: they are not equally many.
    """
    pairs = list(zip(before, after, strict=True))
    decided = [(a is Status.RIGHT, b is Status.RIGHT) for a, b in pairs if Status.UNDECIDED not in (a, b)]
    repaired = [float(b) for a, b in decided if not a]
    spoiled = [float(not b) for a, b in decided if a]
    first, last = [float(a) for a, _ in decided], [float(b) for _, b in decided]
    undecided = len(pairs) - len(decided)
    return Revision(_mean(repaired), _mean(spoiled), _mean(first), _mean(last), len(decided), undecided)


@dataclass(frozen=True, slots=True)
class Price:
    """What a right answer cost: of everything that was spent, on wrong ones too. inf where none is right."""

    tokens: float
    tokens_in: float
    verifier_calls: float
    right: int
    undecided: int


def price(episodes: Iterable[Episode]) -> Price:
    """Tokens sampled, tokens read and verifier calls of all episodes, divided by the number that all roles ended RIGHT.

    Raises:
        ValueError: there is no episode.
    """
    played = list(episodes)
    if not played:
        raise ValueError("no episode, so no price: play one first")
    spent = sum((episode.cost for episode in played), Cost())
    ends = [[outcome.status for outcome in episode.outcome.values()] for episode in played]
    hits = sum(bool(end) and all(status is Status.RIGHT for status in end) for end in ends)
    undecided = sum(Status.UNDECIDED in end for end in ends)
    each = [total / hits if hits else math.inf for total in (spent.tokens_out, spent.tokens_in, spent.verifier_calls)]
    return Price(each[0], each[1], each[2], hits, undecided)


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
