"""Credit: which of a game's utterances its reward belongs to, and how much each role weighs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .record import Episode
from .views import Row, View, rows_of

GAMMA = 0.8  # of SPAG's credit


def utterance_credit(utterances: int, gamma: float = GAMMA) -> NDArray[np.float64]:
    """Shares (n,) of a reward for a player's utterances in order, each 1/gamma of the one before, summing to 1.

    SPAG (arXiv:2404.10642): what is said late decides the game.

    Raises:
        ValueError: no utterance, or gamma outside (0, 1].
    """
    if utterances < 1 or not 0 < gamma <= 1:
        raise ValueError(f"credit needs an utterance and gamma in (0, 1], not {utterances} and {gamma}")
    shares = gamma ** np.arange(utterances - 1, -1, -1, dtype=np.float64)
    credit: NDArray[np.float64] = shares / shares.sum()
    return credit


def role_weights(roles: Sequence[str], sides: int = 2) -> NDArray[np.float64]:
    """A weight for each episode by the role it is learned for, N / (sides N_role): each carries 1/sides of the mean.

    SPAG (arXiv:2404.10642): one side may win far more often than the other.
    """
    counts = Counter(roles)
    return np.array([len(roles) / (sides * counts[role]) for role in roles], dtype=np.float64)


def winners_utterances(episodes: Iterable[Episode], gamma: float = GAMMA) -> View:
    """A row for each utterance of each game's winner (SPAG; arXiv:2404.10642): losers teach nothing.

    A row's ``reward`` is the utterance's share of the game's one point, its ``weight`` the role's. ``dropped`` counts
    games.
    """
    won: list[tuple[str, list[Row]]] = []
    dropped: Counter[str] = Counter()
    for episode in episodes:
        winner = _winner(episode)
        turns = [turn for turn in episode.turns if turn.role == winner]
        if any(not outcome.decided for outcome in episode.outcome.values()):
            dropped["undecided"] += 1
        elif winner is None:
            dropped["no winner"] += 1
        elif not turns or not all(turn.action_ids for turn in turns):
            dropped["no sampled tokens"] += 1
        else:
            said = [rows_of(episode, winner, [turn])[0] for turn in turns]
            credit = utterance_credit(len(said), gamma).tolist()
            won.append((winner, [replace(row, reward=share) for row, share in zip(said, credit, strict=True)]))
    weights = role_weights([role for role, _ in won]).tolist()
    rows = [replace(row, weight=weight) for (_, said), weight in zip(won, weights, strict=True) for row in said]
    return View(rows, dropped)


def _winner(episode: Episode) -> str | None:
    """The role of the highest reward, where there are several and one is above all others."""
    order = sorted(episode.outcome, key=lambda role: -episode.outcome[role].reward)
    if len(order) < 2 or not episode.outcome[order[0]].reward > episode.outcome[order[1]].reward:
        return None
    return order[0]
