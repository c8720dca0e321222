"""Arms are played: each with each seed in a folder of its own, whole or not at all."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path

from palaestra.arena.run_folder import write_whole

from .sign import Measured, Place, Sign, Sizes

MEASURED, SHARED = "measured.json", "shared"


def play(sign: Sign, runs: Path, sizes: Sizes, seeds: range, say: Callable[[str], None]) -> None:
    """Play the arms of a sign that are not done, seed by seed; what they print goes to their logs."""
    for seed in seeds:
        for name in sign.arms:
            folder = folder_of(runs, sign, seed, name)
            if measured_in(folder) is not None:
                continue
            began = time.monotonic()
            shutil.rmtree(folder, ignore_errors=True)  # what a stop left
            folder.mkdir(parents=True)
            with open(folder / "log.txt", "w") as log, redirect_stdout(log):
                found = sign.arms[name](Place(runs, folder, seed, sizes))
            seconds = time.monotonic() - began
            told = {"scores": dict(found.scores), "tokens": found.tokens, "told": dict(found.told), "seconds": seconds}
            write_whole(folder / MEASURED, json.dumps(told) + "\n")
            mean = sum(found.scores.values()) / len(found.scores)
            say(f"{sign.name} seed {seed} {name}: {mean:.3f}, {found.tokens:,} tokens, {seconds:.0f} s")


def folder_of(runs: Path, sign: Sign, seed: int, arm: str) -> Path:
    """Where an arm is, under the folder of all."""
    return runs / sign.name / f"seed{seed}" / arm


def measured_in(folder: Path) -> Measured | None:
    """What the arm in a folder came to; None where it has not ended."""
    if not (folder / MEASURED).is_file():
        return None
    told = json.loads((folder / MEASURED).read_text())
    return Measured(told["scores"], told["tokens"], told["told"])


def measured(runs: Path, sign: Sign, arm: str) -> dict[int, Measured]:
    """What an arm came to, by seed, of those played."""
    found = {seed: measured_in(folder_of(runs, sign, seed, arm)) for seed in _seeds(runs / sign.name)}
    return {seed: one for seed, one in found.items() if one is not None}


def _seeds(folder: Path) -> Iterator[int]:
    yield from sorted(int(each.name.removeprefix("seed")) for each in folder.glob("seed*"))


def share(place: Place, name: str, make: Callable[[Path], None]) -> Path:
    """The folder of what arms of a seed share, made by the first that asks. ``name`` says all that it hangs on.

    Where ``make`` was stopped, or failed, it is made anew.
    """
    folder = place.runs / SHARED / name / f"seed{place.seed}"
    done = folder / "done"
    if not done.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        write_whole(done, "")
    return folder


def ahead(place: Place, one: str, other: str) -> Measured:
    """What an arm of the seed, played before this one, has beyond another, problem by problem; numbered in their order,
    so that gaps of different problems can be held against each other."""
    left, right = (measured_in(place.folder.parent / name) for name in (one, other))
    assert left is not None
    assert right is not None
    shared = sorted(left.scores.keys() & right.scores.keys())
    return Measured({str(number): left.scores[key] - right.scores[key] for number, key in enumerate(shared)})
