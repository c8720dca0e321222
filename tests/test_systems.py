"""The board of the systems: what is planned, how cells are gone on with, and what the page says of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.systems import __main__ as command
from benchmarks.systems import page, plan, play, recipes, scores
from palaestra.agents.agent import Agent, Dialogue, Reply
from palaestra.arena.evaluate import held_out, problem_key, reward
from palaestra.arena.measure import by_problem
from palaestra.arena.rollout import rollout
from palaestra.cli.patterns import systems
from palaestra.envs.registration import make_task
from palaestra.episodes import Actor, Cost, EpisodeStore, Outcome
from palaestra.trainers.recipe import Recipe, load_recipe
from palaestra.verifiers import Status

CHAINS = "ChainArith/seed0"
Noted = list[str]


def first(*names: str) -> list[plan.Cell]:
    """The cells of these names of the first place and seed."""
    return [cell for cell in plan.cells([0], ["ChainArith"]) if cell.name in names]


def test_a_seed_comes_after_another_each_control_behind_its_system_and_the_imitation_behind_all() -> None:
    cells = list(plan.cells([0, 1]))
    assert [cell.seed for cell in cells] == sorted(cell.seed for cell in cells)
    assert len({cell.folder for cell in cells}) == len(cells)
    names = [cell.name for cell in cells if cell.folder.startswith(CHAINS)]
    assert names[:4] == ["start", "vote", "absolute_zero", "absolute_zero-shuffled"]
    assert names[-1] == "imitation"
    assert names[names.index("star") + 1] == "star-shuffled"
    assert not {"spin-shuffled", "autoprm-shuffled"} & set(names)  # whom no reward reaches
    assert [place.name for place in plan.places()[:3]] == list(plan.ENVIRONMENTS)


def test_every_shipped_system_is_planned_or_left_out_with_a_reason() -> None:
    every = {name.removeprefix("systems/") for name in systems()}
    own = {place.name for place in plan.places() if not place.shared}
    assert own == {"cloud", "her", "rest_react", "rl4f", "score", "spag"}
    for place in (place for place in plan.places() if place.shared):
        assert {*place.systems, *place.left_out} == every - own
    left_out = {place.name: set(place.left_out) for place in plan.places() if place.shared}
    assert left_out["ChainArith"] == set()
    assert left_out["LinearCongruence"] == {"absolute_zero", "eva", "revthink"}
    assert left_out["Inverse"] == {"absolute_zero", "eva", "revthink"}
    letters = make_task("palaestra/PointerChasing-v0")  # no digit stands in its answers
    assert "wrong digit" in plan.lacks(load_recipe("systems/v_star"), letters)


def test_cells_are_recipes_that_differ_from_the_shipped_ones_in_start_place_and_sizes(tmp_path: Path) -> None:
    small = recipes.SMOKE
    for cell in plan.cells([3], ["Inverse", "score"]):
        if cell.name == "vote":
            continue
        if cell.name == "start":
            made = recipes.start(cell, small)
            assert (made.evolve.rounds, made.model.path) == (0, None)
            continue
        made = (recipes.imitating if cell.name == "imitation" else recipes.evolved)(cell, tmp_path, small)
        assert (made.seed, made.model.path, made.evaluation.problems) == (3, str(tmp_path), small.problems)
        assert made.evolve.control == ("shuffled" if cell.name.endswith("-shuffled") else "none")
        assert made.env_id == ("palaestra/SecondLook-v0" if cell.place.name == "score" else "palaestra/Inverse-v0")
        if cell.name != "imitation":
            longer = recipes.evolved(cell, tmp_path, recipes.CLAIM)
            shipped = load_recipe(f"systems/{cell.name.removesuffix('-shuffled')}")
            assert (made.warm_start.rounds, made.evolve.rounds) == (0, shipped.evolve.rounds)
            assert longer.evolve.rounds == recipes.CLAIM.longer * shipped.evolve.rounds


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Noted:
    """The names of the cells that are played, which is only noted."""
    names: Noted = []

    def note(cell: plan.Cell, runs: Path, *rest: Any) -> None:
        names.append(cell.name)
        (runs / cell.folder).mkdir(parents=True, exist_ok=True)
        (runs / cell.folder / play.SUMMARY).write_text("{}")

    monkeypatch.setattr(play, "play_cell", note)
    return names


def go(runs: Path, cells: Sequence[plan.Cell], stop: Callable[[], bool] = lambda: False) -> tuple[bool, Noted]:
    said: Noted = []
    return play.play_all(cells, runs, recipes.SMOKE, said.append, stop), said


def test_cells_that_are_done_are_not_played_again(tmp_path: Path, played: Noted) -> None:
    ended, said = go(tmp_path, first("start", "vote"))
    assert ended
    assert [line.split(", ")[0] for line in said] == [f"[1/2] {CHAINS}/start: done", f"[2/2] {CHAINS}/vote: done"]
    assert go(tmp_path, first("start", "vote", "star"))[1] == [f"[3/3] {CHAINS}/star: done, 0 s"]
    assert played == ["start", "vote", "star"]


def test_a_budget_that_is_used_up_stops_before_the_next_cell(tmp_path: Path, played: Noted) -> None:
    cells = first("start", "vote", "star")
    assert go(tmp_path, cells, lambda: len(played) == 2)[0] is False
    assert played == ["start", "vote"]
    assert go(tmp_path, cells)[0] is True
    assert played == ["start", "vote", "star"]


def test_a_cell_that_fails_is_told_in_a_line_and_tried_again_and_the_others_are_played(
    tmp_path: Path, played: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = play.play_cell

    def broken(cell: plan.Cell, *rest: Any) -> None:
        if cell.name == "star":
            raise RuntimeError("the loss is\nnan")
        whole(cell, *rest)

    monkeypatch.setattr(play, "play_cell", broken)
    ended, said = go(tmp_path, first("start", "star", "svpo"))
    assert ended
    assert said[1].startswith(f"[2/3] {CHAINS}/star: failed: RuntimeError: the loss is nan, ")
    assert played == ["start", "svpo"]
    assert play.error_of(tmp_path / CHAINS / "star") == "RuntimeError: the loss is nan"
    monkeypatch.setattr(play, "play_cell", whole)
    go(tmp_path, first("start", "star", "svpo"))
    assert played == ["start", "svpo", "star"]


def test_the_imitation_is_made_anew_when_a_system_has_spent_more_since(
    tmp_path: Path, played: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = first("imitation")
    folder = tmp_path / cell.folder
    folder.mkdir(parents=True)
    (folder / play.SUMMARY).write_text('{"points": [100, 1000]}')
    (folder.parent / "star").mkdir()
    (folder.parent / "star" / play.SUMMARY).write_text("{}")
    for spent, again in ((1000, []), (1001, ["imitation"])):
        monkeypatch.setattr(play, "tokens", lambda _, spent=spent: (1, spent - 1))
        go(tmp_path, [cell])
        assert played == again


def test_without_its_warm_start_a_cell_fails(tmp_path: Path) -> None:
    _, said = go(tmp_path, first("star"))
    assert "failed: FileNotFoundError: no warm start" in said[0]


def shrunk(make: Callable[..., Recipe]) -> Callable[..., Recipe]:
    """The same recipe with next to nothing to do."""

    def small(*given: Any) -> Recipe:
        recipe = make(*given)
        model = replace(recipe.model, hidden=16, layers=1, heads=2)
        warm = replace(recipe.warm_start, rounds=min(1, recipe.warm_start.rounds), problems=4, batch_size=4)
        evolve = replace(recipe.evolve, rounds=min(2, recipe.evolve.rounds), problems=2, samples=2)
        return replace(recipe, model=model, warm_start=warm, evolve=evolve, max_answer_tokens=4, checkpoint_every=1)

    return small


def test_real_cells_are_played_stopped_gone_on_with_and_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("start", "evolved", "imitating"):
        monkeypatch.setattr(recipes, name, shrunk(getattr(recipes, name)))
    sizes = recipes.Sizes(problems=6, votes=3, first_point=20)
    cells, said = first("start", "imitation", "vote", "rest_em", "rest_em-shuffled"), Noted()
    polled = iter(range(100))
    evolving = tmp_path / CHAINS / "rest_em" / "metrics.jsonl"
    stop = lambda: evolving.is_file() and next(polled) >= 0  # noqa: E731
    assert not play.play_all(cells, tmp_path, sizes, said.append, stop)
    assert said[-1] == f"[3/5] {CHAINS}/rest_em: stopped; the same command goes on"
    assert play.play_all(cells, tmp_path, sizes, said.append, lambda: False)
    assert [line.split()[2] for line in said[-3:]] == ["done,", "done,", "done,"]
    assert capsys.readouterr().out == ""  # what runs say is in their logs
    assert not (evolving.parent / "checkpoints").exists()
    rounds = [json.loads(line) for line in evolving.read_text().splitlines()]
    assert [row["phase"] for row in rounds].count("evolve") == 2
    budget = sum(scores.tokens(tmp_path / CHAINS / "rest_em"))
    asked = sizes.imitated(budget)
    assert asked[-2] < budget <= asked[-1]
    imitated = scores.imitated(tmp_path / CHAINS / "imitation")
    assert all(reached >= point for (reached, _), point in zip(imitated, asked, strict=True))
    assert scores.votes_in(tmp_path / CHAINS / "vote").most == 3
    page.write_page(tmp_path, tmp_path / "systems.md", sizes, [0])
    assert "| `rest_em` | ReST-EM" in (tmp_path / "systems.md").read_text()


class Says:
    """An agent that solves a problem, or says something wrong."""

    def __init__(self, solves: Callable[[int], bool]) -> None:
        self.actor, self.solves, self.number = Actor("says"), solves, 0

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        return [self._say(dialogue) for dialogue in dialogues]

    def _say(self, asked: Dialogue) -> Reply:
        self.number += 1
        assert asked.problem is not None
        right = self.solves(self.number - 1)
        text = f"\\boxed{{{asked.problem.reference if right else 99}}}"
        return Reply(text, cost=Cost(tokens_out=10))


def made_up(folder: Path, summary: dict[str, Any], **agents: Callable[[int], bool]) -> None:
    """A cell whose agents answer the problems of these numbers rightly."""
    recipe = recipes.start(first("start")[0], recipes.SMOKE)
    store = EpisodeStore(folder / "episodes")
    for name, solves in agents.items():
        agent: Agent = Says(solves)
        jobs = held_out(recipe.env_id, recipe.env_kwargs, recipe.evaluation.difficulties, 20)
        batch = name.replace("_", "-")
        store.append(list(rollout(agent, jobs)), batch if "evolve-" in batch else f"held-out-{batch}")
    (folder / play.SUMMARY).write_text(json.dumps({"seconds": 1.0, **summary}))


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """Cells made up: one system that gains, one that loses, its control that should not gain and does; one failed."""
    cells = tmp_path / CHAINS
    never, always = lambda number: False, lambda number: True
    half = lambda number: number < 10  # noqa: E731
    made_up(cells / "imitation", {"points": [100, 1000]}, imitation_00=never, imitation_01=half)
    made_up(cells / "star", {"tokens_learned": 300}, evolve_00000=half, warm=never, evolved=always)
    made_up(cells / "star-shuffled", {"tokens_learned": 300}, warm=never, evolved=never)
    made_up(cells / "lema", {"tokens_learned": 5000}, evolve_00000=half, warm=half, evolved=never)
    made_up(cells / "lema-shuffled", {"tokens_learned": 5000}, warm=half, evolved=always)
    (cells / "svpo").mkdir()
    (cells / "svpo" / play.FAILED).write_text("RuntimeError: it broke\n")
    return tmp_path


def test_the_page_tells_of_gains_losses_controls_failures_and_what_is_not_run(board: Path) -> None:
    out = board / "docs" / "systems.md"
    page.write_page(board, out, recipes.SMOKE, [0])
    text = out.read_text()
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    assert list(rows) == ["star", "lema"]  # the larger gain first, the loser left in
    assert "0.0 → 100.0 (83.9–100.0) | 200 + 300 | 50.0 (29.9–70.1) | **yes** (+50.0)" in rows["star"]
    assert "50.0 → 0.0 (0.0–16.1) | 200 + 5,000 | - | - |" in rows["lema"]  # beyond what was imitated
    assert "| 100.0 (83.9–100.0) **improves** |" in rows["lema"]
    assert "improves" not in rows["star"]
    assert "`ChainArith/seed0/svpo`: RuntimeError: it broke" in text
    assert "- ChainArith, seed 0: `start`, `vote`, `absolute_zero`" in text
    assert "Inverse, seed 0" in text
    assert out.with_suffix(".png").stat().st_size > 10_000


def test_a_budget_of_nothing_only_writes_the_page(board: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = board / "systems.md"
    assert command.main([str(board), "--out", str(out), "--budget", "0", "--seeds", "1"]) == 0
    assert out.is_file()
    assert "more to be played" in capsys.readouterr().out
    assert command.main([str(board), "--out", str(out), "--budget", "0", "--smoke"]) == 2
    assert "other sizes" in capsys.readouterr().err


def test_what_is_read_from_columns_is_what_the_episodes_say(tmp_path: Path) -> None:
    recipe = recipes.start(first("start")[0], recipes.SMOKE)
    jobs = held_out(recipe.env_id, recipe.env_kwargs, (1, 2), 6, samples=3)
    episodes = list(rollout(Says(lambda number: number % 4 < 2), jobs))
    unknown = {"reasoner": Outcome(float("nan"), Status.UNDECIDED)}
    episodes = [replace(one, outcome=unknown) if number in (3, 4, 5, 7) else one for number, one in enumerate(episodes)]
    for name in ("held-out-evolved", "evolve-00000"):
        EpisodeStore(tmp_path / "log" / "episodes").append(episodes, name)
    EpisodeStore(tmp_path / "vote" / "episodes").append(episodes, "vote")
    (tmp_path / "log" / play.SUMMARY).write_text('{"tokens_learned": 7}')
    assert scores.scores(tmp_path / "log", "evolved") == by_problem(episodes)
    assert len(by_problem(episodes)) == 5  # one is undecided three times
    assert scores.tokens(tmp_path / "log") == (10 * 18, 7)
    votes = scores.votes_in(tmp_path / "vote")
    assert (votes.length, votes.most) == (10, 3)
    for key, drawn in votes.drawn.items():
        said = sorted((one.id, one.turns[0].text, reward(one)) for one in episodes if problem_key(one) == key)
        assert repr(drawn) == repr(
            [(text.removeprefix("\\boxed{").removesuffix("}"), value) for _, text, value in said]
        )


def test_the_majority_of_the_first_answers_is_voted_for_the_first_of_equals() -> None:
    votes = scores.Votes({"a": [("1", 0.0), ("2", 1.0), ("2", 1.0)], "b": [(None, 0.0)] * 3}, length=5.0)
    assert votes.of(1) == {"a": 0.0, "b": 0.0}
    assert votes.of(2) == {"a": 0.0, "b": 0.0}
    assert votes.of(3) == {"a": 1.0, "b": 0.0}
    assert (votes.most, votes.affordable(1), votes.affordable(10**6)) == (3, 3, 3)


def test_intervals_are_over_problems_with_one_seed_and_over_seeds_with_more() -> None:
    one = scores.mean_of({0: {"a": 1.0, "b": 0.0}})
    assert (one.value, round(one.low, 2), round(one.high, 2)) == (0.5, 0.09, 0.91)
    two = scores.mean_of({0: {"a": 1.0, "b": 0.0}, 1: {"a": 1.0, "b": 1.0}})
    assert (two.value, two.low, two.high) == (0.75, 0.5, 1.0)
