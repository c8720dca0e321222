"""Settings: plain data, such as a YAML file's, read into frozen dataclasses, strictly."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal


class SettingsError(ValueError):
    """Settings that cannot be taken as written; the message names the key."""


def build(cls: Any, data: Any, where: str = "") -> Any:
    """A frozen dataclass from a mapping, field by field, dataclasses within it too.

    where: the key that the mapping stands under, "" for the whole.

    Raises:
        SettingsError: an unknown key (the nearest is named), a missing one, or a value of the wrong type.
    """
    whole = f"the {cls.__name__.lower()}"
    if not isinstance(data, Mapping):
        raise SettingsError(f"{where or whole} is a mapping of keys to values, not {data!r}")
    every = _hints(cls)
    hints = {field.name: every[field.name] for field in dataclasses.fields(cls)}
    for key in data:
        if key not in hints:
            raise SettingsError(unknown(f"key in {where or whole}", str(key), list(hints)))
    for field in dataclasses.fields(cls):
        if field.name not in data and field.default is field.default_factory is dataclasses.MISSING:
            raise SettingsError(f"{where or whole} lacks {field.name}")
    prefix = f"{where}." if where else ""
    return cls(**{key: _value(hints[key], value, f"{prefix}{key}") for key, value in data.items()})


def changed(options: Any, changes: Mapping[str, Any], where: str) -> Any:
    """A dataclass of options with some of them changed. Raises SettingsError as ``build`` does."""
    hints = _hints(options.__class__)
    for key in changes:
        if key not in hints:
            raise SettingsError(unknown(f"key in {where}", str(key), list(hints)))
    values = {key: _value(hints[key], value, f"{where}.{key}") for key, value in changes.items()}
    return dataclasses.replace(options, **values)


_hints = functools.cache(typing.get_type_hints)  # which compiles a class's annotations anew each time


def _value(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return build(hint, value, where)
    origin = typing.get_origin(hint)
    options = typing.get_args(hint) if origin in (types.UnionType, typing.Union) else (hint,)
    for option in options:
        kind = typing.get_origin(option) or option
        if dataclasses.is_dataclass(option) and isinstance(value, Mapping):
            return build(option, value, where)
        items = isinstance(value, (list, tuple)) and kind is tuple
        if items and typing.get_args(option)[0] is float:
            return tuple(_value(float, one, where) for one in value)
        if items and all(type(item) is _plain_type(typing.get_args(option)[0]) for item in value):
            return tuple(value)
        if kind is float and type(value) in (int, float, str):  # YAML 1.1 reads 1e-3 as text
            try:
                number = float(value)
            except (ValueError, OverflowError):
                continue
            if math.isfinite(number):
                return number
        if kind is Mapping and isinstance(value, Mapping):
            return dict(value)
        if kind in (int, str, bool, type(None)) and type(value) is kind:
            return value
        if kind is Literal and value in typing.get_args(option):
            return value
    raise SettingsError(f"{where} is {' or '.join(map(_kind, options))}, not {value!r}")


def _plain_type(hint: Any) -> Any:
    return typing.get_origin(hint) or hint


def _kind(option: Any) -> str:
    """A type in a person's words."""
    if typing.get_origin(option) is Literal:
        return "one of " + ", ".join(typing.get_args(option))
    kind = typing.get_origin(option) or option
    known = {int: "an integer", float: "a number", str: "a text", bool: "true or false"}
    if kind is tuple:
        each = _plain_type(typing.get_args(option)[0])
        return "a list of " + {int: "integers", float: "numbers", dict: "mappings"}.get(each, "texts")
    if kind is Mapping or dataclasses.is_dataclass(kind):
        return "a mapping"
    return known.get(kind, "nothing (null)")


def unknown(what: str, name: str, known: list[str]) -> str:
    """That there is no such name, and which one was meant."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"unknown {what}: {name!r}" + (f" (did you mean {near[0]!r}?)" if near else f" (known: {', '.join(known)})")


def plain(value: Any) -> Any:
    """The same of dictionaries and lists only, for YAML."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def put(data: dict[str, Any], keys: list[str], value: Any) -> None:
    """Set what is below those keys, in mappings that are made where there are none; the text under a key of
    "environment" is its id.

    Raises:
        SettingsError: a value on the way that has no keys.
    """
    for key in keys[:-1]:
        inner = data.setdefault(key, {})
        if inner is None or isinstance(inner, str):
            data[key] = inner = {"id": inner} if key == "environment" else {}
        if not isinstance(inner, dict):
            raise SettingsError(f"{key} is {inner!r}, which has no {keys[-1]!r} to be set")
        data = inner
    data[keys[-1]] = value


def read_yaml(text: str | bytes, where: str) -> Any:
    """What YAML says, in which no mapping may have a key twice: the first would count for nothing.

    where: the file, or whatever else is named to the one who wrote it.

    Raises:
        SettingsError: not YAML, no text in UTF-8, or a key twice.
    """
    import yaml

    class Strict(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
            for twice in (key for key in keys if keys.count(key) > 1):
                line = node.start_mark.line + 1
                raise SettingsError(f"{where} has {twice!r} twice in the mapping of line {line}: leave one away")
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text if isinstance(text, str) else text.decode(), Strict)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{where} is no text in UTF-8: {error}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{where} is not YAML: {' '.join(str(error).split())}") from error
