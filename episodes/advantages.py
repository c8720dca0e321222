"""Advantages: how much better an answer did than a baseline, from outcomes alone (no model)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .views import Row

ZERO_SPREAD = 1e-6  # rewards of a group closer than this are equal
STD_FLOOR = 1e-4  # added to a standard deviation before dividing by it

Floats = NDArray[np.float64]
Group = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Advantage:
    """A = (R - baseline) / scale.

    baseline: "none"; "running_mean", of the (environment, role), read before it is updated (SPIRAL;
        arXiv 2506.24119); "group_mean" (GRPO); "leave_one_out", the mean of the *other* answers to the problem,
        A_i = K/(K-1) (R_i - mean R) (RLOO; arXiv 2402.14740); "given", the row's own ``baseline`` (ReMax).
    overlong, longest: an answer of n tokens is fined min(1, (n - (longest - overlong)) / overlong) where that is above
        0, before anything else (DAPO; arXiv 2503.14476): a ramp over the last ``overlong`` tokens of ``longest``. Of a
        dialogue, n is that of its longest turn: each of them may be of that length.
    brevity: what short answers are paid beside the verdict: brevity · λ, λ = ½ - (n - shortest) / (longest - shortest)
        over the answers to the problem, at most 0 for what is not right (Kimi k1.5; arXiv 2501.12599, section 2.3.3).
    scale: "none"; "group_std" and "batch_std", the sample standard deviation (n - 1) of the rewards plus 1e-4.

    Undecided outcomes (nan) enter no baseline and no scale, and their advantage is 0. Groups whose rewards are all
    equal have advantage 0 under a group baseline, and are counted.

    Raises:
        ValueError: leave_one_out with a scale, which divides a residue by itself; a ramp without its end.
    """

    baseline: Literal["none", "running_mean", "group_mean", "leave_one_out", "given"] = "group_mean"
    scale: Literal["none", "group_std", "batch_std"] = "none"
    overlong: int = 0
    longest: int | None = None
    brevity: float = 0.0

    def __post_init__(self) -> None:
        for name, known in (("baseline", BASELINES), ("scale", SCALES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is one of {', '.join(known)}, not {getattr(self, name)!r}")
        if self.baseline == "leave_one_out" and self.scale != "none":
            raise ValueError("baseline leave_one_out goes with scale none: a deviation would divide its own residues")

        if (self.overlong > 0) != (self.longest is not None):
            raise ValueError("overlong (the ramp, in tokens) and longest (where it ends) go together")
        if self.overlong < 0 or (self.longest is not None and self.longest < self.overlong):
            raise ValueError(f"overlong is 0 to longest, not {self.overlong} of {self.longest}")

    @property
    def compares(self) -> bool:
        """Whether its baseline is of the other answers to the problem."""
        return self.baseline in ("group_mean", "leave_one_out")

    def among(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that it can score: where it compares, those of answers that are not alone in their group."""
        sides = {(row.group_id, row.role, row.episode_id) for row in rows}
        members = Counter((group, role) for group, role, _ in sides)
        return [row for row in rows if not self.compares or members[row.group_id, row.role] > 1]

    def __call__(
        self, rows: Sequence[Row], running: RunningMean | None = None, prices: Sequence[float] = ()
    ) -> tuple[Floats, dict[str, Any]]:
        """One advantage a row, and diagnostics. Rows forked from one episode count once and share its advantage.

        prices: that each row's reward is less by, the same of all rows of an episode; none are 0. They make no right
            answer wrong.

        Raises:
            ValueError: a group of one answer with a group baseline, or running_mean without its state.
        """
        members = {(row.episode_id, row.role): row for row in rows}
        order = {key: index for index, key in enumerate(members)}
        raw = np.array([row.reward for row in members.values()], dtype=np.float64)
        groups = {name: n for n, name in enumerate(dict.fromkeys((row.group_id, row.role) for row in members.values()))}
        group = np.array([groups[row.group_id, row.role] for row in members.values()], dtype=np.int64)
        given = np.array([row.baseline for row in members.values()], dtype=np.float64)
        if self.compares and len(group) and np.bincount(group).min() < 2:
            raise ValueError(f"baseline {self.baseline} needs two answers a problem or more: set samples to 2 or more")
        if self.baseline == "running_mean" and running is None:
            raise ValueError("baseline running_mean needs a RunningMean to read and update")
        if self.baseline == "given" and np.isnan(given).any():
            raise ValueError("baseline given needs rows with a baseline: choices.against sets it")
        tokens, turns = np.zeros(len(order)), np.zeros(len(order))  # of an answer, and of its longest turn
        for row in rows:
            place = order[row.episode_id, row.role]
            tokens[place] += row.action.sum()
            if self.longest is not None:
                turns[place] = max(turns[place], _longest_turn(row))
        price = np.zeros(len(order))
        price[[order[row.episode_id, row.role] for row in rows]] = list(prices) or 0.0
        rewards = raw - price - self._fine(turns) + self.brevity * _brevity(raw, tokens, group)
        stream = [f"{row.env_id}/{row.role}" for row in members.values()]
        outcomes = Outcomes(rewards, group, stream, running, given)
        advantage = (rewards - BASELINES[self.baseline](outcomes)) / SCALES[self.scale](outcomes)
        decided, equal = ~np.isnan(rewards), outcomes.spread() <= ZERO_SPREAD
        advantage = np.where(decided & ~(equal & self.compares), advantage, 0.0)
        firsts = np.unique(group, return_index=True)[1]
        metrics = {
            "reward": float(raw[decided].mean()) if decided.any() else float("nan"),
            "undecided": int((~decided).sum()),
            "zero_spread_groups": float(equal[firsts].mean()) if len(firsts) else 0.0,
        }
        return advantage[[order[row.episode_id, row.role] for row in rows]], metrics

    def _fine(self, tokens: Floats) -> Floats:
        """What the length of each answer's longest turn costs."""
        if self.longest is None:
            return np.zeros_like(tokens)
        return np.clip((tokens - (self.longest - self.overlong)) / self.overlong, 0.0, 1.0)


def _longest_turn(row: Row) -> int:
    """Tokens in a row that the agent chose: what stands between two turns it did not."""
    edges = np.flatnonzero(np.diff(row.action.astype(np.int8), prepend=0, append=0))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _brevity(raw: Floats, tokens: Floats, group: Group) -> Floats:
    """λ of each answer; 0 where all answers to a problem are of one length, or nobody knows whether it is right."""
    paid = np.zeros_like(tokens)
    for number in np.unique(group):
        same = group == number
        low, high = tokens[same].min(), tokens[same].max()
        paid[same] = 0.5 - (tokens[same] - low) / (high - low) if high > low else 0.0
    return np.where(raw >= 1, paid, np.minimum(paid, 0.0))


@dataclass(slots=True)
class RunningMean:
    """Exponential running mean of rewards a stream, corrected for its start at 0: m_t / (1 - α^t)."""

    alpha: float = 0.95
    streams: dict[str, tuple[float, int]] = field(default_factory=dict)  # raw mean, updates

    def read(self, stream: str) -> float:
        raw, updates = self.streams.get(stream, (0.0, 0))
        return raw / (1 - self.alpha**updates) if updates else 0.0

    def update(self, stream: str, reward: float) -> None:
        raw, updates = self.streams.get(stream, (0.0, 0))
        self.streams[stream] = (self.alpha * raw + (1 - self.alpha) * reward, updates + 1)

    def state_dict(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "streams": {key: list(value) for key, value in self.streams.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.alpha = state["alpha"]
        self.streams = {key: (raw, updates) for key, (raw, updates) in state["streams"].items()}


class Outcomes(NamedTuple):
    """The answers of a round: rewards (n,), nan where undecided; the number of each one's group; its stream."""

    rewards: Floats
    group: Group
    stream: list[str]
    running: RunningMean | None
    given: Floats

    def of_groups(self, values: Floats) -> tuple[Floats, Floats, Floats]:
        """Count, sum and mean of the decided values of each answer's group."""
        decided = ~np.isnan(values)
        count: Floats = np.bincount(self.group, weights=decided)[self.group].astype(np.float64)
        total: Floats = np.bincount(self.group, weights=np.where(decided, values, 0.0))[self.group].astype(np.float64)
        return count, total, total / np.maximum(count, 1)

    def spread(self) -> Floats:
        """Largest minus smallest decided reward of each answer's group."""
        n_groups = int(self.group.max()) + 1 if len(self.group) else 0
        high, low = np.full(n_groups, -np.inf), np.full(n_groups, np.inf)
        decided = ~np.isnan(self.rewards)
        np.maximum.at(high, self.group[decided], self.rewards[decided])
        np.minimum.at(low, self.group[decided], self.rewards[decided])
        spread: Floats = (high - low)[self.group]
        return spread


def _running_mean(o: Outcomes) -> Floats:
    assert o.running is not None  # held by Advantage
    baseline = np.zeros_like(o.rewards)
    for index, (name, reward) in enumerate(zip(o.stream, o.rewards, strict=True)):
        baseline[index] = o.running.read(name)
        if not np.isnan(reward):
            o.running.update(name, float(reward))
    return baseline


def _leave_one_out(o: Outcomes) -> Floats:
    count, total, _ = o.of_groups(o.rewards)
    return (total - np.nan_to_num(o.rewards)) / np.maximum(count - 1, 1)


def _group_std(o: Outcomes) -> Floats:
    count, _, mean = o.of_groups(o.rewards)
    squares = o.of_groups((o.rewards - mean) ** 2)[1]
    return np.sqrt(squares / np.maximum(count - 1, 1)) + STD_FLOOR


def _batch_std(o: Outcomes) -> Floats:
    decided = o.rewards[~np.isnan(o.rewards)]
    return np.full_like(o.rewards, (decided.std(ddof=1) if len(decided) > 1 else 0.0) + STD_FLOOR)


Rule = Callable[[Outcomes], Floats]
BASELINES: dict[str, Rule] = {
    "none": lambda o: np.zeros_like(o.rewards),
    "running_mean": _running_mean,
    "group_mean": lambda o: o.of_groups(o.rewards)[2],
    "leave_one_out": _leave_one_out,
    "given": lambda o: o.given,
}
SCALES: dict[str, Rule] = {
    "none": lambda o: np.ones_like(o.rewards),
    "group_std": _group_std,
    "batch_std": _batch_std,
}
