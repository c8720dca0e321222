"""What the verifier has to know of the gold query's text: its literals, and the keys that it sorts by.

The text is the author's. It is read by tokens, and what the reading does not cover is refused when it is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from .databases import Literals

TOKENS = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\])
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<word>[^\W\d][\w$]*)|(?P<mark>[^\s])""",
    re.VERBOSE | re.DOTALL,
)
COMPOUND = frozenset(("union", "intersect", "except", "values"))
TAILS = (("nulls", "first"), ("nulls", "last"), ("asc",), ("desc",))
LARGEST = 1e12  # numbers above are no measure of a column


@dataclass(frozen=True, slots=True)
class Token:
    """depth: how many brackets it stands in. value: in lower case unless it is quoted."""

    kind: str
    value: str
    start: int
    end: int
    depth: int


def tokens_of(query: str) -> list[Token]:
    """The tokens of a query, without comments."""
    found = []
    depth = 0
    for match in TOKENS.finditer(query):
        kind, text = str(match.lastgroup), match[0]
        if kind == "comment":
            continue
        depth -= text == ")"
        value = _unquoted(text) if kind in ("text", "quoted") else text.lower()
        found.append(Token(kind, value, match.start(), match.end(), depth))
        depth += text == "("
    return found


@lru_cache(maxsize=256)
def literals_of(query: str) -> Literals:
    """The numbers and texts that a query compares with."""
    tokens = tokens_of(query)
    numbers = [float(token.value) for token in tokens if token.kind == "number"]
    texts = [token.value for token in tokens if token.kind == "text"]
    return Literals(tuple(dict.fromkeys(number for number in numbers if number < LARGEST)), tuple(dict.fromkeys(texts)))


def with_sort_keys(query: str, columns: Sequence[str]) -> tuple[str, tuple[int, ...]]:
    """``query`` with its sort keys among its columns, and their positions; ``columns`` are the names of its own.

    A term of the outermost ORDER BY is a number or name of a column of the result, or else an expression, which is
    added to the columns as one more.

    Raises:
        ValueError: there is no outermost ORDER BY, it names a collation, or it sorts a compound or DISTINCT query by
            something else than a column of its result.
    """
    tokens = tokens_of(query)
    outer = [token for token in tokens if token.depth == 0 and token.value != ";"]
    terms = _order_terms(outer)
    if not terms:
        raise ValueError("ordered=True needs a gold query with an outermost ORDER BY")
    names = [name.lower() for name in columns]
    keys: list[int] = []
    hidden: list[str] = []
    for term in terms:
        inside = [token for token in tokens if term[0].start <= token.start and token.end <= term[-1].end]
        if any(token.value == "collate" for token in inside):
            raise ValueError("a gold query with COLLATE in its ORDER BY is not supported; sort by lower(...) instead")
        if len(inside) == 1 and inside[0].kind == "number" and inside[0].value.isdigit():
            keys.append(int(inside[0].value) - 1)
        elif len(inside) == 1 and inside[0].value.lower() in names:
            keys.append(names.index(inside[0].value.lower()))
        else:
            keys.append(len(columns) + len(hidden))
            hidden.append(query[term[0].start : term[-1].end])
    if not hidden:
        return query, tuple(keys)
    words = {token.value for token in outer if token.kind == "word"}
    place = next((token.start for token in outer if token.kind == "word" and token.value == "from"), None)
    if place is None or "distinct" in words or COMPOUND & words:
        raise ValueError("a DISTINCT or compound gold query must sort by columns of its result")
    return f"{query[:place]}, {', '.join(hidden)} {query[place:]}", tuple(keys)


def without_limit(query: str) -> tuple[str, int] | None:
    """``query`` without its outermost LIMIT, and the number of rows that its OFFSET skips; None when it has none.

    None also when the numbers are expressions.
    """
    outer = [token for token in tokens_of(query) if token.depth == 0 and token.value != ";"]
    starts = [i for i, token in enumerate(outer) if token.kind == "word" and token.value == "limit"]
    if not starts:
        return None
    numbers = [token.value for token in outer[starts[-1] + 1 :]]
    match [value if not value.isdigit() else int(value) for value in numbers]:
        case [int()]:
            offset = 0
        case [int(), "offset", int(skipped)] | [int(skipped), ",", int()]:
            offset = skipped
        case _:
            return None
    return query[: outer[starts[-1]].start], offset


def picks_some(query: str) -> bool:
    """Whether the query sorts rows and takes some of them, so that ties may leave its result open."""
    words = {token.value for token in tokens_of(query) if token.kind == "word"}
    return {"order", "limit"} <= words


def _order_terms(outer: Sequence[Token]) -> list[list[Token]]:
    """The tokens of each term of ORDER BY, without ASC, DESC and NULLS."""
    words = [token.value if token.kind == "word" else "" for token in outer]
    starts = [i for i in range(len(words) - 1) if words[i] == "order" and words[i + 1] == "by"]
    if not starts:
        return []
    stop = words.index("limit", starts[-1]) if "limit" in words[starts[-1] :] else len(words)
    terms: list[list[Token]] = [[]]
    for token in outer[starts[-1] + 2 : stop]:
        if token.value == "," and token.kind == "mark":
            terms.append([])
        else:
            terms[-1].append(token)
    for term in terms:
        for tail in TAILS:
            if tuple(token.value for token in term[-len(tail) :]) == tail:
                del term[-len(tail) :]
    return [term for term in terms if term]


def _unquoted(text: str) -> str:
    if text[0] == "[":
        return text[1:-1]
    return text[1:-1].replace(text[0] * 2, text[0])
