"""Matches a second: Kuhn poker between scripted players, through observation, record and Parquet log.

The peer is TextArena's Kuhn poker, to which recorded moves are played and of which nothing is logged, in games of as
many moves. Times are this process's own.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from statistics import median

from palaestra.arena.anchors import Anchor
from palaestra.arena.environments import Environments
from palaestra.arena.matches import MatchJob, play_matches
from palaestra.envs.games import make_game
from palaestra.episodes import EpisodeStore

from . import games
from .figure import Figure

MATCHES = 5_000
REPEATS = 5
GAME = "palaestra/KuhnPoker-v0"
KNOBS = {"tell_rules": False, "list_legal": False}


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """Figures of ours and the peer's, taken in turn."""
    say(f"self-play: {REPEATS} times {MATCHES:,} matches of Kuhn poker, logged")
    peer = games.PEERS["KuhnPoker"]
    recorded = games.record("KuhnPoker", peer, 200)
    translated = [peer.translate(moves) for moves in recorded]
    mine, its, per_match = [], [], 0.0
    gc.freeze()
    gc.set_threshold(100_000)  # as in a run
    with Environments(make_game) as tables:
        logged(200, tables)  # caches are warm, as after a run's first round
        for _ in range(REPEATS):
            speed, per_match = logged(MATCHES, tables)
            mine.append(speed)
            its.append(games.theirs(peer, translated, 5) / per_match)
    yield Figure("self-play/Kuhn, logged, beside TextArena's, not logged", median(mine), median(its), "matches/s")


def logged(count: int, tables: Environments) -> tuple[float, float]:
    """Matches a second of this process's time, and moves a match."""
    jobs = [MatchJob(f"{n}", GAME, KNOBS, n, f"{n}", ("optimal", "random"), n) for n in range(count)]
    agents = {"optimal": Anchor("optimal"), "random": Anchor("random")}
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        episodes = list(play_matches(agents, jobs, {"phase": "bench"}, tables=tables))
        EpisodeStore(folder).append(episodes)
        took = time.process_time() - began
    return count / took, sum(len(episode.turns) for episode in episodes) / count
