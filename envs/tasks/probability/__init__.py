"""Counting and chance, as exact numbers."""
