"""Demonstrations in text as rows, where no environment's oracle writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from palaestra.agents.chat import ChatFormat
from palaestra.episodes import Turn
from palaestra.episodes.views import Row

ROLE = "reasoner"


def shown(chat: ChatFormat, dialogues: Iterable[Sequence[tuple[str, str]]]) -> list[Row]:
    """A row for each dialogue, of observations and what is said to each: what is said last is to be learned."""
    rows = []
    for number, dialogue in enumerate(dialogues):
        asked, said = chat.continued([Turn(ROLE, observation, answer, 1.0) for observation, answer in dialogue])
        ids = np.array([*asked, *said], np.int64)
        action = np.arange(len(ids)) >= len(asked)
        name = f"shown/{number:05d}"
        rows.append(Row(ids, action, np.zeros(len(ids), np.float32), 1.0, name, name, "", ROLE))
    return rows
