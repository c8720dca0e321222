"""The board of strategies and searches: cells that are not done are played, then the page is written of those that are.

``--page`` only writes the page. Two hours' work on two cores can be stopped at any time and gone on with; a cell that
was under way is begun anew.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from palaestra.agents.agent import Agent
from palaestra.arena.run_folder import describe_environment, write_whole

from ..systems.__main__ import same_sizes, say
from .page import write_page
from .plan import Sizes, cells
from .play import is_done, play_all

ENVIRONMENT = "environment.json"  # in the folder of the cells
ROWS = 192  # answers that the engine writes at once: more take memory, and are not faster on a CPU


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 130 after Ctrl-C, 2 when the folder holds cells of other sizes or no model is there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strategies", description=__doc__)
    parser.add_argument("runs", type=Path, help="the folder of the cells")
    parser.add_argument("--out", type=Path, default=Path("docs/strategies_board.md"), help="the page (%(default)s)")
    parser.add_argument("--model", type=Path, default=Path("models/smollm2"), help="its folder (%(default)s)")
    parser.add_argument("--problems", type=int, default=40, help="of each environment (%(default)s)")
    parser.add_argument("--only", nargs="*", default=(), metavar="NAME", help="environments or strategies")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU (%(default)s)")
    parser.add_argument("--page", action="store_true", help="play nothing")
    options = parser.parse_args(arguments)
    sizes = Sizes(options.model.name, options.problems)
    if not same_sizes(options.runs, sizes):
        print(f"{options.runs} holds cells of other sizes: name another folder, or change --problems", file=sys.stderr)
        return 2
    interrupted = False
    planned = list(cells(sizes, options.only))
    if not options.page and not all(is_done(options.runs / cell.folder) for cell in planned):
        if not (options.model / "config.json").is_file():
            print(f"{options.model} holds no model: palaestra models get smollm2 --to {options.model}", file=sys.stderr)
            return 2
        told = describe_environment(0, options.threads)
        write_whole(options.runs / ENVIRONMENT, json.dumps(told, indent=2) + "\n")
        try:
            play_all(planned, options.runs, sizes, load(options.model, sizes, options.threads), say)
        except KeyboardInterrupt:
            interrupted = True
    write_page(options.runs, options.out, sizes)
    say(f"{options.out}: written")
    return 130 if interrupted else 0


def load(folder: Path, sizes: Sizes, threads: int) -> Agent:
    """The model that answers in all cells."""
    import torch

    from palaestra.agents.engine import Sampling
    from palaestra.agents.pretrained import load_policy

    torch.set_num_threads(threads)
    sampling = Sampling(temperature=sizes.temperature, max_tokens=sizes.max_tokens)
    policy = load_policy(folder, sampling, folder.name, dtype=getattr(torch, sizes.dtype))
    policy.engine.max_rows = ROWS  # type: ignore[attr-defined]  # an engine of this process
    return policy


if __name__ == "__main__":
    raise SystemExit(main())
