"""Checkpoints: everything a run needs to go on as if it had never stopped."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from palaestra.episodes.store import fsync_folder

from . import processes
from .adapters import save_weights

STATE = "training_state.pt"


class BrokenCheckpoint(ValueError):
    """A checkpoint that a run cannot go on from."""


def save_checkpoint(
    folder: Path,
    name: str,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    state: dict[str, Any] | None = None,
) -> Path:
    """Write ``folder/name``: a Hugging Face model folder, with the training state beside it when there is one.

    It is written aside and renamed, so it is there whole or not at all; one that is there already is left alone.
    Of several processes the first writes, and the others wait for it.
    """
    if processes.is_first() and not (folder / name).exists():
        _write(folder, name, model, tokenizer, state)
    processes.wait()
    return folder / name


def _write(
    folder: Path, name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, state: dict[str, Any] | None
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    final, aside = folder / name, folder / f".{name}.tmp"
    shutil.rmtree(aside, ignore_errors=True)
    save_weights(model, aside)
    tokenizer.save_pretrained(aside)
    if state is not None:
        save_state(aside, state)
    for file in aside.iterdir():
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    fsync_folder(aside)
    os.rename(aside, final)
    fsync_folder(folder)


def save_progress(
    folder: Path,
    rounds: int,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    state: dict[str, Any],
    keep: bool = False,
) -> Path:
    """The checkpoint after so many rounds of the run; older ones go once it is safe, unless they are kept."""
    final = save_checkpoint(folder, f"round-{rounds:05d}", model, tokenizer, state)
    for older in progress(folder)[:-1] if processes.is_first() and not keep else ():
        shutil.rmtree(older, ignore_errors=True)
    return final


def progress(folder: Path) -> list[Path]:
    """Checkpoints that a run can go on from, the latest last."""
    return sorted(folder.glob("round-*"))


def save_state(checkpoint: Path, state: dict[str, Any]) -> None:
    """Put a training state, with torch's random state of now, beside the model in a folder."""
    torch.save({**state, "torch_rng": torch.get_rng_state()}, checkpoint / STATE)


def load_state(checkpoint: Path) -> dict[str, Any]:
    """The training state saved beside the model, torch's random state put back.

    Raises:
        BrokenCheckpoint: the checkpoint holds none, or it cannot be read.
    """
    file = checkpoint / STATE
    if not file.is_file():
        raise BrokenCheckpoint(f"{checkpoint} holds no training state, only a model")
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        reason = (str(error).strip() or "it ends too early").splitlines()[0]  # an EOFError says nothing
        raise BrokenCheckpoint(f"{file} cannot be read ({reason}): delete {checkpoint} to go on before it") from error
    torch.set_rng_state(state.pop("torch_rng"))
    return state


def fits(state: dict[str, Any], optimizer: torch.optim.Optimizer) -> bool:
    """Whether an optimiser's saved state is of parameters of the same number and shapes."""
    saved = [len(group["params"]) for group in state["param_groups"]]
    if saved != [len(group["params"]) for group in optimizer.param_groups]:
        return False
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    moments = {index: entry["exp_avg"].shape for index, entry in state["state"].items()}
    return all(parameters[index].shape == shape for index, shape in moments.items())
