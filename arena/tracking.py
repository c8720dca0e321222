"""Tracking: metrics of a run, to JSON lines (the truth) and to wandb (a view of it)."""

from __future__ import annotations

import json
import math
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from typing import Any, Protocol

from .evaluate import Evaluation
from .run_folder import RunFolder, append_json, read_json_lines, write_whole

PROJECT = "palaestra"
NO_NUMBERS = (math.inf, -math.inf)  # JSON has no word for them, nor for nan: such a metric is left out


class Tracker(Protocol):
    """Where a run reports to. ``step`` counts the run's rounds."""

    def log(self, step: int, metrics: Mapping[str, Any]) -> None:
        """Numbers of one moment."""

    def leaderboard(self, rows: Sequence[Evaluation]) -> None:
        """The final table."""

    def finish(self, summary: Mapping[str, Any], pictures: Sequence[str] = ()) -> None:
        """The run's closing figures, and the files of its pictures."""


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

    It starts in a thread, since that takes seconds, mostly of waiting. wandb never stops a run: what it raises becomes
    one warning, and nothing more is sent to it.
    """

    def __init__(self, run: RunFolder, config: Mapping[str, Any]) -> None:
        self.off = False
        os.environ.setdefault("WANDB_SILENT", "true")
        mode = os.environ.get("WANDB_MODE") or ("online" if _logged_in() else "offline")
        starter = ThreadPoolExecutor(1, thread_name_prefix="wandb")
        self._run = starter.submit(_start, run, dict(config), mode)
        starter.shutdown(wait=False)

    def log(self, step: int, metrics: Mapping[str, Any]) -> None:
        numbers = {name: value for name, value in metrics.items() if isinstance(value, (int, float))}
        with _Forgiving(self):
            if not self.off:
                self._run.result().log(numbers, step=step)

    def leaderboard(self, rows: Sequence[Evaluation]) -> None:
        with _Forgiving(self):
            if not self.off:
                import wandb

                columns: list[str | int] = [field.name for field in fields(Evaluation)]
                data = [list(asdict(row).values()) for row in rows]
                self._run.result().log({"leaderboard": wandb.Table(columns=columns, data=data)})

    def finish(self, summary: Mapping[str, Any], pictures: Sequence[str] = ()) -> None:
        with _Forgiving(self):
            if not self.off:
                import wandb

                run = self._run.result()
                run.summary.update(dict(summary))
                run.log({os.path.basename(path).split(".")[0]: wandb.Image(path) for path in pictures})
                run.finish()


def _start(run: RunFolder, config: dict[str, Any], mode: Any) -> Any:
    import wandb

    return wandb.init(
        project=os.environ.get("WANDB_PROJECT", PROJECT),
        name=run.name,
        id=run.name,
        resume="allow",
        dir=str(run.path),
        mode=mode,
        config=config,
        settings=wandb.Settings(console="off", x_disable_stats=True, silent=True, x_save_requirements=False),
    )


class _Forgiving:
    """Turns what wandb raises into one warning and switches it off."""

    def __init__(self, tracker: WandbTracker) -> None:
        self.tracker = tracker

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        self.tracker.off = True
        warnings.warn(f"wandb is off for the rest of this run: {type(error).__name__}: {error}", stacklevel=3)
        return True


def _logged_in() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    import netrc

    try:
        file = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")
        return netrc.netrc(file).authenticators("api.wandb.ai") is not None
    except (OSError, netrc.NetrcParseError):
        return False
