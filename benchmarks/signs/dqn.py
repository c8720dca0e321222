"""Deep Q-learning of goals (Mnih et al., 2015), with or without hindsight, in goal-conditioned dialogues of flips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray

from palaestra.envs.dialogues import BitFlip
from palaestra.episodes.relabelling import hindsight

Bits: TypeAlias = NDArray[np.uint8]
Actions: TypeAlias = NDArray[np.int64]
Played: TypeAlias = tuple[Bits, Actions, Bits]  # an episode: states (T + 1, bits), actions (T,), goal (bits,)
Rows: TypeAlias = tuple[Bits, Actions, NDArray[np.float64]]  # (n, 3, bits): state, goal, next state; action; reward

TASK = BitFlip()  # whose rewards are asked for; how many bits does not matter


@dataclass(frozen=True, slots=True)
class Setting:
    """bits: of the environment. episodes: in all; parallel: of a cycle, which ``updates`` steps follow.

    copies: relabelled transitions for each that was played; 0 is plain Q-learning. strategy: as ``hindsight`` has it;
    "random" takes goals that were achieved in any episode so far. explore: share of random actions. polyak: what a
    cycle leaves of the target network.
    """

    bits: int
    episodes: int
    copies: int = 4
    strategy: str = "future"
    parallel: int = 16
    updates: int = 40
    batch: int = 128
    hidden: int = 256
    discount: float = 0.98
    explore: float = 0.2
    polyak: float = 0.8
    learning_rate: float = 1e-3
    kept: int = 1_000_000  # transitions


@dataclass(slots=True)
class Buffer:
    """The last transitions: row (state, goal, next state), action, reward; a ring."""

    rows: Bits  # (kept, 3, bits)
    actions: Actions
    rewards: NDArray[np.float32]
    size: int = 0
    made: int = 0

    def add(self, rows: Bits, actions: Actions, rewards: NDArray[np.float64]) -> None:
        at = (self.made + np.arange(len(actions))) % len(self.actions)
        self.rows[at], self.actions[at], self.rewards[at] = rows, actions, rewards
        self.made += len(actions)
        self.size = min(self.made, len(self.actions))


@dataclass(slots=True)
class Learned:
    """The network, and how many steps it took in its environment."""

    network: torch.nn.Module
    steps: int = 0
    curve: list[float] = field(default_factory=list)  # share of a cycle's episodes that reached their goal


def train(setting: Setting, seed: int) -> Learned:
    """Cycles of episodes and updates. All random choices hang on ``seed``."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network, target = _network(setting), _network(setting)
    target.load_state_dict(network.state_dict())
    optimizer = torch.optim.Adam(network.parameters(), lr=setting.learning_rate)
    kept, bits = setting.kept, setting.bits
    buffer = Buffer(np.zeros((kept, 3, bits), np.uint8), np.zeros(kept, np.int64), np.zeros(kept, np.float32))
    learned = Learned(network)
    for first in range(0, setting.episodes, setting.parallel):
        seeds = range(seed * 10**7 + first, seed * 10**7 + first + setting.parallel)
        played = list(play(network, bits, seeds, "train", setting.explore, rng))
        learned.steps += sum(len(actions) for _, actions, _ in played)
        learned.curve.append(float(np.mean([(states[-1] == goal).all() for states, _, goal in played])))
        for rows in [as_played(*one) for one in played]:
            buffer.add(*rows)
        if setting.copies:
            buffer.add(*relabelled(played, setting, buffer.rows[: buffer.size, 2], rng))
        for _ in range(setting.updates):
            _update(network, target, optimizer, buffer, setting, rng)
        with torch.no_grad():
            for old, new in zip(target.parameters(), network.parameters(), strict=True):
                old.lerp_(new, 1 - setting.polyak)
    return learned


def _network(setting: Setting) -> torch.nn.Module:
    """Q(state, goal) of each action: one hidden layer, as in the paper's section 3.1."""
    linear, relu = torch.nn.Linear, torch.nn.ReLU
    return torch.nn.Sequential(linear(2 * setting.bits, setting.hidden), relu(), linear(setting.hidden, setting.bits))


def play(
    network: torch.nn.Module, bits: int, seeds: range, split: str, explore: float, rng: np.random.Generator
) -> list[Played]:
    """Episodes of the environment, all at once."""
    envs = [gymnasium.make("palaestra/BitFlip-v0", bits=bits, split=split) for _ in seeds]
    infos = [env.reset(seed=seed)[1] for env, seed in zip(envs, seeds, strict=True)]
    goals = np.array([_bits(info["desired_goal"]) for info in infos])
    told = [[_bits(info["achieved_goal"])] for info in infos]
    taken: list[list[int]] = [[] for _ in envs]
    going = list(range(len(envs)))
    while going:
        chosen = best(network, np.array([told[i][-1] for i in going]), goals[going])
        chosen = np.where(rng.random(len(going)) < explore, rng.integers(bits, size=len(going)), chosen)
        still = []
        for i, action in zip(going, chosen.tolist(), strict=True):
            *_, over, _, info = envs[i].step(f"flip[{action + 1}]")
            told[i].append(_bits(info["achieved_goal"]))
            taken[i].append(action)
            still += [] if over else [i]
        going = still
    return [(np.array(states), np.array(one), goal) for states, one, goal in zip(told, taken, goals, strict=True)]


def best(network: torch.nn.Module, states: Bits, goals: Bits) -> Actions:
    """The action of the highest value."""
    with torch.inference_mode():
        values = network(_input(states, goals))
    chosen: Actions = values.argmax(-1).numpy()
    return chosen


def as_played(states: Bits, actions: Actions, goal: Bits) -> Rows:
    """An episode's transitions with the goal that it had."""
    rows = np.stack([states[:-1], np.broadcast_to(goal, states[1:].shape), states[1:]], axis=1)
    return rows, actions, _reached(states[1:], goal)


def relabelled(played: Sequence[Played], setting: Setting, pool: Bits, rng: np.random.Generator) -> Rows:
    """A cycle's transitions with other goals; pool: what was achieved so far, one a row."""
    goals = pool[rng.integers(len(pool), size=1000)].astype(np.int64)  # of a million: enough for the next few draws
    made = [
        (one, hindsight(one[0][1:].astype(np.int64), _reached, setting.strategy, rng, setting.copies, goals))
        for one in played
    ]
    rows = [
        np.stack([states[one.step], one.goal.astype(np.uint8), states[one.step + 1]], axis=1)
        for (states, _, _), one in made
    ]
    rewards = np.concatenate([one.reward for _, one in made])
    actions = np.concatenate([actions[one.step] for (_, actions, _), one in made])
    return np.concatenate(rows), actions, rewards


def _reached(achieved: NDArray[Any], desired: NDArray[Any]) -> NDArray[np.float64]:
    reward: NDArray[np.float64] = TASK.compute_reward(achieved, desired)
    return reward


def _update(
    network: torch.nn.Module,
    target: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    buffer: Buffer,
    setting: Setting,
    rng: np.random.Generator,
) -> None:
    """A step towards y = r - 1 + γ (1 - r) max_a' Q'(s', g, a'): every action costs 1 until the goal is reached."""
    drawn = rng.integers(buffer.size, size=setting.batch)
    states, goals, following = buffer.rows[drawn].transpose(1, 0, 2)
    reward = torch.from_numpy(buffer.rewards[drawn])
    with torch.no_grad():
        ahead = target(_input(following, goals)).amax(-1)
        wanted = (reward - 1 + setting.discount * (1 - reward) * ahead).clamp(-1 / (1 - setting.discount), 0)
    values = network(_input(states, goals)).gather(1, torch.from_numpy(buffer.actions[drawn])[:, None])[:, 0]
    loss = torch.nn.functional.smooth_l1_loss(values, wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _input(states: Bits, goals: Bits) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([states, goals], axis=-1)).float()


def _bits(goal: str) -> Bits:
    return np.frombuffer(goal.encode(), np.uint8) - ord("0")
