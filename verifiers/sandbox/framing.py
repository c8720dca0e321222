"""Plain values as bytes and back, between processes of which one does not trust the other.

Strict JSON: null, booleans, integers, finite floats, texts and lists stand for themselves; everything else is an object
of one key that names its kind. The reader builds exact built-in types only, whatever a program wrote, in bounded time.
A frame is a secret, a length and that JSON: a program that writes to the pipe itself, without the secret, is noticed.
"""

from __future__ import annotations

import math
from _json import encode_basestring_ascii, make_encoder, make_scanner  # what json is made of, without what it imports
from itertools import accumulate
from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from typing import Any

MAX_DEPTH = 100  # of values within values
MAX_COLLISIONS = 50  # keys of one hash in a set or dict, each of which is compared with all others
MAX_BITS = 4000  # integers with more bits than this cross in hexadecimal, which Python reads in linear time
MAX_DIGITS = 1300  # of an integer in decimal, which it does not
DEPTH_OF_JSON = 3 * MAX_DEPTH  # an object, a list and a pair for each dict
SECRET_BYTES = 16
LENGTH_BYTES = 4

_NO_BRACKET = r'(?s)"(?:[^"\\]++|\\.?)*+(?:"|\Z)|[^][{}"]++'


class NotPlain(ValueError):
    """A value that is no plain data, or is too deep; or bytes that stand for no value."""


def encode(value: Any) -> bytes:
    """The bytes of None, bool, int, float, complex, str, bytes, list, tuple, dict, set or frozenset, nested at will.

    A value of a subclass is written as its plain base, read by the base's own methods.

    Raises:
        NotPlain: it holds anything else, or is deeper than MAX_DEPTH.
    """
    return "".join(_dump(_tagged(value, MAX_DEPTH), 0)).encode("ascii")


def _tagged(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind in _AS_IS:
        return value
    if kind is int:
        return value if value.bit_length() <= MAX_BITS else {"i": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"f": repr(value)}
    if depth == 0:
        raise NotPlain(f"a value deeper than {MAX_DEPTH}")
    if kind is list:
        return [item if type(item) in _AS_IS else _tagged(item, depth - 1) for item in value]
    if kind is tuple:
        return {"t": [item if type(item) in _AS_IS else _tagged(item, depth - 1) for item in value]}
    if kind is dict:
        return {"d": [[_tagged(key, depth - 1), _tagged(item, depth - 1)] for key, item in value.items()]}
    return _rarer(value, kind, depth)


_AS_IS = frozenset({str, bool, type(None)})


def _rarer(value: Any, kind: type, depth: int) -> Any:
    if kind is set or kind is frozenset:
        return {"s" if kind is set else "z": [_tagged(item, depth - 1) for item in value]}
    if kind is bytes:
        return {"b": value.hex()}
    if kind is complex:
        return {"c": [_tagged(value.real, depth - 1), _tagged(value.imag, depth - 1)]}
    for base, plain in _PLAIN.items():
        if issubclass(kind, base):
            return _tagged(plain(value), depth)
    raise NotPlain(f"a value of type {kind.__name__}, which is no plain data")


_PLAIN: dict[type, Callable[[Any], Any]] = {
    int: lambda value: int.__add__(value, 0),
    float: lambda value: float.__add__(value, 0.0) if value else float.__abs__(value),
    str: lambda value: str.__getitem__(value, slice(None)) + "",
    bytes: lambda value: bytes.__getitem__(value, slice(None)) + b"",
    tuple: lambda value: tuple(tuple.__iter__(value)),
    list: lambda value: list(list.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
}


def decode(data: bytes) -> Any:
    """The value that ``encode`` wrote, of exact built-in types.

    Raises:
        NotPlain: the bytes are none that ``encode`` writes. No other error, whatever they are.
    """
    try:
        text = data.decode("ascii")
        _check_depth(text)
        data, end = _load(text, 0)
        if end != len(text):
            raise NotPlain("malformed bytes: more than one value")
        return _untagged(data, MAX_DEPTH)
    except NotPlain:
        raise
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError, StopIteration) as error:
        raise NotPlain(f"malformed bytes: {type(error).__name__}") from None


def _check_depth(text: str) -> None:
    """Refuse what would recurse deeply in the JSON reader, whatever recursion limit the host has set."""
    if len(text) > DEPTH_OF_JSON and text.count("[") + text.count("{") > DEPTH_OF_JSON:
        import re

        steps = (1 if bracket in "[{" else -1 for bracket in re.sub(_NO_BRACKET, "", text))
        if max(accumulate(steps)) > DEPTH_OF_JSON:
            raise NotPlain(f"a value deeper than {MAX_DEPTH}")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotPlain("malformed bytes: a long integer in decimal")
    return int(digits)


def _refuse(name: object) -> None:
    raise NotPlain(f"malformed bytes: {name}")


_dump = make_encoder(None, _refuse, encode_basestring_ascii, None, ":", ",", False, False, False)
_reading: Any = SimpleNamespace(
    **{"strict": True, "object_hook": None, "object_pairs_hook": None},
    **{"parse_float": float, "parse_int": _integer, "parse_constant": _refuse},
)
_load = make_scanner(_reading)


def _untagged(data: Any, depth: int) -> Any:
    kind = type(data)
    if kind is not list and kind is not dict:
        return data
    if depth == 0:
        raise NotPlain(f"a value deeper than {MAX_DEPTH}")
    if kind is list:
        return [_untagged(item, depth - 1) if type(item) in _NESTED else item for item in data]
    if len(data) != 1:
        raise NotPlain("malformed bytes: an object of several keys")
    [(tag, content)] = data.items()
    if tag in _TEXTS:
        if type(content) is not str:
            raise NotPlain("malformed bytes: no text where one belongs")
        return _TEXTS[tag](content)
    if type(content) is not list:
        raise NotPlain("malformed bytes: no list where one belongs")
    return _collection(tag, content, depth)


def _collection(tag: str, content: list[Any], depth: int) -> Any:
    if tag == "d":
        pairs = [_pair(item, depth) for item in content]
        return dict(zip(_spread(key for key, _ in pairs), (item for _, item in pairs), strict=True))
    items = [_untagged(item, depth - 1) for item in content]
    if tag == "t":
        return tuple(items)
    if tag in ("s", "z"):
        return (set if tag == "s" else frozenset)(_spread(items))
    if tag == "c" and len(items) == 2 and all(type(part) is float for part in items):
        return complex(*items)
    raise NotPlain("malformed bytes: an unknown kind")


def _pair(item: Any, depth: int) -> tuple[Hashable, Any]:
    if type(item) is not list or len(item) != 2:
        raise NotPlain("malformed bytes: no pair where one belongs")
    return _untagged(item[0], depth - 1), _untagged(item[1], depth - 1)


def _spread(keys: Iterable[Hashable]) -> list[Hashable]:
    """The keys, unless so many share a hash that a set of them would take quadratic time."""
    given = list(keys)
    if len(given) > MAX_COLLISIONS:
        hashes: dict[int, int] = {}
        for key in given:
            hashes[hash(key)] = hashes.get(hash(key), 0) + 1
        if max(hashes.values()) > MAX_COLLISIONS:
            raise NotPlain(f"more than {MAX_COLLISIONS} keys of one hash")
    return given


def _special_float(text: str) -> float:
    if text not in ("inf", "-inf", "nan"):
        raise NotPlain("malformed bytes: an unknown number")
    return float(text)


_NESTED = frozenset({list, dict})
_TEXTS: dict[str, Callable[[str], Any]] = {
    "i": lambda text: int(text, 16),
    "f": _special_float,
    "b": bytes.fromhex,
}


def frame(secret: bytes, data: bytes) -> bytes:
    return secret + len(data).to_bytes(LENGTH_BYTES, "big") + data


def split(secret: bytes, stream: bytes | bytearray) -> tuple[list[bytes], bytes]:
    """The whole frames at the beginning of ``stream``, and what follows them."""
    frames: list[bytes] = []
    head = SECRET_BYTES + LENGTH_BYTES
    start = 0
    while stream.startswith(secret, start) and len(stream) >= start + head:
        end = start + head + int.from_bytes(stream[start + SECRET_BYTES : start + head], "big")
        if end > len(stream):
            break
        frames.append(bytes(stream[start + head : end]))
        start = end
    return frames, bytes(stream[start:])
