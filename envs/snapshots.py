"""What ``restore`` of every environment refuses alike."""

from __future__ import annotations


def expect(kind: type, state: object) -> None:
    """Raises:
    ValueError: ``state`` is no snapshot of this kind.
    """
    if not isinstance(state, kind):
        raise ValueError(f"a {type(state).__name__} cannot be restored into what gives a {kind.__name__}")
