"""Constraint puzzles: grids to fill so that every rule is kept."""
