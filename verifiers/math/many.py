"""Many math answers at once, spread over processes: the verdicts of ``MathVerifier.verify``, in order.

Plain numbers take microseconds and are judged here. The others go to worker processes in chunks; what those would
leave to math-verify, and whatever a worker could not finish, is judged here one by one, ``workers`` at a time.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import lru_cache
from typing import Any

from ..extract import last_boxed
from ..verdict import Status, Verdict
from ..workers import Ending, Workers
from . import slow
from .number import read_number
from .policy import DEFAULT, MathPolicy
from .verifier import MathVerifier

CHUNK = 16  # pairs sent to a worker at once
MAX_SENT = 2**16  # characters of a response
SECONDS = 60.0  # of processor time for a chunk: no verdict takes this long
WARM = ((r"\boxed{2^{x+1}}", "2*2^x"), (r"\boxed{\frac{x^2-1}{x-1}}", "x+1"), (r"\boxed{\sqrt{8}}", r"2\sqrt{2}"))

Pair = tuple[str, str]


def verify_many(pairs: Sequence[Pair], policy: MathPolicy = DEFAULT, workers: int = 2) -> list[Verdict]:
    """The verdict of each (response, gold), whatever the number of workers.

    Raises:
        GoldError: see ``parse_gold``.
    """
    verifier = MathVerifier(policy)
    verdicts = [verifier.verify(*pair) if _cheap(*pair) else None for pair in pairs]
    rest = [index for index, verdict in enumerate(verdicts) if verdict is None]
    if not rest:
        return [verdict for verdict in verdicts if verdict is not None]
    chunks = [rest[start : start + CHUNK] for start in range(0, len(rest), CHUNK)]
    written = _write(policy)

    def judge(chunk: list[int]) -> list[Verdict]:
        asked = [pairs[index] for index in chunk]
        outcome = _workers(workers).call(written, asked)
        rows = outcome.value if outcome.ending is Ending.DONE else [None] * len(asked)
        return [_verdict(*row) if row else verifier.verify(*pair) for pair, row in zip(asked, rows, strict=True)]

    with ThreadPoolExecutor(workers) as threads:
        for chunk, judged in zip(chunks, threads.map(judge, chunks), strict=True):
            for index, verdict in zip(chunk, judged, strict=True):
                verdicts[index] = verdict
    return [verdict for verdict in verdicts if verdict is not None]


def judge_chunk(policy: str, pairs: list[Pair]) -> list[list[Any] | None]:
    """In a worker: the fields of each verdict; None where math-verify is needed or the gold is at fault."""
    verifier = MathVerifier(_read(policy))
    return [_row(verifier, *pair) for pair in pairs]


def _row(verifier: MathVerifier, response: str, gold: str) -> list[Any] | None:
    with slow.noting() as noted:
        try:
            verdict = verifier.verify(response, gold)
        except ValueError:  # the gold's; it is raised where the caller is
            return None
    return None if noted else [verdict.score, verdict.status, verdict.reason, verdict.evidence]


def _verdict(score: float, status: str, reason: str, evidence: dict[str, Any]) -> Verdict:
    return Verdict(score, Status(status), reason, evidence)


def _cheap(response: str, gold: str) -> bool:
    """Whether judging costs less than sending: plain numbers, and a response so long that it is mostly searched."""
    if len(response) > MAX_SENT:
        return True
    if read_number(gold) is None:
        return False
    text = last_boxed(response)
    return text is not None and read_number(text) is not None


@lru_cache(maxsize=2)
def _workers(count: int) -> Workers:
    return Workers(f"{__name__}:judge_chunk", count=count, seconds=SECONDS, warm=[(_write(DEFAULT), WARM)])


def _write(policy: MathPolicy) -> str:
    """A policy as JSON; what JSON does not know carries its type's name."""

    def plain(value: Any) -> Any:
        if isinstance(value, Fraction):
            return {"Fraction": str(value)}
        if isinstance(value, tuple):
            return {"tuple": list(map(plain, value))}
        if isinstance(value, frozenset):
            return {"frozenset": sorted(map(plain, value))}
        return value

    return json.dumps({field.name: plain(getattr(policy, field.name)) for field in dataclasses.fields(policy)})


@lru_cache(maxsize=16)
def _read(text: str) -> MathPolicy:
    types = {"Fraction": Fraction, "tuple": tuple, "frozenset": frozenset}

    def restored(value: Any) -> Any:
        if isinstance(value, dict):
            ((name, inner),) = value.items()
            return types[name](map(restored, inner) if isinstance(inner, list) else inner)
        return value

    return MathPolicy(**{name: restored(value) for name, value in json.loads(text).items()})
