"""Low-rank adapters (LoRA, arXiv 2106.09685): thin matrices beside a model's own, which alone learn and are saved.

An adapter's folder names the model it belongs to by path or hub id. A path is relative where the model lies beside
one of the folder's parents, as in a run's folder, which can be moved as a whole.
"""

from __future__ import annotations

import copy
import json
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
LEARNS = "default"  # peft's name for the adapter that is trained and saved


def is_adapter(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds an adapter, not a whole model."""
    return (Path(path) / CONFIG).is_file()


def base_of(folder: str | os.PathLike[str]) -> str:
    """Path or hub id of the model that an adapter belongs to."""
    recorded = str(_config(folder)["base_model_name_or_path"])
    beside = os.path.normpath(Path(folder) / recorded)
    return beside if recorded.startswith(".") or os.path.isdir(beside) else recorded


def _config(folder: str | os.PathLike[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(folder) / CONFIG).read_text())
    return found


def heads_of(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """Names of the weights that an adapter's folder holds whole, such as a judge's head."""
    return tuple(f"{name}.weight" for name in _config(folder).get("modules_to_save") or ())


def whereabouts(path: str | os.PathLike[str]) -> str:
    """What an adapter's folder is to name as its model: a path from anywhere, or a hub id."""
    return str(Path(path).resolve()) if Path(path).is_dir() else str(path)


def add_adapter(
    model: PreTrainedModel,
    base: str,
    rank: int = 8,
    alpha: float = 16,
    targets: str | Sequence[str] = "all-linear",
    seed: int = 0,
    heads: Sequence[str] = (),
) -> None:
    """Put a new adapter on a model, which answers as before until the adapter has learned.

    base: what the adapter's folder will name as its model. targets: names of linear layers, or "all-linear" (all but
    the head). heads: modules that learn whole and are saved with the adapter.

    Raises:
        ValueError: the model has no such layers, or the head is one of them.
    """
    from peft import LoraConfig

    named = targets if isinstance(targets, str) else list(targets)
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=named, modules_to_save=list(heads) or None)  # type: ignore[arg-type]  # alpha need not be whole
    _inject(model, config, LEARNS, seed)
    config.base_model_name_or_path = base
    if any("lora_" in name for name, _ in (model.get_output_embeddings() or torch.nn.Identity()).named_parameters()):
        raise ValueError("the head takes no adapter: name other layers in targets")


def load_adapter(model: PreTrainedModel, folder: str | os.PathLike[str], name: str = LEARNS) -> None:
    """Put the adapter of a folder on its model: to learn on, unless it gets a ``name`` of its own.

    An adapter of that name that the model has already takes the folder's weights.

    Raises:
        OSError, ValueError, RuntimeError: it cannot be read, or belongs to another model.
    """
    from peft import LoraConfig, set_peft_model_state_dict
    from safetensors.torch import load_file

    config = LoraConfig.from_pretrained(str(folder))
    base = base_of(folder)
    if name not in getattr(model, "peft_config", {}):
        _inject(model, config, name, seed=0)
        config.base_model_name_or_path = base
    saved = {key.removeprefix("base_model.model."): value for key, value in load_file(Path(folder) / WEIGHTS).items()}
    found: Any = set_peft_model_state_dict(model, saved, adapter_name=name)
    if found.unexpected_keys:
        raise ValueError(f"{folder} is the adapter of another model: it changes {found.unexpected_keys[0]}")
    if name != LEARNS:
        model.set_adapter(LEARNS)


def _inject(model: Any, config: Any, name: str, seed: int) -> None:
    config.inference_mode = False
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # a second adapter is meant
            model.add_adapter(config, name)
    for parameter in model.parameters():
        if parameter.requires_grad:  # in fp32 whatever the model is in: it learns in small steps
            parameter.data = parameter.data.float()


def save_weights(model: Any, folder: Path) -> None:
    """Write a model as Hugging Face's libraries read it; of one with an adapter, the adapter alone."""
    if not has_adapter(model):
        model.save_pretrained(folder)
        return
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    config = copy.copy(model.peft_config[LEARNS])
    config.base_model_name_or_path = _seen_from(folder, config.base_model_name_or_path)
    config.save_pretrained(folder)
    state = {f"base_model.model.{key}": value.contiguous() for key, value in _adapter(model, LEARNS).items()}
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})


def _seen_from(folder: Path, base: str) -> str:
    at, folder = Path(base).resolve(), folder.resolve()
    if not at.is_dir():
        return base
    return os.path.relpath(at, folder) if at.parent in folder.parents else str(at)


def _adapter(model: Any, name: str) -> dict[str, Tensor]:
    from peft import get_peft_model_state_dict

    state: dict[str, Tensor] = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    return state


def has_adapter(model: PreTrainedModel) -> bool:
    return bool(getattr(model, "peft_config", None))


def merged(model: PreTrainedModel, folder: str | os.PathLike[str]) -> PreTrainedModel:
    """The model with an adapter's product added to its own weights: an ordinary model again, all of which can learn."""
    from peft import PeftModel

    whole: Any = PeftModel.from_pretrained(model, str(folder))
    plain: PreTrainedModel = whole.merge_and_unload()
    return plain.requires_grad_(True)  # peft froze them


def merged_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """The weights of a plain model that answers as this one does with the adapter that learns: its product added."""
    from peft.tuners.lora import LoraLayer

    parts = ("lora_", "modules_to_save.", "original_module.")
    weights = {name: value for name, value in model.state_dict().items() if not any(part in name for part in parts)}
    for name, module in model.named_modules():
        if isinstance(module, LoraLayer):
            base = f"{name}.base_layer.weight"
            weights[base] = weights[base] + module.get_delta_weight(LEARNS).to(weights[base].dtype)  # type: ignore[attr-defined]
    return {name.replace(".base_layer.", "."): value.detach() for name, value in weights.items()}


def plain(model: PreTrainedModel) -> PreTrainedModel:
    """A model without an adapter, of ``merged_weights``; one that has none is given back."""
    if not has_adapter(model):
        return model
    with torch.random.fork_rng():
        other = type(model)(model.config)
    other.generation_config = model.generation_config  # which names ends that config.json may not
    other.load_state_dict(merged_weights(model), assign=True)  # in the model's precision
    other.tie_weights()
    moved: PreTrainedModel = other.to(device=model.device)  # type: ignore[call-arg]
    return moved


@contextmanager
def answering_with(model: Any, name: str | None) -> Iterator[None]:
    """While inside, the model answers with another of its adapters; with None, with none."""
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils import ModulesToSaveWrapper

    def enable(on: bool) -> None:
        for module in model.modules():
            if isinstance(module, (BaseTunerLayer, ModulesToSaveWrapper)):
                module.enable_adapters(on)

    if name is None:
        enable(False)
    else:
        model.set_adapter(name)
    try:
        yield
    finally:
        if name is None:
            enable(True)
        else:
            model.set_adapter(LEARNS)


class Frozen:
    """A model as it answers with another of its adapters, or with none: a second model in the memory of one.

    It has what computing log-probabilities asks of a model.
    """

    def __init__(self, model: Any, adapter: str | None) -> None:
        self.model = model
        self.adapter = adapter
        self.config = model.config
        self.device = model.device
        self.get_output_embeddings = model.get_output_embeddings

    def base_model(self, **inputs: Any) -> Any:
        with answering_with(self.model, self.adapter):
            return self.model.base_model(**inputs)

    def state_dict(self) -> dict[str, Tensor]:
        with answering_with(self.model, self.adapter):
            return answering_weights(self.model)


def answering_weights(model: Any) -> dict[str, Tensor]:
    """The weights that the model answers with now, under the names that they have in its base and in the adapter."""
    state: dict[str, Tensor] = model.state_dict()
    if not has_adapter(model):
        return state
    from peft.tuners.tuners_utils import BaseTunerLayer

    parts = ("lora_", "modules_to_save.", "original_module.")
    own = {key.replace(".base_layer.", "."): value for key, value in state.items() if not any(p in key for p in parts)}
    layer = next(module for module in model.modules() if isinstance(module, BaseTunerLayer))
    if layer.disable_adapters:
        return own
    return own | _adapter(model, layer.active_adapters[0])
