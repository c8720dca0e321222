"""Where the wall time of a run goes: into the model, or beside it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from .engine import AroundEngine, Completion, Engine, Sampling, TokenIds


@dataclass(slots=True)
class Clock:
    """Seconds so far. ``sampling``: inside the engine. ``learning``: forward and backward passes of updates."""

    sampling: float = 0.0
    learning: float = 0.0
    tokens_sampled: int = 0
    tokens_learned: int = 0
    before: float = 0.0  # wall seconds of earlier processes of the same run
    started: float = 0.0

    def start(self) -> None:
        self.started = time.perf_counter()

    @property
    def wall(self) -> float:
        return self.before + time.perf_counter() - self.started

    @property
    def overhead(self) -> float:
        """Share of wall time spent neither sampling nor in forward and backward passes."""
        return 1 - (self.sampling + self.learning) / max(self.wall, 1e-9)

    def speed_since(self, sampling: float, tokens_sampled: int) -> float:
        """Tokens sampled a second inside the engine since the clock read so; 0 where none were."""
        tokens = self.tokens_sampled - tokens_sampled
        return tokens / max(self.sampling - sampling, 1e-9) if tokens else 0.0

    def state_dict(self) -> dict[str, float]:
        names = ("sampling", "learning", "tokens_sampled", "tokens_learned")
        return {**{name: getattr(self, name) for name in names}, "before": self.wall}

    def load_state_dict(self, state: dict[str, float]) -> None:
        for name, value in state.items():
            setattr(self, name, value)


class TimedEngine(AroundEngine):
    """An engine whose time and tokens are counted."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        super().__init__(engine)
        self.clock = clock

    def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        began = time.perf_counter()
        completions = super().generate(prompts, sampling)
        self.clock.sampling += time.perf_counter() - began
        self.clock.tokens_sampled += sum(len(completion.token_ids) for completion in completions)
        return completions
