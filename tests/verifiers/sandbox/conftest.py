"""One sandbox a rung for all tests: starting one takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from palaestra.verifiers.sandbox import LADDER, Sandbox


@pytest.fixture(scope="session", params=LADDER)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox on each rung of the ladder in turn."""
    with Sandbox(rung=request.param) as started:
        yield started


@pytest.fixture(scope="session")
def best() -> Iterator[Sandbox]:
    with Sandbox() as started:
        yield started
