"""Patterns of self-evolution: which of the four modules evolve, and how those that do are related.

A task creator, a reasoner, an evaluator and a post-processor; the set of those that evolve is the pattern, the strategy
says whether each learns from its own labels, from what the others say, or against them (survey "Complex Reasoning of
LLMs through the Lens of Self-Evolution", 2025, sections 5.2 and 5.3).
"""
