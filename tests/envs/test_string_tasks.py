"""String families: brackets, automata, regular expressions, ciphers and edits, held against independent methods."""

from __future__ import annotations

import itertools
import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.envs import Problem, Task, sample_problem
from palaestra.envs.tasks.strings.automaton import Automaton
from palaestra.envs.tasks.strings.brackets import Brackets
from palaestra.envs.tasks.strings.cipher import Cipher
from palaestra.envs.tasks.strings.edit_distance import EditDistance
from palaestra.envs.tasks.strings.glushkov import automaton, matches, text
from palaestra.envs.tasks.strings.regex_match import RegexMatch

RNG = np.random.default_rng(0)
OPEN = Problem("", {"completion": ")]>"}, 1)
ACCEPTED = Problem("", {"accepted": [2, 5]}, 1)
MESSAGE = Problem("", {"message": "COLD WATER"}, 1)
WORDS = Problem("", {"first": "abcd", "second": "bcde", "distance": 2}, 1)
AB_PLUS = automaton(["+", "cat", ["", "a"], ["", "b"]])
REGEX = Problem("", {"accepting": AB_PLUS, "rejecting": automaton(["", "cat", ["", "a"], ["", "b"]])}, 1)


@pytest.mark.parametrize(
    ("task", "problem", "answer"),
    [
        (Brackets(), OPEN, ")]>"),
        (Brackets(), OPEN, ") ] >"),
        (Automaton(), ACCEPTED, "5, 2"),
        (RegexMatch(), REGEX, "abab"),
        (RegexMatch(), REGEX, "ababababab"),
        (Cipher(), MESSAGE, "cold  Water"),
        (EditDistance(), WORDS, "abcd -> bcd -> bcde"),
        (EditDistance(), WORDS, r"abcd \to abcde \to bcde"),
    ],
)
def test_right_answers(task: Task, problem: Problem, answer: str) -> None:
    verdict = task.verify(problem, f"\\boxed{{{answer}}}")
    assert verdict.right, verdict.reason


@pytest.mark.parametrize(
    ("task", "problem", "answer", "reason"),
    [
        (Brackets(), OPEN, ")>]", "bracket 2 has to be ], not '>'"),
        (Brackets(), OPEN, ")]", "1 brackets stay open"),
        (Brackets(), OPEN, ")]>()", "everything is closed after 3"),
        (Automaton(), ACCEPTED, "2, 3, 5", "word 3 is not accepted"),
        (Automaton(), ACCEPTED, "2", "word 5 is accepted"),
        (Automaton(), ACCEPTED, "2, 5, 7", "there is no word 7"),
        (RegexMatch(), REGEX, "ab", "the second expression matches it too"),
        (RegexMatch(), REGEX, "aba", "the first expression does not match it"),
        (RegexMatch(), REGEX, "", "an answer of 0"),
        (RegexMatch(), REGEX, "ab" * 200, "more than 200"),
        (Cipher(), MESSAGE, "COLD WINTER", "word 2 is WATER, not 'WINTER'"),
        (Cipher(), MESSAGE, "COLD", "1 words instead of 2"),
        (EditDistance(), WORDS, "abcd -> bcde", "from 'abcd' to 'bcde' is not one edit"),
        (EditDistance(), WORDS, "abcd -> bbcd -> bccd -> bcdd -> bcde", "4 steps; 2 are enough"),
        (EditDistance(), WORDS, "abcd -> bcd", "does not lead from abcd to bcde"),
        (EditDistance(), WORDS, "abcd -> abcd -> bcd -> bcde", "is not one edit"),
    ],
)
def test_the_reason_says_what_is_wrong(task: Task, problem: Problem, answer: str, reason: str) -> None:
    verdict = task.verify(problem, f"\\boxed{{{answer}}}")
    assert not verdict.right
    assert reason in verdict.reason


def test_brackets_cancel_in_pairs_until_nothing_is_left() -> None:
    for level, seed in itertools.product(range(1, 11), range(20)):
        problem = sample_problem(Brackets(), seed, level)
        whole = problem.meta["fields"]["text"] + problem.reference["completion"]
        while (shorter := re.sub(r"\(\)|\[\]|<>", "", whole)) != whole:
            whole = shorter
        assert whole == ""
        assert len(problem.reference["completion"]) >= 3


def test_automata_read_from_the_prompt_accept_the_same_words() -> None:
    for level, seed in itertools.product(range(1, 11), range(10)):
        problem = sample_problem(Automaton(), seed, level)
        fields = problem.meta["fields"]
        moves = {
            (state, letter): target
            for state, row in re.findall(r"(\d+): ([^;]*)", fields["moves"])
            for letter, target in re.findall(r"(\w) -> (\d+)", row)
        }
        accepted = []
        for number, word in re.findall(r"(\d)\. (\w+)", fields["words"]):
            state = "0"
            for letter in word:
                state = moves[state, letter]
            if state in re.findall(r"\d+", fields["accepting"]):
                accepted.append(int(number))
        assert accepted == problem.reference["accepted"]
        assert all(field in problem.prompt for field in fields.values())


QUANTIFIERS = st.sampled_from(["", "*", "+", "?"])
TREES = st.recursive(
    st.tuples(QUANTIFIERS, st.sampled_from("ab")).map(list),
    lambda trees: st.tuples(QUANTIFIERS, st.sampled_from(["cat", "or"]), trees, trees).map(list),
    max_leaves=5,
)
LONGEST = 4


def joined(first: set[str], second: set[str]) -> set[str]:
    return {one + other for one in first for other in second if len(one + other) <= LONGEST}


def language(tree: list[Any]) -> set[str]:
    """The words of at most ``LONGEST`` letters that an expression stands for, by the definition."""
    quantifier, kind, *parts = tree
    if not parts:
        words = {kind}
    elif kind == "or":
        words = language(parts[0]) | language(parts[1])
    else:
        words = joined(language(parts[0]), language(parts[1]))
    if quantifier in ("*", "+"):
        while (more := words | joined(words, words)) != words:
            words = more
    return words | {""} if quantifier in ("*", "?") else words


@given(tree=TREES)
def test_automata_match_the_words_of_the_language(tree: list[Any]) -> None:
    machine = automaton(tree)
    every = ["".join(word) for n in range(LONGEST + 1) for word in itertools.product("ab", repeat=n)]
    assert {word for word in every if matches(machine, word)} == language(tree)
    assert not matches(machine, "c")


@pytest.mark.parametrize(
    ("tree", "written"),
    [
        (["", "cat", ["", "or", ["", "a"], ["*", "b"]], ["+", "a"]], "(a|b*)a+"),
        (["", "or", ["", "cat", ["", "a"], ["", "b"]], ["?", "a"]], "ab|a?"),
        (["+", "or", ["", "or", ["", "a"], ["", "b"]], ["*", "cat", ["", "a"], ["", "b"]]], "(a|b|(ab)*)+"),
    ],
)
def test_expressions_are_written_with_the_brackets_they_need(tree: list[Any], written: str) -> None:
    assert text(tree) == written


def test_python_agrees_with_witnesses_against_the_expressions_of_the_prompt() -> None:
    for level, seed in itertools.product(range(1, 11), range(15)):
        problem = sample_problem(RegexMatch(), seed, level)
        fields, witness = problem.meta["fields"], problem.meta["witness"]
        assert re.fullmatch(fields["accepting"], witness)
        assert not re.fullmatch(fields["rejecting"], witness)
        assert fields["accepting"] in problem.prompt
        assert fields["rejecting"] in problem.prompt


@pytest.mark.parametrize(
    ("kind", "key", "plain", "secret"),
    [
        ("caesar", "D", "XYZ ABC", "ABC DEF"),
        ("vigenere", "LEMON", "ATTACK ATDAWN", "LXFOPV EFRNHR"),  # the usual example of a textbook
        ("substitution", "ZYXWVUTSRQPONMLKJIHGFEDCBA", "HELLO", "SVOOL"),  # Atbash
    ],
)
def test_known_ciphers(kind: str, key: str, plain: str, secret: str) -> None:
    problem = Problem("", {"message": plain}, 1, {"kind": kind, "key": key, "fields": {"secret": secret}})
    assert Cipher().verify(problem, Cipher().solve(problem, RNG)).right


def test_messages_are_encoded_by_the_kind_asked_for() -> None:
    for kind in ("caesar", "substitution", "vigenere"):
        for level in (1, 5, 10):
            problem = sample_problem(Cipher(kind), 0, level)
            message, secret = problem.reference["message"], problem.meta["fields"]["secret"]
            assert problem.meta["kind"] == kind
            assert [len(word) for word in message.split()] == [len(word) for word in secret.split()]
            assert Cipher().verify(problem, Cipher().solve(problem, RNG)).right
    with pytest.raises(ValueError, match="enigma"):
        Cipher("enigma")


@cache
def levenshtein(first: str, second: str) -> int:
    if not (first and second):
        return len(first) + len(second)
    if first[0] == second[0]:
        return levenshtein(first[1:], second[1:])
    return 1 + min(levenshtein(first[1:], second), levenshtein(first, second[1:]), levenshtein(first[1:], second[1:]))


def test_distances_are_those_of_the_definition() -> None:
    for level, seed in itertools.product(range(1, 11), range(10)):
        reference = sample_problem(EditDistance(), seed, level).reference
        assert reference["distance"] == levenshtein(reference["first"], reference["second"]) > 0


@given(before=st.text("ab", max_size=4), after=st.text("ab", max_size=4))
def test_neighbours_in_a_chain_are_at_distance_one(before: str, after: str) -> None:
    problem = Problem("", {"first": before, "second": after, "distance": 1}, 1)
    assert EditDistance().verify(problem, f"\\boxed{{{before} -> {after}}}").right == (levenshtein(before, after) == 1)
