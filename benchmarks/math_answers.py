"""Math answers judged a second, beside math-verify; where the two differ; and what hostile answers cost.

The pairs are fresh: no gold and no answer was seen by either side before. Ours is ``verify_many`` with two workers,
from a whole response to a verdict. math-verify's own ``parse`` and ``verify``, with its defaults, run in one process as
it is used, and once more in two. Every process is warm from other pairs of the same kinds.
"""

from __future__ import annotations

import logging
import multiprocessing
import operator
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import cycle
from statistics import median, quantiles

from palaestra.verifiers import MathVerifier, verify_number
from palaestra.verifiers.math.many import verify_many

from .figure import Figure
from .math_pairs import HOSTILE, Pair, pairs

COUNT = 1500
WARM = 150  # pairs that every process has judged before
WORKERS = 2
REPEATS = 3
FAST = 2000  # checks of each fast-path timing
STREAM = 300  # ordinary checks timed beside hostile ones, and as many without
ROUNDS = 9  # of each


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """Checks a second beside math-verify in one and two processes, one fast check, and latencies under attack."""
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawned) as one, ProcessPoolExecutor(WORKERS, spawned) as two:
        warm = list(pairs(WARM * WORKERS, seed=0))
        for pool, workers in ((one, 1), (two, WORKERS)):
            _theirs(pool, warm, workers)
        _ours(warm)
        speeds: list[tuple[float, float, float]] = []
        for repeat in range(1, REPEATS + 1):
            fresh = list(pairs(COUNT, seed=repeat))
            ours, seconds = _ours(fresh)
            theirs, their_seconds = _theirs(one, fresh, 1)
            _, seconds_of_two = _theirs(two, fresh, WORKERS)
            speeds.append((COUNT / seconds, COUNT / their_seconds, COUNT / seconds_of_two))
            if repeat == 1:
                _compare(fresh, ours, theirs, say)
    fastest, plain, doubled = (median(column) for column in zip(*speeds, strict=True))
    yield Figure("math answers/2 workers beside math-verify in 1 process", fastest, plain, "checks/s")
    yield Figure("math answers/2 workers beside math-verify in 2 processes", fastest, doubled, "checks/s")
    yield _fast_path()
    yield from _under_attack(say)


def _ours(asked: Sequence[Pair]) -> tuple[list[bool | None], float]:
    responses = [(rf"So the answer is $\boxed{{{pair.answer}}}$.", pair.gold) for pair in asked]
    began = time.perf_counter()
    verdicts = verify_many(responses, workers=WORKERS)
    seconds = time.perf_counter() - began
    return [None if verdict.score != verdict.score else verdict.right for verdict in verdicts], seconds


def _theirs(pool: ProcessPoolExecutor, asked: Sequence[Pair], workers: int) -> tuple[list[bool], float]:
    """Spread evenly; each process works through its share alone."""
    shares = [[(pair.answer, pair.gold) for pair in asked[start::workers]] for start in range(workers)]
    began = time.perf_counter()
    results = list(pool.map(math_verify_alone, shares))
    seconds = time.perf_counter() - began
    return [results[index % workers][index // workers] for index in range(len(asked))], seconds


def math_verify_alone(share: list[tuple[str, str]]) -> list[bool]:
    """In a process of its own: as math-verify's README uses it."""
    from math_verify import parse, verify

    return [verify(parse(f"${gold}$"), parse(rf"So the answer is $\boxed{{{answer}}}$.")) for answer, gold in share]


def _compare(
    asked: Sequence[Pair], ours: Sequence[bool | None], theirs: Sequence[bool], say: Callable[[str], None]
) -> None:
    """Row by row where the two differ, and who is right."""
    say(f"agreement on {sum(map(operator.eq, ours, theirs))} of {len(asked)}; where not:")
    for pair, mine, other in sorted(zip(asked, ours, theirs, strict=True), key=lambda row: row[0].kind):
        if mine != other:
            who = "ours" if mine == pair.same else "math-verify" if other == pair.same else "neither"
            said = f"ours {_said(mine)}, math-verify {_said(other)}; right: {who}"
            say(_plain(f"  {pair.kind}: {pair.answer} for {pair.gold}: {said}"))
    for name, verdicts in (("ours", ours), ("math-verify", theirs)):
        faults = Counter(pair.kind for pair, verdict in zip(asked, verdicts, strict=True) if verdict != pair.same)
        say(f"{name} is wrong on {sum(faults.values())} of {len(asked)}: {dict(faults.most_common())}")


def _said(verdict: bool | None) -> str:
    return "undecided" if verdict is None else "right" if verdict else "wrong"


def _fast_path() -> Figure:
    """Microseconds from a response to a verdict, for plain numbers; math-verify's for the same, in this process."""
    from math_verify import parse, verify

    responses = [rf"So the answer is $\boxed{{{n}}}$." for n in range(100_000, 100_000 + FAST)]
    began = time.perf_counter()
    for n, response in enumerate(responses, 100_000):
        verify_number(response, n)
    ours = (time.perf_counter() - began) / FAST
    some = FAST // 10
    began = time.perf_counter()
    for n, response in enumerate(responses[:some], 100_000):
        verify(parse(f"${n}$"), parse(response))
    theirs = (time.perf_counter() - began) / some
    return Figure("math answers/one plain number", ours * 1e6, theirs * 1e6, "µs", higher_is_better=False)


def _under_attack(say: Callable[[str], None]) -> Iterator[Figure]:
    """What each hostile answer costs, and the latency of ordinary ones in another thread with and without them."""
    verifier = MathVerifier()
    needed = WARM + len(SIDES) * ROUNDS * STREAM
    native = [pair for pair in pairs(4 * needed, seed=99) if pair.kind not in ("integer", "decimal")]
    slow = [(rf"\sum_{{k=1}}^{{{n}}} k", str(n * (n + 1) // 2)) for n in range(2, 2 + needed)]
    streams = {"answers": [(pair.answer, pair.gold) for pair in native], "answers that need math-verify": slow}
    for asked in streams.values():
        _latencies(verifier, asked[:WARM])
    costs = []
    for answer in HOSTILE:
        began = time.perf_counter()
        verdict = verifier.verify(rf"\boxed{{{answer}}}", "5")
        costs.append(time.perf_counter() - began)
        say(_plain(f"  hostile {answer[:40]}: {costs[-1]:.3f} s, {verdict.status}: {verdict.reason[:80]}"))
        assert not verdict.right, f"a hostile answer was rewarded: {answer[:40]}"
    say(f"the dearest hostile answer costs {max(costs):.2f} s")
    for what, asked in streams.items():
        p99: dict[str, list[float]] = {name: [] for name in SIDES}
        starts = iter(range(WARM, needed, STREAM))
        for _ in range(ROUNDS):  # in turn, each on answers that were not seen before
            for name, side in SIDES.items():
                start = next(starts)
                with side(verifier):
                    p99[name].append(_p99(_latencies(verifier, asked[start : start + STREAM])))
        typical = {name: median(seconds) * 1e3 for name, seconds in p99.items()}
        say(f"p99 of {what}, ms: " + ", ".join(f"{value:.2f} {name}" for name, value in typical.items()))
        title = f"math answers/p99 of {what} beside a stream of hostile ones, and without"
        yield Figure(title, typical["beside hostile answers"], typical["alone"], "ms", higher_is_better=False)


@contextmanager
def _spinning(_: MathVerifier) -> Iterator[None]:
    """Beside a process that keeps a core busy and does nothing else: what any neighbour costs."""
    with subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) as neighbour:
        yield
        neighbour.kill()


@contextmanager
def _attacked(verifier: MathVerifier) -> Iterator[None]:
    """Beside a thread that has one hostile answer after the other judged."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        attacker = threads.submit(_attack, verifier, stop)
        yield
        stop.set()
        attacker.result()


SIDES: dict[str, Callable[[MathVerifier], AbstractContextManager[None]]] = {
    "alone": nullcontext,
    "beside a process that spins": _spinning,
    "beside hostile answers": _attacked,
}


def _p99(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=100)[98]


def _attack(verifier: MathVerifier, stop: threading.Event) -> None:
    """One hostile answer after the other, round and round."""
    for answer in cycle(HOSTILE):
        if stop.is_set():
            return
        verifier.verify(rf"\boxed{{{answer}}}", "5")


def _latencies(verifier: MathVerifier, asked: Sequence[tuple[str, str]]) -> list[float]:
    seconds = []
    for answer, gold in asked:
        began = time.perf_counter()
        verifier.verify(rf"\boxed{{{answer}}}", gold)
        seconds.append(time.perf_counter() - began)
    return seconds


def _plain(text: str) -> str:
    """Without the terminal's own markup."""
    return text.replace("[", r"\[")
