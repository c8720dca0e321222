"""The command line: each module adds its commands to ``app``; this one runs it and words its errors."""

from __future__ import annotations

import os
import re
import select
import sys
import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path

import tyro
from rich.console import Console

from . import (  # noqa: F401  # each registers its commands
    agents,
    boards,
    environments,
    evaluation,
    evaluators,
    logs,
    models,
    patterns,
    serving,
    strategies,
    training,
)
from .app import SEVERAL, UserError, app

__all__ = ["UserError", "main"]


def main() -> None:
    """Entry point. Errors that a user can mend are one line and exit code 2; ``--debug`` shows where they come from.

    When nobody reads the output any more, as behind ``| head``, it ends without a word, with the exit code of SIGPIPE.
    """
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) != len(sys.argv) - 1
    sys.path.insert(0, os.getcwd())  # so that "module:id" finds a module of the folder one stands in
    try:
        try:
            app.cli(
                prog="palaestra",
                description="Reasoning environments, self-evolution, leaderboards. --debug shows an error's traceback.",
                args=_joined(arguments) or ["--help"],
                config=(tyro.conf.OmitArgPrefixes,),
            )
        finally:
            sys.stdout.flush()  # what is left then is written as Python ends, out of reach of what follows
    except KeyboardInterrupt:
        sys.exit(130)
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit) and not _user_code(error):
            raise  # our own, or tyro's
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(141)
        if debug:
            traceback.print_exc()
        else:
            Console(stderr=True).print(f"palaestra: {_one_line(error)}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


def _joined(arguments: Sequence[str]) -> list[str]:
    """Of an option of several values that is said again, all values stand behind the first: none is dropped."""
    told: list[list[str]] = [[]]  # each option with what follows it
    for argument in arguments:
        name, equals, value = argument.partition("=")
        first = next((one for one in told if one[:1] == [name]), None) if name in SEVERAL else None
        if first is not None:
            told.append(told.pop(told.index(first)))
            told[-1] += [value] if equals else []
        elif re.match("--|-[a-z]", argument):  # -1 is a value
            told.append([name, value] if name in SEVERAL and equals else [argument])
        else:
            told[-1].append(argument)
    return [each for one in told for each in one]


def _nobody_reads() -> bool:
    """Whether standard output is a pipe that was closed: a pipe to a worker process may have broken instead."""
    asked = select.poll()
    asked.register(sys.stdout.fileno(), 0)
    return bool(asked.poll(0))


def _one_line(error: Exception | SystemExit) -> str:
    if isinstance(error, SystemExit):
        return f"code of an environment or agent ends no program, as exit() does{_user_code(error)}"
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in TRAIN_MODULES:
        return f"{error.name} is not installed: pip install 'palaestra[train]' adds models and training"
    text = " ".join(str(error).split())
    known = type(error).__module__.startswith("palaestra") or isinstance(error, (OSError, ValueError))
    told, where = text if known and text else f"{type(error).__name__}: {text}", _user_code(error)
    return f"{told}{where}" if known and text else f"{told}{where} (--debug shows where)"


def _user_code(error: Exception | SystemExit) -> str:
    """The file and line of the user's own code, such as a task's, in which an error arose; "" where none had part."""
    installed = [Path(__file__).parent.parent, *map(Path, sysconfig.get_paths().values())]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.suffix == ".py" and file.is_file() and not any(file.is_relative_to(folder) for folder in installed):
            return f", in {file.name}, line {frame.lineno}"
    return ""


TRAIN_MODULES = {
    *("torch", "transformers", "tokenizers", "safetensors", "accelerate", "peft", "gguf"),
    *("yaml", "wandb", "matplotlib", "evalica"),
}
