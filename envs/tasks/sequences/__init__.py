"""Sequences of numbers: sorting, subsequences, sums, a stack."""
