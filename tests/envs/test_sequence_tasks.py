"""Sequence families: lists after sorting steps, subsequences, sums and stacks, each held against brute force."""

from __future__ import annotations

import itertools

import pytest

from palaestra.envs import Problem, Task, sample_problem
from palaestra.envs.tasks.sequences.longest_increasing import LongestIncreasing
from palaestra.envs.tasks.sequences.sort_by_steps import ALGORITHMS, SortBySteps, _states
from palaestra.envs.tasks.sequences.stack_machine import StackMachine
from palaestra.envs.tasks.sequences.subset_sum import SubsetSum
from palaestra.verifiers import evaluate, parse_expression

SORTED = Problem("", {"result": [3, 9, 5]}, 1)
GROWING = Problem("", {"numbers": [5, 1, 4, 9, 6], "length": 3}, 1)
SUM = Problem("", {"numbers": [5, 5, 7, 20], "target": 17}, 1)
STACK = Problem("", {"stack": [4, -2]}, 1)


@pytest.mark.parametrize(
    ("task", "problem", "answer"),
    [
        (SortBySteps(), SORTED, "3, 9, 5"),
        (SortBySteps(), SORTED, "[3,9,5]"),
        (SortBySteps(), SORTED, "(3 9 5)"),
        (LongestIncreasing(), GROWING, "1, 4, 9"),
        (LongestIncreasing(), GROWING, "1, 4, 6"),
        (SubsetSum(), SUM, "5, 7, 5"),
        (StackMachine(), STACK, "4, -2"),
    ],
)
def test_right_answers(task: Task, problem: Problem, answer: str) -> None:
    verdict = task.verify(problem, f"\\boxed{{{answer}}}")
    assert verdict.right, verdict.reason


@pytest.mark.parametrize(
    ("task", "problem", "answer", "reason"),
    [
        (SortBySteps(), SORTED, "3, 5, 9", "position 2 holds 9, not 5"),
        (SortBySteps(), SORTED, "3, 9", "2 numbers instead of 3"),
        (SortBySteps(), SORTED, "", "empty"),
        (SortBySteps(), SORTED, "3, 9, x", "'x' is no whole number"),
        (SortBySteps(), SORTED, "3, 9, " + "5" * 30, "no whole number"),
        (SortBySteps(), SORTED, "3, " * 1000, "more than 1000 characters"),
        (LongestIncreasing(), GROWING, "5, 9", "2 numbers; 3 are possible"),
        (LongestIncreasing(), GROWING, "1, 4, 5", "5 stands before 4"),
        (LongestIncreasing(), GROWING, "4, 9, 6", "6 is not larger than 9"),
        (LongestIncreasing(), GROWING, "4, 9, 9", "9 is not larger than 9"),
        (LongestIncreasing(), GROWING, "1, 2, 9", "2 is not in the sequence"),
        (SubsetSum(), SUM, "7, 5, 5, 0", "0 is not at hand"),
        (SubsetSum(), SUM, "5, 5", "the sum is 10, not 17"),
        (SubsetSum(), SUM, "7, 7, 3", "7 is not at hand, or not so often"),
        (StackMachine(), STACK, "-2, 4", "number 1 from the bottom is 4, not -2"),
        (StackMachine(), STACK, "-2", "1 numbers instead of 2"),
    ],
)
def test_the_reason_says_what_is_wrong(task: Task, problem: Problem, answer: str, reason: str) -> None:
    verdict = task.verify(problem, f"\\boxed{{{answer}}}")
    assert not verdict.right
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("algorithm", "states"),
    [
        ("bubble sort", [[4, 1, 3, 2, 5], [1, 3, 2, 4, 5], [1, 2, 3, 4, 5]]),
        ("insertion sort", [[4, 5, 1, 3, 2], [1, 4, 5, 3, 2], [1, 3, 4, 5, 2]]),
        ("selection sort", [[1, 4, 5, 3, 2], [1, 2, 5, 3, 4], [1, 2, 3, 5, 4]]),
    ],
)
def test_steps_of_sorting_done_by_hand(algorithm: str, states: list[list[int]]) -> None:
    assert _states(algorithm, [5, 4, 1, 3, 2], 3)[1:] == states


def test_a_list_to_sort_is_still_moving_when_asked_for() -> None:
    for algorithm in ALGORITHMS:
        for level in (1, 5, 10):
            problem = sample_problem(SortBySteps(algorithm), 0, level)
            states = problem.meta["states"]
            assert algorithm in problem.prompt
            assert states[-1] not in (states[-2], sorted(states[0]))
    with pytest.raises(ValueError, match="bogo sort"):
        SortBySteps("bogo sort")


def test_no_increasing_subsequence_is_longer() -> None:
    for level, seed in itertools.product((1, 2, 3), range(15)):
        reference = sample_problem(LongestIncreasing(), seed, level).reference
        n = reference["length"]
        longer = itertools.combinations(reference["numbers"], n + 1)
        assert not any(list(chosen) == sorted(chosen) for chosen in longer)


def test_every_subset_with_the_sum_is_right_and_no_other() -> None:
    for seed in range(20):
        problem = sample_problem(SubsetSum(), seed, 3)
        numbers, target = problem.reference["numbers"], problem.reference["target"]
        for size in range(1, len(numbers) + 1):
            for chosen in itertools.combinations(numbers, size):
                answer = ", ".join(map(str, chosen))
                assert SubsetSum().verify(problem, f"\\boxed{{{answer}}}").right == (sum(chosen) == target)


def test_the_stack_machine_agrees_with_python() -> None:
    binary = {"ADD": "+", "SUB": "-", "MUL": "*"}
    for level, seed in itertools.product(range(1, 11), range(20)):
        problem = sample_problem(StackMachine(), seed, level)
        expressions: list[str] = []  # an infix expression for each number on the stack
        for operation in problem.meta["fields"]["program"].split(", "):
            if operation.startswith("PUSH "):
                expressions.append(operation.removeprefix("PUSH "))
            elif operation == "DUP":
                expressions.append(expressions[-1])
            elif operation == "DROP":
                expressions.pop()
            elif operation == "SWAP":
                expressions[-2:] = [expressions[-1], expressions[-2]]
            else:
                expressions[-2:] = [f"({expressions[-2]}{binary[operation]}{expressions[-1]})"]
        values = [_value(expression) for expression in expressions]
        assert values == problem.reference["stack"]
        assert len(values) >= 2


def _value(expression: str) -> int:
    value = evaluate(parse_expression(expression))
    assert value.denominator == 1
    return value.numerator
