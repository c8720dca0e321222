"""Tracking: metrics of a run, to JSON lines (the truth) and to wandb and TensorBoard (views of it)."""

from __future__ import annotations

import json
import math
import os
import shlex
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

from .evaluate import Evaluation
from .run_folder import RunFolder, append_json, read_json_lines, write_whole

PROJECT = "palaestra"
PATIENCE = 60.0  # seconds that wandb's server is waited for, at the start and at the end
Task = Callable[[Any], None]  # something to do with a wandb run
LOST = ("fatal error", "failed to log artifact", "failed to upload", "CreateRunFiles returned error")  # what wandb logs
NO_NUMBERS = (math.inf, -math.inf)  # JSON has no word for them, nor for nan: such a metric is left out


class Tracker(Protocol):
    """Where a run reports to. ``step`` counts the run's rounds."""

    def log(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Numbers of one moment."""

    def leaderboard(self, rows: Sequence[Evaluation]) -> None:
        """The final table."""

    def finish(self, summary: Mapping[str, Any], pictures: Sequence[str] = ()) -> None:
        """The run's closing figures, and the files of its pictures."""


class AllTrackers:
    """Reports to each of several trackers."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self.trackers = trackers

    def log(self, step: int, metrics: Mapping[str, Any]) -> None:
        for tracker in self.trackers:
            tracker.log(step, metrics)

    def leaderboard(self, rows: Sequence[Evaluation]) -> None:
        for tracker in self.trackers:
            tracker.leaderboard(rows)

    def finish(self, summary: Mapping[str, Any], pictures: Sequence[str] = ()) -> None:
        for tracker in self.trackers:
            tracker.finish(summary, pictures)


class JsonTracker:
    """One line a call in ``metrics.jsonl``. On resume the lines behind the checkpoint are dropped: they come again."""

    def __init__(self, run: RunFolder, resumed_at: int | None = None) -> None:
        self.run = run
        if resumed_at is not None:
            kept = [row for row in read_json_lines(run.metrics) if row["step"] <= resumed_at]
            write_whole(run.metrics, "".join(json.dumps(row) + "\n" for row in kept))

    def log(self, step: int, metrics: Mapping[str, Any]) -> None:
        finite = {name: value for name, value in metrics.items() if value == value and value not in NO_NUMBERS}
        append_json(self.run.metrics, {"step": step, "time": time.time(), **finite})

    def leaderboard(self, rows: Sequence[Evaluation]) -> None:
        pass  # leaderboard.json is written with the page

    def finish(self, summary: Mapping[str, Any], pictures: Sequence[str] = ()) -> None:
        write_whole(self.run.path / "summary.json", json.dumps(summary, indent=2) + "\n")


class WandbTracker:
    """A wandb run in the run's folder: offline unless the user has logged in or set WANDB_MODE.

    A thread of its own hands over what is logged, so that a run never waits for wandb, however slow its server, but
    for the last ``patience`` seconds at its end. Where the server does not answer, or refuses, the run is kept offline,
    and one warning says so: `wandb sync` sends it later. So it is with what the server does not take in between. What
    wandb itself raises is told once too, and after that nothing more is given to it.

    A name that the project knows already is refused, unless the run is resumed in its own folder.
    """

    def __init__(self, run: RunFolder, config: Mapping[str, Any], patience: float = PATIENCE) -> None:
        self.patience = patience
        self.off = False
        self._sync = f"wandb sync --include-online {shlex.quote(str(run.path))}/wandb/*run-*"
        self._failed = False
        self._told: SimpleQueue[str] = SimpleQueue()
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        start = partial(start_wandb, run.path, run.name, dict(config), again=_has_run(run.path))
        self._worker = threading.Thread(target=self._work, args=(start,), name="wandb", daemon=True)
        self._worker.start()

    def log(self, step: int, metrics: Mapping[str, Any]) -> None:
        numbers = {name: value for name, value in metrics.items() if isinstance(value, (int, float))}
        self._give(lambda run: run.log(numbers, step=step))

    def leaderboard(self, rows: Sequence[Evaluation]) -> None:
        self._give(lambda run: log_rows(run, rows))

    def finish(self, summary: Mapping[str, Any], pictures: Sequence[str] = ()) -> None:
        def close(run: Any) -> None:
            import wandb

            run.summary.update(dict(summary))
            run.log({os.path.basename(path).split(".")[0]: wandb.Image(path) for path in pictures})
            if unsent := finish_wandb(run):
                self._told.put(f"wandb's server did not take all of this run, {self._sync} sends it: {unsent}")

        self._give(close)
        self._tasks.put(None)
        self._worker.join(self.patience)
        if self._worker.is_alive():
            self._told.put(f"wandb did not take all of this run in {self.patience:g} s, {self._sync} sends it")
        self._warn()

    def _give(self, task: Task) -> None:
        self._warn()
        if not self.off:
            self._tasks.put(task)

    def _work(self, start: Callable[..., Any]) -> None:
        """Hand over the tasks in order until there are no more, or one fails."""
        try:
            run = self._started(start)
            while (task := self._tasks.get()) is not None:
                task(run)
        except Exception as error:
            self._failed = True
            self._told.put(f"wandb is off for the rest of this run: {_line(error)}")

    def _started(self, start: Callable[..., Any]) -> Any:
        online = wandb_mode() == "online"
        try:
            return start(patience=self.patience / 3)
        except Exception as error:
            if not online or taken(error):
                raise
            self._told.put(f"wandb keeps this run offline, wandb sync sends it later: {_line(error)}")
            return start(kept=True)

    def _warn(self) -> None:
        while not self._told.empty():
            warnings.warn(self._told.get(), stacklevel=4)
        self.off = self.off or self._failed


def start_wandb(
    folder: Path,
    name: str,
    config: Mapping[str, Any],
    project: str | None = None,
    patience: float = PATIENCE,
    again: bool = False,
    job_type: str | None = None,
    kept: bool = False,
) -> Any:
    """A wandb run kept in ``folder``; where its server does not answer in ``patience`` seconds it gives up waiting.

    project: "project", or "entity/project".
    again: the run was there before and goes on; else one of that name in the project is an error (``taken``).
    kept: offline, whatever the user set, since the server did not take it: wandb holds the id itself in use then.
    """
    import wandb

    os.environ.setdefault("WANDB_SILENT", "true")
    mode: Any = "offline" if kept else wandb_mode()
    entity, _, bare = (project or os.environ.get("WANDB_PROJECT", PROJECT)).rpartition("/")
    return wandb.init(
        entity=entity or None,
        project=bare,
        name=name,
        id=f"{name}-{mode}" if kept else name,
        resume="allow" if again or mode == "offline" else "never",
        dir=str(folder),
        mode=mode,
        config=dict(config),
        job_type=job_type,
        settings=wandb.Settings(
            console="off",
            x_disable_stats=True,
            silent=True,
            x_save_requirements=False,
            init_timeout=patience,
            finish_timeout=patience,
            finish_timeout_raises=True,
        ),
    )


def finish_wandb(run: Any) -> str:
    """Finish a run, and say why its server lacks some of it: "" where it took all. wandb itself tells its log only."""
    log = Path(run.dir).parent / "logs" / "debug-internal.log"
    try:
        run.finish()
    except TimeoutError:
        return "it took too long"
    told = [str(row.get("msg")) for row in read_json_lines(log)]
    lost = [line for line in told if any(word in line for word in LOST)]
    return " ".join(lost[0].split())[:300] if lost else ""


def taken(error: Exception) -> bool:
    """Whether wandb refused to begin a run since the project has one of its name."""
    return "already" in str(error) or "resume='never'" in str(error).replace('"', "'")


def log_rows(run: Any, rows: Sequence[Evaluation]) -> None:
    """The rows of a leaderboard: a table, logged once, and ``board`` in the summary, for the board of all runs."""
    import wandb

    columns: list[str | int] = [field.name for field in fields(Evaluation)]
    run.log({"leaderboard": wandb.Table(columns=columns, data=[list(asdict(row).values()) for row in rows])})
    plain = [{name: None if value != value else value for name, value in asdict(row).items()} for row in rows]
    run.summary.update({"board": json.dumps(plain)})


def wandb_mode() -> str:
    """What the user set, else online where he has logged in."""
    return os.environ.get("WANDB_MODE") or ("online" if logged_in() else "offline")


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _has_run(folder: Path) -> bool:
    return any((folder / "wandb").glob("*run-*"))


def logged_in() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    import netrc

    try:
        file = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")
        return netrc.netrc(file).authenticators("api.wandb.ai") is not None
    except (OSError, netrc.NetrcParseError):
        return False
