"""The side of the verifiers adapter that runs in a worker: loads an environment, plays and scores its rollouts.

The environment's own ``rollout`` runs, with a client that answers what the agent has said so far and stops when it is
asked for more. Loading one sets signal handlers and runs other people's code, as does scoring: never in the caller.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib
import io
import json
import logging
import os
import random
import sys
import tempfile
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from palaestra.verifiers.optional import require

from .prime_verifiers import without_own_room

EXTRA = "prime-verifiers"
MODEL = "agent"
MAX_DATA = 1 << 32  # bytes of a data set
MAX_REASON = 200  # characters of an error

# This package's own room stands in a folder of the same name: where that folder is on the path, it comes first.
sys.path[:] = without_own_room(sys.path)
tempfile.tempdir = os.environ.get("TMPDIR", "/tmp")  # not to be searched for: a worker may write no file
vf: Any = require("verifiers", EXTRA)
completions: Any = require("openai.types.chat.chat_completion", EXTRA)
require("datasets", EXTRA).config.IN_MEMORY_MAX_SIZE = MAX_DATA  # for what is not in memory is mapped to files


class Unplayable(ValueError):
    """The environment cannot be met in text, or not judged without the network."""


class Asked(BaseException):
    """The environment wants the agent's next message. No ``Exception``, for rollouts end with those in silence."""

    def __init__(self, prompt: Any) -> None:
        self.prompt = prompt


class Client:
    """Stands for the model: gives the agent's messages one after the other."""

    def __init__(self, messages: list[str]) -> None:
        self._messages = iter(messages)
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=self._chat))

    async def _chat(self, *, model: str, messages: Any, **_: Any) -> Any:
        for text in self._messages:
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            fields = {"id": "", "created": 0, "model": model, "object": "chat.completion", "choices": [choice]}
            return completions.ChatCompletion.model_validate(fields)
        raise Asked(messages)


def serve(request: str, name: str, arguments: str, *rest: Any) -> Any:
    """What the worker calls: one of the functions below by name, for the environment ``name`` with ``arguments``."""
    functions: dict[str, Any] = {"describe": describe, "row": row, "play": play}
    with contextlib.redirect_stdout(io.StringIO()):
        return functions[request](_loaded(name, arguments), *rest)


def describe(environment: Any) -> dict[str, Any]:
    """Whether it takes one turn, how many rows it has by split, the reward that all its functions together can give."""
    return {
        "single": isinstance(environment, vf.SingleTurnEnv),
        "rows": {split: len(_rows(environment, split)) for split in ("train", "eval")},
        "turns": environment.max_turns,
        "full": sum(max(weight, 0.0) for weight in environment.rubric._get_reward_weights()),
    }


def row(environment: Any, split: str, index: int) -> dict[str, Any]:
    """One row of the data; it must be plain data."""
    found = dict(_rows(environment, split)[index])
    try:
        json.dumps(found, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Unplayable(f"row {index} is no plain data: {error}") from error
    return found


def play(environment: Any, entry: dict[str, Any], limit: int, said: list[str]) -> dict[str, Any]:
    """The rollout of a row after the agent's messages: what it is asked next, or in the end what the rubric gives.

    limit: turns, where the environment sets none.
    """
    seed = hashlib.blake2b(json.dumps(entry, sort_keys=True).encode(), digest_size=4).digest()
    random.seed(seed)
    np.random.seed(int.from_bytes(seed, "big"))
    if environment.max_turns <= 0:
        environment.max_turns = limit
    faults = _Faults()
    logging.getLogger("verifiers").addHandler(faults)
    try:
        return asyncio.run(_rollout(environment, entry, said, faults))
    except Asked as asked:
        return {"over": False, "messages": [_plain(message) for message in asked.prompt]}
    finally:
        logging.getLogger("verifiers").removeHandler(faults)


async def _rollout(environment: Any, entry: dict[str, Any], said: list[str], faults: _Faults) -> dict[str, Any]:
    state = await environment.rollout(entry, Client(said), MODEL, {})
    error = state.get("error")
    if error is not None:
        cause = error.__cause__ or error
        faults.texts.append(f"{type(cause).__name__}: {cause}")
    await environment.rubric.score_rollout(state)
    final = state.get("final_env_response") or []
    return {
        "over": True,
        "messages": [_plain(message) for message in final],
        "reward": float(state["reward"]),
        "metrics": {name: float(value) for name, value in (state["metrics"] or {}).items()},
        "faults": [text[:MAX_REASON] for text in faults.texts],
    }


class _Faults(logging.Handler):
    """Keeps what reward functions raise: a rubric logs it, and gives 0."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("Error calling"):
            self.texts.append(record.getMessage())


@cache
def _loaded(name: str, arguments: str) -> Any:
    if not hasattr(vf, "SingleTurnEnv"):
        raise Unplayable(f"verifiers has no SingleTurnEnv any more: pip install 'palaestra[{EXTRA}]'")
    environment = importlib.import_module(name).load_environment(**json.loads(arguments))
    environment.env_id = environment.env_id or name
    if not isinstance(environment, vf.MultiTurnEnv):
        raise Unplayable(f"{type(environment).__name__} has no turns")
    if environment.message_type != "chat":
        raise Unplayable("it completes a text, and does not chat")
    if environment.oai_tools:
        raise Unplayable("it wants calls of tools, which are not text")
    rubric = environment.rubric
    if any(isinstance(one, vf.JudgeRubric) for one in (rubric, *getattr(rubric, "rubrics", ()))):
        raise Unplayable("a model judges, over the network")
    return environment


@cache
def _rows(environment: Any, split: str) -> list[dict[str, Any]]:
    """The rows, out of their table, which other threads would have to read."""
    source = environment.build_dataset() if split == "train" else environment.build_eval_dataset()
    return [] if source is None else list(source.to_list())


def _plain(message: Any) -> dict[str, str]:
    """Role and text of a message."""
    content = message.get("content")
    if isinstance(content, list) and all(part.get("type") == "text" for part in content):
        content = "\n".join(part["text"] for part in content)
    if not isinstance(content, str):
        raise Unplayable("a message is not all text")
    return {"role": str(message["role"]), "content": content}
