"""Text spaces: any Unicode, checked by type and length only; Gymnasium's vectors and PettingZoo's tests take them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from typing import Any, ClassVar, overload

import numpy as np
from gymnasium.spaces import Space
from gymnasium.vector.utils import (
    create_empty_array,
    create_shared_memory,
    read_from_shared_memory,
    write_to_shared_memory,
)

SAMPLE_CHARS = "0123456789abcxyz =+-*/{}\\é漢🙂"  # what `sample` draws from
SAMPLE_LENGTH = 16  # and at most how many
BYTES_PER_CHAR = 4  # the longest UTF-8 code
HEADER = 8  # bytes that hold a text's encoded length in shared memory


class TextObs(str):
    """A string with the ``dtype`` that PettingZoo's ``api_test`` reads from every observation."""

    __slots__ = ()
    dtype: ClassVar[np.dtype[np.str_]] = np.dtype(str)


class UnicodeText(Space[str]):
    """All strings of at most ``max_length`` characters.

    Gymnasium's ``Text`` lists its characters, which costs a second and a megabyte for Unicode; here membership is
    type and length, so a space is a few hundred bytes and ``contains`` takes constant time.
    """

    def __init__(self, max_length: int, seed: int | np.random.Generator | None = None) -> None:
        if max_length < 1:
            raise ValueError(f"max_length is at least 1, not {max_length}")
        self.max_length = int(max_length)
        super().__init__(dtype=str, seed=seed)

    def contains(self, x: Any) -> bool:
        return isinstance(x, str) and len(x) <= self.max_length

    def sample(self, mask: None = None, probability: None = None) -> str:
        """A short random text, some of it beyond ASCII; masks have no meaning here and are refused."""
        if mask is not None or probability is not None:
            raise ValueError("UnicodeText cannot be masked: choose among the legal texts yourself")
        length = int(self.np_random.integers(0, min(SAMPLE_LENGTH, self.max_length) + 1))
        return TextObs("".join(SAMPLE_CHARS[i] for i in self.np_random.integers(0, len(SAMPLE_CHARS), length)))

    @property
    def is_np_flattenable(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnicodeText) and self.max_length == other.max_length

    __hash__ = None  # type: ignore[assignment]  # spaces are mutable: they hold a generator

    def __repr__(self) -> str:
        return f"UnicodeText({self.max_length})"


# AsyncVectorEnv keeps observations in shared memory by default and asks these functions how. A text is stored as its
# encoded length and its UTF-8 bytes; surrogatepass, because a space admits any string.


class SharedTexts(Sequence[str]):
    """The present texts of a vector's environments.

    AsyncVectorEnv reads shared memory once, when it is made, and then returns deep copies of what it read. Arrays stay
    current since they view the memory; strings would not, so this is a view too, and its deep copy a tuple of texts.
    """

    def __init__(self, memory: Any, n: int, slot: int) -> None:
        self._bytes = memoryview(memory.get_obj()).cast("B")
        self._starts = range(0, n * slot, slot)

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self)[index]
        body = self._starts[index] + HEADER
        length = int.from_bytes(self._bytes[body - HEADER : body], "little")
        return TextObs(bytes(self._bytes[body : body + length]).decode("utf-8", "surrogatepass"))

    def __deepcopy__(self, memo: dict[int, Any]) -> tuple[str, ...]:
        return tuple(self)


@create_shared_memory.register(UnicodeText)
def _create(space: UnicodeText, n: int = 1, ctx: Any = multiprocessing) -> Any:
    return ctx.Array("B", n * _slot(space))


@write_to_shared_memory.register(UnicodeText)
def _write(space: UnicodeText, index: int, values: str, shared_memory: Any) -> None:
    data = values.encode("utf-8", "surrogatepass")
    body = index * _slot(space) + HEADER
    memory = memoryview(shared_memory.get_obj()).cast("B")
    memory[body - HEADER : body] = len(data).to_bytes(HEADER, "little")
    memory[body : body + len(data)] = data


@read_from_shared_memory.register(UnicodeText)
def _read(space: UnicodeText, shared_memory: Any, n: int = 1) -> SharedTexts:
    return SharedTexts(shared_memory, n, _slot(space))


@create_empty_array.register(UnicodeText)
def _empty(space: UnicodeText, n: int = 1, fn: Any = None) -> tuple[str, ...]:
    return (TextObs(""),) * n


def _slot(space: UnicodeText) -> int:
    return HEADER + BYTES_PER_CHAR * space.max_length
