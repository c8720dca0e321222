"""Contamination: whether what an agent is measured on was trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from palaestra.episodes import Episode, EpisodeStore

MEASURED = "held-out"  # the phase of episodes that agents are measured by, and never learn from
COLUMNS = ["env_id", "problem", "tags"]


def trained_on(log: Path) -> set[str]:
    """Names of the problems of a log that an agent may have learned from: all but those it was measured on."""
    found: set[str] = set()
    for file in EpisodeStore(log).files():
        for row in pq.read_table(file, columns=COLUMNS).to_pylist():
            problem = row["problem"]
            if problem is not None and json.loads(row["tags"]).get("phase") != MEASURED:
                meta = json.loads(problem["meta"])
                found.update(_names(row["env_id"], problem["prompt"], problem["reference"], meta))
    return found


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
