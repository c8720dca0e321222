"""A dialogue environment of several turns, agents that count what they are asked, and a wandb server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import pytest
import wandb

from palaestra.agents.agent import Dialogue, Reply
from palaestra.envs import UnicodeText
from palaestra.envs.spaces import TextObs
from palaestra.episodes import Actor
from palaestra.verifiers import right, undecided, wrong

from .fake_wandb import FakeWandb


class Countup(gymnasium.Env[str, str]):
    """Takes ``seed % 7 + 1`` turns; each right count scores 1/turns; the last turn gives a verdict.

    ending: "verdict"; "undecided"; "silent" (no verdict); "never" (goes on until it is cut off).
    """

    def __init__(self, ending: str = "verdict") -> None:
        self.observation_space, self.action_space = UnicodeText(100), UnicodeText(100)
        self.ending = ending

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[TextObs, dict[str, Any]]:
        super().reset(seed=seed)
        self.length, self.turn, self.right = (seed or 0) % 7 + 1, 0, 0
        return TextObs(f"count to {self.length}"), {}

    def step(self, action: str) -> tuple[TextObs, float, bool, bool, dict[str, Any]]:
        self.turn += 1
        hit = action == str(self.turn)
        self.right += hit
        ended = self.turn == self.length and self.ending != "never"
        info: dict[str, Any] = {}
        if ended and self.ending == "verdict":
            info["verdict"] = right("counted") if self.right == self.length else wrong("lost count")
        elif ended and self.ending == "undecided":
            info["verdict"] = undecided("nobody counted along")
        return TextObs(f"{self.turn} of {self.length}"), hit / self.length, ended, False, info


@pytest.fixture(scope="session", autouse=True)
def countup() -> Iterator[str]:
    gymnasium.register("tests/Countup-v0", Countup)
    yield "tests/Countup-v0"
    gymnasium.registry.pop("tests/Countup-v0")


class Counter:
    """Counts along as the dialogue shows it, and remembers each batch it was asked."""

    actor = Actor("counter", "w")

    def __init__(self, text: str | None = None) -> None:
        self.text = text
        self.batches: list[list[Dialogue]] = []

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        self.batches.append(list(dialogues))
        return [Reply(self.text if self.text is not None else str((len(d.messages) + 1) // 2)) for d in dialogues]


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def saying() -> type[Counter]:
    """``saying(text)``: an agent that always says the same."""
    return Counter


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., FakeWandb]]:
    """``serve(fault, runs)``: a fake server that wandb is logged in to."""
    servers: list[FakeWandb] = []
    for name in ("WANDB_PROJECT", "WANDB_MODE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "wandb-own"))
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)

    def start(fault: str = "", runs: Any = None) -> FakeWandb:
        server = FakeWandb("" if fault == "down" else fault, runs)
        servers.append(server)
        if fault == "down":
            server.close()
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        wandb.teardown()  # it keeps the address of the first server that it met
        return server

    yield start
    wandb.teardown()
    for server in servers:
        server.close()
    assert [line for server in servers for line in server.broken] == []
