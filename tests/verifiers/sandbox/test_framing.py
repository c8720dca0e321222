"""Values as bytes: the round trip, and what a hostile writer may send."""

from __future__ import annotations

import contextlib
import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers.sandbox.framing import MAX_DEPTH, NotPlain, decode, encode, frame, split

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
    | st.complex_numbers(allow_nan=False)
)  # fmt: skip
KEYS = st.recursive(SCALARS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(KEYS, inner) | st.sets(KEYS, max_size=4),
    max_leaves=20,
)
SECRET = b"0123456789abcdef"


def same(one: Any, other: Any) -> bool:
    """Equal, of the same types all the way down, zeros' signs included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float | complex):
        return repr(one) == repr(other)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return len(one) == len(other) and all(key in other and same(one[key], other[key]) for key in one)
    return bool(one == other)


@given(VALUES)
def test_encode_and_decode_are_inverse(value: Any) -> None:
    assert same(decode(encode(value)), value)


@given(st.binary() | st.text(alphabet='[]{}",:0123456789-.eEtdszbcif\\ ').map(str.encode))
def test_no_bytes_raise_anything_but_not_plain(data: bytes) -> None:
    with contextlib.suppress(NotPlain):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"NaN", b"Infinity", b"1 2", b'{"t":1}', b'{"t":[],"s":[]}', b'{"x":[]}', b'{"b":"zz"}', b'{"b":[1]}'),
        *(b'{"f":"1.5"}', b'{"i":"q"}', b'{"s":[[]]}', b'{"d":[[1]]}', b'{"d":[1]}', b'{"d":[[[],1]]}', b'{"c":[1,2]}'),
        *(b"1" * 5000, b"[" * 500_000, b'{"t":[' * 100_000, b'["' + b"[" * 400, b"\xff", b"{}"),
        *(b'["' + b'\\"' * 200_000 + b"\\", b'["' + b'"' * 200_000),
    ],
)
def test_malformed_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(NotPlain):
        decode(data)


def test_deep_bytes_are_refused_before_they_recurse_whatever_the_recursion_limit() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    try:
        with pytest.raises(NotPlain, match="deeper"):
            decode(b"[" * 300_000 + b"]" * 300_000)
    finally:
        sys.setrecursionlimit(limit)


def test_brackets_in_texts_are_no_depth() -> None:
    text = '[{"\\' * 500
    assert decode(encode([text, "[" * 1000])) == [text, "[" * 1000]


def test_keys_that_all_collide_are_refused() -> None:
    keys = [index * (2**61 - 1) for index in range(1, 100)]
    assert len(set(map(hash, keys))) == 1
    with pytest.raises(NotPlain, match="one hash"):
        decode(encode(keys).replace(b"[", b'{"s":[', 1) + b"}")
    with pytest.raises(NotPlain, match="one hash"):
        decode(b'{"d":[' + b",".join(b"[%d,0]" % key for key in keys) + b"]}")


def test_depth_is_bounded_on_both_sides() -> None:
    value: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert decode(encode(value)) == value
    with pytest.raises(NotPlain, match="deeper"):
        encode([value])
    with pytest.raises(NotPlain, match="deeper"):
        decode(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize("value", [object(), range(3), bytearray(b"x"), iter([]), len, int, math])
def test_what_is_no_plain_data_is_refused_by_name(value: object) -> None:
    with pytest.raises(NotPlain, match=type(value).__name__):
        encode([value])


def test_frames_are_split_and_the_rest_is_kept() -> None:
    stream = frame(SECRET, b"one") + frame(SECRET, b"")
    assert split(SECRET, stream) == ([b"one", b""], b"")
    assert split(SECRET, stream + b"more") == ([b"one", b""], b"more")
    assert split(SECRET, stream[:-1]) == ([b"one"], frame(SECRET, b"")[:-1])
    assert split(SECRET, frame(bytes(16), b"one")) == ([], frame(bytes(16), b"one"))
    assert split(SECRET, SECRET + b"\xff\xff\xff\xff") == ([], SECRET + b"\xff\xff\xff\xff")
