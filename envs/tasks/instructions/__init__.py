"""Texts that follow instructions."""
