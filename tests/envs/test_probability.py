from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import pytest

from palaestra.envs import Problem, Task, sample_problem
from palaestra.envs.tasks.probability.arrangements import Arrangements, count_committees, count_rows, count_words
from palaestra.envs.tasks.probability.bayes_rule import BayesRule
from palaestra.envs.tasks.probability.dice_probability import DiceProbability, favourable
from palaestra.envs.tasks.probability.lattice_paths import LatticePaths, count_paths
from palaestra.envs.tasks.probability.urn_probability import UrnProbability
from palaestra.envs.tasks.probability.urn_probability import favourable as favourable_hands


@pytest.mark.parametrize("kinds", [*itertools.combinations_with_replacement(("together", "apart", "before", "end"), 2)])
def test_rows_are_counted_as_by_trying_all(kinds: tuple[str, str]) -> None:
    def meets(order: tuple[int, ...]) -> bool:
        place = {person: k for k, person in enumerate(order)}
        return all(
            {
                "together": abs(place[2 * i] - place[2 * i + 1]) == 1,
                "apart": abs(place[2 * i] - place[2 * i + 1]) != 1,
                "before": place[2 * i] < place[2 * i + 1],
                "end": place[2 * i] in (0, 5),
            }[kind]
            for i, kind in enumerate(kinds)
        )

    expected = sum(map(meets, itertools.permutations(range(6))))
    assert count_rows(6, [[kind] for kind in kinds])[0] == expected


@pytest.mark.parametrize("count", range(1, 5))
def test_words_are_counted_as_by_trying_all(count: int) -> None:
    counts = {"A": 2, "B": 1, "C": 2, "D": 2, "E": 1}
    strings = set(itertools.permutations("AABCCDDE"))
    tests: dict[str, Callable[[str, str], bool]] = {
        "first": lambda s, x: s.startswith(x),
        "last": lambda s, x: s.endswith(x),
        "together": lambda s, x: x * counts[x] in s,
        "apart": lambda s, x: x * 2 not in s,
    }
    for kinds in itertools.permutations(tests, count):
        letters = dict(zip(kinds, "ABCD", strict=False))
        if "apart" in kinds and letters["apart"] == "B":
            continue  # a single copy is apart whatever happens
        expected = sum(all(tests[k]("".join(s), x) for k, x in letters.items()) for s in strings)
        assert count_words(counts, [[kind, x] for kind, x in letters.items()])[0] == expected


def test_committees_are_counted_as_by_trying_all() -> None:
    people = [("man", i) for i in range(4)] + [("woman", i) for i in range(5)]

    def meets(members: set[tuple[str, int]]) -> bool:
        first, second = (("man", i) in members for i in range(2))
        return (
            sum(sex == "woman" for sex, _ in members) >= 2
            and not (first and ("woman", 0) in members)
            and (not second or ("woman", 1) in members)
        )

    expected = sum(meets(set(members)) for members in itertools.combinations(people, 4))
    assert count_committees(4, 5, 4, [["at least", 2], ["not both"], ["only with"]])[0] == expected


def test_arrangements_always_have_an_answer_of_some_size() -> None:
    for difficulty in range(1, 11):
        answers = [sample_problem(Arrangements(), seed, difficulty).reference for seed in range(200)]
        assert min(answers) > 0
        assert max(Counter(answers).values()) < 20


def test_paths_are_counted_as_by_walking_each() -> None:
    blocked = {(1, 1), (3, 0), (2, 3)}
    walks = 0
    for rights in itertools.combinations(range(7), 4):
        x, y, free = 0, 0, True
        for step in range(7):
            x, y = (x + 1, y) if step in rights else (x, y + 1)
            free = free and (x, y) not in blocked
        walks += free
    assert count_paths(4, 3, blocked)[-1][-1] == walks


def test_the_map_of_a_grid_shows_the_blocked_points() -> None:
    task = LatticePaths()
    for seed in range(20):
        problem = task.reword(sample_problem(task, seed, 5), 2)
        rows = problem.meta["fields"]["map"].split("\n")[::-1]
        marks = {(x, y) for y, row in enumerate(rows) for x, mark in enumerate(row) if mark == "#"}
        assert marks == {(x, y) for x, y in problem.meta["points"]}
        assert len(rows) == problem.meta["height"] + 1
        assert problem.reference > 0
    with pytest.raises(ValueError, match="from 1 to 15"):
        LatticePaths(blocked=0)


@pytest.mark.parametrize(
    "event", [["sum is", 9], ["sum at least", 9], ["highest", 4], ["lowest", 2], ["several", 3, 2], ["sum is", 99]]
)
def test_dice_are_counted_as_by_rolling_all(event: list[int | str]) -> None:
    sides = [4, 5, 6]
    kind, k = event[0], int(event[1])
    rolls = list(itertools.product(*(range(1, s + 1) for s in sides)))
    expected = sum(
        {
            "sum is": sum(roll) == k,
            "sum at least": sum(roll) >= k,
            "highest": max(roll) == k,
            "lowest": min(roll) == k,
            "several": sum(x >= k for x in roll) >= 2,
        }[str(kind)]
        for roll in rolls
    )
    assert favourable(sides, event) == expected


def test_what_is_known_of_the_dice_counts() -> None:
    task = DiceProbability()
    problem = next(p for s in range(50) if (p := sample_problem(task, s, 7)).meta["event"][0] == "sum at least")
    sides, cap, event = (problem.meta[key] for key in ("sides", "cap", "event"))
    rolls = [r for r in itertools.product(*(range(1, s + 1) for s in sides)) if max(r) <= cap]
    assert Fraction(problem.reference) == Fraction(sum(sum(r) >= event[1] for r in rolls), len(rolls))
    assert f"no die shows more than {cap}" in problem.prompt


def test_hands_are_counted_as_by_drawing_all() -> None:
    urn = {"red": 3, "blue": 2, "green": 4}
    event = [["at least", 1, "red"], ["exactly", 1, "blue"], ["at most", 1, "green"]]
    balls = [colour for colour, k in urn.items() for _ in range(k)]
    expected = 0
    for hand in itertools.combinations(range(9), 3):
        drawn = Counter(balls[k] for k in hand)
        expected += drawn["red"] >= 1 and drawn["blue"] == 1 and drawn["green"] <= 1
    assert favourable_hands(urn, 3, event) == expected


def test_bayes_rule_agrees_with_the_tree_of_probabilities() -> None:
    for difficulty in range(1, 11):
        problem = sample_problem(BayesRule(), 3, difficulty)
        data = problem.meta
        shares = [
            Fraction(w, sum(data["weights"]))
            * Fraction(r, data["denominator"]) ** data["hits"]
            * (1 - Fraction(r, data["denominator"])) ** data["misses"]
            for w, r in zip(data["weights"], data["rates"], strict=True)
        ]
        assert Fraction(problem.reference) == shares[data["asked"]] / sum(shares)
        assert (len(set(data["weights"])) == 1) == (difficulty == 1)
        assert len(set(data["rates"])) > 1


@pytest.mark.parametrize("task", [DiceProbability(), UrnProbability(), BayesRule()], ids=lambda t: type(t).__name__)
def test_a_probability_is_read_as_any_expression_of_its_value(task: Task) -> None:
    problem = Problem("", "1/4", 1)
    for answer in ("1/4", "0.25", "\\frac{3}{12}", "25\\%", "\\frac{\\binom{3}{1}}{12}", "1 - 3/4"):
        assert task.verify(problem, f"\\boxed{{{answer}}}").right, answer
    for answer in ("1/3", "0.2501", "25", "P", "", "1/0", "\\int_0^1 x^3 dx"):
        assert not task.verify(problem, f"\\boxed{{{answer}}}").right, answer
    assert task.verify(problem, "\\boxed{1/3}").reason == "expected 1/4, got 1/3"
    assert task.verify(problem, "1/4").reason == "no \\boxed answer"


@pytest.mark.parametrize("task", [Arrangements(), LatticePaths()], ids=lambda t: type(t).__name__)
def test_a_count_is_read_as_any_expression_of_its_value(task: Task) -> None:
    problem = Problem("", 720, 1)
    assert all(task.verify(problem, f"\\boxed{{{answer}}}").right for answer in ("720", "6!", "2 \\cdot 360", "x=720"))
    assert task.verify(problem, "\\boxed{719}").reason == "expected 720, got 719"
    assert not task.verify(problem, "\\boxed{720 or 719}").right
