"""Policies from a folder or from the Hugging Face hub, the small model and any other by the same path."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from palaestra.episodes import Actor

from . import processes
from .adapters import answering_weights, base_of, heads_of, is_adapter, load_adapter, merged, save_weights
from .chat import ChatFormat
from .engine import Sampling
from .memory import with_exact_head
from .model_card import FILE as CARD
from .policy import PolicyLLM
from .transformers_engine import TransformersEngine

transformers_logging.disable_progress_bar()  # a bar for each file of a small model is noise


HUB_SECONDS = 10  # that the hub is given to answer


class MissingModel(FileNotFoundError):
    """No model where one was expected."""


def load_model(
    path: str | os.PathLike[str], device: str | torch.device = "cpu", dtype: torch.dtype | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A language model and its tokenizer, of a folder or hub id; of an adapter's folder, its model with the adapter on.

    dtype: fp32 on a CPU and as saved elsewhere, unless given.

    Raises:
        MissingModel: nothing there that transformers can load; the message says what to do.
    """
    return load_pretrained(path, AutoModelForCausalLM, device, dtype)


def load_pretrained(
    path: str | os.PathLike[str],
    kind: Any,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    merge: bool = False,
    new: tuple[str, ...] = (),
    **options: Any,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The same for a model of one of transformers' Auto kinds; ``options`` go to its ``from_pretrained``.

    device: "auto" is cuda where there is one.
    merge: add an adapter's product to the weights of its model.
    new: weights that the folder need not hold, and that are made at random then; any other must be there.
    """
    device = processes.device() if device == "auto" else device
    if is_adapter(path):
        try:
            wanted = dtype or _default_dtype(device)
            base = load_pretrained(base_of(path), kind, "cpu", wanted, True, (*new, *heads_of(path)), **options)
        except MissingModel as error:
            raise MissingModel(f"{path} is an adapter, and what it belongs to cannot be loaded: {error}") from error
        own = (Path(path) / "tokenizer_config.json").is_file()  # other trainers save the adapter alone
        tokenizer = AutoTokenizer.from_pretrained(path) if own else base[1]
        return _adapted(base[0], Path(path), merge).to(device), tokenizer
    path = find_model(path)
    try:
        dtype = dtype or _default_dtype(device)
        model, found = _quietly(kind.from_pretrained, path, dtype=dtype, output_loading_info=True, **options)
        tokenizer = AutoTokenizer.from_pretrained(path)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        where = "as a model" if Path(path).exists() else "from the hub, and is no folder here"
        raise MissingModel(f"{path} could not be loaded {where}: {reason}") from error
    absent = {*found["missing_keys"], *(name for name, *_ in found["mismatched_keys"])} - set(new)
    if absent:
        raise MissingModel(f"{path} lacks weights of a {type(model).__name__}: {', '.join(sorted(absent)[:3])}")
    return with_exact_head(model).to(device), tokenizer  # type: ignore[arg-type]  # any device


def find_model(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Where a model is to be loaded from: the path itself, or what the hub's cache has where the hub is silent.

    Raises:
        MissingModel: it is in neither.
    """
    if not _is_hub_id(path) and not (Path(path) / "config.json").is_file():
        raise MissingModel(f"{path} holds no model (no config.json): give a checkpoint folder or a Hugging Face hub id")
    return path if not _is_hub_id(path) or _hub_answers(str(path)) else _cached(str(path))


def check_model(path: str | os.PathLike[str]) -> None:
    """Raises MissingModel where there is no model, without loading one."""
    try:
        AutoConfig.from_pretrained(find_model(path))
    except MissingModel:
        raise
    except (OSError, ValueError) as error:
        raise MissingModel(f"{path} is no model: {str(error).strip().splitlines()[0]}") from error


def _default_dtype(device: str | torch.device) -> Any:
    return torch.float32 if torch.device(device).type == "cpu" else "auto"


def _adapted(model: PreTrainedModel, folder: Path, merge: bool) -> Any:
    try:
        if merge:
            return merged(model, folder)
        load_adapter(model, folder)
        return model
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise MissingModel(f"{folder} could not be loaded as an adapter: {str(error).splitlines()[0]}") from error


def _quietly(load: Any, *args: Any, **options: Any) -> Any:
    """Without transformers' report of weights that it did not use, such as those of a second head."""
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        return load(*args, **options)
    finally:
        transformers_logging.set_verbosity(verbosity)


def _is_hub_id(path: str | os.PathLike[str]) -> bool:
    """Whether this reads as "name" or "owner/name" and means nothing in this folder."""
    folder = Path(path).parent
    local = Path(path).exists() or (folder != Path() and folder.is_dir())
    return not local and re.fullmatch(r"[\w-][\w.-]*(/[\w.-]+)?", str(path)) is not None


def _hub_answers(id: str) -> bool:
    """Whether the hub says anything about an id. Asked first, since loading tries a hub out of reach for a minute."""
    try:
        HfApi().model_info(id, timeout=HUB_SECONDS)
    except HfHubHTTPError:
        return True  # it knows no such model, or does not give it: loading says which
    except Exception:
        return False
    return True


def _cached(id: str) -> str:
    """The folder that a hub model was downloaded to before."""
    try:
        return snapshot_download(id, local_files_only=True)
    except LocalEntryNotFoundError as error:
        raise MissingModel(
            f"{id} is no folder here, the Hugging Face hub does not answer, and the model was not downloaded before"
        ) from error


def load_policy(
    path: str | os.PathLike[str],
    sampling: Sampling | None = None,
    name: str | None = None,
    device: str | torch.device = "auto",
    dtype: torch.dtype | None = None,
) -> PolicyLLM:
    """The model of ``path`` as an agent, named after its folder unless ``name`` is given."""
    model, tokenizer = load_model(path, device, dtype)
    actor = Actor(name or Path(path).name, weights_hash(model))
    engine = TransformersEngine(model, eos_ids=[tokenizer.eos_token_id])
    return PolicyLLM(engine, ChatFormat(tokenizer), sampling, actor)


def save_folder(folder: str | os.PathLike[str], model: Any, tokenizer: Any, card: str) -> Path:
    """Write weights, tokenizer and model card to a new folder, which is there whole or not at all.

    Raises:
        FileExistsError: something is there already.
    """
    final = Path(folder)
    if final.exists():
        raise FileExistsError(f"{final} is there already: name a new folder")
    final.parent.mkdir(parents=True, exist_ok=True)
    aside = final.with_name(f".{final.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)
    save_weights(model, aside)
    tokenizer.save_pretrained(aside)
    (aside / CARD).write_text(card, encoding="utf-8")
    aside.rename(final)
    return final


def weights_hash(model: PreTrainedModel) -> str:
    """16 hex digits that name the weights, with an adapter that is on: BLAKE2b over names, shapes and values."""
    digest = hashlib.blake2b(digest_size=8)
    for name, tensor in sorted(answering_weights(model).items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
