"""Strategies on the command line, and their page: it says what the table says, and its transcripts are real."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from palaestra.agents.chat import ChatFormat
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.strategies.table import STRATEGIES, parse
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.cli.strategies_page import SETTINGS, page, play, transcripts_of
from palaestra.episodes import EpisodeStore

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "strategies.md").read_text()
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def palaestra(palaestra_process: Callable[..., Any]) -> Run:
    return lambda *arguments, **given: palaestra_process(*arguments, **given).wait()  # type: ignore[no-any-return]


def nano() -> PolicyLLM:
    tokenizer = nano_tokenizer()
    model = nano_model(tokenizer, hidden=32, layers=2, heads=2, seed=1)
    return PolicyLLM(TransformersEngine(model, [tokenizer.eos_token_id]), ChatFormat(tokenizer))


def test_the_page_is_what_the_command_writes_around_its_transcripts() -> None:
    assert page(transcripts_of(PAGE)) == PAGE


def test_every_strategy_has_a_transcript_with_its_cost() -> None:
    assert {name for stack in SETTINGS for name, _ in parse(stack)} == set(STRATEGIES)
    shown = transcripts_of(PAGE)
    for stack in SETTINGS:
        assert "`smollm2+" in shown[stack], stack
        assert "--- call 1 reads" in shown[stack]
        read, written = (
            sum(map(int, re.findall(rf"^--- call \d+ {what} (\d+) tokens$", shown[stack], re.MULTILINE)))
            for what in ("reads", "writes")
        )
        tokens = re.search(r"\| (\d+) \| (\d+) \| (\d+) \| [^|]* \|\n$", shown[stack])
        assert tokens is not None, stack
        if "cot_decoding" in stack:  # whose first tokens are chosen and not sampled, and which reads for margins
            assert int(tokens[1]) >= read - 2
            assert int(tokens[2]) == written + 2
        else:
            assert (int(tokens[1]), int(tokens[2])) == (read, written), stack


@pytest.mark.parametrize("stack", ["least_to_most:2", "react", "cot_decoding:2", list(SETTINGS)[-1]])
def test_a_transcript_is_made_by_playing(stack: str) -> None:
    shown = play(stack, nano())
    assert "<|user|>" in shown  # the model's own chat template
    assert "--- what the environment is given\n--- turn 1:" in shown
    assert play(stack, nano()) == shown


@pytest.mark.long
def test_the_small_real_model_still_says_what_the_page_shows(tmp_path: Path) -> None:
    from palaestra.agents.gguf_model import fetch
    from palaestra.agents.pretrained import load_policy

    policy = load_policy(fetch("smollm2", tmp_path / "smollm2", lambda said: None), name="smollm2")
    assert play("direct", policy) == transcripts_of(PAGE)["direct"]


def test_strategies_are_listed(palaestra: Run) -> None:
    code, said = palaestra("strategies")
    assert code == 0
    assert all(name.split("_")[0] in said for name in STRATEGIES)
    code, said = palaestra("strategies", "--out", "x.md", "--model", "nowhere")
    assert code == 2
    assert "palaestra models get smollm2" in said


def test_a_model_is_measured_with_a_strategy(palaestra: Run, tmp_path: Path) -> None:
    policy: Any = nano()
    policy.engine.model.save_pretrained(tmp_path / "nano")
    policy.chat.tokenizer.save_pretrained(tmp_path / "nano")
    options = ("--problems", 3, "--max-tokens", 6, "--save", tmp_path / "saved")
    stack = "program_of_thought,self_consistency:2"
    code, said = palaestra("evaluate", tmp_path / "nano", "--strategy", stack, *options)
    assert code == 0, said
    assert "ProgramOfThought: 6 no program" in said
    code, said = palaestra("evaluate", tmp_path / "nano", "--strategy", "plan_and_solv", *options)
    assert code == 2
    assert "did you mean 'plan_and_solve'" in said
    log = tmp_path / "log"
    assert palaestra("collect", "oracle", "--to", log, "--problems", 4)[0] == 0
    given = ("--strategy", "few_shot:2", "--examples", log)
    code, said = palaestra("evaluate", tmp_path / "nano", *given, *options)
    assert code == 0, said
    assert f"4 examples in {log}; left out: none" in said.replace("\n", "")
    saved = EpisodeStore(tmp_path / "saved" / "episodes")
    played = len(saved)
    assert palaestra("evaluate", tmp_path / "nano", *given, *options)[0] == 0
    assert len(saved) == played
    assert palaestra("collect", "oracle", "--to", log, "--problems", 4, "--seed", 1)[0] == 0
    assert palaestra("evaluate", tmp_path / "nano", *given, *options)[0] == 0
    assert len(saved) == played + 3  # shown other examples it is another agent
    code, said = palaestra("evaluate", tmp_path / "nano", *given[:2], *options)
    assert (code, "collect right answers to training problems" in said) == (2, True)
    chosen = ("--best-of", 2, "--judge", "perplexity+self_evaluation")
    code, said = palaestra("evaluate", tmp_path / "nano", *chosen, *options)
    assert code == 0, said
    code, said = palaestra("evaluate", tmp_path / "nano", "--best-of", 2, "--judge", "agreemnt", *options)
    assert (code, "did you mean 'agreement'" in said) == (2, True)
