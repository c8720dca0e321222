"""A league of 50 frozen selves of the quickstart's size: memory while a learner meets them, and with all loaded.

Each side is a process of its own, libraries included.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from palaestra.agents.checkpoint import save_checkpoint
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.pretrained import load_policy
from palaestra.arena.league import League
from palaestra.arena.self_play import SelfPlay

from .figure import Figure
from .resident import resident

SELVES = 50
ROUNDS = 30


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """Peak memory in MiB, and how many milliseconds seating a round's opponents takes beside loading them all."""
    with tempfile.TemporaryDirectory() as folder:
        league = League(Path(folder), SelfPlay(opponents="uniform", anchors=(), keep=SELVES))
        say(f"league: freezing {SELVES} selves")
        for number in range(SELVES):
            league.admit(f"round-{number:05d}", _save)
        ours, all_loaded = (_in_fresh_process(side, folder) for side in ("seated", "all"))
    what = f"league of {SELVES}"
    beside = "beside all of them loaded"
    yield Figure(f"{what}: peak memory in all {beside}", ours[0], all_loaded[0], "MiB", higher_is_better=False)
    yield Figure(f"{what}: seating a round's {beside}", ours[1], all_loaded[1], "ms", higher_is_better=False)


def _save(folder: Path, name: str) -> None:
    save_checkpoint(folder, name, nano_model(nano_tokenizer(), 128), nano_tokenizer())


def _in_fresh_process(side: str, folder: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.league", side, folder]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True, check=True)
    mebibytes, milliseconds = json.loads(done.stdout.splitlines()[-1])
    return mebibytes, milliseconds


def _used(side: str, folder: Path) -> tuple[float, float]:
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    league = League(folder, SelfPlay(opponents="uniform", anchors=(), keep=SELVES))
    league.selves = names
    began = time.perf_counter()
    if side == "all":
        agents = [load_policy(str(folder / name), name=name) for name in names]
        assert len(agents) == SELVES
        return resident("VmHWM"), 1e3 * (time.perf_counter() - began)
    rng = np.random.default_rng(0)
    for _ in range(ROUNDS):
        seated = league.seat(league.draw(rng))
        assert seated
    return resident("VmHWM"), 1e3 * (time.perf_counter() - began) / ROUNDS


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_used(sys.argv[1], Path(sys.argv[2]))) + "\n")
