"""The Parquet layout of an episode, and the way into it; ``columns.py`` has the way back.

Fields whose shape belongs to an environment or an agent (references, evidence, remarks) are JSON texts; all else is
typed, so that DuckDB, pandas and ``datasets`` read the files without this package.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from palaestra.verifiers import Status

from .record import Episode

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


def to_table(episodes: Sequence[Episode]) -> pa.Table:
    """Episodes as a table of ``SCHEMA``, column by column, which takes a fifth of the time that rows would."""
    columns = [_column(_read(episodes, field.name), field.type) for field in SCHEMA]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    """An array of dataclasses and lists of them; a dataclass may be None."""
    if pa.types.is_list(kind) and not pa.types.is_primitive(kind.value_type):
        offsets = np.zeros(len(values) + 1, dtype=np.int32)
        np.cumsum([len(value) for value in values], out=offsets[1:])
        inner = _column(list(chain.from_iterable(values)), kind.value_type)
        return pa.ListArray.from_arrays(pa.array(offsets), inner, type=kind)
    if pa.types.is_struct(kind) and kind != SPANS.value_type:
        there = [value for value in values if value is not None]
        fields = list(kind)
        parts = [_column(_read(there, field.name), field.type) for field in fields]
        if len(there) == len(values):
            return pa.StructArray.from_arrays(parts, fields=fields)
        taken = np.cumsum([value is not None for value in values]) - 1
        places = pa.array(taken, mask=np.array([value is None for value in values]))
        return pa.StructArray.from_arrays(parts, fields=fields).take(places)
    return pa.array(values, kind)


def _read(values: Sequence[Any], name: str) -> list[Any]:
    """One field of each of many."""
    read = READ.get(name)
    values = list(map(attrgetter(name), values))
    if read is _to_json:  # many are alike, such as a round's tags, and to tell that is sooner than to write them
        keys = list(map(repr, values))
        try:
            texts = {key: read(value) for key, value in dict(zip(keys, values, strict=True)).items()}
        except TypeError as error:
            raise TypeError(f"{name} is not JSON: {error}") from error
        return [texts[key] for key in keys]
    return values if read is None else list(map(read, values))


def _to_json(value: Any) -> str:
    return "{}" if value == {} else json.dumps(value)  # most of them are empty


class _Role(NamedTuple):
    role: str
    agent_id: str
    weights_hash: str


class _End(NamedTuple):
    role: str
    reward: float
    status: Status
    reason: str


# How ``to_table`` writes what is neither a plain value nor a dataclass of such, by the field's name.
READ: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("env_kwargs", "reset_options", "tags", "meta", "reference", "evidence"), _to_json),
    "tool_calls": lambda calls: [_to_json(call) for call in calls],
    "status": lambda status: status.value,
    "roles": lambda roles: [_Role(role, one.agent_id, one.weights_hash) for role, one in roles.items()],
    "outcome": lambda ends: [_End(role, end.reward, end.status, end.reason) for role, end in ends.items()],
}
