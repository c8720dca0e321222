"""Today's verifier over yesterday's answers: only what it judges otherwise is a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from palaestra.agents.agent import Dialogue, Reply
from palaestra.agents.scripted import OracleAgent, RandomAgent
from palaestra.arena.evaluate import held_out
from palaestra.arena.rescore import rescore
from palaestra.arena.rollout import Job, rollout
from palaestra.envs import ChainArith
from palaestra.episodes import EpisodeStore
from palaestra.verifiers import undecided, wrong

CHAIN = "palaestra/ChainArith-v0"


@pytest.fixture
def log(tmp_path: Path) -> EpisodeStore:
    store = EpisodeStore(tmp_path)
    jobs = held_out(CHAIN, {"modulus": 10}, (1, 3), 10)
    store.append([*rollout(OracleAgent(), jobs), *rollout(RandomAgent(), jobs)])
    return store


def test_the_same_verifier_changes_nothing(log: EpisodeStore) -> None:
    found = list(rescore(log.read()))
    assert sum(one.verdicts for one in found) == 20
    assert not any(one.changes or one.fault for one in found)


def test_a_stricter_verifier_is_shown_with_both_verdicts(log: EpisodeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChainArith, "verify", lambda self, problem, response: wrong("nothing is right today"))
    changes = [change for one in rescore(log.read()) for change in one.changes]
    assert len(changes) >= 10  # all of the oracle's, and the guesses that hit
    assert {(change.logged.status.value, change.today.status.value) for change in changes} == {("right", "wrong")}
    assert "is now wrong (nothing is right today)" in str(changes[0])


def test_an_answer_that_is_too_long_stays_wrong() -> None:
    class Long(OracleAgent):
        def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
            return [replace(one, text="x" * 70_000 + one.text) for one in super().respond(dialogues)]

    (one,) = rescore(rollout(Long(), held_out(CHAIN, {}, (1,), 1)))
    assert (one.verdicts, one.changes) == (1, ())
    assert "are allowed" in one.episode.outcome["reasoner"].reason


def test_undecided_stays_undecided_without_being_a_change(log: EpisodeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChainArith, "verify", lambda self, problem, response: undecided("the verifier is ill"))
    assert sum(len(one.changes) for one in rescore(log.read())) == 20  # each was decided in the log
    (episode,) = rollout(RandomAgent(), held_out(CHAIN, {}, (1,), 1))  # logged while it is ill
    (one,) = rescore([episode])
    assert (one.verdicts, one.changes) == (1, ())


def test_what_is_no_task_is_a_fault_that_is_named(counter: Any) -> None:
    (episode,) = rollout(counter, [Job("d", "tests/Countup-v0", {}, 2, "g")])
    (one,) = rescore([episode])
    assert (one.verdicts, one.changes) == (0, ())
    assert "is no task with a logged problem" in one.fault
