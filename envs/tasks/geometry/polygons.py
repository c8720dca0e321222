"""Simple polygons with integer corners."""

from __future__ import annotations

from collections.abc import Sequence
from math import atan2
from typing import TypeAlias

import numpy as np

Point: TypeAlias = tuple[int, int]


def draw_polygon(rng: np.random.Generator, corners: int, span: int) -> list[Point]:
    """A polygon within ``span`` of the origin, star-shaped around the mean of its corners, from a random one on.

    Corners are sorted by direction from the mean; each must lie strictly to the left of the one before it, so that
    the polygon does not cross or touch itself.
    """
    while True:
        uniforms = rng.random(2 * corners + 2).tolist()
        numbers = [int(u * (2 * span + 1)) - span for u in uniforms[: 2 * corners]]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        cx, cy = sum(numbers[::2]), sum(numbers[1::2])
        spokes = sorted((atan2(corners * y - cy, corners * x - cx), x, y) for x, y in points)
        polygon = [(x, y) for _, x, y in spokes]
        around = [(corners * x - cx, corners * y - cy) for x, y in polygon]
        if all(a * d > b * c for (a, b), (c, d) in zip(around, around[1:] + around[:1], strict=True)):
            start = int(uniforms[-1] * corners)
            polygon = polygon[start:] + polygon[:start]
            return polygon if uniforms[-2] < 0.5 else polygon[::-1]


def twice_area(polygon: Sequence[Sequence[int]]) -> int:
    """Twice the area, positive when the corners run counterclockwise (the shoelace formula)."""
    total = 0
    x, y = polygon[-1]
    for u, v in polygon:
        total += x * v - u * y
        x, y = u, v
    return total


def contains(polygon: Sequence[Sequence[int]], x: int, y: int) -> bool | None:
    """Whether a point is inside; None on the boundary. By the edges that a ray to the right crosses."""
    inside = False
    px, py = polygon[-1]
    for qx, qy in polygon:
        cross = (qx - px) * (y - py) - (qy - py) * (x - px)
        if cross == 0 and (px - x) * (qx - x) <= 0 and (py - y) * (qy - y) <= 0:
            return None
        if (py > y) != (qy > y) and (cross > 0) == (qy > py):
            inside = not inside
        px, py = qx, qy
    return inside


def listed(points: Sequence[Sequence[int]]) -> str:
    return ", ".join([f"({x}, {y})" for x, y in points])
