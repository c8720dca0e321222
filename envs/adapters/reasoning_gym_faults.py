"""What the scorers of reasoning-gym 0.1.25 pay to answers that solve nothing, as measured."""

from __future__ import annotations

EXPLOITABLE: dict[str, str] = {
    "game_of_life_halting": "its scorer takes any text as right",
    "puzzle24": "its scorer does not look whether the given numbers are used: 4*3*2*1 is right always",
    "prime_factorization": "its scorer raises on text that is no list of numbers",
}

CEILINGS: dict[str, float] = {}
