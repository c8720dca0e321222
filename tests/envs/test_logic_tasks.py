"""The single-turn families of logic: answers judged by hand, and problems checked by brute force."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, permutations, product

import numpy as np
import pytest

from palaestra.envs.audit import solve
from palaestra.envs.task import Problem, Task, sample_problem
from palaestra.envs.tasks.logic.first_order import FirstOrder, Model
from palaestra.envs.tasks.logic.formulas import in_words, row_name, truth_table
from palaestra.envs.tasks.logic.linear_order import LinearOrder
from palaestra.envs.tasks.logic.propositional_logic import PropositionalLogic
from palaestra.envs.tasks.logic.sat import Sat
from palaestra.envs.tasks.logic.syllogisms import OPTIONS, Syllogisms
from palaestra.envs.tasks.logic.truth_table import TruthTable
from palaestra.verifiers.puzzles.logic_grid import RELATIONS

SINGLE = Syllogisms(single=True)
FAMILIES = (FirstOrder(), LinearOrder(), PropositionalLogic(), Sat(), Syllogisms(), TruthTable())


def problems(task: Task, count: int = 30, levels: tuple[int, ...] = (1, 4, 7, 10)) -> Iterator[Problem]:
    for level in levels:
        for seed in range(count):
            yield sample_problem(task, seed, level)


def reason(task: Task, problem: Problem, answer: str) -> str:
    verdict = task.verify(problem, answer)
    assert verdict.score == (1.0 if verdict.right else 0.0)
    return "" if verdict.right else verdict.reason


def value(formula: object, row: dict[int, bool]) -> bool:
    """A formula's value, by other means than truth tables as masks."""
    if isinstance(formula, int):
        return row[formula]
    assert isinstance(formula, list)
    if formula[0] == "not":
        return not value(formula[1], row)
    left, right = value(formula[1], row), value(formula[2], row)
    return {
        "and": left and right,
        "or": left or right,
        "implies": right or not left,
        "iff": left == right,
        "xor": left != right,
    }[formula[0]]


def rows(n: int) -> Iterator[dict[int, bool]]:
    for values in product((False, True), repeat=n):
        yield dict(enumerate(values))


@pytest.mark.parametrize("task", FAMILIES, ids=lambda task: type(task).__name__)
def test_problems_differ_and_the_oracle_needs_no_luck(task: Task) -> None:
    for level in task.difficulties:
        found = [sample_problem(task, seed, level) for seed in range(40)]
        assert len({task.identity(problem) for problem in found}) >= 38
        assert all(task.verify(problem, solve(task, problem)).right for problem in found[:10])


def test_a_formula_is_written_with_parentheses_and_its_table_counts_the_first_variable_fastest() -> None:
    formula = ["implies", ["and", 0, ["not", 1]], 2]
    assert in_words(formula) == "(p and not q) implies r"
    assert truth_table(formula, 3) == 0b11111101
    assert row_name(0b001, 3) == "TFF"


def test_the_rows_of_a_truth_table_are_those_where_the_formula_is_true() -> None:
    for problem in problems(TruthTable()):
        n, formula = problem.reference["variables"], problem.meta["formula"]
        true = {"".join("FT"[row[i]] for i in range(n)) for row in rows(n) if value(formula, row)}
        assert set(problem.reference["rows"]) == true
        assert in_words(formula) in problem.prompt


def test_a_truth_table_answer_is_a_set_of_rows() -> None:
    task, problem = TruthTable(), Problem("", {"variables": 2, "rows": ["TF", "FT"]}, 1)
    assert not reason(task, problem, "\\boxed{TF, FT}")
    assert not reason(task, problem, "so \\boxed{ft and TF}")
    assert reason(task, problem, "\\boxed{TF}") == "in row FT the formula is true too"
    assert reason(task, problem, "\\boxed{TF, FT, TT}") == "in row TT the formula is false"
    assert reason(task, problem, "\\boxed{TFT}").startswith("'tft' is none of")
    assert reason(task, problem, "TF, FT") == "no \\boxed answer"


def test_the_letters_name_the_formulas_that_follow() -> None:
    for problem in problems(PropositionalLogic()):
        n, premises = problem.meta["variables"], problem.meta["premises"]
        models = [row for row in rows(n) if all(value(premise, row) for premise in premises)]
        assert models
        follow = [all(value(option, row) for row in models) for option in problem.meta["options"]]
        assert problem.reference["letters"] == "".join(x for x, holds in zip("ABCDE", follow, strict=True) if holds)


def test_letters_are_judged_as_a_set() -> None:
    for task in (PropositionalLogic(), Syllogisms()):
        problem = Problem("", {"letters": "AC"}, 1)
        assert not reason(task, problem, "\\boxed{C, A}")
        assert reason(task, problem, "\\boxed{A}") == "expected AC, chose A"
        assert reason(task, problem, "")


def test_an_assignment_is_right_when_every_clause_is_true() -> None:
    task = Sat()
    problem = Problem("", {"variables": 3, "clauses": [[1, 2], [-1, 3]], "model": "-1 2 3"}, 1)
    assert not reason(task, problem, "\\boxed{-1 2 3}")
    assert not reason(task, problem, "\\boxed{1 3}")
    assert reason(task, problem, "\\boxed{1 -3}") == "clause 2 (-1 3) is false"
    assert reason(task, problem, "\\boxed{1 -1 2 3}") == "variable 1 is both true and false"
    assert reason(task, problem, "\\boxed{clauses 1 2}") == "the formula has a model"


def test_an_unsatisfiable_formula_is_answered_by_a_minimal_core() -> None:
    task, clauses = Sat(), [[1, 2], [-1, 2], [1, -2], [-1, -2], [1, 3]]
    problem = Problem("", {"variables": 3, "clauses": clauses, "model": ""}, 1)
    assert not reason(task, problem, "\\boxed{clauses 4, 3, 2, 1}")
    assert reason(task, problem, "\\boxed{clauses 1 2 3}") == "the clauses listed can all be true together"
    assert reason(task, problem, "\\boxed{clauses 1 2 3 4 5}") == "without clause 5 they still cannot all be true"
    assert reason(task, problem, "\\boxed{clauses 1 9}") == "the clauses are 1 to 5"
    assert reason(task, problem, "\\boxed{clauses none}") == "'none' is no list of clause numbers"
    assert reason(task, problem, "\\boxed{1 2 3}").endswith("the formula has no model")


def test_formulas_that_are_called_unsatisfiable_have_no_model_and_others_have_few() -> None:
    kinds = set()
    for problem in problems(Sat(), levels=(1, 2, 5)):
        n, clauses = problem.reference["variables"], problem.reference["clauses"]
        count = sum(all(any(row[abs(x) - 1] == (x > 0) for x in clause) for clause in clauses) for row in rows(n))
        assert (count == 0) == (problem.reference["model"] == "")
        assert count <= problem.difficulty
        kinds.add(count == 0)
    assert kinds == {True, False}


def test_conclusions_about_groups_hold_in_every_situation() -> None:
    """A situation here is which of the 2^n kinds of person exist; n is 3, so all 256 are tried."""
    for problem in chain(problems(Syllogisms(), count=60, levels=(1,)), problems(SINGLE, count=60, levels=(1,))):
        premises, options = problem.meta["premises"], problem.meta["options"]
        kinds = list(product((False, True), repeat=3))
        situations = [
            [k for k, there in zip(kinds, exist, strict=True) if there] for exist in product((0, 1), repeat=8)
        ]
        fitting = [people for people in situations if all(holds(premise, people) for premise in premises)]
        assert fitting
        follow = [all(holds(option, people) for people in fitting) for option in options]
        assert problem.reference["letters"] == letters(follow)


def letters(follow: list[bool]) -> str:
    """Of the statements that follow; a single statement's answer is A where it does, B where not."""
    if len(follow) == 1:
        return "A" if follow[0] else "B"
    return "".join(x for x, y in zip(OPTIONS, follow, strict=True) if y)


def test_a_single_statement_follows_half_the_time_and_its_oracle_says_why() -> None:
    asked = list(problems(SINGLE, count=40, levels=(1, 4, 7, 10)))
    yes = [problem.reference["letters"] == "A" for problem in asked]
    assert 0.4 < sum(yes) / len(yes) < 0.6
    for problem, follows in zip(asked, yes, strict=True):
        line, boxed = solve(SINGLE, problem).splitlines()
        assert line.startswith("It follows from: ") is follows
        assert boxed == ("\\boxed{A}" if follows else "\\boxed{B}")
        assert not reason(SINGLE, problem, boxed)
        assert reason(SINGLE, problem, "\\boxed{B}" if follows else "\\boxed{A}")


def test_what_follows_from_many_premises_is_what_every_situation_of_the_inhabited_kinds_shows() -> None:
    """By the kinds of person that "all" and "no" leave; "some" follows from one of the people who must exist."""
    for problem in chain(*(problems(task, count=10, levels=(3, 6, 10)) for task in (Syllogisms(), SINGLE))):
        premises, options = problem.meta["premises"], problem.meta["options"]
        kinds = list(product((False, True), repeat=len(problem.meta["groups"])))
        left = [k for k in kinds if all(holds(p, [k]) for p in premises if p[0] in ("all", "no"))]
        people = [[k for k in left if holds(p, [k])] for p in premises if p[0] in ("some", "some not")]
        assert all(people)
        assert all(any(k[group] for k in left) for group in range(len(kinds[0])))
        follow = [
            all(holds(o, [k]) for k in left)
            if o[0] in ("all", "no")
            else any(all(holds(o, [k]) for k in person) for person in people)
            for o in options
        ]
        assert problem.reference["letters"] == letters(follow)


def holds(statement: list[object], people: list[tuple[bool, ...]]) -> bool:
    form, a, b = statement
    assert isinstance(a, int)
    assert isinstance(b, int)
    return {
        "all": all(p[b] for p in people if p[a]),
        "no": not any(p[a] and p[b] for p in people),
        "some": any(p[a] and p[b] for p in people),
        "some not": any(p[a] and not p[b] for p in people),
    }[str(form)]


def test_the_oracle_cites_premises_for_just_the_statements_that_follow() -> None:
    task = Syllogisms()
    for problem in problems(task, count=5):
        for line in solve(task, problem).splitlines()[:-1]:
            _, follows, cited = line.partition("follows from: ")
            assert bool(follows) == (line[0] in problem.reference["letters"])
            assert all(f"{premise.strip()}.\n" in f"{problem.prompt}\n" for premise in cited.split(".")[:-1])


def test_quantifiers_speak_of_others_and_both_ways() -> None:
    """0 admires 1 and 2, 1 admires 2; 1 and 2 sing."""
    model = Model(3, [0b110], [0b110, 0b100, 0b000], [0b000, 0b001, 0b011])
    sings = ["is", 0, 1]
    assert model.satisfying(["is", 0, 0]) == 0b001
    assert model.satisfying(["active", "some", sings]) == 0b011
    assert model.satisfying(["active", "every", sings]) == 0b011  # 1 need not admire himself
    assert model.satisfying(["active", "none", sings]) == 0b100
    assert model.satisfying(["active", "one", sings]) == 0b010
    assert model.satisfying(["active", "many", sings]) == 0b001
    assert model.satisfying(["passive", "some", sings]) == 0b100
    assert model.satisfying(["and", sings, ["passive", "many", ["is", 0, 0]]]) == 0b000
    assert model.satisfying(["or", sings, ["active", "many", sings]]) == 0b111


def test_the_facts_of_a_model_are_told_and_its_converse_fits() -> None:
    for problem in problems(FirstOrder(), count=10):
        people = problem.reference["people"]
        n, properties, relation, converse = problem.meta["model"]
        assert n == len(people) == len(set(people))
        assert all((relation[i] >> j & 1) == (converse[j] >> i & 1) for i in range(n) for j in range(n))
        assert not any(relation[i] >> i & 1 for i in range(n))
        singers = [name for i, name in enumerate(people) if properties[0] >> i & 1]
        assert f"sings: {', '.join(singers)}\n" in problem.prompt
        assert 1 < len(problem.reference["satisfied"]) < n - 1


def test_names_are_judged_as_a_set() -> None:
    task, problem = FirstOrder(), Problem("", {"people": ["Ada", "Ben", "Dan"], "satisfied": ["Ada", "Dan"]}, 1)
    assert not reason(task, problem, "\\boxed{Dan and Ada}")
    assert not reason(task, problem, "\\boxed{\\text{Dan}, \\text{Ada}}")
    assert reason(task, problem, "\\boxed{Ada}") == "Dan satisfies it too"
    assert reason(task, problem, "\\boxed{Ada, Ben, Dan}") == "Ben does not satisfy it"
    assert reason(task, problem, "\\boxed{Eve}").startswith("'eve' is none of")


def test_one_order_fits_all_statements() -> None:
    for problem in problems(LinearOrder(), count=8, levels=(1, 3, 5, 7)):
        clues, n = problem.reference["clues"], len(problem.reference["order"])
        fitting = [
            ranks
            for ranks in permutations(range(n))
            if all(RELATIONS[relation](ranks[a], ranks[b] if b < n else b - n) for a, relation, b in clues)
        ]
        assert fitting == [tuple(range(n))]


def test_an_order_is_wrong_by_the_first_statement_that_it_breaks() -> None:
    task = LinearOrder()
    clues = [[0, "left of", 1], [1, "left of", 2], [2, "at", 5]]
    scale = ["taller", "shorter", "tallest", "shortest"]
    problem = Problem("", {"order": ["Ada", "Ben", "Dan"], "clues": clues, "scale": scale}, 1)
    assert not reason(task, problem, "\\boxed{Ada, Ben, Dan}")
    assert reason(task, problem, "\\boxed{Ben, Ada, Dan}") == "does not hold: Ada is taller than Ben."
    assert reason(task, problem, "\\boxed{Ada, Dan, Ben}") == "does not hold: Ben is taller than Dan."
    assert reason(task, problem, "\\boxed{Ada, Ben}").endswith("does not name each of Ada, Ben, Dan once")
    assert reason(task, problem, "\\boxed{Ada, Ben, Dan, Dan}").endswith("once")


def test_the_weak_solver_of_orders_knows_comparisons_only() -> None:
    task, rng = LinearOrder(), np.random.default_rng(0)
    scale = ["taller", "shorter", "tallest", "shortest"]
    clues = [[0, "left of", 1], [2, "right of", 1], [0, "left of", 2]]
    problem = Problem("", {"order": ["Ada", "Ben", "Dan"], "clues": clues, "scale": scale}, 1)
    assert task.weak_solve(problem, rng) == "\\boxed{Ada, Ben, Dan}"
