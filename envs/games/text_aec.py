"""What games told in text have in common as PettingZoo environments."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from pettingzoo import AECEnv

from palaestra.envs.seeding import derive_seed
from palaestra.envs.spaces import UnicodeText


class TextAEC(AECEnv[str, str, str]):  # type: ignore[misc]  # PettingZoo's classes are untyped
    """Text spaces for every agent, and a stream of seeds.

    The game of ``reset(seed=s)`` is that of s; ``reset()`` goes on with the stream that the last seeded reset began.
    """

    def __init__(
        self, agents: Sequence[str], max_observation_chars: int, max_action_chars: int, render_mode: str | None
    ) -> None:
        super().__init__()
        if render_mode not in (None, "ansi"):
            raise ValueError(f"render_mode is None or 'ansi', not {render_mode!r}")
        self.render_mode = render_mode
        self.possible_agents = list(agents)
        self.observation_spaces = {agent: UnicodeText(max_observation_chars) for agent in agents}
        self.action_spaces = {agent: UnicodeText(max_action_chars) for agent in agents}
        self.agents: list[str] = []
        self._seed: int | None = None  # of the present game
        self._stream: int | None = None
        self._resets = 0  # that took their seed from the stream

    @property
    def seed(self) -> int | None:
        """Of the present game; not in ``infos``, since a player could deal the cards again with it."""
        return self._seed

    def observation_space(self, agent: str) -> UnicodeText:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> UnicodeText:
        return self.action_spaces[agent]

    def close(self) -> None:
        """There is nothing to release."""

    def _next_seed(self, seed: int | None) -> int:
        """The seed of the game that ``reset(seed)`` deals.

        Raises:
            ValueError: a negative or non-integer seed.
        """
        if seed is None:
            if self._stream is None:
                self._stream = secrets.randbits(63)
            seed = derive_seed(self._stream, self._resets)
            self._resets += 1
        elif type(seed) is int and seed >= 0:
            self._stream, self._resets = seed, 0
        else:
            raise ValueError(f"a seed is an integer of 0 or more, not {seed!r}")
        self._seed = seed
        return seed
