"""Matrices of whole numbers."""
