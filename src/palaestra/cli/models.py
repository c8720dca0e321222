"""``palaestra models get``: small real models to begin with."""

from __future__ import annotations

from pathlib import Path

from tyro.conf import Positional
from tyro.extras import SubcommandApp

from .app import app, console, typed

models = SubcommandApp()
app.command(models, name="models", help="Fetch small real models.")


@models.command
def get(name: Positional[str], to: Path | None = None) -> None:
    """Fetch a small real model as a folder that recipes and commands take.

    Args:
        name: smollm2 (SmolLM2-135M-Instruct, Apache-2.0, a download of 93 MB, 270 MB on disk).
        to: a new folder; models/NAME without it.
    """
    from palaestra.agents.gguf_model import fetch

    folder = to or Path("models") / name
    fetch(name, folder, lambda said: console.print(said, highlight=False))
    console.print(
        f"{folder}: use it as a model, such as palaestra evolve --set model.path={typed(folder)}",
        highlight=False,
        soft_wrap=True,
    )
