"""``python -m benchmarks [--only NAME] [--out FILE]``: print a table, append one JSON row a figure."""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from .figure import Figure, record, table

BENCHMARKS = (
    *("boards", "data_evolution", "dpo", "engine", "environments", "families", "footprint", "games", "humaneval"),
    *("league", "learner", "math_answers", "memory", "patterns", "sandbox", "self_play", "whole_step"),
)
OUT = Path("runs/bench.jsonl")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks asked for; exit code 2 when one is unknown or a peer library is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}")
    parser.add_argument("--out", type=Path, default=OUT, help="where rows are appended (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.only is not None and options.only not in BENCHMARKS:
        near = difflib.get_close_matches(options.only, BENCHMARKS, n=1, cutoff=0.4)
        hint = f" (did you mean {near[0]}?)" if near else ""
        print(f"no benchmark {options.only!r}{hint}: there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    console = Console()
    for name in [options.only] if options.only else BENCHMARKS:
        try:
            benchmark = importlib.import_module(f"{__package__}.{name}")
        except ModuleNotFoundError as error:
            print(f"no module {error.name}: `make bench` installs the peer libraries first", file=sys.stderr)
            return 2
        for figure in benchmark.measure(console.print):
            record(figure, options.out)
            figures.append(figure)
    console.print(table(figures))
    console.print(f"{len(figures)} rows appended to {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
