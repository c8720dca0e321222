r"""An answer's text, read into a ``Value``: split outside brackets, loosest first, down to expressions.

    statement= relations joined by "or" and "and", or items joined by "," ";" "and" "or"
    relation = union (("=" | "<" | ">" | "<=" | ">=" | "\neq") union)* | letter "\in" union
    union    = item (("\cup" | "\cap" | "\setminus") item)*
    item     = ( items ) | [ items ] | ( items ] | [ items ) | \{ items \} | \{ x : relation \}
             | [factor] matrix | a:b | expression with "\pm" | expression | words

Readings that could be taken two ways:

- A comma inside brackets parts two items: ``(1,200)`` is a pair; ``(1,000)`` is refused, since no item is ``000``.
  Outside brackets ``1,200`` is one number and ``1, 200`` are two.
- ``(1,2)`` is a pair, or an interval where it is compared with one.
- ``x = 1, 2`` gives x both values. ``x = 2+3 = 5`` is a value, since both sides agree; ``x = 3 = 7`` is refused.
- Letters alone are words rather than a product when there are two or more of them with three or more letters in one
  (``the cat``), or when a run is a short English word (``no``).
"""

from __future__ import annotations

import re
from typing import cast

from . import regions
from .brackets import encloses, outside, part_numbers, split
from .equality import equal
from .evaluation import TooLarge, Undefined
from .expression import parse_tokens
from .matrices import read_matrix
from .names import ALONE, name_of
from .policy import MathPolicy
from .tokens import CALLED, GREEK, words_of
from .tree import CONSTANTS, UNKNOWN_BASE, Node, Operation, ParseError, Symbol, constant, substitute, symbols
from .values import Kind, Listing, Matrix, Named, Piece, Ratio, Region, Relation, Value, nodes

MAX_ITEMS = 300
MAX_LEVELS = 6  # brackets around listings inside one another

ORDER = frozenset(("<", ">", "<=", ">=", r"\neq", r"\in"))
SIGNS = ORDER | {"="}
CONNECTIVES = {"or": "or", "and": "and", r"\vee": "or", r"\wedge": "and"}
COMMAS = frozenset((",", ";"))
ITEMS = COMMAS | {"or", "and"}
JOINING = SIGNS | {r"\cup", r"\cap", r"\setminus", "U"}
SETS = {r"\cup": regions.union, r"\cap": regions.intersection, r"\setminus": regions.minus}
REAL_NUMBERS = frozenset(("R", "all real numbers", "all reals", "real numbers"))
SHORT_WORDS = frozenset(
    """yes no not none all any odd even one two six ten red tie win day mon tue wed thu fri sat sun cat dog her his man
    men boy up on is it tea eat ate""".split()  # noqa: SIM905
)
DELIMITED = re.compile(r"\$\$(.*)\$\$|\$(.*)\$|\\\((.*)\\\)|\\\[(.*)\\\]", re.DOTALL)


def without_delimiters(text: str) -> str:
    r"""The text inside ``$...$``, ``\(...\)`` and the like."""
    text = text.strip()
    match = DELIMITED.fullmatch(text)
    return match[match.lastindex or 0].strip() if match else text


def read_tokens(tokens: list[str], policy: MathPolicy) -> Value:
    """Read the tokens of an answer that is no date or time (``dates`` reads those from the text).

    Raises:
        ParseError: outside the grammar, or past a bound.
        Undefined, TooLarge: a set whose ends cannot be ordered.
    """
    return _Reader(policy).statement(tokens)


class _Reader:
    """Reads the value that tokens spell; how deep in brackets it is is all its state."""

    def __init__(self, policy: MathPolicy) -> None:
        self.policy = policy
        self.level = 0

    def statement(self, tokens: list[str]) -> Value:
        if not tokens:
            raise ParseError("there is nothing in it")
        tokens = [CONNECTIVES.get(words_of(token) or token, token) for token in tokens]
        followed = zip(tokens, [*tokens[1:], ""], strict=True)
        tokens = [token for token, after in followed if token != "," or after not in ("or", "and")]
        seen = {token for _, token in outside(tokens)}
        if seen & ORDER:
            return self.logic(tokens)
        if not seen & ITEMS:
            return self.relation(tokens) if seen & JOINING else self.item(tokens)
        return _listed("or" if "or" in seen else "bare", [self.relation(part) for part in self.parts(tokens, ITEMS)])

    def logic(self, tokens: list[str]) -> Value:
        """Relations joined by "or", more tightly by "and", more tightly by commas."""
        for separators, kind in ((("or",), "or"), (("and",), "and"), (COMMAS, "bare")):
            parts = self.parts(tokens, frozenset(separators))
            if len(parts) > 1:
                return Listing(cast(Kind, kind), tuple(map(self.logic, parts)))
        return self.relation(tokens)

    def parts(self, tokens: list[str], separators: frozenset[str]) -> list[list[str]]:
        parts = split(tokens, separators)
        if len(parts) > MAX_ITEMS:
            raise ParseError(f"more than {MAX_ITEMS} items")
        return parts

    def relation(self, tokens: list[str]) -> Value:
        places = [(index, token) for index, token in outside(tokens) if token in SIGNS]
        if not places:
            return self.union(tokens)
        sides = split(tokens, SIGNS)
        signs = tuple("neq" if token == r"\neq" else token for _, token in places)
        if r"\in" in signs:
            name = name_of(sides[0])
            if len(signs) > 1 or not name:
                raise ParseError("no single letter is said to be in the set")
            return Named(name, self.union(sides[1]), "in")
        if set(signs) == {"="}:
            return self.equation(sides)
        relation = Relation(tuple(map(self.scalar, sides)), signs)
        if not any(symbols(side) - CONSTANTS for side in relation.sides):
            raise ParseError("a relation without unknowns is not a value")
        return relation

    def equation(self, sides: list[list[str]]) -> Value:
        if pair := self.named_tuple(sides):
            return pair
        if len(sides) == 2 and not name_of(sides[0]) and name_of(sides[1]):
            sides = sides[::-1]
        if name := name_of(sides[0]):
            values = [self.union(side) for side in sides[1:]]
            if any(value != values[0] and not _same_number(value, values[0]) for value in values):
                raise ParseError("the sides of the chain differ")
            if not any(name in symbols(node) for node in nodes(values[-1])):
                return Named(name, values[-1], "=")
        relation = Relation(tuple(map(self.scalar, sides)), ("=",) * (len(sides) - 1))
        if len(sides) > 2 or not any(symbols(side) - CONSTANTS for side in relation.sides):
            raise ParseError("an equation is not a value")
        return relation

    def named_tuple(self, sides: list[list[str]]) -> Listing | None:
        """``(x,y) = (1,2)``: what each letter is."""
        if len(sides) != 2 or not all(side[:1] == ["("] and encloses(side) for side in sides):
            return None
        names, values = (self.parts(part_numbers(side[1:-1]), COMMAS) for side in sides)
        found = [name_of(part) for part in names]
        if not len(names) == len(values) == len({*found} - {""}) > 1:
            return None
        pairs = zip(found, map(self.union, values), strict=True)
        return Listing("()", tuple(Named(name, value, "=") for name, value in pairs))

    def union(self, tokens: list[str]) -> Value:
        tokens = [r"\cup" if t == "U" and _between_brackets(tokens, k) else t for k, t in enumerate(tokens)]
        places = [token for _, token in outside(tokens) if token in SETS]
        if not places:
            return self.item(tokens)
        parts = [regions.as_region(self.item(part)) for part in self.parts(tokens, frozenset(SETS))]
        total = parts[0]
        for sign, part in zip(places, parts[1:], strict=True):
            if total is None or part is None:
                raise ParseError(f"{sign} of what is no set of numbers")
            total = SETS[sign](total, part)
        assert total is not None
        return total

    def item(self, tokens: list[str]) -> Value:
        if not tokens:
            raise ParseError("nothing where a value should be")
        if tokens == [r"\emptyset"]:
            return Listing("{}", ())
        if (" ".join(tokens) if tokens[0].isalpha() and len(tokens) > 1 else words_of(tokens[0])) in REAL_NUMBERS:
            return regions.REALS
        if tokens[0] != "{" and encloses(tokens):
            return self.bracketed(tokens)
        if any(token.startswith(r"\begin") for token in tokens):
            return read_matrix(tokens, self.scalar)
        if r"\pm" in tokens or r"\mp" in tokens:
            signs = {r"\pm": "+", r"\mp": "-"}, {r"\pm": "-", r"\mp": "+"}
            return Listing("or", tuple(self.scalar([sign.get(token, token) for token in tokens]) for sign in signs))
        terms = split(tokens, frozenset(":"))
        return Ratio(tuple(map(self.scalar, terms))) if len(terms) > 1 else self.scalar(tokens)

    def bracketed(self, tokens: list[str]) -> Value:
        opening, inner, end = tokens[0], part_numbers(tokens[1:-1]), tokens[-1]
        if (opening == r"\{") != (end == r"\}") or end == "}":
            raise ParseError(f"{opening} closes with {end}")
        self.level += 1
        if self.level > MAX_LEVELS:
            raise ParseError(f"brackets nested more than {MAX_LEVELS} deep")
        value = self.braced(inner) if opening == r"\{" else self.round_or_square(opening, inner, end, tokens)
        self.level -= 1
        return value

    def braced(self, inner: list[str]) -> Value:
        bar = next((index for index, token in enumerate(inner) if token in ("|", ":")), 0)
        if bar and (name := name_of(inner[:1])) and (bar == 1 or (inner[1] == r"\in" and bar == 3)):
            solved = regions.solve(self.logic(inner[bar + 1 :]))
            if solved is None or solved[0] != name or (bar == 3 and words_of(inner[2]) != "R"):
                raise ParseError("a set whose condition is not solved")
            return solved[1]
        return Listing("{}", tuple(map(self.relation, self.parts(inner, COMMAS))) if inner else ())

    def round_or_square(self, opening: str, inner: list[str], end: str, tokens: list[str]) -> Value:
        parts = self.parts(inner, COMMAS)
        if len(parts) == 1:
            return self.grouped(inner, tokens)
        items = tuple(map(self.relation, parts))
        mixed = (opening == "(") != (end == ")")
        if len(items) == 2 and (mixed or any(map(regions.infinite, items))):
            ends = [item for item in items if isinstance(item, Node)]
            if len(ends) == 2:
                return Region((Piece(ends[0], ends[1], opening == "[", end == "]"),))
        if mixed:
            raise ParseError(f"{opening} closes with {end}")
        return Listing("()" if opening == "(" else "[]", items)

    def grouped(self, inner: list[str], tokens: list[str]) -> Value:
        """Brackets around one thing: around a number or a matrix they change nothing."""
        try:
            return self.scalar(tokens)
        except ParseError:
            value = self.relation(inner)
            return Listing("[]", (value,)) if tokens[0] == "[" and not isinstance(value, Matrix) else value

    def scalar(self, tokens: list[str]) -> Node:
        node = _words(tokens) or parse_tokens(tokens)
        if self.policy.percent == "number":
            node = _without_percent(node)
        if self.policy.log != "unknown":
            node = substitute(node, {UNKNOWN_BASE: Symbol("e") if self.policy.log == "e" else constant(10)})
        return node


def _listed(kind: Kind, items: list[Value]) -> Value:
    """A listing; when one letter has all the values (``x = 1, 2`` or ``x = 1, x = 2``), that letter's values."""
    first, names = items[0], {item.name for item in items if isinstance(item, Named)}
    if not isinstance(first, Named) or first.how != "=" or len(names) > 1:
        return Listing(kind, tuple(items))
    return Named(first.name, Listing(kind, tuple(i.value if isinstance(i, Named) else i for i in items)), "=")


def _words(tokens: list[str]) -> Symbol | None:
    """The name that plain words are; None for letters that are a product, or anything else."""
    if len(tokens) == 1 and tokens[0] in ALONE:
        return Symbol(tokens[0])
    if not tokens or not all(token.isalpha() for token in tokens):
        return None
    if any(token in CALLED or f"\\{token}" in GREEK for token in tokens):
        return None
    wordy = any(token in SHORT_WORDS or (len(token) > 2 and len(tokens) > 1) for token in tokens)
    return Symbol(" ".join(tokens)) if wordy else None


def _between_brackets(tokens: list[str], index: int) -> bool:
    return (
        0 < index < len(tokens) - 1
        and tokens[index - 1] in (")", "]", r"\}")
        and tokens[index + 1] in ("(", "[", r"\{")
    )


def _same_number(a: Value, b: Value) -> bool:
    try:
        return isinstance(a, Node) and isinstance(b, Node) and equal(a, b, "chain") is True
    except (Undefined, TooLarge):
        return False


def _without_percent(node: Node) -> Node:
    if not isinstance(node, Operation):
        return node
    args = tuple(map(_without_percent, node.args))
    return args[0] if node.op == "%" else Operation(node.op, args)
