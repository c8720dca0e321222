"""The evolve loop outside the models, for each of the 37 combinations of modules that evolve and how.

A warm start of the quickstart's size is made once; from it each combination evolves as ``palaestra evolve --recipe
patterns`` does, for a few rounds: checkpoints after each, gates, evaluations and log included. Inside are sampling,
forward and backward passes, the optimiser's steps, and what a model that judges reads and writes.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from statistics import median
from typing import Any
from unittest.mock import patch

import torch
from rich.console import Console

from palaestra.agents.judges import CritiqueJudge, GenerativeJudge
from palaestra.agents.opening import ModelSpec
from palaestra.agents.processes import keep_freed_memory, set_threads
from palaestra.arena.display import open_display
from palaestra.arena.patterns.settings import combinations_of_all, title
from palaestra.arena.run_folder import RunFolder
from palaestra.arena.tracking import JsonTracker
from palaestra.cli.patterns import combination
from palaestra.trainers.evolve import evolve
from palaestra.trainers.recipe import Recipe, load_recipe
from palaestra.trainers.session import Session

from .figure import Figure

THREADS = 2
WARM, ROUNDS = 40, 3  # rounds
MOST = 10.0  # per cent


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """Per cent of the loop's time outside the models: of the worst combination, and the median of all."""
    set_threads(THREADS)
    keep_freed_memory()
    gc.set_threshold(100_000)  # as in a run
    whole = load_recipe("patterns")
    model = replace(ModelSpec(), device="cpu")
    whole = replace(whole, model=model, warm_start=replace(whole.warm_start, rounds=WARM))
    with tempfile.TemporaryDirectory() as folder:
        say(f"patterns: a warm start of {WARM} rounds")
        begun = RunFolder.create(folder, "start")
        outside_of(replace(whole, name="start", evolve=replace(whole.evolve, rounds=0)), begun)
        start = begun.path / "agents" / "warm"
        shares = {}
        for evolved, strategy in combinations_of_all():
            recipe = combination(whole, start, evolved, strategy)
            recipe = replace(recipe, evolve=replace(recipe.evolve, rounds=ROUNDS))
            name = title(evolved, strategy)
            shares[name], seconds = outside_of(recipe, RunFolder.create(folder, "run"))
            say(f"{name}: {shares[name]:.1f} % of {seconds:.0f} s")
    worst = max(shares, key=shares.__getitem__)
    what = f"evolve loop outside the models, {len(shares)} patterns"
    yield Figure(f"patterns/{what}, the worst ({worst})", shares[worst], MOST, "% of the time", False)
    yield Figure(f"patterns/{what}, median", median(shares.values()), MOST, "% of the time", False)


def outside_of(recipe: Recipe, run: RunFolder) -> tuple[float, float]:
    """Per cent of the loop's seconds outside the models, and those seconds."""
    session = Session.begin(recipe, run)
    gc.collect()
    gc.freeze()  # as in a run
    with ExitStack() as stack:
        inside = [
            stack.enter_context(Timed(*each))
            for each in (
                (GenerativeJudge, "score"),
                (CritiqueJudge, "write"),
                (torch.optim.AdamW, "step"),
            )
        ]
        clock = session.clock
        before = clock.sampling + clock.learning
        began = time.perf_counter()
        evolve(session, JsonTracker(run), open_display(Console(quiet=True)), lambda: False)
        seconds = time.perf_counter() - began
        spent = clock.sampling + clock.learning - before + sum(each.seconds for each in inside)
    run.release()
    return 100 * (1 - spent / seconds), seconds


class Timed:
    """While it is entered, the seconds of all calls of a method are added up."""

    def __init__(self, owner: type, name: str) -> None:
        self.seconds = 0.0
        method = getattr(owner, name)

        def timed(*args: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return method(*args, **options)
            finally:
                self.seconds += time.perf_counter() - began

        self._patch = patch.object(owner, name, timed)

    def __enter__(self) -> Timed:
        self._patch.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._patch.stop()
