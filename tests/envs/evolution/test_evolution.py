"""Puzzles are executed, operators keep their promise, and the pool lets in only what execution has verified."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from palaestra.envs.evolution.operators import OPERATORS
from palaestra.envs.evolution.pool import Pool
from palaestra.envs.evolution.quantities import (
    MAX_LINES,
    Puzzle,
    Quantities,
    Unreadable,
    Unsolvable,
    execute,
    parse,
)
from palaestra.envs.task import sample_problem
from palaestra.envs.tasks.dataset import Dataset

TASK = Quantities()
TEXT = "a = 3\nb = a * 2\nc = b - 1\nask c"


def puzzles(count: int = 60) -> list[Puzzle]:
    rng = np.random.default_rng(0)
    return [parse(TASK.sample(rng, 1 + number % 6).meta["puzzle"]) for number in range(count)]


def test_a_puzzle_is_executed_and_written_down_again() -> None:
    puzzle = parse(TEXT)
    assert execute(puzzle) == {"a": 3, "b": 6, "c": 5}
    assert str(puzzle) == TEXT
    assert parse("a = 7\nb = a min 5\nask b").answer == 5


def test_a_hidden_number_is_found_by_trying() -> None:
    assert parse("a = ?\nb = a * 7\nknow b = 91\nask a").answer == 13


def test_the_prompt_says_among_which_numbers_a_hidden_one_is_the_only_one() -> None:
    bounds = "no number here is below 0 or above 1000000000"
    prompt = TASK.pose("a = ?\nb = a - 5\nc = b * a\nknow c = 0\nask a").prompt  # 5, and 0 if 0 - 5 were allowed
    assert "a is a whole number from 0 to 1999 that is not known" in prompt
    assert bounds in prompt
    assert bounds not in TASK.pose(TEXT).prompt


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("b = a\na = 1\nask b", "before it is defined"),
        ("a = b\nb = a\nask a", "before it is defined"),
        ("a = ?\nb = c\nask a", "before it is defined"),
        ("a = 1\na = 2\nask a", "given twice"),
        ("a = 1\nask b", "not defined"),
        ("a = 1\nknow c = 2\nask a", "not defined"),
        ("a = 1\nb = a - 2\nask b", "negative"),
        ("a = 999999999\nb = a * a\nask b", "too large"),
        ("a = ?\nb = a * 2\nknow b = 7\nask a", "no answer"),
        ("a = ?\nb = a min 5\nknow b = 5\nask a", "several answers"),
        ("a = ?\nb = ?\nask a", "more than one number is hidden"),
        ("a = 1\nknow a = 2\nask a", "what is known is not so"),
    ],
)
def test_what_has_no_one_answer_is_told_of(text: str, told: str) -> None:
    with pytest.raises(Unsolvable, match=told):
        execute(parse(text))


@pytest.mark.parametrize(
    "text",
    ["", "ask a", "a = 1", "a = 1\nask a\nask a", "a = 1 / 0\nask a", "What is 2+2?", "a = 1\n" * 99 + "ask a"],
)
def test_what_is_no_puzzle_is_told_of(text: str) -> None:
    with pytest.raises(Unreadable):
        parse(text)
    with pytest.raises(Unreadable, match="longer than"):
        parse("a = 1\n" * 1000)


def test_two_puzzles_are_the_same_whatever_their_names() -> None:
    assert parse(TEXT).identity == parse("x = 3\ny = x * 2\nz = y - 1\nask z").identity
    assert parse(TEXT).identity != parse("x = 3\ny = x * 2\nz = y - 1\nask y").identity
    same = [f"{one} = 3\ny = {one} min 2\nask y" for one in ("x", "in")]
    assert parse(same[0]).identity == parse(same[1]).identity


def test_the_oracle_of_every_puzzle_is_right() -> None:
    rng = np.random.default_rng(1)
    for difficulty in TASK.difficulties:
        problem = TASK.sample(rng, difficulty)
        assert TASK.verify(problem, TASK.solve(problem, rng)).right
        assert not TASK.verify(problem, f"\\boxed{{{problem.reference + 1}}}").right
        assert not TASK.verify(problem, "no box").right


def needed(puzzle: Puzzle) -> set[str]:
    """The names that the answer depends on."""
    found = {puzzle.asked}
    for line in reversed(puzzle.lines):
        found |= set(line.uses) if line.name in found else set()
    return found


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_do_what_they_say(name: str) -> None:
    rng, made = np.random.default_rng(2), 0
    for puzzle in puzzles():
        other = OPERATORS[name](puzzle, rng)
        if other is None:
            continue
        try:
            answer = other.answer
        except Unsolvable:
            assert name in ("more steps", "reverse")
            continue
        made += 1
        before, after = len(puzzle.lines), len(other.lines)
        if name in ("deepen", "irrelevant facts", "rephrase", "concretise"):
            assert answer == puzzle.answer
        if name in ("deepen", "more steps", "add constraint"):
            assert after == before + 1
        if name == "add constraint":
            assert answer < puzzle.answer
        if name == "irrelevant facts":
            assert after > before
            assert needed(other) == needed(puzzle)
        if name in ("rephrase", "concretise"):
            assert TASK.pose(other).prompt != TASK.pose(puzzle).prompt
            assert str(other) == str(puzzle)
        if name == "reverse":
            assert answer == puzzle.values[other.asked]
            assert f"comes out as {puzzle.answer}" in TASK.pose(other).prompt
    assert made > 20


def test_reverse_questions_that_have_several_answers_are_refused() -> None:
    pool = Pool([parse("a = 9\nb = a min 5\nask b")])
    assert pool.evolve(3, {"reverse": OPERATORS["reverse"]}) == 0
    assert pool.refused == {"unsolvable: several answers": 3}


def test_a_pool_grows_by_what_is_new_and_verified_and_counts_the_rest() -> None:
    pool = Pool(puzzles(8))
    start, offered = len(pool.entries), pool.offered
    grown = pool.evolve(200, seed=1)
    assert len(pool.entries) == start + grown
    assert pool.offered == offered + 200
    assert start + grown + pool.refused.total() == pool.offered
    assert grown > 100
    assert {way for entry in pool.entries for way in entry.ways} == set(OPERATORS)
    for entry in pool.entries:
        assert TASK.verify(entry.problem, TASK.solve(entry.problem, np.random.default_rng(0))).right
    assert len({entry.problem.prompt for entry in pool.entries}) == len(pool.entries)


def test_the_same_seed_makes_the_same_pool() -> None:
    def prompts(seed: int) -> list[str]:
        pool = Pool(puzzles(4))
        pool.evolve(40, seed=seed)
        return [entry.problem.prompt for entry in pool.entries]

    assert prompts(0) == prompts(0) != prompts(1)


def test_a_creator_of_duplicates_and_nonsense_is_counted_and_bounded() -> None:
    pool = Pool(size=3)
    for text in (TEXT, TEXT, "a = 2\nb = a - 3\nask b", "hello", "a = 1\nask a", "a = 2\nask a", "a = 3\nask a"):
        pool.offer(text)
    assert len(pool.entries) == 3
    assert pool.refused == {
        "duplicate": 1,
        "unsolvable: a number is negative or too large": 1,
        "unreadable: a line that is neither a quantity nor known nor asked": 1,
        "the pool is full": 1,
    }


def test_puzzles_stop_growing() -> None:
    pool = Pool([parse(TEXT)])
    pool.evolve(400, {"more": OPERATORS["irrelevant facts"]})
    assert max(len(entry.puzzle.lines) for entry in pool.entries) <= MAX_LINES


def test_an_empty_pool_is_no_pool(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a puzzle in it"):
        Pool().evolve(1)
    with pytest.raises(ValueError, match="empty pool"):
        Pool().write(tmp_path / "pool.jsonl")


def test_a_written_pool_has_no_puzzle_in_both_splits(tmp_path: Path) -> None:
    pool = Pool(puzzles(12))
    pool.evolve(200, {name: OPERATORS[name] for name in ("rephrase", "concretise")})
    same = {entry.problem.prompt: entry.puzzle.identity for entry in pool.entries}
    assert len(set(same.values())) == 12 < len(pool.entries)
    task = Dataset(str(pool.write(tmp_path / "pool.jsonl")))
    train, test = (
        {same[sample_problem(task, seed, 1, split).meta["fields"]["question"]] for seed in range(100)}
        for split in ("train", "test")
    )
    assert not train & test


def test_a_written_solution_speaks_of_the_things_that_the_prompt_does(tmp_path: Path) -> None:
    puzzle = OPERATORS["concretise"](parse(TEXT), np.random.default_rng(0))
    assert puzzle is not None
    (row,) = Pool([puzzle]).write(tmp_path / "pool.jsonl").read_text().splitlines()
    assert json.loads(row)["solution"] == "\n".join(f"{puzzle.things[name]}={n}" for name, n in puzzle.values.items())


def test_a_pool_is_played(tmp_path: Path) -> None:
    pool = Pool(puzzles(6))
    pool.evolve(30)
    env = gymnasium.make("palaestra/Dataset-v0", path=str(pool.write(tmp_path / "pool.jsonl")))
    for seed in range(5):
        _, info = env.reset(seed=seed)
        assert info["problem"].meta["fields"]["question"] in {entry.problem.prompt for entry in pool.entries}
        oracle = env.unwrapped.oracle(np.random.default_rng(0))  # type: ignore[attr-defined]
        _, reward, _, _, _ = env.step(oracle)
        assert reward == 1.0
