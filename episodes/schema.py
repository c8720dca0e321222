"""The Parquet layout of an episode, and the way into it; ``columns.py`` has the way back.

Fields whose shape belongs to an environment or an agent (references, evidence, remarks) are JSON texts; all else is
typed, so that DuckDB, pandas and ``datasets`` read the files without this package.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from palaestra.verifiers import Verdict

from .record import Episode, Span, Turn

JSON = pa.string()
SPANS = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))
VERDICTS = pa.list_(
    pa.struct([("score", pa.float64()), ("status", pa.string()), ("reason", pa.string()), ("evidence", JSON)])
)
TURN = pa.struct(
    [
        ("role", pa.string()),
        ("observation", pa.string()),
        ("text", pa.string()),
        ("reward", pa.float64()),
        ("prompt_ids", pa.list_(pa.int32())),
        ("action_ids", pa.list_(pa.int32())),
        ("logprobs", pa.list_(pa.float32())),
        ("temperature", pa.float64()),
        ("top_p", pa.float64()),
        ("top_k", pa.int64()),
        ("finish_reason", pa.string()),
        ("weights_version", pa.int64()),
        ("step_spans", SPANS),
        ("solution_spans", SPANS),
        ("tool_calls", pa.list_(JSON)),
        ("verdicts", VERDICTS),
        ("step_verdicts", VERDICTS),
        ("meta", JSON),
    ]
)
PROBLEM = pa.struct([("prompt", pa.string()), ("reference", JSON), ("difficulty", pa.int64()), ("meta", JSON)])
OUTCOME = [("role", pa.string()), ("reward", pa.float64()), ("status", pa.string()), ("reason", pa.string())]
COUNTS = ("tokens_in", "tokens_out", "verifier_calls")
COST = [*((name, pa.int64()) for name in COUNTS), ("seconds", pa.float64())]
ACTOR = [("role", pa.string()), ("agent_id", pa.string()), ("weights_hash", pa.string())]
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("env_id", pa.string()),
        ("env_kwargs", JSON),
        ("reset_options", JSON),
        ("seed", pa.int64()),
        ("group_id", pa.string()),
        ("roles", pa.list_(pa.struct(ACTOR))),
        ("turns", pa.list_(TURN)),
        ("outcome", pa.list_(pa.struct(OUTCOME))),
        ("terminated", pa.bool_()),
        ("truncated", pa.bool_()),
        ("problem", PROBLEM),
        ("parent_id", pa.string()),
        ("goal", pa.struct([("desired", pa.string()), ("achieved", pa.string())])),
        ("cost", pa.struct(COST)),
        ("tags", JSON),
        ("created", pa.float64()),
        ("palaestra_version", pa.string()),
    ],
    metadata={"palaestra.episodes": "1"},
)


def to_row(episode: Episode) -> dict[str, Any]:
    """An episode as a plain row of ``SCHEMA``."""
    problem, goal, cost = episode.problem, episode.goal, episode.cost
    return {
        "id": episode.id,
        "env_id": episode.env_id,
        "env_kwargs": _to_json(episode.env_kwargs),
        "reset_options": _to_json(episode.reset_options),
        "seed": episode.seed,
        "group_id": episode.group_id,
        "roles": [
            {"role": role, "agent_id": actor.agent_id, "weights_hash": actor.weights_hash}
            for role, actor in episode.roles.items()
        ],
        "turns": [_turn_to_row(turn) for turn in episode.turns],
        "outcome": [
            {"role": role, "reward": end.reward, "status": end.status.value, "reason": end.reason}
            for role, end in episode.outcome.items()
        ],
        "terminated": episode.terminated,
        "truncated": episode.truncated,
        "problem": problem
        and {
            "prompt": problem.prompt,
            "reference": _to_json(problem.reference),
            "difficulty": problem.difficulty,
            "meta": _to_json(problem.meta),
        },
        "parent_id": episode.parent_id,
        "goal": goal and {"desired": goal.desired, "achieved": goal.achieved},
        "cost": {
            "tokens_in": cost.tokens_in,
            "tokens_out": cost.tokens_out,
            "verifier_calls": cost.verifier_calls,
            "seconds": cost.seconds,
        },
        "tags": _to_json(episode.tags),
        "created": episode.created,
        "palaestra_version": episode.palaestra_version,
    }


def to_table(episodes: Sequence[Episode]) -> pa.Table:
    """Episodes as a table of ``SCHEMA``, built column by column: an eighth of the time that ``from_pylist`` takes."""
    rows = [to_row(episode) for episode in episodes]
    columns = [_column([row[field.name] for row in rows], field.type) for field in SCHEMA]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """An array of nested values; of these only structs may be None."""
    if pa.types.is_list(kind):
        offsets = np.concatenate([[0], np.cumsum([len(value) for value in values])]).astype(np.int32)
        inner = _column(list(chain.from_iterable(values)), kind.value_type)
        return pa.ListArray.from_arrays(pa.array(offsets), inner, type=kind)
    if pa.types.is_struct(kind):
        absent = np.array([value is None for value in values], dtype=np.bool_)
        fields = list(kind)
        parts = [_column([v and v[field.name] for v in values], field.type) for field in fields]
        return pa.StructArray.from_arrays(parts, fields=fields, mask=pa.array(absent) if absent.any() else None)
    return pa.array(values, kind)


def _to_json(value: Any) -> str:
    return "{}" if value == {} else json.dumps(value)  # most of them are empty


def _turn_to_row(turn: Turn) -> dict[str, Any]:
    return {
        "role": turn.role,
        "observation": turn.observation,
        "text": turn.text,
        "reward": turn.reward,
        "prompt_ids": turn.prompt_ids,
        "action_ids": turn.action_ids,
        "logprobs": turn.logprobs,
        "temperature": turn.temperature,
        "top_p": turn.top_p,
        "top_k": turn.top_k,
        "finish_reason": turn.finish_reason,
        "weights_version": turn.weights_version,
        "step_spans": _spans_to_rows(turn.step_spans),
        "solution_spans": _spans_to_rows(turn.solution_spans),
        "tool_calls": [_to_json(call) for call in turn.tool_calls],
        "verdicts": _verdicts_to_rows(turn.verdicts),
        "step_verdicts": _verdicts_to_rows(turn.step_verdicts),
        "meta": _to_json(turn.meta),
    }


def _spans_to_rows(spans: tuple[Span, ...]) -> list[dict[str, int]]:
    return [{"start": start, "end": end} for start, end in spans]


def _verdicts_to_rows(verdicts: tuple[Verdict, ...]) -> list[dict[str, Any]]:
    return [
        {
            "score": verdict.score,
            "status": verdict.status.value,
            "reason": verdict.reason,
            "evidence": _to_json(verdict.evidence),
        }
        for verdict in verdicts
    ]
