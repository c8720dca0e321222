"""Text of a stranger in a reason or in evidence."""

from __future__ import annotations

MAX_SHOWN = 80  # characters


def quoted(text: str, limit: int = MAX_SHOWN) -> str:
    """``text`` as one printable ASCII line of about ``limit`` characters, which can be logged whatever it holds."""
    clipped = text if len(text) <= limit else text[:limit] + "..."
    return clipped if clipped.isascii() and clipped.isprintable() else ascii(clipped)[1:-1]
