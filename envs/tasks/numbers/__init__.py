"""Arithmetic and elementary number theory."""
