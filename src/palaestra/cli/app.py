"""What every command shares: the application, the console, errors and KEY=VALUE arguments."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from tyro.extras import SubcommandApp


class Terminal(Console):
    """Leaves a broken pipe to ``main``."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


console = Terminal()
app = SubcommandApp()

SEVERAL = ("--set", "--knobs", "--env", "--skip", "--difficulties", "--seeds")  # options of several values
Pairs = Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE ...")]


class UserError(Exception):
    """Something that the user can put right; the message says how."""


def pair(item: str) -> tuple[str, str]:
    """Key and value of an argument."""
    key, equals, value = item.partition("=")
    if not equals or not key:
        raise UserError(f"{item!r} is not KEY=VALUE")
    return key, value


def knobs_of(items: tuple[str, ...]) -> dict[str, Any]:
    """Knobs from the command line: numbers, true, false and null as JSON reads them, all else as text."""
    knobs: dict[str, Any] = {}
    for key, value in map(pair, items):
        try:
            knobs[key] = json.loads(value)
        except json.JSONDecodeError:
            knobs[key] = value
    return knobs


def check_log(folder: Path) -> None:
    """Whether a command may log to a folder: a run's own log is what the run did, and nothing else.

    Raises:
        UserError: it is a run's, or a file.
    """
    where = folder.resolve()
    if any(path.exists() and not path.is_dir() for path in (where, *where.parents)):
        raise UserError(f"{folder} is a file, or in one: name a folder")
    run = where.parent if where.name == "episodes" else where
    if (run / "recipe.yaml").is_file():
        raise UserError(f"{folder} is a run's folder, which keeps its own log: name another folder")


def typed(path: Path | str) -> str:
    """A path as it is typed on a command line."""
    return shlex.quote(str(path))


class held:
    """While inside, the folder is this process's; None stays None. If made here, and left empty, it is removed."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def __enter__(self) -> Path | None:
        from palaestra.arena.run_folder import RunFolder

        if self.folder is not None:
            self.made = not self.folder.exists()
            self.folder.mkdir(parents=True, exist_ok=True)
            self.run = RunFolder(self.folder)
            self.run.hold()
            self.run.episodes.discard_unfinished()
        return self.folder

    def __exit__(self, *error: object) -> None:
        if self.folder is not None:
            if self.made and os.listdir(self.folder) == [".lock"]:
                shutil.rmtree(self.folder)
            self.run.release()
