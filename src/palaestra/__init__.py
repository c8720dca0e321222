"""Palaestra: Gym-style environments and agents for reasoning, and the loop that evolves them."""

__version__ = "0.1.0"
