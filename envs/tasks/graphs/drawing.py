"""Random graphs: vertices in a hidden row, so that paths grow with the graph, and names that tell nothing of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def shuffled_names(uniforms: Sequence[float]) -> list[str]:
    """A letter for each vertex, one vertex a uniform (26 at most), in random order."""
    return [LETTERS[k] for k in sorted(range(len(uniforms)), key=uniforms.__getitem__)]


def connected_edges(uniforms: Iterator[float], n: int, m: int, reach: int) -> list[tuple[int, int]]:
    """About ``m`` edges (i, j), j < i, of a connected graph: a random tree, and more in ``m + 4`` attempts.

    uniforms: n + 2m + 7 or more. reach: no edge joins vertices further apart than this in the row 0, 1, ..., n-1.
    """
    edges = {(i, i - 1 - int(next(uniforms) * (i if i < reach else reach))): None for i in range(1, n)}
    for _ in range(m + 4):
        if len(edges) >= m:
            break
        i = 1 + int(next(uniforms) * (n - 1))
        edges[i, i - 1 - int(next(uniforms) * (i if i < reach else reach))] = None
    return list(edges)


def named(edges: Iterable[tuple[int, int]], names: Sequence[str]) -> list[str]:
    """Undirected edges as ``A-B``, the letters of each and the edges in alphabetical order."""
    pairs = [(names[i], names[j]) for i, j in edges]
    return sorted([f"{a}-{b}" if a < b else f"{b}-{a}" for a, b in pairs])


def neighbours(edges: Iterable[str]) -> dict[str, list[str]]:
    """Of each vertex of undirected edges ``A-B``, in the order of the edges."""
    found: dict[str, list[str]] = {}
    for edge in edges:
        a, b = edge[0], edge[-1]
        found.setdefault(a, []).append(b)
        found.setdefault(b, []).append(a)
    return found
