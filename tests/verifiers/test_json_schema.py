from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers import Status
from palaestra.verifiers.json_schema import MAX_DEPTH, DocumentError, JsonVerifier, parse_document

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^([a-z]+)+$"},
        "items": {"type": "array", "uniqueItems": True, "items": {"$ref": "#/$defs/item"}},
        "day": {"format": "date"},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"item": {"type": "object", "properties": {"price": {"type": "number", "multipleOf": 0.5}}}},
}
VERIFIER = JsonVerifier(ORDER, formats=("date",))


@pytest.mark.parametrize(
    "response",
    [
        '{"name": "ada"}',
        ' \n{"name": "ada", "items": [{"price": 1}, {"price": 1.5}, {"cost": 1}]}\n',
        'First {"name": 1}, then\n```json\n{"name": "ada"}\n```\nDone.',
        '```json\n{"name": 1}\n```\n```\n{"name": "ada"}\n```',
        '{"name": "ada", "items": [{"a": 1}, {"a": true}, {"a": [1]}, {"a": "1"}]}',
    ],
)
def test_a_document_of_the_schema_is_right(response: str) -> None:
    assert VERIFIER.verify(response).right


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("{}", "$: 'name' is a required property"),
        ('{"name": 7}', "$.name: 7 is not of type 'string'"),
        ('{"name": "ada", "items": [{}, {"price": "7"}]}', "$.items[1].price: '7' is not of type 'number'"),
        ('{"name": "ada", "items": [{"price": 0.3}]}', "$.items[0].price: 0.3 is not a multiple of 0.5"),
        ('{"name": "ada", "items": [{"a": [1]}, {"a": [1.0]}]}', "$.items: [{'a': [1]}, {'a': [1.0]}] has items that "
         "are equal"),
        ('{"name": "Ada"}', "$.name: 'Ada' does not match '^([a-z]+)+$'"),
        ('{"name": "ada", "age": 1}', "$: no property may be called 'age'"),
        ('{"name": "ada", "day": "2021-02-29"}', "$.day: '2021-02-29' is not a 'date'"),
        ('{"name": "ada", "name": "bo"}', "the key 'name' stands twice"),
        ('{"name": NaN}', "NaN is not JSON"),
        ("[-Infinity]", "-Infinity is not JSON"),
        ("[1e999]", "the number 1e999 is too large"),
        ('{"name": "ada"} {}', "not JSON: Extra data at line 1, column 17"),
        ("{'name': 'ada'}", "not JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        ('["\\ud800"]', "a string holds half a surrogate pair"),
        ('{"\ud800": 1}', "a string holds half a surrogate pair"),
        ('["a\nb"]', "not JSON: Invalid control character at at line 1, column 4"),
        ("", "no document found"),
        ("```json\n```", "no document found"),
        ("I would say name = ada", "not JSON: Expecting value at line 1, column 1"),
    ],
)  # fmt: skip
def test_the_reason_says_where_and_what(response: str, reason: str) -> None:
    verdict = VERIFIER.verify(response)
    assert verdict.status is Status.WRONG
    assert verdict.reason == reason


@pytest.mark.parametrize(
    "response",
    [
        "[" * 1_000_000,
        "[" * 100_000,
        '{"a":' * 30_000,
        "[" * 60 + "]" * 60,
        '{"a":' * 100_000,
        '"' * 199_999,
        '"\\' * 99_999,
        "[" + "1," * 50_000 + "1]",
        "9" * 10_000,
        "1." + "1" * 10_000,
        "\ud800",
        "\x00",
        "\ufeff{}",
        '{"name": "' + "a" * 50_000 + '!"}',
        '{"name": "a", "items": [' + ",".join(f'{{"a":{i}}}' for i in range(6_000)) + ', {"a":0}]}',
        '{"name": "' + "x\\u0000\\n" * 1_000 + '"}',
        "x" * 3_000_000,
        "{" + ",".join(f'"k{i}":1' for i in range(15_000)) + ',"k14999":2}',
    ],
    ids=lambda response: ascii(response[:20]),
)
def test_a_hostile_document_is_wrong(response: str) -> None:
    verdict = VERIFIER.verify(response)
    assert verdict.status is Status.WRONG
    assert len(verdict.reason) < 500
    assert verdict.reason.isprintable()
    assert verdict.reason.isascii()


def test_patterns_of_names_run_in_linear_time() -> None:
    verifier = JsonVerifier({"patternProperties": {"^(a+)+$": {"type": "integer"}}, "additionalProperties": False})
    assert verifier.verify('{"aaa": 1}').right
    assert verifier.verify('{"aaa": "1"}').reason == "$.aaa: '1' is not of type 'integer'"
    assert verifier.verify(f'{{"{"a" * 5_000}!": 1}}').reason.startswith("$: no property")
    inner = JsonVerifier({"patternProperties": {"^x": True}, "additionalProperties": {"type": "null"}})
    assert inner.verify('{"x": 1, "y": null}').right
    assert inner.verify('{"x": 1, "y": 1}').reason == "$.y: 1 is not of type 'null'"


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "strin"}, "not valid"),
        ({"type": {1, 2}}, "not valid"),
        ({"minimum": float("nan")}, "not valid"),
        ({"$ref": "#/$defs/none"}, "cannot be applied"),
        ({"properties": {"deep": {"items": {"$ref": "#/$defs/none"}}}}, "cannot be applied"),
        ({"$ref": "http://example.com/schema.json"}, "cannot be applied"),
        ({"$ref": "#"}, "without end"),
        ({"properties": {"a": {"pattern": "(?=a)b"}}}, "refused by RE2"),
        ({"pattern": "(a"}, "refused by RE2|not valid"),
        ({"patternProperties": {"a": True}, "unevaluatedProperties": False}, "not supported"),
    ],
)
def test_a_broken_schema_is_refused_when_it_is_made(schema: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JsonVerifier(schema)


def test_no_other_document_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"type": "integer"}')
    with pytest.raises(ValueError, match="cannot be applied"):
        JsonVerifier({"$ref": (tmp_path / "other.json").as_uri()})


def test_a_format_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="format regex"):
        JsonVerifier({}, formats=("regex",))
    assert JsonVerifier({"format": "regex"}).verify('"(a"').right


def test_a_recursive_schema_reads_documents_to_the_bound() -> None:
    tree = JsonVerifier({"type": "array", "items": {"$ref": "#"}})
    assert tree.verify("[" * MAX_DEPTH + "]" * MAX_DEPTH).right
    assert not tree.verify("[[1]]").right


EXPRESSION = [
    {"type": "object", "properties": {"op": {"const": op}, "of": {"$ref": "#/$defs/e"}}, "required": ["op", "of"]}
    for op in "+-*/"
]


@pytest.mark.parametrize(
    ("keyword", "more"), [("oneOf", {}), ("anyOf", {}), ("anyOf", {"unevaluatedProperties": False})]
)
def test_a_deep_document_of_alternatives_that_refer_to_the_whole_is_judged_at_once(
    keyword: str, more: dict[str, Any]
) -> None:
    expression = {keyword: [{"type": "number"}, *EXPRESSION], **more}
    verifier = JsonVerifier({"$ref": "#/$defs/e", "$defs": {"e": expression}})
    depth = MAX_DEPTH - 1
    before = time.thread_time()
    assert verifier.verify('{"op": "/", "of": ' * depth + "1" + "}" * depth).right
    assert verifier.verify('{"op": "/", "of": ' * depth + '"1"' + "}" * depth).status is Status.WRONG
    assert time.thread_time() - before < 2


def test_a_document_that_dynamic_references_make_dear_is_refused() -> None:
    branches = [{"properties": {"op": {"const": op}, "of": {"$dynamicRef": "#e"}}, "required": ["op"]} for op in "+-*/"]
    verifier = JsonVerifier({"$dynamicAnchor": "e", "anyOf": [{"type": "number"}, *branches]})
    assert verifier.verify('{"op": "/", "of": {"op": "/", "of": 1}}').right
    deep = verifier.verify('{"op": "/", "of": ' * 20 + "1" + "}" * 20)
    assert (deep.status, deep.reason) == (Status.WRONG, "the document takes too long to hold against the schema")


@pytest.mark.parametrize(
    ("number", "of", "right"),
    [("19.99", 0.01, True), ("0.3", 0.1, True), ("1e300", 0.5, True), ("7", 3.5, True), ("-4.02", 0.01, True),
     ("0.015", 0.01, False), ("7", 2, False), ("1e-9", 0.01, False), ("true", 2, True)],
)  # fmt: skip
def test_multiples_are_those_of_the_decimals_as_written(number: str, of: float, right: bool) -> None:
    assert JsonVerifier({"multipleOf": of}).verify(number).right is right


def test_a_property_may_be_called_pattern_or_ref() -> None:
    verifier = JsonVerifier({"properties": {"pattern": {"type": "string"}, "$ref": {"type": "string"}}})
    assert verifier.verify('{"pattern": "(?=a)", "$ref": "#/x"}').right


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(DOCUMENTS, st.sampled_from([None, 2]), st.booleans())
def test_any_document_reads_back(document: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    assert parse_document(text) == document
    assert JsonVerifier(True).verify(f"Here:\n```json\n{text}\n```").right


@given(st.text(alphabet='[]{}",:\\u18eE-. tn\n`', max_size=60) | st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(DocumentError):
        parse_document(text)
    assert VERIFIER.verify(text).status in (Status.RIGHT, Status.WRONG)
