"""Contamination: whether what an agent is measured on was trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from palaestra.episodes import Episode, EpisodeStore

MEASURED = "held-out"  # the phase of episodes that agents are measured by, and never learn from
COLUMNS = ["env_id", "problem", "tags"]


def trained_on(log: Path) -> set[str]:
    """Names of the problems of a log that an agent may have learned from: all but those it was measured on."""
    asked: set[tuple[str, str, str, str]] = set()  # problems are asked many times, and named once
    for batch in EpisodeStore(log).batches(columns=COLUMNS):
        problems = batch.column("problem")
        columns = [batch.column("env_id"), *(problems.field(name) for name in ("prompt", "reference", "meta"))]
        rows = zip(*(column.to_pylist() for column in (*columns, problems.is_valid(), batch["tags"])), strict=True)
        asked.update(row[:4] for row in rows if row[4] and json.loads(row[5]).get("phase") != MEASURED)
    return {
        name
        for env_id, prompt, reference, meta in asked
        for name in _names(env_id, prompt, reference, json.loads(meta))
    }


def seen_among(episodes: Iterable[Episode], seen: set[str]) -> int:
    """How many of the problems asked in ``episodes`` are among those named by ``trained_on``.

    What has no problem of its own, such as a game of which there is one deal, is not counted.
    """
    asked = {
        _names(one.env_id, one.problem.prompt, json.dumps(one.problem.reference), one.problem.meta)
        for one in episodes
        if one.problem is not None
    }
    return sum(any(name in seen for name in names) for names in asked)


def _names(env_id: str, prompt: str, reference: str, meta: Any) -> tuple[str, ...]:
    """What names a problem: its very words anywhere, and in its own environment what it is in any words.

    Each is the hash (16 hex digits) of that with the answer, which is JSON text.
    """
    texts = [f"{prompt}\n{reference}"]
    fields = meta.get("fields")
    if fields is not None:
        texts.append("\n".join([env_id.rpartition(":")[2], *map(str, fields.values()), reference]))
    return tuple(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest() for text in texts)
