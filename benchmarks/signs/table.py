"""The signs, by name."""

from __future__ import annotations

from . import (
    alphamath,
    autoprm,
    cloud,
    guesses_searched,
    her,
    her_bits,
    lema,
    mcts,
    one_backbone,
    overthinking,
    perplexity,
    program_of_thought,
    rest_react,
    revthink,
    rl4f,
    self_debugging,
    spag,
    svpo,
    universal_self_consistency,
    ways_back,
)
from .sign import Sign

MODULES = (
    alphamath,
    autoprm,
    cloud,
    guesses_searched,
    her,
    her_bits,
    lema,
    mcts,
    one_backbone,
    overthinking,
    perplexity,
    program_of_thought,
    rest_react,
    revthink,
    rl4f,
    self_debugging,
    spag,
    svpo,
    universal_self_consistency,
    ways_back,
)

SIGNS: dict[str, Sign] = {one.SIGN.name: one.SIGN for one in MODULES}
