"""What each of the processes does that ``accelerate launch`` starts in ``test_processes``.

The first argument is a folder with recipes and stopped/, a run of one process that was stopped. Afterwards there is a
folder with a whole run of each recipe but alphamath, of which halfway/ holds a stopped run, and stopped/ has gone on to
its end.
"""

import sys
from pathlib import Path
from unittest.mock import patch

import yaml

from palaestra.agents import processes
from palaestra.arena.run_folder import RunFolder
from palaestra.cli import main
from palaestra.cli.run import start_run
from palaestra.trainers.recipe import parse_recipe

STOP_AFTER = 4  # rounds

folder = Path(sys.argv[1])
files = sorted(folder.glob("*.yaml"))
with patch("palaestra.cli.finish.draw_curves", lambda rows, path, title: path):  # takes longer than all the rest
    for what in (
        *(["--recipe", f"{file}", "--runs", f"{folder}/{file.stem}"] for file in files if file.stem != "alphamath"),
        ["--resume", f"{folder}/stopped"],
    ):
        sys.argv = ["palaestra", "--debug", "evolve", *what, "--threads", "1", "--no-wandb"]
        main()
asked = iter(range(1, 100))
recipe = parse_recipe(yaml.safe_load((folder / "alphamath.yaml").read_text()))
(folder / "halfway").mkdir(exist_ok=True)
processes.wait()
assert start_run(recipe, RunFolder(folder / "halfway"), 1, False, lambda: next(asked) >= STOP_AFTER) is None
