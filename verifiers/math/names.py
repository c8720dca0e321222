r"""What the left side of an equation names: ``x``, ``x_1``, ``\theta``, ``y'``, ``P(X=3)``, ``\overline{AB}``."""

from __future__ import annotations

import re

from . import units
from .brackets import encloses
from .expression import parse_tokens
from .tokens import DECORATIONS, FRACTIONS
from .tree import CONSTANTS, INFINITY, ParseError, Symbol

ELEMENTS = frozenset(
    """He Li Be Ne Na Mg Al Si Cl Ar Ca Sc Ti Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Zr Nb Mo Tc Ru Rh Pd Ag Cd In
    Sn Sb Te Xe Cs Ba La Ce Nd Eu Gd Hf Ta Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa Np Pu Am""".split()  # noqa: SIM905
)
ALONE = ELEMENTS | units.MIXED | {"No", "On", "Up", "pH"}  # products of letters, but for where they are all there is
RELATED = frozenset(("=", "<", ">", "<=", ">=", r"\neq", r"\in", r"\cap", r"\cup"))  # in no product of letters
EXPECTED = frozenset(("E", "Var", r"\mathbb{E}", r"\text{Var}", r"\operatorname{Var}", r"\mathrm{Var}"))
DERIVATIVE = re.compile(r"(d[a-z])/(d[a-z])", re.ASCII)
INVERSE = re.compile(r"[fghFGH]\^(?:\{-1\}|-1)", re.ASCII)
LENGTH = re.compile(r"\|[A-Z]{2}\|", re.ASCII)  # |x| is no name: x may be of either sign


def name_of(tokens: list[str]) -> str:
    """The name that a side is; empty when it is none."""
    if len(tokens) == 1:
        return tokens[0] if tokens[0] in ALONE else _symbol(tokens)
    if tokens and tokens[0] in DECORATIONS:
        return _symbol(tokens)
    spelled = "".join(tokens)
    if LENGTH.fullmatch(spelled):
        return spelled
    if len(tokens) == 7 and tokens[0] in FRACTIONS:  # \frac { dy } { dx }
        spelled = f"{tokens[2]}/{tokens[5]}"
    return spelled if DERIVATIVE.fullmatch(spelled) or _is_function(tokens) else ""


def _symbol(tokens: list[str]) -> str:
    try:
        node = parse_tokens(tokens)
    except ParseError:
        return ""
    return node.name if isinstance(node, Symbol) and node.name not in CONSTANTS | {INFINITY} else ""


def _is_function(tokens: list[str]) -> bool:
    """Whether tokens spell a function of letters, ``f(x,y)``, ``f'(x)`` or ``f^{-1}(x)``, a probability or mean."""
    start = next((index for index, token in enumerate(tokens) if token in ("(", "[")), len(tokens))
    head, group = "".join(tokens[:start]), tokens[start:]
    letter = head.rstrip("'")
    if not group:
        return letter != head and _is_letter(letter)
    if not encloses(group):
        return False
    inner = group[1:-1]
    if head in EXPECTED:
        return True
    if group[0] == "[":
        return False
    if head in ("P", "Pr") and (RELATED & set(inner) or inner.count("|") == 1):
        return True
    letters = [token for token in inner if token != ","]
    return bool(letters) and all(map(_is_letter, letters)) and (_is_letter(letter) or bool(INVERSE.fullmatch(head)))


def _is_letter(text: str) -> bool:
    return len(text) == 1 and text.isalpha()
