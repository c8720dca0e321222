"""The board of the systems: cells that are not done are played, then the page is written of those that are.

``--budget 0`` only writes the page. A day's work can be stopped at any time, by the budget or Ctrl-C, and gone on with.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .page import write_page
from .plan import cells, places
from .play import play_all
from .recipes import CLAIM, SMOKE

SMALL = f"smaller: {SMOKE.problems} held-out problems, not {CLAIM.problems}, and half of the rounds: the recipes' own"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 130 after Ctrl-C, 2 when the folder holds cells of other sizes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.systems", description=__doc__)
    parser.add_argument("runs", type=Path, help="the folder of the cells")
    parser.add_argument("--out", type=Path, default=Path("docs/systems.md"), help="the page (default: %(default)s)")
    parser.add_argument("--budget", type=float, metavar="MINUTES", help="stop cleanly after that; none: to the end")
    parser.add_argument("--seeds", type=int, default=3, help="how many (default: %(default)s)")
    parser.add_argument("--only", nargs="*", default=(), metavar="PLACE", choices=[place.name for place in places()])
    parser.add_argument("--smoke", action="store_true", help=SMALL)
    options = parser.parse_args(arguments)
    sizes = SMOKE if options.smoke else CLAIM
    if not same_sizes(options.runs, sizes):
        print(f"{options.runs} holds cells of other sizes: name another folder, or change --smoke", file=sys.stderr)
        return 2
    ends = None if options.budget is None else time.monotonic() + 60 * options.budget
    planned = list(cells(range(options.seeds), options.only))
    interrupted = False
    try:
        ended = play_all(planned, options.runs, sizes, say, lambda: ends is not None and time.monotonic() >= ends)
    except KeyboardInterrupt:
        ended, interrupted = False, True
    write_page(options.runs, options.out, sizes, range(options.seeds))
    say(f"{options.out}: written" + ("" if ended else "; there is more to be played: the same command goes on"))
    return 130 if interrupted else 0


def same_sizes(runs: Path, sizes: Any) -> bool:
    """Whether the folder's cells have these sizes; a new one is marked with them."""
    file, told = runs / "sizes.json", asdict(sizes)
    if file.is_file():
        return bool(json.loads(file.read_text()) == told)
    runs.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(told) + "\n")
    return True


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
