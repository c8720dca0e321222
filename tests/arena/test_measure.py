"""Agents are measured on the same problems, logged, resumed, compared, and told where they had trained on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from palaestra.agents.agent import Dialogue, Reply
from palaestra.agents.agent_folder import AgentSpec
from palaestra.agents.scripted import OracleAgent, RandomAgent
from palaestra.arena.contamination import seen_among, trained_on
from palaestra.arena.evaluate import evaluate, held_out, summarise
from palaestra.arena.measure import Course, Entrant, entrant, measure_all
from palaestra.arena.rollout import Job, rollout
from palaestra.episodes import Actor, EpisodeStore

CHAIN = "palaestra/ChainArith-v0"


class Sometimes:
    """The oracle for a share of dialogues, by their seed, and silence for the rest."""

    actor = Actor("sometimes")

    def __init__(self, share: float) -> None:
        self.share, self.asked = share, 0
        self.oracle = OracleAgent()

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        self.asked += len(dialogues)
        said = self.oracle.respond(dialogues)
        return [r if d.seed % 1000 < 1000 * self.share else Reply("?") for d, r in zip(dialogues, said, strict=True)]


def test_what_is_in_the_log_is_not_played_again(tmp_path: Path) -> None:
    agent = Sometimes(0.5)
    entrant = Entrant("half", lambda: agent, "greedy")
    courses = [Course(CHAIN, {"modulus": 10}, (1, 2), 12)]
    rows, _ = measure_all([entrant], courses, tmp_path)
    assert agent.asked == 12
    again, _ = measure_all([entrant], courses, tmp_path)
    assert (agent.asked, again) == (12, rows)
    more, _ = measure_all([entrant], [Course(CHAIN, {"modulus": 10}, (1, 2), 20)], tmp_path)
    assert (agent.asked, more[0].n) == (20, 20)
    other, _ = measure_all([Entrant("half", lambda: agent, "sampled")], courses, tmp_path)  # another by its settings
    assert agent.asked == 32
    assert other[0].settings != rows[0].settings == more[0].settings
    assert len(EpisodeStore(tmp_path / "episodes")) == 32


def test_an_agents_settings_are_the_same_however_its_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    one, other = (entrant(AgentSpec(model=model)) for model in ("model", str(tmp_path / "model")))
    assert one.settings == other.settings


def test_a_log_cut_short_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from palaestra.arena import measure

    monkeypatch.setattr(measure, "CHUNK", 5)
    agent = Sometimes(1.0)
    courses = [Course(CHAIN, {}, (1,), 12)]
    measure_all([Entrant("a", lambda: agent)], courses, tmp_path)
    files = EpisodeStore(tmp_path / "episodes").files()
    assert len(files) == 3
    files[-1].unlink()
    measure_all([Entrant("a", lambda: agent)], courses, tmp_path)
    assert agent.asked == 14


def test_agents_are_compared_on_the_problems_they_share() -> None:
    entrants = [
        Entrant("strong", lambda: Sometimes(0.95)),
        Entrant("weak", lambda: Sometimes(0.3)),
        Entrant("same", lambda: Sometimes(0.95)),
    ]
    rows, found = measure_all(entrants, [Course(CHAIN, {}, (1,), 60, seeds=(0, 1))])
    assert [row.problems for row in rows] == [120] * 3
    best = {one.other for one in found}
    assert len(best) == 1
    assert best <= {"strong", "same"}
    by_name = {one.one: one for one in found}
    assert by_name["weak"].differs
    assert by_name["weak"].gap < -0.4
    (equal,) = [one for name, one in by_name.items() if name != "weak"]
    assert (equal.wins, equal.losses, equal.differs) == (0, 0, False)  # the same answers, the seeds being the same


def test_environments_stand_beside_each_other_and_twins_are_told_by_their_knobs() -> None:
    courses = [Course(CHAIN, {"modulus": 7}, problems=4), Course(CHAIN, {"modulus": 10}, problems=4)]
    courses.append(Course("palaestra/GcdLcm-v0", problems=4))
    rows, _ = measure_all([Entrant("oracle", OracleAgent)], courses)
    assert [row.env_id for row in rows] == [
        f'{CHAIN} {{"modulus": 7}}',
        f'{CHAIN} {{"modulus": 10}}',
        "palaestra/GcdLcm-v0",
    ]
    assert all(row.score == 1 for row in rows)
    with pytest.raises(ValueError, match="name each environment once"):
        measure_all([Entrant("oracle", OracleAgent)], [courses[0], courses[0]])
    with pytest.raises(ValueError, match="two agents are called oracle"):
        measure_all([Entrant("oracle", OracleAgent), Entrant("oracle", OracleAgent)], courses)


def test_several_answers_give_pass_at_k_and_the_majoritys_chance() -> None:
    jobs = held_out(CHAIN, {}, (1,), 40, samples=4)
    row, episodes = evaluate(Sometimes(0.5), jobs)
    assert (row.n, row.problems, row.k) == (160, 40, 4)
    groups: dict[str, list[float]] = {}
    for episode in episodes:
        groups.setdefault(episode.group_id, []).append(episode.outcome["reasoner"].reward)
    assert row.pass_at_k == pytest.approx(sum(any(group) for group in groups.values()) / 40)
    assert row.pass_at_k > row.score + 0.2
    assert row.majority_at_k == pytest.approx(row.pass_at_k)  # its wrong answers are silent, and are no votes
    assert row.high - row.low > 0.1
    alone, _ = evaluate(Sometimes(0.5), held_out(CHAIN, {}, (1,), 40))
    assert (alone.k, math.isnan(alone.pass_at_k)) == (1, True)
    first = [episode.turns[0].text for episode in episodes if episode.id.count("/") == 1]
    assert first == [episode.turns[0].text for episode in evaluate(Sometimes(0.5), held_out(CHAIN, {}, (1,), 40))[1]]


def test_costs_are_measured() -> None:
    row, _ = evaluate(RandomAgent(), held_out(CHAIN, {}, (1,), 5))
    assert row.verifier_calls == 1
    assert row.seconds > 0


def test_problems_that_were_trained_on_are_counted_whatever_their_words(tmp_path: Path) -> None:
    def job(number: int, split: str, wording: int) -> Job:
        kwargs: dict[str, Any] = {"split": split, "wording": wording}
        return Job(f"{split}/{number}", CHAIN, kwargs, number, f"{split}/{number}", {"difficulty": 2})

    store = EpisodeStore(tmp_path)
    store.append(list(rollout(OracleAgent(), [job(n, "train", 0) for n in range(6)], {"phase": "evolve"})), "a")
    store.append(list(rollout(OracleAgent(), [job(n, "test", 0) for n in range(6)], {"phase": "held-out"})), "b")
    seen = trained_on(tmp_path)
    same = list(rollout(RandomAgent(), [job(n, "train", 0) for n in range(4)]))
    reworded = list(rollout(RandomAgent(), [job(n, "train", 1) for n in range(4)]))
    apart = list(rollout(RandomAgent(), [job(n, "test", 0) for n in range(6)]))
    assert seen_among(same, seen) == len({one.problem.prompt for one in same if one.problem})
    assert {one.problem.prompt for one in same if one.problem} != {
        one.problem.prompt for one in reworded if one.problem
    }
    assert seen_among(reworded, seen) == seen_among(same, seen)
    assert seen_among(apart, seen) == 0
    entrant = Entrant("a", RandomAgent, trained_on=frozenset(seen))
    rows, _ = measure_all([entrant], [Course(CHAIN, {}, (2,), 6)])
    assert rows[0].seen == 0
    assert summarise(same, "a").seen == 0
