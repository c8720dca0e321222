"""Any causal language model of the Hugging Face kind plays by the same path as the small one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)

from palaestra.agents import evaluator, pretrained, processes
from palaestra.agents.adapters import add_adapter
from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.agent_folder import load_agent
from palaestra.agents.checkpoint import save_checkpoint
from palaestra.agents.engine import EngineError, Sampling
from palaestra.agents.evaluator import new_evaluator
from palaestra.agents.judges import load_judge
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.opening import Lora, ModelSpec, open_model
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.pretrained import MissingModel, load_model, load_policy, weights_hash

SIZES = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "num_key_value_heads": 1}
CONFIGS = [
    GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=64),
    Qwen2Config(**SIZES, intermediate_size=64),
    Qwen3Config(**SIZES, intermediate_size=64, head_dim=16, tie_word_embeddings=True),
    MistralConfig(**SIZES, intermediate_size=64, sliding_window=8),
]


def save(config: PreTrainedConfig, folder: Path) -> PreTrainedModel:
    tokenizer = nano_tokenizer()
    config.vocab_size, config.eos_token_id, config.bos_token_id = len(tokenizer), tokenizer.eos_token_id, None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model.eval()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.model_type)
def test_a_folder_of_any_kind_answers_from_its_own_distribution(config: PreTrainedConfig, tmp_path: Path) -> None:
    model = save(config, tmp_path / "mine")
    policy = load_policy(tmp_path / "mine", Sampling(max_tokens=14))
    assert policy.actor.agent_id == "mine"
    assert policy.actor.weights_hash == weights_hash(model)
    dialogues = [
        Dialogue((Message("user", text),), seed) for seed, text in enumerate(("one", "another, longer", "one"))
    ]
    for reply in policy.respond(dialogues):
        completion = reply.completions[0]
        ids = torch.tensor([*reply.prompt_ids, *completion.token_ids])
        logp = model(ids[None]).logits[0].log_softmax(-1)[len(reply.prompt_ids) - 1 : -1]
        expected = logp.gather(1, torch.tensor(completion.token_ids)[:, None]).squeeze(1).detach()
        np.testing.assert_allclose(completion.logprobs, expected, atol=1e-5)


def test_the_small_model_comes_back_as_it_was(tmp_path: Path) -> None:
    tokenizer = nano_tokenizer()
    model = nano_model(tokenizer, hidden=32, layers=2, heads=2)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded, words = load_model(tmp_path)
    assert weights_hash(loaded) == weights_hash(model)
    assert loaded.dtype == torch.float32
    assert words.chat_template == tokenizer.chat_template


@pytest.mark.parametrize("load", [load_agent, load_judge, new_evaluator, PolicyLLM.from_pretrained])
def test_what_answers_and_what_judges_is_put_on_the_gpu_where_there_is_one(
    load: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    model = save(CONFIGS[1], tmp_path)

    def loaded(path: Path, kind: Any, device: Any, *_: Any, **__: Any) -> Any:
        asked.append(device)
        return model, nano_tokenizer()

    monkeypatch.setattr(pretrained, "load_pretrained", loaded)
    monkeypatch.setattr(evaluator, "load_pretrained", loaded)
    model.score = torch.nn.Linear(32, 1, bias=False)
    load(tmp_path)
    assert asked == ["auto"]


def test_auto_is_the_gpu_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(CONFIGS[1], tmp_path)
    monkeypatch.setattr(processes, "device", lambda: torch.device("meta"))
    assert load_model(tmp_path, "auto")[0].device.type == "meta"
    assert load_model(tmp_path)[0].device.type == "cpu"


def test_a_prompt_beyond_the_context_is_told_in_one_line(tmp_path: Path) -> None:
    save(CONFIGS[0], tmp_path)
    policy = load_policy(tmp_path, Sampling(max_tokens=14))
    with pytest.raises(EngineError, match="exceed the model's context of 64"):
        policy.respond([Dialogue((Message("user", "x" * 60),))])


def test_a_missing_model_says_what_to_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    for path in (tmp_path, tmp_path / "nope", "runs", "runs/nope", "./nope", "a/b/c"):
        with pytest.raises(MissingModel, match=r"no config\.json"):
            load_model(path)


def test_an_unreadable_model_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(MissingModel, match="could not be loaded as a model"):
        load_model(tmp_path)


def test_a_hub_out_of_reach_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(MissingModel, match="hub does not answer, and the model was not downloaded"):
        load_model("nobody/nothing")


def test_a_hub_id_is_looked_for_in_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub id holds a slash and is no path: it goes to transformers as it is."""
    asked: list[str] = []
    save(CONFIGS[1], tmp_path)

    class Hub:
        def __init__(self, kind: type) -> None:
            self.kind = kind

        def from_pretrained(self, path: str, **options: object) -> object:
            asked.append(path)
            return self.kind.from_pretrained(tmp_path, **options)  # type: ignore[attr-defined]

    from palaestra.agents import pretrained

    monkeypatch.setattr(pretrained, "_hub_answers", lambda id: True)
    for name in ("AutoModelForCausalLM", "AutoTokenizer"):
        monkeypatch.setattr(pretrained, name, Hub(getattr(pretrained, name)))
    assert load_policy("owner/name-1.5").actor.agent_id == "name-1.5"
    assert asked == ["owner/name-1.5"] * 2


def test_what_begins_with_an_adapter_learns(tmp_path: Path) -> None:
    model, tokenizer = nano_model(nano_tokenizer(), hidden=16, layers=1, heads=1), nano_tokenizer()
    base = save_checkpoint(tmp_path, "base", model, tokenizer, None)
    add_adapter(model, str(base), rank=2)
    adapter = save_checkpoint(tmp_path, "adapter", model, tokenizer, None)
    begun, _ = open_model(ModelSpec(path=str(adapter), device="cpu"), 0, tmp_path / "unused")
    assert all(weight.requires_grad for weight in begun.parameters())
    assert all(weight.requires_grad for weight in new_evaluator(adapter).model.parameters())
    thin, _ = open_model(ModelSpec(path=str(adapter), lora=Lora(rank=2), device="cpu"), 0, tmp_path / "unused")
    assert {"lora_" in name for name, weight in thin.named_parameters() if weight.requires_grad} == {True}


def test_an_adapter_without_a_tokenizer_has_its_models(tmp_path: Path) -> None:
    """As peft saves it."""
    model: Any = get_peft_model(save(CONFIGS[1], tmp_path / "base"), LoraConfig(r=2, target_modules=["q_proj"]))
    model.peft_config["default"].base_model_name_or_path = str(tmp_path / "base")
    model.save_pretrained(tmp_path / "adapter")
    loaded, tokenizer = load_model(tmp_path / "adapter")
    assert tokenizer.chat_template == nano_tokenizer().chat_template
    ids = torch.tensor([[3, 4, 5]])
    assert torch.equal(loaded(ids).logits, model(ids).logits)
