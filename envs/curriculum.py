"""Difficulty that follows success."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium

LOWER_AT = 0.2  # success below which a level is lowered


class SuccessCurriculum:
    """One level up when the success rate over the last ``window`` results at this level reaches ``raise_at``, one down
    when it falls below ``lower_at``; each change of level starts a new window.

    Deterministic: the level is a function of the results alone. ``levels`` are the task's difficulties.
    """

    def __init__(
        self,
        levels: range = range(1, 11),
        *,
        start: int | None = None,
        window: int = 64,
        raise_at: float = 0.8,
        lower_at: float = LOWER_AT,
    ) -> None:
        if not 0.0 <= lower_at < raise_at <= 1.0:
            raise ValueError(f"0 <= lower_at < raise_at <= 1, not {lower_at} and {raise_at}")
        if window < 1:
            raise ValueError(f"window is at least 1, not {window}")
        self.levels = levels
        self.window = window
        self.raise_at = raise_at
        self.lower_at = lower_at
        self.level = levels[0] if start is None else start
        self._results: list[float] = []
        self._check(self.level)

    def update(self, level: int, success: float) -> None:
        """Count one result in [0, 1]. Results of other levels (late ones) and undecided ones (nan) are passed over."""
        if level != self.level or math.isnan(success):
            return
        self._results.append(float(success))
        del self._results[: -self.window]
        if len(self._results) < self.window:
            return
        rate = math.fsum(self._results) / self.window
        if rate >= self.raise_at and self.level < self.levels[-1]:
            self._move(1)
        elif rate < self.lower_at and self.level > self.levels[0]:
            self._move(-1)

    def state_dict(self) -> dict[str, Any]:
        """JSON-able: all that ``update`` has changed."""
        return {"level": self.level, "results": list(self._results)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from ``state_dict()``. Raises ValueError when its level is none of these levels."""
        self._check(state["level"])
        self.level = state["level"]
        self._results = list(state["results"])[-self.window :]

    def _move(self, by: int) -> None:
        self.level = self.levels[self.levels.index(self.level) + by]
        self._results.clear()

    def _check(self, level: int) -> None:
        if level not in self.levels:
            raise ValueError(f"the levels are {self.levels[0]} to {self.levels[-1]}, not {level!r}")


class FamilyCurricula:
    """A ``SuccessCurriculum`` for each family of problems, by name; ``begin`` makes one when a family first occurs."""

    def __init__(self, begin: Callable[[], SuccessCurriculum]) -> None:
        self._begin = begin
        self._of: dict[str, SuccessCurriculum] = {}

    def of(self, family: str) -> SuccessCurriculum:
        if family not in self._of:
            self._of[family] = self._begin()
        return self._of[family]

    def levels(self) -> dict[str, int]:
        """The present level of every family that has occurred."""
        return {family: curriculum.level for family, curriculum in sorted(self._of.items())}

    def state_dict(self) -> dict[str, Any]:
        """JSON-able: of each family all that ``update`` has changed."""
        return {family: curriculum.state_dict() for family, curriculum in self._of.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from ``state_dict()``. Raises ValueError when a level is none of the levels."""
        for family, one in state.items():
            self.of(family).load_state_dict(one)


class Curriculum(gymnasium.Wrapper[str, str, str, str]):
    """Reset at the controller's level, unless the options name one or a problem, and tell it each episode's score.

    controller: one, or one for each family of a ``Mixture``, by the family's name: each then has a level of its own.
    """

    def __init__(
        self, env: gymnasium.Env[str, str], controller: SuccessCurriculum | Mapping[str, SuccessCurriculum]
    ) -> None:
        super().__init__(env)
        self.controller = controller
        self._active: SuccessCurriculum | None = None
        self._difficulty = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        if isinstance(self.controller, Mapping):
            level: Any = {family: controller.level for family, controller in self.controller.items()}
        else:
            level = self.controller.level
        options = options or {}
        if "problem" not in options:  # a problem that is proposed has a level of its own
            options = {"difficulty": level, **options}
        observation, info = self.env.reset(seed=seed, options=options)
        self._active = self.controller[info["family"]] if isinstance(self.controller, Mapping) else self.controller
        self._difficulty = info.get("difficulty", self._active.level)
        return observation, info

    def step(self, action: str) -> tuple[str, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        if self._active is not None and (terminated or truncated):
            self._active.update(self._difficulty, info["verdict"].score)
        return observation, reward, terminated, truncated, info
