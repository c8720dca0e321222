"""The way out to TRL's GRPOTrainer: a reward function, the rows that it judges, and environments with turns.

A row holds the prompt and what finds the problem again (seed, difficulty, split), never the answer. Only
``training_dataset`` needs a package of Hugging Face, ``datasets``, which TRL brings along.
https://huggingface.co/docs/trl/grpo_trainer
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import gymnasium

from palaestra.envs.dialogue import Dialogue
from palaestra.envs.reasoning import ReasoningEnv
from palaestra.envs.registration import make, make_any
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import SPLITS
from palaestra.verifiers.optional import require

Completion: TypeAlias = str | Sequence[Mapping[str, Any]]  # a text, or messages
Reward: TypeAlias = Callable[..., list[float | None]]


def training_rows(
    id: str,
    n: int,
    *,
    seed: int = 0,
    difficulty: int | Sequence[int] | None = None,
    split: str = "train",
    **knobs: Any,
) -> list[dict[str, Any]]:
    """``n`` problems: prompt (one message of the user), seed, difficulty and split.

    difficulty: one level, or several that take turns; None is the environment's own.

    Raises:
        UnknownEnvironment, UnknownKnob, ValueError: as ``make_any`` and ``reset``.
    """
    levels = [difficulty] if difficulty is None or isinstance(difficulty, int) else list(difficulty)
    if n < 1 or not levels:
        raise ValueError("ask for one row and one difficulty or more")
    env = make_any(id, split=split, **knobs)
    rows = []
    for index in range(n):
        drawn, level = derive_seed("training", seed, index), levels[index % len(levels)]
        prompt = _reset(env, drawn, level)
        message = {"role": "user", "content": prompt}
        rows.append({"prompt": [message], "seed": drawn, "difficulty": level, "split": split})
    return rows


def training_dataset(id: str, n: int, **options: Any) -> Any:
    """``training_rows`` as a ``datasets.Dataset``, for the trainer's ``train_dataset`` or ``eval_dataset``."""
    return require("datasets", "datasets").Dataset.from_list(training_rows(id, n, **options))


def reward_function(id: str, **knobs: Any) -> Reward:
    """An entry of ``reward_funcs``: the score of each completion of a row of ``training_dataset``, with the same knobs.

    None, by which TRL leaves a completion out, stands for an UNDECIDED verdict.

    Raises:
        UnknownEnvironment, UnknownKnob: as ``make``.
        ValueError: the environment has turns; ``environment_factory`` is for those.
    """
    envs = {split: _one_answer(id, split, knobs) for split in SPLITS}

    def reward(
        completions: Sequence[Completion], seed: Sequence[int], difficulty: Sequence[int | None], **columns: Any
    ) -> list[float | None]:
        splits = columns.get("split") or [SPLITS[0]] * len(completions)
        scores: list[float | None] = []
        for completion, its_seed, level, split in zip(completions, seed, difficulty, splits, strict=True):
            env = envs[split]
            _reset(env, its_seed, level)
            score = env.step(_text(completion))[-1]["verdict"].score
            scores.append(None if math.isnan(score) else score)
        return scores

    reward.__name__ = reward.__qualname__ = id.rpartition("/")[2]  # what TRL logs it as
    return reward


def environment_factory(id: str, **knobs: Any) -> Callable[[], TrlEnvironment]:
    """The trainer's ``environment_factory``: environments whose one tool takes a turn, and which own their reward.

    ``train_dataset`` is ``training_dataset`` of the same id and knobs: a row's rollouts then play the same episode.

    Raises:
        UnknownEnvironment, UnknownKnob: as ``make_any``.
    """
    make_any(id, **knobs).close()  # what is wrong is told now
    return lambda: TrlEnvironment(id, knobs)


class TrlEnvironment:
    """One rollout's environment: TRL calls ``reset`` with the row, offers ``act`` to the model, asks for the reward."""

    def __init__(self, id: str, knobs: Mapping[str, Any]) -> None:
        self._id = id
        self._knobs = dict(knobs)
        self._envs: dict[str, gymnasium.Env[str, str]] = {}  # by split
        self._env: gymnasium.Env[str, str] | None = None
        self._over = True
        self._reward: float | None = 0.0

    def reset(
        self,
        *,
        seed: int | None = None,
        difficulty: int | None = None,
        split: str = SPLITS[0],
        prompt: Any = None,
        **row: Any,
    ) -> str | None:
        """Begin the row's episode; what is seen is given back unless the row's prompt says it already.

        Raises:
            ValueError: the row has no seed: the rollouts of a group would each play another episode.
        """
        if seed is None:
            raise ValueError("a row needs a seed: give the trainer training_dataset(...) as train_dataset")
        if split not in self._envs:
            self._envs[split] = make_any(self._id, split=split, **self._knobs)
        self._env = self._envs[split]
        self._over, self._reward = False, 0.0
        observation = _reset(self._env, seed, difficulty)
        return None if prompt and _text(prompt[-1:]).endswith(observation) else observation

    def act(self, text: str) -> str:
        """
        Give your answer, or take your next turn, and see what it leads to.

        Args:
            text: The answer or the action, written as the task asks for it.

        Returns:
            What the task says to it.
        """
        if self._env is None or self._over:
            raise ValueError("the episode has ended: no further action is possible")
        observation, reward, terminated, truncated, info = self._env.step(text)
        self._over = bool(terminated or truncated)
        undecided = "verdict" in info and math.isnan(info["verdict"].score)
        self._reward = None if undecided or self._reward is None else self._reward + float(reward)
        return str(observation) or "The episode has ended."

    def get_reward(self) -> float | None:
        """The sum of the episode's rewards; None, by which TRL leaves the rollout out, when it could not be judged."""
        return self._reward


def _one_answer(id: str, split: str, knobs: Mapping[str, Any]) -> ReasoningEnv:
    env = make(id, split=split, **knobs)
    if isinstance(env.task, Dialogue):
        raise ValueError(f"{id} has turns, which no reward function can judge: use environment_factory")
    return env


def _reset(env: gymnasium.Env[str, str], seed: int, difficulty: int | None) -> str:
    options = None if difficulty is None else {"difficulty": difficulty}
    return str(env.reset(seed=seed, options=options)[0])


def _text(completion: Completion) -> str:
    """What a completion says: the content of its last message."""
    if isinstance(completion, str):
        return completion
    content = completion[-1].get("content") if completion else None
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in content or ())
