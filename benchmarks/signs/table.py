"""The signs, by name."""

from __future__ import annotations

from importlib import import_module

from .sign import Sign

MODULES = (
    *("alphamath", "autoprm", "cloud", "guesses_searched", "her", "her_bits", "lema", "mcts", "one_backbone"),
    *("overthinking", "perplexity", "program_of_thought", "rest_react", "revthink", "rl4f", "self_debugging", "spag"),
    *("svpo", "universal_self_consistency", "ways_back"),
)

SIGNS: dict[str, Sign] = {one.name: one for one in (import_module(f".{name}", __package__).SIGN for name in MODULES)}
