"""Several processes measure agents: they log what one does, and what one of them loses is told."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from palaestra.agents.agent_folder import AgentSpec
from palaestra.agents.processes import set_threads
from palaestra.arena import crew
from palaestra.arena.contest import Contest, hold
from palaestra.arena.crew import Counts, Crew, PlayerDied
from palaestra.arena.evaluate import Evaluation
from palaestra.arena.measure import Course, Entrant, entrant, measure_all
from palaestra.arena.replay import replay
from palaestra.envs.registration import UnknownEnvironment
from palaestra.episodes import Episode, EpisodeStore

PARITY, HAZARD = "parity_task:tests/Parity-v0", "hazard_task:tests/Hazard-v0"
TASK = '''"""A task whose judging does what a flag beside this file says."""

import os
import signal
import time
from pathlib import Path

from palaestra.arena.anchors import Anchor
from palaestra.envs import Problem, Task, register
from palaestra.verifiers import right, wrong

FLAG = Path(__file__).with_name("flag")


@register("tests/Hazard-v0")
class Hazard(Task):
    """Say yes."""

    ceiling = 1.0

    def sample(self, rng, difficulty):
        return Problem(f"Say yes ({rng.integers(10**6)}).", "yes", difficulty)

    def verify(self, problem, response):
        flag = FLAG.read_text() if FLAG.is_file() else ""
        if flag == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if flag == "wait":
            FLAG.with_name("pid").write_text(str(os.getpid()))
            time.sleep(100)
        return right("yes") if response == "yes" else wrong("no")

    def solve(self, problem, rng):
        return "yes"


class Odd(Exception):
    def __init__(self, one, other):
        super().__init__(f"{one} and {other}")


def too_large():
    raise MemoryError


class Dying(Anchor):
    def __init__(self):
        super().__init__("random", "dies")

    def respond(self, dialogues):
        if FLAG.is_file() and FLAG.read_text() == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().respond(dialogues)


def odd():
    raise Odd("one", "other")
'''


@pytest.fixture
def hazard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of ``hazard_task.py``, where a file called flag says what goes amiss."""
    (tmp_path / "hazard_task.py").write_text(TASK)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("hazard_task", None)


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = set_threads(None)
    yield set_threads(1) and None
    set_threads(before)


def untimed(log: Path) -> dict[tuple[str, str, str], Episode]:
    episodes = list(EpisodeStore(log / "episodes").read())
    found = {
        (one.roles["reasoner"].agent_id, one.env_id, one.id): replace(one, created=0, cost=replace(one.cost, seconds=0))
        for one in episodes
    }
    assert len(found) == len(episodes)
    return found


def batches(log: Path) -> list[str]:
    return sorted(file.name.split("-", 1)[1] for file in EpisodeStore(log / "episodes").files())


def scores(rows: Sequence[Evaluation]) -> list[str]:
    return [repr(replace(row, seconds=0)) for row in rows]


@pytest.mark.usefixtures("one_thread")
def test_several_workers_log_what_one_does(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished_run)
    entrants = [entrant("oracle"), entrant("agents/evolved")]
    courses = [Course(PARITY, {}, (1, 2), 6, seeds=(0, 1)), Course("palaestra/GcdLcm-v0", {}, (1,), 4)]
    alone, beside = measure_all(entrants, courses, tmp_path / "one")
    said: list[str] = []
    rows, compared = measure_all(entrants, courses, tmp_path / "two", workers=2, progress=said.append)
    assert scores(rows) == scores(alone)
    assert compared == beside
    assert untimed(tmp_path / "two") == untimed(tmp_path / "one")
    assert batches(tmp_path / "two") == batches(tmp_path / "one")
    assert len(batches(tmp_path / "two")) == 2 * 3
    assert f"oracle on {PARITY}, seed 1" in {line.rpartition(":")[0] for line in said}
    assert said[-1].endswith("6 of 6 parts played")

    next((tmp_path / "two" / "episodes").glob("*-oracle-*")).unlink()  # as one that was interrupted
    said.clear()
    again, _ = measure_all(entrants[:1], courses, tmp_path / "two", workers=2, progress=said.append)
    assert scores(again) == scores(alone[:2])
    assert len(said) == 1
    assert batches(tmp_path / "two") == batches(tmp_path / "one")


def test_a_worker_that_is_killed_costs_its_own_part_alone(hazard: Path, parity: Path) -> None:
    courses = [Course(HAZARD, problems=3), Course(PARITY, problems=3, seeds=(0, 1))]
    (hazard / "flag").write_text("die")
    told = rf"^oracle on {HAZARD}, seed 0: the process that played it was killed by SIGKILL\. All else was played: "
    with pytest.raises(PlayerDied, match=told):
        measure_all([entrant("oracle")], courses, hazard, workers=2)
    assert [key[1:] for key in untimed(hazard)].count((HAZARD, "held-out/00000")) == 0
    assert len(untimed(hazard)) == 6
    (hazard / "flag").unlink()
    rows, _ = measure_all([entrant("oracle")], courses, hazard)
    assert [row.score for row in rows] == [1, 1]
    assert len(untimed(hazard)) == 9


def test_an_agent_that_memory_does_not_hold_is_told_and_the_others_are_played(hazard: Path) -> None:
    entrants = [Entrant("big", importlib.import_module("hazard_task").too_large), entrant("oracle")]
    with pytest.raises(PlayerDied, match=r"^loading big: the process that played it ran out of memory"):
        measure_all(entrants, [Course(HAZARD, problems=3)], hazard, workers=2)
    assert len(untimed(hazard)) == 3


def test_an_error_in_a_worker_is_raised_as_what_it_is_with_where_it_was() -> None:
    with pytest.raises(UnknownEnvironment, match="Nowhere") as raised:
        measure_all([entrant("oracle")], [Course("tests/Nowhere-v0", problems=1)], workers=2)
    assert raised.value.__notes__[0].startswith("in the process that played oracle on tests/Nowhere-v0, seed 0:\nTrace")


def test_an_error_that_cannot_be_sent_is_told_in_words(hazard: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^Odd: one and other$"):
        measure_all([Entrant("odd", importlib.import_module("hazard_task").odd)], [Course(HAZARD)], workers=2)


def test_what_strategies_count_is_told_wherever_they_are_played() -> None:
    asked = (
        [entrant(AgentSpec(model="random", strategy="react"))],
        [Course("palaestra/GcdLcm-v0", problems=5, seeds=(0, 1))],
    )
    for workers in (1, 2):
        total: Counter[str] = Counter()
        measure_all(*asked, workers=workers, noted=lambda name, counts: total.update(counts.get("ReAct", {})))  # noqa: B023
        assert total == {"no action": 10}


def test_each_worker_has_its_share_of_the_threads_and_leaves_this_process_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crew, "_threads", lambda: 7)
    asked: list[int] = []
    started = crew._started_with
    monkeypatch.setattr(crew, "_started_with", lambda threads: asked.append(threads) or started(threads))
    before = dict(os.environ)
    measure_all([entrant("oracle")], [Course("palaestra/GcdLcm-v0", problems=1, seeds=(0, 1))], workers=2)
    assert set(asked) == {3}
    assert dict(os.environ) == before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_what_no_crew_can_be_made_of_is_told() -> None:
    with pytest.raises(ValueError, match="0 workers play nothing"):
        Crew([], 0)
    with pytest.raises(ValueError, match=r"cannot be sent to 2 workers .*: let measure\.entrant make it"):
        Crew([lambda: None], 2)  # type: ignore[arg-type,return-value]


def test_ctrl_c_ends_the_workers_and_what_was_played_is_kept(
    palaestra_process: Callable[..., Any], hazard: Path
) -> None:
    (hazard / "flag").write_text("wait")
    envs, log = ("--env", "palaestra/GcdLcm-v0", HAZARD), EpisodeStore(hazard / "log" / "episodes")
    command = ("evaluate", "oracle", *envs, "--problems", 3, "--workers", 2, "--save", hazard / "log")
    process, pid = palaestra_process(*command, folder=hazard), hazard / "pid"

    def at_work() -> bool:
        return len(log.files()) == 1 and pid.is_file() and bool(pid.read_text())

    def told_too() -> bool:  # as a terminal tells all processes
        if at_work():
            os.kill(int(pid.read_text()), signal.SIGINT)
            time.sleep(0.3)
        return at_work()

    process.signal_when(told_too, signal.SIGINT)
    assert process.wait() == (130, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert len(untimed(hazard / "log")) == 3
    assert not list(log.path.glob(".*"))
    (hazard / "flag").unlink()
    code, said = palaestra_process(*command, folder=hazard).wait()
    assert code == 0, said
    assert len(untimed(hazard / "log")) == 6


@pytest.mark.parametrize(("schedule", "agent"), [("round-robin", "agents/evolved"), ("swiss", "random")])
@pytest.mark.usefixtures("one_thread")
def test_several_workers_play_the_matches_of_one(
    schedule: str, agent: str, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished_run)
    entrants = [entrant(agent, "mine"), entrant(AgentSpec(model="random", strategy="react"), "reacts")]
    contest = Contest("palaestra/Nim-v0", {"piles": (2, 3)}, schedule, rounds=2)
    total: dict[int, Counter[str]] = {1: Counter(), 2: Counter()}
    found = {}
    said: list[str] = []
    for workers in (1, 2):
        noted = partial(noted_in, total[workers])
        found[workers] = hold(contest, entrants, tmp_path / str(workers), noted, workers, said.append)
    assert found[2] == found[1]
    assert total[2] == total[1]
    assert total[1]["reacts ReAct no action"] > 0
    assert matches(tmp_path / "2") == matches(tmp_path / "1")
    parts = 10 if schedule == "round-robin" else 2 * 2  # pairs of five players; of each round two, one rests
    assert len(batches(tmp_path / "2")) == parts
    assert said[-1].endswith(f"{parts} of {parts} parts played")
    assert [different for _, different in replay(EpisodeStore(tmp_path / "2" / "episodes").read()) if different] == []

    whole = matches(tmp_path / "2")
    sorted((tmp_path / "2" / "episodes").glob("*.parquet"))[1].unlink()  # as one that was interrupted
    said.clear()
    assert hold(contest, entrants, tmp_path / "2", progress=said.append) == found[1]
    assert len(said) == 2  # loaded, and the one part played
    assert matches(tmp_path / "2") == whole


def noted_in(total: Counter[str], name: str, counts: Counts) -> None:
    total.update({f"{name} {layer} {what}": n for layer, several in counts.items() for what, n in several.items()})


def matches(log: Path) -> dict[str, Episode]:
    episodes = list(EpisodeStore(log / "episodes").read())
    found = {one.id: replace(one, created=0, cost=replace(one.cost, seconds=0)) for one in episodes}
    assert len(found) == len(episodes)
    return found


def test_a_worker_that_is_killed_in_a_match_costs_its_pair_alone(hazard: Path) -> None:
    dies = Entrant("dies", importlib.import_module("hazard_task").Dying)
    (hazard / "flag").write_text("die")
    contest = Contest("palaestra/Nim-v0", {"piles": (2, 3)}, rounds=2)
    told = r"^dies against random on palaestra/Nim-v0, seed 0: the process that played it was killed by SIGKILL"
    with pytest.raises(PlayerDied, match=told):
        hold(contest, [dies], hazard, workers=2)
    assert len(matches(hazard)) == (4 * 3 // 2 - 3) * 4  # the three pairs without it, each deal from both seats
    (hazard / "flag").unlink()
    hold(contest, [dies], hazard)
    assert len(matches(hazard)) == (4 * 3 // 2) * 4
