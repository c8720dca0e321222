"""The signs: arms that are not done are played, then the page is written of those that are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .page import write_page
from .play import play
from .sign import CLAIM, SMOKE
from .table import SIGNS


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 130 after Ctrl-C; the same command goes on."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.signs", description=__doc__)
    parser.add_argument("runs", type=Path, help="the folder of the arms")
    parser.add_argument("--out", type=Path, default=Path("docs/signs.md"), help="the page (default: %(default)s)")
    parser.add_argument("--only", nargs="*", default=list(SIGNS), metavar="SIGN", choices=list(SIGNS))
    parser.add_argument("--seeds", type=int, help="how many; none: as many as each sign asks for")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: 0); choose settings on others")
    parser.add_argument("--smoke", action="store_true", help="the smallest size, as in the tests")
    options = parser.parse_args(arguments)
    sizes, code = SMOKE if options.smoke else CLAIM, 0
    runs = options.runs / sizes.name  # sizes never meet in one folder
    try:
        for name in options.only:
            sign = SIGNS[name]
            seeds = range(options.first, options.first + (options.seeds or sign.seeds))
            play(sign, runs, sizes, seeds, lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        code = 130
    write_page(runs, options.out, SIGNS.values(), sizes)
    print(f"{options.out}: written", flush=True)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
