"""Equations, polynomials and recurrences."""
