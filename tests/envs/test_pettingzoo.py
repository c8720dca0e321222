from __future__ import annotations

import warnings
from typing import Any

from gymnasium.utils import seeding
from pettingzoo import AECEnv
from pettingzoo.test import api_test, seed_test
from pettingzoo.utils import AgentSelector

from palaestra.envs import TextObs, UnicodeText


class Echoes(AECEnv[str, str, str]):  # type: ignore[misc]  # PettingZoo's classes are untyped
    """Two players tell each other texts for six turns; the one who says the longer text wins."""

    metadata = {"name": "echoes_v0", "render_modes": ["ansi"], "is_parallelizable": False}  # noqa: RUF012  # PettingZoo's way

    def __init__(self) -> None:
        super().__init__()
        self.possible_agents = ["player_0", "player_1"]
        self.observation_spaces = dict.fromkeys(self.possible_agents, UnicodeText(50))
        self.action_spaces = {agent: UnicodeText(20) for agent in self.possible_agents}
        self.render_mode = "ansi"

    def observation_space(self, agent: str) -> UnicodeText:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> UnicodeText:
        return self.action_spaces[agent]

    def observe(self, agent: str) -> TextObs:
        return TextObs(f"é漢 {self.said}")

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        rng, _ = seeding.np_random(seed)
        self.agents = list(self.possible_agents)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {agent: {} for agent in self.agents}
        self.said = str(rng.integers(1000))
        self.turns = 0
        self._selector = AgentSelector(self.agents)
        self.agent_selection = self._selector.reset()

    def close(self) -> None:
        pass

    def render(self) -> str:
        return self.said

    def step(self, action: str) -> None:
        agent = self.agent_selection
        if self.terminations[agent]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[agent] = 0.0
        longer = len(action) > len(self.said)
        self.said, self.turns = action, self.turns + 1
        self._clear_rewards()
        if self.turns == 6:
            self.rewards = {a: float((a == agent) == longer) for a in self.agents}
            self.terminations = dict.fromkeys(self.agents, True)
        self.agent_selection = self._selector.next()
        self._accumulate_rewards()


ADVICE = (  # given to every environment of other spaces than Box and Discrete, or other observations than arrays
    "Observation is not a NumPy array",
    "Observation space for each agent probably should be",
    "Action space for each agent probably should be",
)


def test_text_spaces_and_observations_pass_pettingzoos_own_tests() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        api_test(Echoes(), num_cycles=200, verbose_progress=False)
        seed_test(Echoes, num_cycles=50)
    assert [str(w.message) for w in caught if not str(w.message).startswith(ADVICE)] == []
