"""What a recipe says of its stages: imitation, then evolution, which may have stages of its own; and of evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from palaestra.agents.samplers import Sampler
from palaestra.agents.scripted import OracleAgent
from palaestra.envs.curriculum import LOWER_AT
from palaestra.episodes.mixtures import Replay

from .settings import SettingsError, unknown

Stages: TypeAlias = tuple[dict[str, Any], ...]
HABITS = ("habits", "final_habits")  # of a warm start, those that demonstrations have in a stage of evolution
OF_TASKS = {
    "warm_start": ("difficulties", *HABITS),
    "evolve": ("start_difficulty", "top_difficulty", "raise_at"),
    "evaluation": ("difficulties",),
}
CHANGES = ("evolve", "environment", "warm_start")  # of a recipe, by a stage


@dataclass(frozen=True, slots=True)
class WarmStart:
    """Imitation of the task's oracle. A round is ``problems`` fresh demonstrations, gone through ``epochs`` times.

    habits: how the oracle writes at first, by weight ("direct", "steps", "check", "long"); final_habits: how in the
        last round, the weights moving evenly from the ones to the others (none: they stay).
    """

    rounds: int = 40
    problems: int = 512
    epochs: int = 1
    difficulties: tuple[int, ...] = (1,)
    habits: Mapping[str, float] = field(default_factory=lambda: {"steps": 1.0})
    final_habits: Mapping[str, float] = field(default_factory=dict)
    batch_size: int = 128
    learning_rate: float = 1.5e-3
    warmup: int = 20

    def habits_at(self, round: int) -> dict[str, float]:
        """The weights of the habits in a round."""
        if not self.final_habits:
            return dict(self.habits)
        done = round / max(1, self.rounds - 1)
        names = dict.fromkeys((*self.habits, *self.final_habits))
        return {name: (1 - done) * self.habits.get(name, 0) + done * self.final_habits.get(name, 0) for name in names}

    def check_habits(self) -> None:
        """Raises SettingsError for habits that the oracle does not have, and for weights that are none."""
        for name, weight in (*self.habits.items(), *self.final_habits.items()):
            if type(weight) not in (int, float) or not math.isfinite(weight):
                raise SettingsError(f"warm_start.habits: the weight of {name} is a finite number, not {weight!r}")
        try:
            for round in (0, max(0, self.rounds - 1)):
                OracleAgent(self.habits_at(round))
        except ValueError as error:
            raise SettingsError(f"warm_start.habits: {error}") from error


@dataclass(frozen=True, slots=True)
class Evolve:
    """Self-evolution. A round is ``samples`` answers to each of ``problems`` problems, and ``updates`` steps on them.

    updates: with ``modules``, the reasoner's; what else evolves makes one step for each thing that it is taught.
    algorithm: a row of ``trainers.algorithms``; objective, advantage, credit, critic, judge: options of that row to
        change.
    sampler: how answers are found, where that is more than sampling them; for algorithms that read no ratio to the
        policy that sampled.
    start: "latest" goes on from the last round's weights; "base" learns each round's answers anew from the weights that
        evolution began with (STaR, ReST-EM).
    replay: older rounds' answers, as the log has them, among those of the round: of {rounds: 4, share: 0.2} a fifth of
        the rows is of the last four rounds, whatever their stage. For algorithms to which old samples are as good as
        fresh ones: they imitate, prefer, or are offline. A judge learns from the round alone. With ``modules``, an
        evaluator replays too, and so does all that imitates; the evaluator of now judges what was answered then.
    reference: the policy that log-ratios are against, where the row's own is to be changed: as evolution began
        ("start"), as the round did ("round"), or, in self-play, the newest frozen self ("snapshot"): with a pull
        towards it that moves on, the policy nears an equilibrium that a fixed one keeps it from (regularised Nash
        dynamics; Perolat et al., arXiv 2206.15378).
    momentum: Adam's β1. In self-play 0 serves better: a gradient turns with the opponent there, and what is left of
        older ones keeps the players circling (Gidel et al., "Negative momentum for improved game dynamics",
        arXiv 1807.04740).
    start_difficulty, top_difficulty: training asks levels from the first up to the current one, which rises to the
        second as the current level's success reaches ``raise_at``; in a mixture, each family has its own.
    rounds: with stages, all of theirs together.
    control: "shuffled" deals each round's rewards out at random: a loop that still improves learns from something else.
    """

    rounds: int = 60
    problems: int = 32
    samples: int = 8
    updates: int = 1
    algorithm: str = "grpo"
    objective: Mapping[str, Any] = field(default_factory=dict)
    advantage: Mapping[str, Any] = field(default_factory=dict)
    credit: Mapping[str, Any] = field(default_factory=dict)
    critic: Mapping[str, Any] = field(default_factory=dict)
    judge: Mapping[str, Any] = field(default_factory=dict)
    sampler: Sampler | None = None
    start: Literal["latest", "base"] = "latest"
    replay: Replay | None = None
    reference: Literal["start", "round", "snapshot"] | None = None
    learning_rate: float = 5e-4
    warmup: int = 0
    momentum: float = 0.9
    start_difficulty: int = 1
    top_difficulty: int = 1
    raise_at: float = 0.8
    control: Literal["none", "shuffled"] = "none"

    def check_shares(self) -> None:
        """Raises SettingsError for shares that are none."""
        if not 0 <= self.momentum < 1:
            raise SettingsError(f"evolve.momentum is 0 or more and below 1, not {self.momentum}")
        if not 0 < self.raise_at <= 1:
            raise SettingsError(f"evolve.raise_at is above 0 and at most 1, as shares are, not {self.raise_at}")
        if self.raise_at <= LOWER_AT:
            raise SettingsError(f"evolve.raise_at is above {LOWER_AT}, where levels are lowered, not {self.raise_at}")


@dataclass(frozen=True, slots=True)
class EvaluationSpec:
    """Held-out problems, ``difficulties`` in turn, after each stage and every ``every`` rounds of evolution."""

    problems: int = 256
    difficulties: tuple[int, ...] = (1,)
    every: int = 5
    self_consistency: int = 8


def check_replay(spec: Evolve, on_policy: bool, evolved: Sequence[str] | None, games: bool) -> None:
    """Raises SettingsError where older answers are nothing to learn from.

    on_policy: whether the algorithm wants samples of the policy of now. evolved: the modules that evolve, if any do.
    """
    if games:
        raise SettingsError("evolve.replay is of answers to tasks: leave it away in self-play")
    if on_policy and (evolved is None or "reasoner" in evolved):
        raise SettingsError(
            f"evolve.replay is none for {spec.algorithm}: it learns from what the policy of now sampled, not from "
            "older samples"
        )
    if evolved is not None and not {"reasoner", "evaluator"}.intersection(evolved):
        raise SettingsError(
            f"evolve.replay is none where {' + '.join(evolved)} evolves: it learns from its latest samples"
        )


def check_of_games(recipe: Any) -> None:
    """Raises SettingsError for what a recipe of games says of levels and habits, which games have none of."""
    for part, names in OF_TASKS.items():
        said = getattr(recipe, part)
        for name in names:
            if getattr(said, name) != getattr(type(said)(), name):
                raise SettingsError(f"{part}.{name} has no effect on games, it is of tasks: leave it away")


def whole(data: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's data, whose rounds of evolution are, where it has stages, all of theirs.

    Raises:
        SettingsError: a stage without rounds, one that changes what it may not, or rounds of evolution beside them.
    """
    stages, evolve = data.get("stages") or (), data.get("evolve") or {}
    if not stages:
        return dict(data)
    if not isinstance(stages, Sequence) or not isinstance(evolve, Mapping):
        raise SettingsError("stages is a list of mappings with rounds each, and evolve a mapping")
    for number, stage in enumerate(stages):
        rounds = stage.get("rounds") if isinstance(stage, Mapping) else None
        if type(rounds) is not int or rounds < 1:
            raise SettingsError(f"stages[{number}].rounds is 1 or more, not {rounds!r}")
        for key, changes in stage.items():
            if key not in (*CHANGES, "rounds"):
                raise SettingsError(unknown(f"key in stages[{number}]", str(key), [*CHANGES, "rounds"]))
            if key != "rounds" and not isinstance(changes, Mapping):
                raise SettingsError(f"stages[{number}].{key} is a mapping, not {changes!r}")
            _check_effect(f"stages[{number}].{key}", changes)
    total = sum(stage["rounds"] for stage in stages)
    if evolve.get("rounds", total) != total:
        raise SettingsError(
            f"evolve.rounds is {evolve['rounds']}, but the stages have {total}: leave it away, or say other "
            "stages, as by --set 'stages=[{rounds: 2}]'"
        )
    return {**data, "evolve": {**evolve, "rounds": total}}


def _check_effect(key: str, changes: Any) -> None:
    """Raises SettingsError for changes that a stage of evolution would leave without effect."""
    if key.endswith("evolve") and "rounds" in changes:
        raise SettingsError(f"{key}.rounds has no effect: a stage's rounds stand beside its evolve")
    past = [name for name in changes if name not in HABITS] if key.endswith("warm_start") else ()
    if past:
        raise SettingsError(f"{key}.{past[0]} is past in evolution, where demonstrations have {' and '.join(HABITS)}")


def stage_at(stages: Stages, round: int) -> tuple[int, bool]:
    """The number of the stage that a round of evolution is in, and whether it is its first round."""
    for number, stage in enumerate(stages):
        if round < stage["rounds"]:
            return number, round == 0
        round -= stage["rounds"]
    return len(stages) - 1, False


def staged(data: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A recipe's data as one of its stages has it: key by key its own under ``CHANGES``, and its rounds."""
    stage = data["stages"][number]
    made = {key: value for key, value in data.items() if key != "stages"}
    for key in (name for name in CHANGES if name in stage):
        before = {"id": made[key]} if isinstance(made.get(key), str) else made.get(key) or {}
        made[key] = {**before, **stage[key]}
    return {**made, "evolve": {**made.get("evolve", {}), "rounds": stage["rounds"]}}
