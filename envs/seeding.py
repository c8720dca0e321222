"""Seeds and generators from texts: the same in any process, on any machine."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np

STATE_BYTES = 32  # of PCG64: its state and its increment, which is odd
KNOWN = {"state": 0x0F0E0D0C0B0A09080706050403020100, "inc": 0x1F1E1D1C1B1A19181716151413121111}
LEFT_OVER = 0xABCDEF

_write_state = struct.Struct(f"{STATE_BYTES}s").pack_into  # cuts a longer digest; half the time of a slice's


class TextSeeded(np.random.Generator):
    """A generator over a PCG64, which ``reseed`` sets in a third of the time that it takes for any other.

    memory: the state where the bit generator keeps it, and half of a word that may be left over; None where numpy keeps
    them otherwise than is known here. A copy is a plain generator.
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(np.random.PCG64(seed))
        self.memory = _memory_of(self.bit_generator)


def reseed(rng: np.random.Generator, key: str) -> None:
    """Set a PCG64 generator to the state that ``key`` hashes to (256 bits: state and stream)."""
    digest = blake2b(key.encode()).digest()
    memory = rng.memory if type(rng) is TextSeeded else None
    if memory is not None:
        state, left_over = memory
        _write_state(state, 0, digest)
        state[16] |= 1
        left_over.value = 0
        return
    rng.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {
            "state": int.from_bytes(digest[:16], "little"),
            "inc": int.from_bytes(digest[16:STATE_BYTES], "little") | 1,
        },
        "has_uint32": 0,
        "uinteger": 0,
    }


def continued(rng: np.random.Generator, state: Mapping[str, Any]) -> np.random.Generator:
    """A generator in ``state``, that of a bit generator: ``rng``, since another takes ten times as long, if it can."""
    if rng.bit_generator.state["bit_generator"] != state["bit_generator"]:
        rng = np.random.Generator(getattr(np.random, state["bit_generator"])())
    rng.bit_generator.state = state
    return rng


def derive_seed(*key: int | str) -> int:
    """A 63-bit seed that is a hash of ``key``: the way to many seeds from one, without collisions between users."""
    digest = blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def _memory_of(bit_generator: np.random.BitGenerator) -> tuple[memoryview, ctypes.c_int] | None:
    """Where a PCG64 keeps its state: a struct of a pointer to it, a flag and the half word that the flag speaks of.

    The struct is numpy's own affair, so what is written the official way is looked for there first.
    """
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    before = bit_generator.state
    bit_generator.state = {**before, "state": KNOWN, "has_uint32": 1, "uinteger": LEFT_OVER}
    address = bit_generator.ctypes.state_address
    flag, half = (ctypes.c_int.from_address(address + offset) for offset in (8, 12))
    pointer = ctypes.c_uint64.from_address(address).value
    memory = None
    if (flag.value, half.value) == (1, LEFT_OVER) and address <= pointer <= address + 64:  # in the same object
        state = (ctypes.c_ubyte * STATE_BYTES).from_address(pointer)
        if bytes(state) == b"".join(KNOWN[name].to_bytes(16, "little") for name in ("state", "inc")):
            memory = memoryview(state).cast("B"), flag
    bit_generator.state = before
    return memory
