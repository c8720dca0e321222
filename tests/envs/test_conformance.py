"""Every environment of the package keeps the rules, and asks what it always asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import pytest

from palaestra.envs import catalog, make_task, sample_problem

OWN = [id for id in catalog.ids() if id.startswith("palaestra/") and catalog.complete(id)]
TASKS = [id for id in OWN if catalog.is_task(id)]
DIGESTS: dict[str, str] = json.loads(Path(__file__).with_name("digests.json").read_text())


def conforms(id: str, seeds: Sequence[int]) -> None:
    report = catalog.check(id, seeds)
    assert report.ok, str(report)
    assert all(row.passed for row in report.rows if row.name.startswith(("same seed", "oracle", "snapshot")))


class TestOneHalf:  # two classes, for two workers
    @pytest.mark.parametrize("id", OWN[::2])
    def test_it_conforms(self, id: str) -> None:
        conforms(id, range(6))


class TestTheOtherHalf:
    @pytest.mark.parametrize("id", OWN[1::2])
    def test_it_conforms(self, id: str) -> None:
        conforms(id, range(6))


@pytest.mark.long
@pytest.mark.parametrize("id", OWN)
def test_it_conforms_on_many_seeds(id: str) -> None:
    conforms(id, range(100))


@pytest.mark.parametrize("id", TASKS)
def test_problems_are_those_of_the_first_release(id: str) -> None:
    """A registered id asks the same problems for ever: a change that alters them needs a new version of the id."""
    assert digest(id) == DIGESTS[id]


def test_every_digest_is_of_an_environment() -> None:
    assert sorted(DIGESTS) == TASKS


def digest(id: str) -> str:
    task = make_task(id)
    low, high = task.difficulties[0], task.difficulties[-1]
    levels = sorted({low, (low + high) // 2, high})
    prompts = [
        sample_problem(task, s, d, split).prompt for d in levels for s in range(5) for split in ("train", "test")
    ]
    return blake2b("\n".join(prompts).encode(), digest_size=8).hexdigest()
