"""What an instruction is: frozen parameters, and the question how a text breaches it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

Relation = Literal["at least", "at most", "exactly"]


class Instruction(Protocol):
    """Something that can be asked of a text, and decided by looking at it."""

    def breach(self, text: str) -> str | None:
        """None when ``text`` follows the instruction, else one printable line that says why it does not.

        Raises on no text whatever, and takes time linear in its length.
        """


@dataclass(frozen=True, slots=True)
class Count(ABC):
    """At least, at most or exactly ``count`` of something.

    Raises:
        ValueError: an unknown relation, a negative count, or "at least 0".
    """

    relation: Relation
    count: int

    def __post_init__(self) -> None:
        if self.relation not in get_args(Relation):
            raise ValueError(f"relation is one of {', '.join(get_args(Relation))}, not {self.relation!r}")
        lowest = 1 if self.relation == "at least" else 0
        if not isinstance(self.count, int) or isinstance(self.count, bool) or self.count < lowest:
            raise ValueError(f"{self.relation} takes a whole number from {lowest}, not {self.count!r}")

    def breach(self, text: str) -> str | None:
        found = self.found(text)
        kept = {
            "at least": found >= self.count,
            "at most": found <= self.count,
            "exactly": found == self.count,
        }
        return None if kept[self.relation] else f"{found} {self.thing}, not {self.relation} {self.count}"

    @property
    @abstractmethod
    def thing(self) -> str:
        """What is counted, in the plural."""

    @abstractmethod
    def found(self, text: str) -> int:
        """How many of it a text holds."""


def phrase(value: object, what: str, limit: int = 200) -> str:
    """A parameter: printable text of up to ``limit`` characters with no white space around it.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, str) or not value or value != value.strip() or not value.isprintable():
        raise ValueError(f"{what} is a line of text without spaces around it, not {value!r}")
    if len(value) > limit:
        raise ValueError(f"{what} has up to {limit} characters, not {len(value)}")
    return value


def phrases(values: object, what: str) -> tuple[str, ...]:
    """A parameter: a list of one or more texts as in ``phrase``.

    Raises:
        ValueError: it is not.
    """
    if isinstance(values, str) or not isinstance(values, list | tuple) or not values:
        raise ValueError(f"{what} is a list of one or more texts, not {values!r}")
    return tuple(phrase(value, f"each of {what}") for value in values)
