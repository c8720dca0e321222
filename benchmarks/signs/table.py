"""The signs, by name."""

from __future__ import annotations

from . import (
    autoprm,
    her,
    her_bits,
    lema,
    overthinking,
    perplexity,
    program_of_thought,
    revthink,
    rl4f,
    universal_self_consistency,
)
from .sign import Sign

MODULES = (
    autoprm,
    her,
    her_bits,
    lema,
    overthinking,
    perplexity,
    program_of_thought,
    revthink,
    rl4f,
    universal_self_consistency,
)

SIGNS: dict[str, Sign] = {one.SIGN.name: one.SIGN for one in MODULES}
