"""Agents that make tasks for others: they evolve problems, propose them, and choose what is to be practised."""
