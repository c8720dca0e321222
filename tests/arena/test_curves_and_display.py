"""What a person sees of a run: the picture, the live panel, the plain lines."""

from __future__ import annotations

import io
import json
import math
import struct
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console

from palaestra.arena.curves import draw_curves
from palaestra.arena.display import LiveDisplay, PlainDisplay, figures, open_display


def size_of_png(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert data[-8:-4] == b"IEND"
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_the_curves_of_a_run_are_a_picture(finished_run: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (finished_run / "metrics.jsonl").read_text().splitlines()]
    whole = draw_curves(rows, tmp_path / "a.png", "t").read_bytes()
    assert size_of_png(tmp_path / "a.png") == (1100, 825)
    assert whole != draw_curves(rows[:-1], tmp_path / "b.png", "t").read_bytes()


def test_curves_of_nothing_and_of_unknown_numbers_are_a_picture_too(tmp_path: Path) -> None:
    size_of_png(draw_curves([], tmp_path / "a.png", "t"))
    row = {"step": 0, "accuracy": math.nan, "low": 0.0, "high": 1.0, "reward": math.nan}
    size_of_png(draw_curves([row], tmp_path / "b.png", "t"))


def test_a_run_of_several_modules_shows_each_of_them_and_no_empty_panel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Axes] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *given, **options: drawn.extend(figure.axes))
    held_out = {"accuracy": 0.5, "low": 0.4, "high": 0.6}
    modules = {"round/creator": 0.25, "round/post_processor": 0.75}
    rows = [
        {"step": 0, "phase": "warm", "entropy": 2.0, **held_out},
        {"step": 1, "reward": 0.5, "reasoner_entropy": 1.0, **modules},
    ]
    draw_curves(rows, tmp_path / "a.png", "t")
    top, *below = drawn
    assert top.get_legend_handles_labels()[1] == ["creator", "post processor"]
    assert [axes.get_ylabel() for axes in below] == ["reward (training problems)", "entropy (nats a token)"]
    assert below[1].lines[0].get_xydata().tolist() == [[0, 2], [1, 1]]


def test_a_pipe_gets_plain_lines() -> None:
    out = io.StringIO()
    display = open_display(Console(file=out))
    assert isinstance(display, PlainDisplay)
    display.phase("evolve", 3, done=1)
    display.advance({"reward": 0.25})
    display.advance({"reward": 0.5, "accuracy": 0.75, "loss": 3.0})
    display.say("[bold]as it is[/bold]")
    display.close()
    assert out.getvalue() == "evolve 3/3  accuracy 0.75  reward 0.5  0 s left\n[bold]as it is[/bold]\n"


def test_a_terminal_gets_a_live_panel() -> None:
    out = io.StringIO()
    display = open_display(Console(file=out, force_terminal=True, width=140))
    assert isinstance(display, LiveDisplay)
    display.phase("warm", 2)
    display.advance({"accuracy": 0.5})
    display.advance({"reward": 0.25})
    display.say("kept in runs/[test][/b]")
    display.close()
    display.close()
    last = out.getvalue().rsplit("warm", 1)[1]
    assert "kept in runs/[test][/b]" in out.getvalue()
    assert "2/2" in last
    assert "accuracy 0.5  reward 0.25" in last


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.8125, "0.812"), (1.0, "1"), (1234.5, "1234"), (math.nan, "nan"), (math.inf, "inf"), (0, "0")],
)
def test_figures_are_short(value: float, shown: str) -> None:
    assert figures({"accuracy": value, "unknown": 1}) == f"accuracy {shown}"
