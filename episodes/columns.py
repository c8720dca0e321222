"""Episodes from the log's columns: each column becomes a list at once, then objects are made of these.

Five times as fast as to make a dictionary of every row first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import pyarrow as pa

from palaestra.envs.task import Problem
from palaestra.verifiers import Status, Verdict

from .record import Actor, Cost, Episode, Goal, Outcome, Span, Turn

T = TypeVar("T")
STATUS = {status.value: status for status in Status}  # a third of the time of calling an enum


def episodes_of(batch: pa.RecordBatch) -> Iterator[Episode]:
    """The episodes of rows of ``schema.SCHEMA``, equal to those that were stored.

    JSON texts that are equal become one object, which episodes share: they are mappings, for nobody to change.
    """
    known: dict[str, Any] = {}
    column = batch.column
    return map(
        Episode,
        *(_plain(column("id")), _plain(column("env_id"))),
        *(_json(column("env_kwargs"), known), _json(column("reset_options"), known)),
        *(_plain(column("seed")), _plain(column("group_id"))),
        _named(column("roles"), _structs(Actor, column("roles"), "agent_id", "weights_hash")),
        _tuples(column("turns"), _turns(column("turns").flatten(), known)),
        _named(column("outcome"), _outcomes(column("outcome").flatten())),
        *(_plain(column("terminated")), _plain(column("truncated"))),
        _problems(column("problem"), known),
        _plain(column("parent_id")),
        _goals(column("goal")),
        list(map(Cost, *_fields(column("cost"), "tokens_in", "tokens_out", "verifier_calls", "seconds"))),
        _json(column("tags"), known),
        *(_plain(column("created")), _plain(column("palaestra_version"))),
    )


def _turns(turns: pa.StructArray, known: dict[str, Any]) -> list[Turn]:
    ids: list[Any] = [_tuples(turns.field(name)) for name in ("prompt_ids", "action_ids", "logprobs")]
    settings = _fields(turns, "temperature", "top_p", "top_k", "finish_reason", "weights_version")
    spans = [_spans(turns.field(name)) for name in ("step_spans", "solution_spans")]
    calls = turns.field("tool_calls")
    called = _tuples(calls, _json(calls.flatten(), known))
    verdicts = [_verdicts(turns.field(name), known) for name in ("verdicts", "step_verdicts")]
    said = _fields(turns, "role", "observation", "text", "reward")
    return list(map(Turn, *said, *ids, *settings, *spans, called, *verdicts, _json(turns.field("meta"), known)))


def _verdicts(lists: pa.ListArray, known: dict[str, Any]) -> list[tuple[Verdict, ...]]:
    found = lists.flatten()
    score, status, reason = _fields(found, "score", "status", "reason")
    evidence = _json(found.field("evidence"), known)
    return _tuples(lists, list(map(Verdict, score, map(STATUS.__getitem__, status), reason, evidence)))


def _spans(lists: pa.ListArray) -> list[tuple[Span, ...]]:
    return _tuples(lists, list(zip(*_fields(lists.flatten(), "start", "end"), strict=True)))


def _outcomes(ends: pa.StructArray) -> list[Outcome]:
    reward, status, reason = _fields(ends, "reward", "status", "reason")
    return list(map(Outcome, reward, map(STATUS.__getitem__, status), reason))


def _problems(problems: pa.StructArray, known: dict[str, Any]) -> list[Problem | None]:
    prompt, difficulty = _fields(problems, "prompt", "difficulty")
    there = problems.is_valid().to_pylist()
    reference, meta = (_json(problems.field(name), known) for name in ("reference", "meta"))
    rows = zip(there, prompt, reference, difficulty, meta, strict=True)
    return [Problem(*fields) if is_there else None for is_there, *fields in rows]


def _goals(goals: pa.StructArray) -> list[Goal | None]:
    there = goals.is_valid().to_pylist()
    rows = zip(there, *_fields(goals, "desired", "achieved"), strict=True)
    return [Goal(*fields) if is_there else None for is_there, *fields in rows]


def _named(lists: pa.ListArray, values: Sequence[T]) -> list[dict[str, T]]:
    """A dictionary for each list, by the role of its elements."""
    pairs = list(zip(_plain(lists.flatten().field("role")), values, strict=True))
    return [dict(pairs[start:end]) for start, end in _ranges(lists)]


def _structs(kind: type[T], lists: pa.ListArray, *names: str) -> list[T]:
    return list(map(kind, *_fields(lists.flatten(), *names)))


def _tuples(lists: pa.ListArray, values: Sequence[T] | None = None) -> list[tuple[T, ...]]:
    """A tuple for each list, of ``values`` in place of its own elements where they are given."""
    flat: Sequence[Any] = _plain(lists.flatten()) if values is None else values
    return [tuple(flat[start:end]) for start, end in _ranges(lists)]


def _ranges(lists: pa.ListArray) -> Iterator[tuple[int, int]]:
    """Where each list begins and ends in ``lists.flatten()``."""
    offsets = lists.offsets.to_numpy()
    bounds = (offsets - offsets[0]).tolist()
    return pairwise(bounds)


def _fields(structs: pa.StructArray, *names: str) -> list[list[Any]]:
    return [_plain(structs.field(name)) for name in names]


def _plain(array: pa.Array) -> list[Any]:
    """Numbers by way of numpy, twenty times as fast as one by one; all else as Arrow has it."""
    number = pa.types.is_integer(array.type) or pa.types.is_floating(array.type)
    values: list[Any] = array.to_numpy().tolist() if number and not array.null_count else array.to_pylist()
    return values


def _json(array: pa.Array, known: dict[str, Any]) -> list[Any]:
    found = []
    for text in array.to_pylist():
        if text is not None and text not in known:
            known[text] = json.loads(text)
        found.append(known.get(text))
    return found
