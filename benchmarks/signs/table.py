"""The signs, by name."""

from __future__ import annotations

from . import autoprm, lema, perplexity, revthink
from .sign import Sign

SIGNS: dict[str, Sign] = {one.SIGN.name: one.SIGN for one in (lema, perplexity, revthink, autoprm)}
