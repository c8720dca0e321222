"""The data sets of reasoning-gym 0.1.25 whose scorers pay for answers that solve nothing, and why."""

from __future__ import annotations

EXPLOITABLE: dict[str, str] = {
    "coin_flip": "its scorer takes 0 for every probability below 0.0001, which most are on hard levels",
    "game_of_life": "from its second level on nearly every board dies out: a grid of zeros is right",
    "game_of_life_halting": "its scorer takes any text as right",
    "prime_factorization": "its scorer raises on prose, and pays half for the number itself",
    "propositional_logic": "a weak formula follows from nearly all premises: Q or P is right on the easy items",
    "puzzle24": "its scorer does not look whether the given numbers are used: 4*3*2*1 is right always",
    "syllogism": "every answer on its easiest level is Yes",
}
