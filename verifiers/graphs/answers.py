r"""The text grammar of answers about graphs: lists of nodes, lists of edges, mappings and numbers.

The answer is the inside of the last ``\boxed{}``; without one, the last closed fenced block; without one, what follows
``####`` or "answer is"; without these, the whole response. Nothing is searched for inside it::

    nodes    = [open] (name (sep? name)*)? [close]         A -> B -> C    [1, 2, 3]    A B C    {}
    edges    = [open] (edge (sep? edge)*)? [close]         (A, B), (B, C)    A-B; B->C
    edge     = open name (sep | link) name close | name link name
    mapping  = [open] (key is value (sep? key is value)*)? [close]        A: red, B: blue    (A, B): 3
    sep      = "," | ";" | line end                 link = "->" | "=>" | "-"                is = ":" | "=" | link
    number   = ["-"] digits ["." digits | "/" digits]

In a list of nodes a link is one more separator, and in a mapping of edges only ``:`` and ``=`` stand before the value.
Brackets are ``()``, ``[]`` and ``{}``, and close as they open. Quotes, ``$``, and a full stop at the end are dropped;
``\to``, ``\rightarrow``, ``\{`` and ``\}`` are what they show. Names are letters, digits and ``_``, in their case.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from typing import TypeVar

from ..extract import extract_answer, last_boxed
from ..fenced import last_fenced
from ..latex import unspaced
from ..quoting import quoted
from ..verdict import Verdict, right, wrong

LANGUAGES = ("", "text", "txt", "plaintext", "json", "python")
MAX_LENGTH = 50_000  # characters of an answer
MAX_DIGITS = 30  # of a number
NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
PLAIN_MAPPING = re.compile(r"[A-Za-z0-9_]{1,64}: [A-Za-z0-9_]{1,64}(?:, [A-Za-z0-9_]{1,64}: [A-Za-z0-9_]{1,64})*")
PLAIN_NODES = re.compile(r"[A-Za-z0-9_]{1,64}(?:(?:, | -> )[A-Za-z0-9_]{1,64})*")

_TOKEN = re.compile(
    r"[0-9]+\.[0-9]+|[A-Za-z0-9_]+|->|=>|\\?[{}]|\\(?:to|(?:long)?rightarrow)(?![a-zA-Z])|[^\S\n]+|\n|.", re.DOTALL
)
_LINKS = frozenset(("->", "=>", "-"))
_SPELLED = {
    "\u2192": "->",
    r"\to": "->",
    r"\rightarrow": "->",
    r"\longrightarrow": "->",
    "\u2013": "-",
    "\u2014": "-",
    r"\{": "{",
    r"\}": "}",
}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_DROPPED = frozenset("'\"`$")

Key = TypeVar("Key")
Value = TypeVar("Value")
Item = TypeVar("Item")


class AnswerError(ValueError):
    """The answer is not of the grammar or breaks a rule; the message is the verdict's reason."""


def judge(response: str, check: Callable[[Reader], str]) -> Verdict:
    """RIGHT with the reason that ``check`` gives, or WRONG with that of the AnswerError that it raises."""
    text = find_answer(response)
    if not text:
        return wrong("no answer found")
    try:
        reason = check(Reader(text))
    except AnswerError as error:
        return wrong(str(error), answer=quoted(text))
    return right(reason, answer=quoted(text))


class GraphVerifier(ABC):
    """A question about graphs: its answer is whatever keeps the rules that ``_check`` holds it against."""

    __slots__ = ()

    def verify(self, response: str) -> Verdict:
        return judge(response, self._check)

    @abstractmethod
    def _check(self, reader: Reader) -> str:
        """Why the answer is right. Raises AnswerError when it is not."""


def find_answer(response: str) -> str:
    text = last_boxed(response)
    if text is None:
        text = last_fenced(response, LANGUAGES)
    if text is None:
        extraction = extract_answer(response, ("hash", "phrase", "whole"))
        text = extraction.text if extraction else ""
    return text.strip()


class Reader:
    """Reads one answer to its end; each of its methods takes all of it.

    Raises:
        AnswerError: from any method: the text is not what is asked for, or longer than ``MAX_LENGTH``.
    """

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise AnswerError(f"the answer is longer than {MAX_LENGTH} characters")
        self.text = unspaced(text).strip().removesuffix(".")
        self.index = 0

    @cached_property
    def tokens(self) -> list[str]:
        tokens = [_SPELLED.get(token, token) for token in _TOKEN.findall(self.text)]
        return [token for token in tokens if token not in _DROPPED and (token == "\n" or not token.isspace())]

    def nodes(self) -> list[str]:
        if PLAIN_NODES.fullmatch(self.text):  # the usual list, at a tenth of the cost
            return self.text.replace(" -> ", ", ").split(", ")
        return self._list(self._name, links=True)

    def edges(self) -> list[tuple[str, str]]:
        if len(self.tokens) == 5 and self.tokens[2] == ",":  # (A, B) alone is an edge, no bracket around a list
            edge = self._edge()
            self._end()
            return [edge]
        return self._list(self._edge)

    def node_mapping(self) -> dict[str, str]:
        if PLAIN_MAPPING.fullmatch(self.text):  # the usual mapping, at a tenth of the cost
            pairs = self.text.split(", ")
            found = dict([pair.split(": ") for pair in pairs])
            if len(found) == len(pairs):
                return found
        return self._mapping(self._name, self._name, _LINKS | {":", "="})

    def edge_mapping(self) -> dict[tuple[str, str], Fraction]:
        return self._mapping(self._edge, self._number, frozenset((":", "=")))

    def number(self) -> Fraction:
        value = self._number()
        self._end()
        return value

    def _mapping(self, key: Callable[[], Key], value: Callable[[], Value], is_: frozenset[str]) -> dict[Key, Value]:
        def pair() -> tuple[Key, Value]:
            name = key()
            if self._take() not in is_:
                raise self._unexpected(f"one of {' '.join(sorted(is_))}")
            return name, value()

        found: dict[Key, Value] = {}
        for name, given in self._list(pair):
            if name in found:
                raise AnswerError(f"{shown(name)} is given twice")
            found[name] = given
        return found

    def _list(self, item: Callable[[], Item], links: bool = False) -> list[Item]:
        self._skip_lines()
        closing = self._take_outer_bracket()
        self._skip_lines()
        items: list[Item] = []
        while self._peek() not in ("", closing):
            items.append(item())
            if self._peek() in (",", ";") or (links and self._peek() in _LINKS):
                self._take()
                self._skip_lines()
                if self._peek() in ("", closing):
                    raise self._unexpected("one more item")
            self._skip_lines()
        if closing and self._take() != closing:
            raise self._unexpected(closing)
        self._end()
        return items

    def _take_outer_bracket(self) -> str:
        """The bracket that closes the whole list, if one opens it: ``(A, B), (C, D)`` has none."""
        first = self._peek()
        if first not in _CLOSING:
            return ""
        depth = 0
        for index, token in enumerate(self.tokens[self.index :], self.index + 1):
            depth += (token in _CLOSING) - (token in _CLOSING.values())
            if depth == 0 and any(later != "\n" for later in self.tokens[index:]):
                return ""
            if depth == 0:
                break
        self._take()
        return _CLOSING[first]

    def _name(self) -> str:
        token = self._take()
        if not NAME.fullmatch(token):
            raise self._unexpected("a node")
        return token

    def _edge(self) -> tuple[str, str]:
        closing = _CLOSING.get(self._peek())
        if closing:
            self._take()
        first, link = self._name(), self._take()
        if link not in _LINKS and not (closing and link == ","):
            raise self._unexpected("an edge")
        second = self._name()
        if closing and self._take() != closing:
            raise self._unexpected(closing)
        return first, second

    def _number(self) -> Fraction:
        sign = -1 if self._peek() == "-" and self._take() else 1
        whole, point, decimals = self._take().partition(".")
        value = Fraction(self._digits(whole + decimals), 10 ** len(decimals))
        if self._peek() == "/" and not point:
            self._take()
            below = self._digits(self._take())
            if below == 0:
                raise AnswerError("a number is divided by zero")
            value /= below
        return sign * value

    def _digits(self, token: str) -> int:
        if not (token.isascii() and token.isdigit() and len(token) <= MAX_DIGITS):
            raise self._unexpected("a number")
        return int(token)

    def _end(self) -> None:
        self._skip_lines()
        if self._peek():
            self._take()
            raise self._unexpected("nothing more")

    def _skip_lines(self) -> None:
        while self._peek() == "\n":
            self.index += 1

    def _peek(self) -> str:
        return self.tokens[self.index] if self.index < len(self.tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self.index += 1
        return token

    def _unexpected(self, wanted: str) -> AnswerError:
        token = self.tokens[self.index - 1] if 0 < self.index <= len(self.tokens) else ""
        found = "the end" if token in ("", "\n") else f"'{quoted(token)}'"
        return AnswerError(f"expected {wanted}, found {found}")


def shown(name: object) -> str:
    """A node or an edge in a reason."""
    return f"{name[0]}-{name[1]}" if isinstance(name, tuple) else str(name)
