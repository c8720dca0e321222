"""Peak memory, each side in a process of its own, so that neither is charged for what the other left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from .figure import Figure


def figures(name: str, module: str, *arguments: str) -> Iterator[Figure]:
    """Two figures: MiB above the loaded model and in all, which ``python -m module SIDE ARGUMENTS`` prints."""
    ours, trl = (_in_fresh_process(module, side, *arguments) for side in ("ours", "trl"))
    for what in ours:
        yield Figure(f"{name}: {what} beside TRL", ours[what], trl[what], "MiB", higher_is_better=False)


def peak(loaded: float, work: Callable[[], None]) -> dict[str, float]:
    """MiB that ``work`` takes at its peak: above ``loaded``, what libraries, model and records took, and with these."""
    work()
    most = resident("VmHWM")  # not getrusage's ru_maxrss, which starts from the parent's
    return {"peak memory above the loaded model": most - loaded, "peak memory in all": most}


def resident(field: str) -> float:
    """MiB of this process now (VmRSS) or at most so far (VmHWM), as the kernel tells."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 2**10


def _in_fresh_process(module: str, *arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True, check=True)
    memory: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return memory
