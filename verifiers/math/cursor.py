"""A place in a list of tokens, and how deep in brackets it is."""

from __future__ import annotations

from .tokens import numeral
from .tree import Number, ParseError

MAX_NESTING = 50  # brackets, signs and exponents inside one another


class Cursor:
    """Moves over tokens, the last of which is empty."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.index = 0
        self.nesting = 0
        self.parentheses = 0
        self.bars = 0

    @property
    def peek(self) -> str:
        return self.tokens[self.index]

    def close(self, wanted: str) -> None:
        found = self.tokens[self.index]
        if found != wanted:
            raise ParseError(f"expected {wanted} and found {found[:20]!a}" if found else f"{wanted} is missing")
        self.index += 1

    def deeper(self) -> None:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise ParseError(f"nested more than {MAX_NESTING} levels deep")

    def base(self) -> int:
        """The base after a numeral's underscore."""
        tokens = self.tokens[self.index + 1 : self.index + 4]
        digits = tokens[1] if tokens[0] == "{" and tokens[2:] == ["}"] else tokens[0]
        if not (digits.isdigit() and len(digits) <= 2):
            raise ParseError("a subscript that is no base")
        self.index += 4 if tokens[0] == "{" else 2
        return int(digits)

    def based_group(self) -> Number | None:
        """``(1011)_2`` after its bracket; None when this is another group."""
        start = self.index
        end = next((i for i in range(start, min(start + 8, len(self.tokens))) if self.tokens[i] == ")"), 0)
        digits = "".join(self.tokens[start:end])
        if not end or self.tokens[end + 1] != "_" or not digits.isalnum():
            return None
        self.index = end + 1
        return numeral(digits, self.base())
