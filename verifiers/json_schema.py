"""Answers in JSON, checked against a JSON Schema."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NoReturn

from .fenced import last_fenced
from .optional import require
from .quoting import quoted
from .verdict import Verdict, right, undecided, wrong

LANGUAGES = ("json", "")
MAX_LENGTH = 200_000  # characters of a document
MAX_DEPTH = 50  # arrays and objects inside one another
MAX_VALUES = 20_000  # values of a document, those inside others counted
MAX_DIGITS = 300  # characters of a number, so that every integer is also a float
MAX_DYNAMIC = 5_000  # dynamic references followed for a document, about a second
FORMATS = ("date", "ipv4", "ipv6", "uuid")  # whose check costs time linear in the text
PROBES: tuple[Any, ...] = (None, True, 0, 0.5, "", [], [0], {}, {"a": 0})

# Of the document at hand: which values do what a reference says, by the identities of both; None where none is at hand.
_settled: ContextVar[dict[tuple[int, int], bool] | None] = ContextVar("settled", default=None)
_BRACKET_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


class DocumentError(ValueError):
    """The text is not one JSON document within the bounds; the message is the verdict's reason."""


@dataclass(frozen=True, slots=True)
class JsonVerifier:
    """An answer is right when it is a JSON document that satisfies ``schema``.

    The document is the last closed fenced block labelled ``json`` or not at all; without one, the whole response. It is
    read strictly: no key twice, no NaN or infinity, no lone surrogate, nothing after it, and within this module's
    bounds.

    schema: a JSON Schema as Python data, of the draft that its ``$schema`` names (2020-12 without it). References stay
        inside it. Its patterns are run by RE2, in linear time: no look-around and no back-references.
    formats: which values of ``format`` are checked, of ``FORMATS``; the others are notes, as the standard has it.

    Raises:
        ValueError: the schema is not valid, refers to what it does not hold, or has a pattern that RE2 refuses.
        MissingLibrary: jsonschema or google-re2 is not installed.
    """

    schema: Mapping[str, Any] | bool
    formats: tuple[str, ...] = ()
    _validator: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if unknown := [name for name in self.formats if name not in FORMATS]:
            raise ValueError(f"format {unknown[0]} cannot be checked; choose of {', '.join(FORMATS)}")
        object.__setattr__(self, "_validator", _validator(self.schema, self.formats))

    def verify(self, response: str) -> Verdict:
        text = last_fenced(response, LANGUAGES)
        try:
            document = parse_document(response if text is None else text)
        except DocumentError as refusal:
            return wrong(str(refusal))
        token = _settled.set({})
        try:
            error = next(self._validator.iter_errors(document), None)
        except RecursionError:
            return wrong("the document nests too deeply for the schema")
        except DocumentError as refusal:
            return wrong(str(refusal))
        except Exception as failure:  # of the schema, or of the library
            return undecided(f"the schema could not be applied: {quoted(str(failure))}")
        finally:
            _settled.reset(token)
        if error is None:
            return right("the document satisfies the schema")
        path, rule = quoted(error.json_path, 200), "/".join(map(str, error.absolute_schema_path))
        return wrong(f"{path}: {quoted(error.message, 200)}", path=path, rule=quoted(rule, 200))


def parse_document(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        DocumentError: it is not one strict JSON document within the bounds.
    """
    text = text.strip(" \t\r\n")
    if not text:
        raise DocumentError("no document found")
    if len(text) > MAX_LENGTH:
        raise DocumentError(f"the document is longer than {MAX_LENGTH} characters")
    _check_depth(text)
    try:
        document = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=_no_constant
        )
    except json.JSONDecodeError as error:
        raise DocumentError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    _check_values(document)
    return document


def _check_depth(text: str) -> None:
    depth = 0
    for match in _BRACKET_OR_STRING.finditer(text):
        mark = match[0]
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise DocumentError(f"the document nests deeper than {MAX_DEPTH}")
        elif mark in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise DocumentError(f"the key '{quoted(key)}' stands twice")
        found[key] = value
    return found


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise DocumentError(f"a number has more than {MAX_DIGITS} digits")
    return int(text)


def _real(text: str) -> float:
    if len(text) > MAX_DIGITS:
        raise DocumentError(f"a number has more than {MAX_DIGITS} digits")
    value = float(text)
    if math.isinf(value):
        raise DocumentError(f"the number {quoted(text)} is too large")
    return value


def _no_constant(name: str) -> NoReturn:
    raise DocumentError(f"{name} is not JSON")


def _check_values(document: Any) -> None:
    values, waiting = 0, [document]
    while waiting:
        value = waiting.pop()
        values += 1
        if values > MAX_VALUES:
            raise DocumentError(f"the document has more than {MAX_VALUES} values")
        if isinstance(value, dict):
            waiting += value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise DocumentError("a string holds half a surrogate pair")


def _validator(schema: Mapping[str, Any] | bool, formats: tuple[str, ...]) -> Any:
    """The library's validator, made safe for a stranger's documents and tried on a few small ones."""
    jsonschema, referencing = require("jsonschema"), require("referencing")
    base = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        json.dumps(schema, allow_nan=False)
        base.check_schema(schema)
    except (jsonschema.SchemaError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the schema is not valid: {quoted(str(error).partition(chr(10))[0], 200)}") from error
    used = {keyword for part in _parts(schema) for keyword in part}
    if {"unevaluatedProperties", "patternProperties"} <= used:
        raise ValueError("unevaluatedProperties beside patternProperties is not supported")
    keywords = {"uniqueItems": _unique_items, "multipleOf": _multiple_of, **_references(base.VALIDATORS)}
    keywords |= _pattern_keywords(_compiled([*_patterns(schema)]))
    checker = jsonschema.FormatChecker(formats=formats) if formats else None
    registry = referencing.Registry()  # empty: nothing is ever fetched
    validator = jsonschema.validators.extend(base, keywords)(schema, registry=registry, format_checker=checker)
    try:
        resolver = registry.resolver_with_root(referencing.jsonschema.DRAFT202012.create_resource(schema))
        for part in _parts(schema):
            if isinstance(reference := part.get("$ref"), str) and reference.startswith("#/"):
                resolver.lookup(reference)
        for probe in PROBES:
            for _ in validator.iter_errors(probe):
                pass
    except RecursionError as error:
        raise ValueError("the schema refers to itself without end") from error
    except Exception as error:
        raise ValueError(f"the schema cannot be applied: {quoted(str(error), 200)}") from error
    return validator


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Every mapping within a schema, itself included."""
    if isinstance(schema, Mapping):
        yield schema
        for value in schema.values():
            yield from _parts(value)
    elif isinstance(schema, list | tuple):
        for value in schema:
            yield from _parts(value)


def _patterns(schema: Any) -> Iterator[str]:
    for part in _parts(schema):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        if isinstance(part.get("patternProperties"), Mapping):
            yield from part["patternProperties"]


def _compiled(patterns: list[str]) -> dict[str, Callable[[str], object]]:
    if not patterns:
        return {}
    re2 = require("re2")
    options = re2.Options()
    options.log_errors = False
    found = {}
    for pattern in patterns:
        try:
            found[pattern] = re2.compile(pattern, options).search
        except re2.error as error:
            raise ValueError(f"the pattern {quoted(pattern)} is refused by RE2: {error}") from error
    return found


def _pattern_keywords(search: Mapping[str, Callable[[str], object]]) -> dict[str, Any]:
    """The keywords that match patterns, in RE2 instead of Python's ``re``, whose time can grow exponentially."""
    error = require("jsonschema").ValidationError

    def pattern(validator: Any, value: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
        if validator.is_type(instance, "string") and not search[value](instance):
            yield error(f"{instance!r} does not match {value!r}")

    def pattern_properties(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
        if validator.is_type(instance, "object"):
            for each, part in value.items():
                for name, item in instance.items():
                    if search[each](name):
                        yield from validator.descend(item, part, path=name, schema_path=each)

    def additional_properties(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
        if not validator.is_type(instance, "object"):
            return
        known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        for name, item in instance.items():
            if name in known or any(search[each](name) for each in patterns):
                continue
            if validator.is_type(value, "object"):
                yield from validator.descend(item, value, path=name)
            elif not value:
                yield error(f"no property may be called {name!r}")

    return {
        "pattern": pattern,
        "patternProperties": pattern_properties,
        "additionalProperties": additional_properties,
    }


def _references(library: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords that refer to another part of the schema, each asked once about a value.

    The library asks every branch of ``anyOf`` and ``oneOf`` to the end, and again for what is unevaluated: where
    branches refer to the whole, its time is exponential in how deep a document is.
    """
    follow: Any = library.get("$ref")
    error = require("jsonschema").ValidationError

    def reference(validator: Any, value: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
        settled = _settled.get()
        if settled is None:
            yield from follow(validator, value, instance, schema)
            return
        key = id(instance), id(schema)  # both live as long as the document is at hand
        if key not in settled:
            errors = follow(validator, value, instance, schema)
            first = next(errors, None)
            settled[key] = first is None
            if first is not None:
                yield first
                yield from errors
        elif not settled[key]:
            yield error(f"{quoted(repr(instance))} is not what {value} says")

    def counted(name: str) -> Any:
        def dynamic_reference(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
            settled = _settled.get()
            if settled is not None:
                settled[-1, len(settled)] = True  # what it refers to changes with the way there: it is only counted
                if len(settled) > MAX_DYNAMIC:
                    raise DocumentError("the document takes too long to hold against the schema")
            yield from library[name](validator, value, instance, schema)

        return dynamic_reference

    dynamic = {name: counted(name) for name in ("$dynamicRef", "$recursiveRef") if name in library}
    return dynamic | ({"$ref": reference} if follow else {})


def _multiple_of(validator: Any, value: float, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """Of the decimals as they are written: in binary 19.99 is no multiple of 0.01."""
    if validator.is_type(instance, "number") and (Fraction(repr(instance)) / Fraction(repr(value))).denominator != 1:
        yield require("jsonschema").ValidationError(f"{instance!r} is not a multiple of {value!r}")


def _unique_items(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """In linear time; the library compares every pair of items."""
    if value and validator.is_type(instance, "array") and len({_frozen(item) for item in instance}) < len(instance):
        yield require("jsonschema").ValidationError(f"{instance!r} has items that are equal")


def _frozen(value: Any) -> Hashable:
    """A value that is equal for equal JSON values, and for no others: 1 equals 1.0 and not true.

    Numbers become text, whose hashes a stranger cannot make collide.
    """
    if isinstance(value, dict):
        return "object", frozenset((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return "array", tuple(map(_frozen, value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return type(value), str(value)
