"""What ``restore`` of every environment refuses alike."""

from __future__ import annotations


def expect(kind: type, state: object) -> None:
    """Raises:
    ValueError: ``state`` is no snapshot of this kind.
    """
    if not isinstance(state, kind):
        raise ValueError(f"restore takes the {kind.__name__} that snapshot() gave, not {type(state).__name__}")
