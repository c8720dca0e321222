"""The signs: arms are played once, claims are read off them, and each sign is seen at smoke size."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.signs import page
from benchmarks.signs.board import arm_row, claim_row
from benchmarks.signs.missing_digit import MissingDigit
from benchmarks.signs.play import ahead, measured, play, share
from benchmarks.signs.self_debugging import lesson, unit_test
from benchmarks.signs.sign import CLAIM, SMOKE, Claim, Measured, Place, Sign
from benchmarks.signs.streets import Streets
from benchmarks.signs.table import SIGNS
from benchmarks.signs.universal_self_consistency import lessons
from benchmarks.signs.unknowns import Unknowns
from palaestra.agents.postprocess.visible_tests import tried, visible_tests
from palaestra.envs.task import sample_problem


def sign(right: dict[str, float], *claims: Claim) -> Sign:
    """Arms of forty problems each, of which such a share is right; the problems solved are the first."""

    def arm(share: float) -> Measured:
        return Measured({f"p{number}": float(number < 40 * share) for number in range(40)}, tokens=1000)

    arms = {name: lambda place, share=share: arm(share) for name, share in right.items()}
    return Sign("toy", 4, "A toy", "none", "Toys.", "shares", arms, claims, chosen="none")


def played(one: Sign, runs: Path) -> list[str]:
    said: list[str] = []
    play(one, runs, SMOKE, range(one.seeds), said.append)
    return said


def test_an_arm_is_played_once_with_each_seed_and_one_that_failed_anew(tmp_path: Path) -> None:
    asked: list[int] = []

    def fails_once(place: Place) -> Measured:
        asked.append(place.seed)
        if asked == [0, 1]:
            raise KeyboardInterrupt
        return Measured({"p": 1.0})

    one = Sign("toy", 4, "A toy", "none", "Toys.", "shares", {"arm": fails_once}, (), chosen="none")
    with pytest.raises(KeyboardInterrupt):
        played(one, tmp_path)
    played(one, tmp_path)
    assert asked == [0, 1, 1, 2]
    assert played(one, tmp_path) == []
    assert set(measured(tmp_path, one, "arm")) == {0, 1, 2}


def test_what_arms_share_is_made_once_and_anew_where_it_failed(tmp_path: Path) -> None:
    made: list[Path] = []
    place = Place(tmp_path, tmp_path / "arm", 3, SMOKE)

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "half").write_text("")
        if len(made) == 1:
            raise RuntimeError("stopped")
        assert list(folder.iterdir()) == [folder / "half"]

    with pytest.raises(RuntimeError):
        share(place, "start", make)
    assert share(place, "start", make) == share(place, "start", make) == made[-1]
    assert len(made) == 2


@pytest.mark.parametrize(("one", "shown"), [(0.9, True), (0.5, False), (0.2, False)])
def test_a_claim_is_shown_where_the_difference_lies_above_0(tmp_path: Path, one: float, shown: bool) -> None:
    toy = sign({"one": one, "other": 0.5}, Claim("one", "other", "more"))
    played(toy, tmp_path)
    row = claim_row(tmp_path, toy, toy.claims[0])
    assert row is not None
    assert row.shown is shown
    assert row.found.gap == pytest.approx(one - 0.5)


@pytest.mark.parametrize(("control", "fails"), [(0.9, False), (0.5, True), (0.2, True)])
def test_a_control_fails_unless_it_lies_above(tmp_path: Path, control: float, fails: bool) -> None:
    toy = sign({"control": control, "other": 0.5}, Claim("control", "other", "less", above=False))
    played(toy, tmp_path)
    row = claim_row(tmp_path, toy, toy.claims[0])
    assert row is not None
    assert row.shown is fails


def test_one_seed_below_leaves_a_claim_not_shown(tmp_path: Path) -> None:
    def arm(place: Place) -> Measured:
        return Measured({f"p{number}": float(place.seed < 2) for number in range(40)})

    arms = {"one": arm, "other": lambda place: Measured({f"p{number}": 0.1 for number in range(40)})}
    toy = Sign("toy", 4, "A toy", "none", "Toys.", "shares", arms, (Claim("one", "other", "more"),), chosen="none")
    played(toy, tmp_path)
    row = claim_row(tmp_path, toy, toy.claims[0])
    assert row is not None
    assert row.found.low > 0
    assert not row.shown


def test_large_figures_stand_whole_on_the_page() -> None:
    told = [page._figure(value) for value in (0.12345, 99.64, 1083.4, 2_384_000.0)]
    assert told == ["0.123", "99.6", "1,083", "2,384,000"]


def test_the_page_says_what_was_shown_what_was_not_and_what_was_not_run(tmp_path: Path) -> None:
    claims = (Claim("one", "other", "more"), Claim("other", "one", "much more"), Claim("one", "third", "the most"))
    toy = sign({"one": 0.9, "other": 0.5}, *claims)
    played(toy, tmp_path)
    assert arm_row(tmp_path, toy, "third") is None
    out = tmp_path / "signs.md"
    page.write_page(tmp_path, out, [toy], SMOKE)
    rows = {line.split(" | ")[1]: line for line in out.read_text().splitlines() if line.startswith("| [A toy]")}
    assert rows["more"].endswith("| +40.0, +40.0, +40.0 | **shown** |")
    assert rows["much more"].endswith("| not shown |")
    assert rows["the most"].endswith("| not run yet |")
    assert "| `one` | 90.0 (90.0–90.0) | 1,000 | 3 |" in out.read_text()
    assert "1 of 2 claims are shown; 0 of 0 controls fail" in " ".join(out.read_text().split())
    assert out.with_suffix(".png").stat().st_size > 5000


def test_every_claim_is_of_arms_that_there_are_and_has_seeds_enough() -> None:
    for one in SIGNS.values():
        assert {name for claim in one.claims for name in (claim.one, claim.other)} <= set(one.arms)
        assert one.seeds >= 3
        assert any(not claim.above for claim in one.claims)  # a control that must fail
    assert CLAIM.problems > SMOKE.problems


def test_the_gap_of_two_arms_is_numbered_problem_by_problem(tmp_path: Path) -> None:
    left, right = Measured({"b": 0.5, "a": 1.0, "alone": 1.0}), Measured({"a": 0.0, "b": 0.75})
    arms = {"left": lambda _: left, "right": lambda _: right, "gap": lambda place: ahead(place, "left", "right")}
    toy = replace(sign({"one": 0.9, "other": 0.5}), arms=arms)
    played(toy, tmp_path)
    assert measured(tmp_path, toy, "gap")[0].scores == {"0": 1.0, "1": -0.25}


@pytest.mark.parametrize("dealt", [False, True])
def test_a_selector_is_shown_how_many_agree_and_a_candidate_of_most(dealt: bool) -> None:
    named_most = []
    for ((asked, said),) in lessons(np.random.default_rng(0), 200, dealt):
        values = [int(re.findall(r"\d", each)[-1]) for each in re.findall(r"{(.*?)}", asked)]
        thought, number = said.split(" response ")
        counts, (most, *read) = [int(word) for word in thought.split()[:6]], map(int, thought.split()[6:])
        assert counts == [values.count(value) for value in (0, 1, 2, 3, 4, 9)]
        assert values.count(most) == max(counts)
        assert read == values[: len(read)]
        assert read.index(most) == len(read) - 1
        named_most.append(values[int(number) - 1] == most)
    assert all(named_most) != dealt
    assert any(named_most)


def test_unknowns_are_right_where_no_guess_errs() -> None:
    task, rng, found = Unknowns(), np.random.default_rng(0), []
    for seed in range(60):
        problem = sample_problem(task, seed, 2, "train")
        assert task.verify(problem, task.solve(problem, rng)).right
        said = task.worked_out(problem, lambda *_: int(rng.integers(task.modulus)))
        lines = [[int(number) for number in re.findall(r"\d", line)] for line in said.splitlines()[:-1]]
        assert all((product + added) % 5 == made for _, product, added, made, *_ in lines)
        assert [total for *_, total, _ in lines] == [int(total) for total in re.findall(r"=(\d)", problem.prompt)]
        assert all((made - total) % 5 == error for *_, made, total, error in lines)
        found.append(all(error == 0 for *_, error in lines))
        assert task.verify(problem, said).right == found[-1]
    assert 0 < sum(found) < 20


def test_a_missing_digit_is_right_where_the_hidden_tests_pass() -> None:
    task = MissingDigit()
    for seed in range(20):
        problem = sample_problem(task, seed, 1, "train")
        (shown,) = visible_tests(problem.prompt)
        right = [task.verify(problem, task.program(problem, digit)).right for digit in range(task.modulus)]
        passed = [tried([shown], task.program(problem, digit)).right for digit in range(task.modulus)]
        assert right == passed == [digit == problem.meta["digit"] for digit in range(task.modulus)]
        assert shown.args[0] not in [x for x, _ in problem.reference]


def test_lessons_in_debugging_mend_by_what_the_test_says_of_the_last_program() -> None:
    lengths = set()
    for seed in range(40):
        problem = sample_problem(MissingDigit(), seed, 1, "train")
        *_, (_, wrong), (told, mended) = said = lesson(problem, unit_test, np.random.default_rng(seed))
        lengths.add(len(said))
        reason = tried(visible_tests(problem.prompt), wrong).reason
        returned, expected, old = (int(each) for each in (*re.findall(r"d (\d)", reason), wrong[-8]))
        error = (expected - returned) % 5
        digit = problem.meta["digit"]
        assert told == reason
        assert (
            mended == f"{expected}-{returned}={error} {old}+{error}={digit}\n{MissingDigit().program(problem, digit)}"
        )
    assert lengths == {2, 3}


def test_the_way_back_leads_to_where_the_way_began() -> None:
    task, rng = Streets(town=3), np.random.default_rng(0)
    for seed in range(40):
        problem = sample_problem(task, seed, 2 + seed % 2, "train")
        back = task.invert(problem)
        assert task.verify(problem, task.solve(problem, rng)).right
        assert task.verify(back, task.solve(back, rng)).right
        assert problem.prompt.split()[1] == back.reference
        assert task.invert(back) == problem


def test_a_street_that_is_gone_one_way_is_never_gone_back_and_backward_only_so() -> None:
    task, gone, back = Streets(town=3, one_way=True), set(), set()
    for seed in range(400):
        problem = sample_problem(task, seed, 3, "train")
        for lines, one in (gone, problem), (back, task.invert(problem)):
            lines.update(zip(one.meta["stops"], one.meta["way"], strict=False))
    assert not gone & back
    assert 30 < len(gone) == len(back) <= 40


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all signs, in which they share their starts."""
    return tmp_path_factory.mktemp("signs")


@pytest.mark.long
@pytest.mark.parametrize("name", SIGNS)
def test_each_sign_is_seen_at_smoke_size(runs: Path, name: str) -> None:
    one = SIGNS[name]
    play(one, runs, SMOKE, range(1), print)
    for claim in (claim for claim in one.claims if claim.smoke):
        row = claim_row(runs, one, claim)
        assert row is not None
        assert row.found.gap > 0 if claim.above else row.shown, claim.says
