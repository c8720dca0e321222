"""Tokens inside and outside brackets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from .tokens import is_numeral
from .tree import ParseError

OPENING = frozenset(("(", "[", "{", r"\{"))
CLOSING = frozenset((")", "]", "}", r"\}"))
MAX_DEPTH = 60  # above what any reading of them reaches


def outside(tokens: list[str]) -> Iterator[tuple[int, str]]:
    """The tokens outside all brackets, each with its index. ``(1,2]`` is one bracket: any closes any.

    Raises:
        ParseError: a bracket closes that was never opened, or the reverse; or too many stand inside one another.
    """
    depth = 0
    for index, token in enumerate(tokens):
        if token in OPENING or token.startswith(r"\begin"):
            depth += 1
            if depth > MAX_DEPTH:
                raise ParseError(f"brackets nested more than {MAX_DEPTH} deep")
        elif token in CLOSING or token.startswith(r"\end"):
            depth -= 1
            if depth < 0:
                raise ParseError(f"unexpected {token!a}")
        elif depth == 0:
            yield index, token
    if depth:
        raise ParseError("a bracket never closes")


def split(tokens: list[str], separators: frozenset[str]) -> list[list[str]]:
    """What stands between the separators that are outside all brackets."""
    ends = [-1, *(index for index, token in outside(tokens) if token in separators), len(tokens)]
    return [tokens[start + 1 : end] for start, end in pairwise(ends)]


def encloses(tokens: list[str]) -> bool:
    """Whether the first token is a bracket that the last one closes."""
    if not tokens or tokens[0] not in OPENING or tokens[-1] not in CLOSING:
        return False
    depth = 0
    for token in tokens[:-1]:
        depth += (token in OPENING) - (token in CLOSING)
        if depth == 0:
            return False
    return depth == 1


def part_numbers(tokens: list[str]) -> list[str]:
    """The tokens with ``1,200`` taken for two numbers, as it is inside brackets.

    Raises:
        ParseError: one of the numbers would start with a zero, as in ``1,000``: then it was meant as one.
    """
    parted: list[str] = []
    for token in tokens:
        if is_numeral(token) and "," in token:
            numbers = token.split(",")
            if any(number[:1] == "0" and number[1:2].isdigit() for number in numbers):
                raise ParseError(f"{token[:20]} inside brackets could be one number or several")
            for number in numbers[:-1]:
                parted += [number, ","]
            parted.append(numbers[-1])
        else:
            parted.append(token)
    return parted
