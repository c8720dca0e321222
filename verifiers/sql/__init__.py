"""SQL answers, decided by what they return on generated databases."""

from .verifier import SqlVerifier

__all__ = ["SqlVerifier"]
