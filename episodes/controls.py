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
    """Each row with another row's reward, each judged step with another one's: the same rewards, telling nothing."""
    order = rng.permutation(len(rows))
    dealt = [replace(row, reward=rows[other].reward) for row, other in zip(rows, order, strict=True)]
    judged = [row.token_rewards[~np.isnan(row.token_rewards)] for row in rows if row.token_rewards is not None]
    left = rng.permutation(np.concatenate(judged)) if judged else np.empty(0)
    for place, row in enumerate(dealt):
        if row.token_rewards is not None:
            given, step = row.token_rewards.copy(), ~np.isnan(row.token_rewards)
            given[step], left = np.split(left, [step.sum()])
            dealt[place] = replace(row, token_rewards=given)
    return dealt


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
