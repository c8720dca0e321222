"""What `palaestra agents` lists, and what an agent that was exported says of itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from palaestra.agents.adapters import add_adapter
from palaestra.agents.agent_folder import read_spec
from palaestra.agents.checkpoint import save_checkpoint
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.pretrained import load_model

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def palaestra(palaestra_process: Callable[..., Any]) -> Run:
    return lambda *arguments, **given: palaestra_process(*arguments, **given).wait()  # type: ignore[no-any-return]


def test_one_broken_file_hides_no_other_agent(palaestra: Run, finished_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    (run / "agents" / "warm" / "agent.yaml").write_text("stratgy: vote:8")
    code, said = palaestra("agents", "list", "run", folder=tmp_path)
    assert code == 0
    assert "agents/evolved" in said
    assert "cannot be read: unknown key" in said
    (run / "leaderboard.json").write_text("{")
    code, said = palaestra("agents", "list", "run", folder=tmp_path)
    assert code == 0
    assert said.count("cannot be read: ") == 4  # the scores of all three, and what one is


def test_an_export_says_what_its_score_was_measured_with(palaestra: Run, finished_run: Path, tmp_path: Path) -> None:
    source, same, other = finished_run / "agents" / "evolved", tmp_path / "same", tmp_path / "other"
    assert palaestra("agents", "export", source, "--to", same, "--max-tokens", 6)[0] == 0
    assert palaestra("agents", "export", source, "--to", other, "--strategy", "vote:4", "--temperature", 0)[0] == 0
    told = "Measured in its run: one answer, temperature 1, top_p 1, top_k 0, at most 6 tokens."
    cards = [(folder / "README.md").read_text() for folder in (same, other)]
    assert all(told in card for card in cards)
    assert "This agent was not measured" not in cards[0]
    assert "This agent was not measured: it answers by vote:4, temperature 0" in cards[1]


def test_an_export_of_an_agent_is_as_it_was_but_for_what_is_said(
    palaestra: Run, finished_run: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    options = ("--strategy", "vote:2", "--temperature", 0.5, "--max-tokens", 6, "--licence", "mit")
    assert palaestra("agents", "export", finished_run / "agents" / "evolved", "--to", first, *options)[0] == 0
    assert palaestra("agents", "export", first, "--to", second, "--max-tokens", 5)[0] == 0
    spec = read_spec(second)
    assert (spec.title, spec.strategy, spec.licence) == ("second", "vote:2", "mit")
    assert (spec.sampling.temperature, spec.sampling.max_tokens) == (0.5, 5)


def test_an_exported_adapter_answers_where_its_run_is_no_more(palaestra: Run, tmp_path: Path) -> None:
    model, tokenizer = nano_model(nano_tokenizer(), hidden=32, layers=1, heads=2, seed=0), nano_tokenizer()
    base, agent, out = tmp_path / "run" / "base", tmp_path / "run" / "agents" / "evolved", tmp_path / "out"
    save_checkpoint(base.parent, base.name, model, tokenizer)
    add_adapter(model, str(base), rank=2)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(0.1 * ("lora_B" in name))
    save_checkpoint(agent.parent, agent.name, model, tokenizer)
    assert palaestra("agents", "export", agent, "--to", out)[0] == 0
    shutil.rmtree(tmp_path / "run")
    ids = torch.tensor([[3, 4, 5]])
    torch.testing.assert_close(load_model(out)[0](ids).logits, model(ids).logits)


@pytest.mark.parametrize("options", [{"use_dora": True}, {"modules_to_save": ["norm"]}], ids=["DoRA", "whole modules"])
def test_an_adapter_of_another_trainer_is_exported_as_it_answers(
    palaestra: Run, options: dict[str, Any], tmp_path: Path
) -> None:
    model: Any = nano_model(nano_tokenizer(), hidden=32, layers=1, heads=2, seed=0)
    base = save_checkpoint(tmp_path, "base", model, nano_tokenizer(), None)
    adapted: Any = get_peft_model(load_model(base)[0], LoraConfig(r=2, target_modules=["q_proj"], **options))
    with torch.no_grad():
        for parameter in adapted.parameters():
            parameter.add_(0.1 * parameter.requires_grad)
    adapted.save_pretrained(tmp_path / "adapter")
    assert palaestra("agents", "export", tmp_path / "adapter", "--to", tmp_path / "out")[0] == 0
    ids = torch.tensor([[3, 4, 5]])
    torch.testing.assert_close(load_model(tmp_path / "out")[0](ids).logits, adapted(ids).logits)
