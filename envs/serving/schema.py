"""What a client may ask a server about: its name, the shape of what is sent, and the list of its addresses."""

from __future__ import annotations

import inspect
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import gymnasium

from .sessions import MAX_NAME_CHARS, MAX_SEED, Data

TEXT = {"type": "string"}
METADATA = {"type": "object", "description": "seed, difficulty, legal_actions and the like; at the end the verdict"}
SCHEMAS: Data = {
    "action": {
        "title": "TextAction",
        "type": "object",
        "properties": {"text": {**TEXT, "description": "the whole answer, or one turn"}, "metadata": METADATA},
        "required": ["text"],
        "additionalProperties": False,
    },
    "observation": {
        "title": "TextObservation",
        "type": "object",
        "properties": {
            "text": {**TEXT, "description": "the problem, then what each turn says"},
            "done": {"type": "boolean"},
            "reward": {"type": ["number", "null"], "description": "null at reset, and when the verifier failed"},
            "metadata": METADATA,
        },
        "required": ["text"],
    },
    "state": {
        "title": "State",
        "type": "object",
        "properties": {
            "episode_id": {"type": ["string", "null"]},
            "step_count": {"type": "integer", "minimum": 0},
            "done": {"type": "boolean"},
        },
    },
}
RESET = {
    "type": "object",
    "properties": {
        "seed": {"type": "integer", "minimum": 0, "maximum": MAX_SEED},
        "difficulty": {"type": "integer"},
        "episode_id": {**TEXT, "maxLength": MAX_NAME_CHARS},
        "session_id": {**TEXT, "description": "none begins a new session"},
    },
    "additionalProperties": False,
}
STEP = {
    "type": "object",
    "properties": {"action": SCHEMAS["action"], "session_id": TEXT},
    "required": ["action", "session_id"],
}


def metadata(env: gymnasium.Env[Any, Any]) -> Data:
    """Name, description and version, as OpenEnv's ``EnvironmentMetadata``."""
    played = env.unwrapped
    described = getattr(played, "task", None) or getattr(getattr(played, "table", None), "game", None) or played
    name = env.spec.id if env.spec else type(described).__name__
    description = (inspect.getdoc(type(described)) or name).split("\n")[0]
    try:
        release = version("palaestra")
    except PackageNotFoundError:  # run from its source
        release = "0"
    return {"name": name, "description": description, "version": release}


def openapi(about: Data) -> Data:
    """The addresses in OpenAPI's form, by which clients tell what kind of server this is."""
    answer = {"responses": {"200": {"description": "a JSON object"}}}
    paths: dict[str, Data] = {f"/{name}": {"get": answer} for name in ("health", "metadata", "schema", "state")}
    for name, body in (("reset", RESET), ("step", STEP), ("close", {"type": "object"}), ("mcp", {"type": "object"})):
        paths[f"/{name}"] = {"post": {**answer, "requestBody": {"content": {"application/json": {"schema": body}}}}}
    return {"openapi": "3.1.0", "info": {"title": about["name"], "version": about["version"]}, "paths": paths}
