"""A leaderboard of 1,000 agents in 20 environments: reading, ranking and writing it, beside pandas' page of the rows.

Ours is what `palaestra leaderboard --out` does: read the rows, sum agents up, write JSON, Parquet and the page with
the Pareto front, bars by environment, win matrix and sorting. Theirs is ``Styler.to_html`` with bars, rows alone.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from palaestra.arena.evaluate import Evaluation
from palaestra.arena.intervals import wilson
from palaestra.arena.leaderboard import read_board, write_leaderboard
from palaestra.arena.ratings import Match
from palaestra.arena.significance import compare, holm
from palaestra.arena.tournament import standings

from .figure import Figure

AGENTS, ENVIRONMENTS, PROBLEMS = 1000, 20, 300
REPEATS = 3


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """Seconds and bytes of the page, ours beside theirs; our comparisons' seconds are said, having no peer."""
    rows = made()
    matches = [Match(f"agent-{i}", f"agent-{j}", (i + j) % 3 / 2) for i in range(40) for j in range(i)] * 4
    began = time.perf_counter()
    game = standings("palaestra/Nim-v0", matches, resamples=100)
    say(f"ratings of 40 agents, 100 resamples: {time.perf_counter() - began:.2f} s")
    say(f"20 x 999 paired comparisons on {PROBLEMS} problems: {compared():.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        write_leaderboard(rows, Path(folder), "t", "s", games=[game])
        ours, theirs, sizes = [], [], [0, 0]
        for _ in range(REPEATS):
            began = time.perf_counter()
            board = read_board(Path(folder))
            page = write_leaderboard(board.rows, Path(folder), "t", "s", games=board.games)
            ours.append(time.perf_counter() - began)
            sizes[0] = page.stat().st_size
            began = time.perf_counter()
            frame = pd.DataFrame([asdict(row) for row in rows])
            sizes[1] = len(frame.style.bar(subset=["score"]).to_html().encode())
            theirs.append(time.perf_counter() - began)
    name = f"boards/{AGENTS:,} agents x {ENVIRONMENTS} environments"
    yield Figure(f"{name}: time, beside pandas' Styler", 1000 * median(ours), 1000 * median(theirs), "ms", False)
    yield Figure(f"{name}: page, beside pandas' Styler", sizes[0] / 1000, sizes[1] / 1000, "kB", False)


def made() -> list[Evaluation]:
    """Rows of agents of all strengths."""
    rng = np.random.default_rng(0)
    rows = []
    for agent in range(AGENTS):
        for env in range(ENVIRONMENTS):
            chance = 1 / (1 + np.exp(-(agent / 150 - 3 + env / 5 - 2)))
            right = int(rng.binomial(PROBLEMS, chance))
            tokens = float(20 + agent * rng.random())
            where = f"palaestra/Family{env:02d}-v0"
            score = (right / PROBLEMS, *wilson(right, PROBLEMS), PROBLEMS, 0)
            rows.append(Evaluation(f"agent-{agent}", where, *score, tokens, tokens, 0.0, f"{agent:016x}", PROBLEMS))
    return rows


def compared() -> float:
    """Seconds to compare every agent with the best of each environment."""
    rng = np.random.default_rng(1)
    names = [str(number) for number in range(PROBLEMS)]
    best = dict(zip(names, (rng.random(PROBLEMS) < 0.9).astype(float).tolist(), strict=True))
    agents = [dict(zip(names, (rng.random(PROBLEMS) < 0.6).astype(float).tolist(), strict=True)) for _ in range(AGENTS)]
    began = time.perf_counter()
    found = [compare("e", f"{i}", "best", scores, best) for i, scores in enumerate(agents[1:])]
    holm([one.p for one in found] * ENVIRONMENTS)
    return (time.perf_counter() - began) * ENVIRONMENTS
