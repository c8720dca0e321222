"""What the scorers of reasoning-gym 0.1.25 pay for answers that solve nothing, as ``reasoning_gym_survey`` found it."""

from __future__ import annotations

EXPLOITABLE: dict[str, str] = {
    "coin_flip": "its scorer takes 0 for every probability below 0.0001, which most are on hard levels",
    "game_of_life_halting": "its scorer takes any text as right",
    "prime_factorization": "its scorer raises on prose, and pays half for the number itself",
    "propositional_logic": "a weak formula follows from nearly all premises: Q or P is right on the easy items",
    "puzzle24": "its scorer does not look whether the given numbers are used: 4*3*2*1 is right always",
    "syllogism": "every answer on its easiest level is Yes",
}

UNSEEN = 0.1  # a constant that is right so often goes unseen on 30 items at one level in twenty
CEILINGS: dict[str, float] = {  # of the most frequent answer at the worst level, with a margin for chance
    "acre": 0.85,
    "aiw": 0.65,
    "basic_arithmetic": 0.2,
    "binary_alternation": 0.3,
    "calendar_arithmetic": 0.45,
    "chain_sum": 0.3,
    "circuit_logic": 0.85,
    "color_cube_rotation": 0.3,
    "count_bits": 0.35,
    "count_primes": 0.2,
    "course_schedule": 0.8,
    "decimal_chain_sum": 0.15,
    "emoji_mystery": 0.2,
    "family_relationships": 0.5,
    "gcd": 0.65,
    "isomorphic_strings": 0.8,
    "largest_island": 0.7,
    "leg_counting": 0.3,
    "letter_counting": 0.8,
    "manipulate_matrix": 0.15,
    "maze": 0.3,
    "modulo_grid": 0.4,
    "n_queens": 0.9,
    "products": 0.45,
    "ransom_note": 0.85,
    "rectangle_count": 0.55,
    "rotten_oranges": 0.95,
    "shortest_path": 0.85,
    "simple_equations": 0.15,
    "time_intervals": 0.3,
    "tower_of_hanoi": 0.45,
}
