"""The record that everything else passes around: episodes, their store, and views of them to train on."""

from .record import Actor, Cost, Episode, Goal, Outcome, Span, Turn
from .store import EpisodeStore, StoreError

__all__ = ["Actor", "Cost", "Episode", "EpisodeStore", "Goal", "Outcome", "Span", "StoreError", "Turn"]
