"""What a run may do to a round's verdicts before it learns from them: nothing, or what must not work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from palaestra.verifiers import Status

from .record import Episode, Outcome
from .views import Row


def _as_judged(rows: list[Row], rng: np.random.Generator) -> list[Row]:
    return rows


def _shuffled(rows: list[Row], rng: np.random.Generator) -> list[Row]:
    """Each row with another row's rewards: the same rewards, telling nothing."""
    order = rng.permutation(len(rows))
    return [replace(row, reward=rows[other].reward) for row, other in zip(rows, order, strict=True)]


CONTROLS = {"none": _as_judged, "shuffled": _shuffled}


def as_learned(episodes: Sequence[Episode], rows: Sequence[Row]) -> list[Episode]:
    """The episodes with the outcomes that their rows have, which a control may have changed."""
    given = {(row.episode_id, row.role): row.reward for row in rows}

    def outcome(episode: Episode, role: str, own: Outcome) -> Outcome:
        reward = given.get((episode.id, role), own.reward)
        changed = reward != own.reward and own.decided
        return Outcome(reward, Status.RIGHT if reward >= 1 else Status.WRONG, "as dealt") if changed else own

    return [
        replace(episode, outcome={role: outcome(episode, role, own) for role, own in episode.outcome.items()})
        for episode in episodes
    ]
