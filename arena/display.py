"""What a person sees while a run goes on: a live panel in a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

SHOWN = ("accuracy", "reward", "entropy", "length", "level", "nll", "tokens_per_second")
EVERY = 5.0  # seconds between plain lines


class Display(Protocol):
    """Progress of a run's phases."""

    def phase(self, name: str, total: int, done: int = 0) -> None:
        """A phase of ``total`` rounds begins, or goes on after ``done``."""

    def advance(self, metrics: Mapping[str, float]) -> None:
        """One round is over."""

    def say(self, text: str) -> None:
        """One line that stays."""

    def close(self) -> None:
        """Give the terminal back."""


def open_display(console: Console | None = None) -> Display:
    """The live display in a terminal, else the plain one."""
    console = console or Console()
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


class LiveDisplay:
    """One progress bar a phase, with the latest figures and the time left."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            TextColumn("[bold]{task.description:<12}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self.task: TaskID | None = None
        self.figures: dict[str, float] = {}
        self.progress.start()

    def phase(self, name: str, total: int, done: int = 0) -> None:
        self.figures = {}
        self.task = self.progress.add_task(name, total=total, completed=done, figures="")

    def advance(self, metrics: Mapping[str, float]) -> None:
        if self.task is not None:
            self.figures |= {name: metrics[name] for name in SHOWN if name in metrics}
            self.progress.update(self.task, advance=1, figures=figures(self.figures))

    def say(self, text: str) -> None:
        self.progress.console.print(text, highlight=False, markup=False)

    def close(self) -> None:
        self.progress.stop()


class PlainDisplay:
    """A line every few seconds, and one when a phase ends."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.name, self.total, self.done = "", 0, 0
        self.began = self.last = time.monotonic()
        self.first = 0

    def phase(self, name: str, total: int, done: int = 0) -> None:
        self.name, self.total, self.done, self.first = name, total, done, done
        self.began = self.last = time.monotonic()

    def advance(self, metrics: Mapping[str, float]) -> None:
        self.done += 1
        now = time.monotonic()
        if now - self.last < EVERY and self.done < self.total and "accuracy" not in metrics:
            return
        self.last = now
        left = (now - self.began) / max(1, self.done - self.first) * (self.total - self.done)
        shown = figures({name: metrics[name] for name in SHOWN if name in metrics})
        self.say(f"{self.name} {self.done}/{self.total}  {shown}  {left:.0f} s left")

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        pass


def figures(metrics: Mapping[str, float]) -> str:
    """``accuracy 0.81  reward 0.77``, in the order of ``SHOWN``."""
    return "  ".join(f"{name.replace('_', ' ')} {_short(metrics[name])}" for name in SHOWN if name in metrics)


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.3g}"
