"""Lookup: what search, read and answer give, and the oracle's answer found again from the pages alone."""

from __future__ import annotations

import re

import numpy as np
import pytest

from palaestra.envs import Problem, sample_problem
from palaestra.envs.dialogues import Lookup
from palaestra.envs.dialogues.lookup import RELATIONS

PROBLEM = Problem(
    "?",
    {
        "names": ["Ada Falk", "Emil Falk", "Nora Jung"],
        "links": [[1, 2, 0], [2, 0, 1], [1, 0, 0], [2, 2, 1], [1, 2, 0]],
        "facts": [["Nesk", "baker", "1901"], ["Hyth", "pilot", "1955"], ["Rusk", "nurse", "1880"]],
        "path": [0, 0],
        "fact": 0,
        "answer": "Hyth",
        "turns": 4,
    },
    1,
)


@pytest.mark.parametrize(
    ("action", "seen", "verdict"),
    [
        ("search[falk]", "Pages: Ada Falk, Emil Falk.", None),
        ("search[Nora Falk]", "Pages: Ada Falk, Emil Falk, Nora Jung.", None),
        ("search[Fal]", "No title holds 'Fal'.", None),
        ("read[ada falk]", "The friend of Ada Falk is Emil Falk.", None),
        ("read[Ada Falk]", "Ada Falk lives in Nesk and works as a baker.", None),
        ("read[Falk]", "There is no page 'Falk'", None),
        ("Hyth", "That is no action", None),
        ("answer[hyth]", "right", "hyth is accepted"),
        ("Her friend lives there.\nanswer[Hyth.]", "right", "is accepted"),
        ("answer[Nesk]", "wrong", "expected Hyth, got Nesk"),
        ("answer[Nesk, Hyth, Rusk]", "wrong", "expected Hyth"),
        ("answer[]", "wrong", "no answer"),
    ],
)
def test_actions_of_lookup(action: str, seen: str, verdict: str | None) -> None:
    turn = Lookup().turn(PROBLEM, (), action)
    assert seen in turn.observation
    if verdict is None:
        assert turn.verdict is None
    else:
        assert turn.verdict is not None
        assert verdict in turn.verdict.reason
        assert turn.verdict.right is (seen == "right")


def test_a_search_shows_a_few_titles_and_says_how_many_more() -> None:
    problem = sample_problem(Lookup(), 0, 10)
    names = problem.reference["names"]
    turn = Lookup().turn(problem, (), f"search[{' '.join(sorted({name.split()[0] for name in names}))[:190]}]")
    assert re.search(r" and \d+ more\.$", turn.observation)


def test_the_answer_follows_from_the_pages_alone() -> None:
    """Reads the question with regular expressions and follows it through the text of the pages."""
    task = Lookup()
    for seed in range(40):
        problem = sample_problem(task, seed, 1 + seed % 10)
        names = problem.reference["names"]
        pages = {name: task.turn(problem, (), f"read[{name}]").observation for name in names}
        question = problem.meta["fields"]["question"]
        person = next(name for name in names if name in question)
        for relation in reversed(re.findall(f"the ({'|'.join(RELATIONS)}) of", question)):
            person = re.search(rf"The {relation} of {person} is (\w+ \w+)\.", pages[person])[1]  # type: ignore[index]
        town, trade = re.search(r"lives in (\w+) and works as a (\w+)\.", pages[person]).groups()  # type: ignore[union-attr]
        year = re.search(r"was born in (\d+)\.", pages[person])[1]  # type: ignore[index]
        answer = town if "town" in question else trade if "trade" in question else year
        assert answer == problem.reference["answer"]


def test_the_oracle_reads_each_page_on_the_way() -> None:
    task = Lookup()
    problem = sample_problem(task, 3, 9)
    actions = [action.splitlines()[-1] for action, _ in task.demonstrate(problem, np.random.default_rng(0))]
    assert actions[0].startswith("search[")
    assert [action.split("[")[0] for action in actions[1:-1]] == ["read"] * 6
    assert actions[-1] == f"answer[{problem.reference['answer']}]"


@pytest.mark.parametrize("difficulty", [1, 3, 9])
def test_a_small_terse_world_has_short_pages_and_its_oracle_finds_the_fact(difficulty: int) -> None:
    task = Lookup(people=8, relations=2, terse=True)
    for seed in range(20):
        problem = sample_problem(task, seed, difficulty)
        reference = problem.reference
        assert (len(reference["names"]), len(reference["links"])) == (8, 2)
        assert re.fullmatch(r"(town|trade|year) of ((friend|teacher) of )+\w+ \w+", problem.prompt)
        turns = list(task.demonstrate(problem, np.random.default_rng(0)))
        pages = [turn.observation for action, turn in turns if "read[" in action]
        assert all(re.fullmatch(r"\w+ \w+: (\w+ \w+( \w+)?, ){4}\w+ \w+( \w+)?", page) for page in pages)
        assert turns[-1][1].verdict is not None
        assert turns[-1][1].verdict.right


@pytest.mark.parametrize("difficulty", [1, 3])
def test_a_world_of_letters_is_read_by_what_each_letter_tells(difficulty: int) -> None:
    """Follows the question through the pages by their keys, and by the kind of a value: digits are years."""
    task = Lookup(people=8, relations=2, letters=True)
    for seed in range(20):
        problem = sample_problem(task, seed, difficulty)
        person, *relations, fact = problem.prompt.split(".")
        for relation in [*relations, fact]:
            told = task.turn(problem, (), f"read[{person}]").observation
            assert re.fullmatch(rf"{person}:( ([ft][A-Z]|o[abcghijk]|r[lmpqsuvwxz]|y[0-9])){{5}}", told)
            person = dict(re.findall(r" (.)(.)", told))[relation]
        assert person == problem.reference["answer"]
        actions, turns = zip(*task.demonstrate(problem, np.random.default_rng(0)), strict=True)
        assert len(actions) == len(relations) + 3
        assert actions[-1] == f"{fact}{person}\nanswer[{person}]"
        assert turns[-1].verdict.right


@pytest.mark.parametrize("people", [None, 27])
def test_a_world_of_letters_has_a_letter_for_everyone(people: int | None) -> None:
    with pytest.raises(ValueError, match="letters are for people: 26 at most, not"):
        Lookup(people=people, letters=True)


@pytest.mark.parametrize("knobs", [{"people": 6}, {"people": 100}, {"relations": 0}, {"relations": 6}])
def test_worlds_beyond_bounds_are_refused(knobs: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(knobs))} is"):
        Lookup(**knobs)
