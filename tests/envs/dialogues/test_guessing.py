"""Guess20, Mastermind and Wordle: replies, hand-played games, and oracles checked by brute force."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from palaestra.envs import Problem, sample_problem
from palaestra.envs.dialogue import Dialogue
from palaestra.envs.dialogues import Guess20, Mastermind, Wordle
from palaestra.envs.dialogues.mastermind import consistent, feedback
from palaestra.envs.dialogues.wordle import fitting, marks
from palaestra.envs.dialogues.words import FIVE_LETTERS
from palaestra.verifiers import Status

GUESS = Problem("?", {"things": [[0, 0, 0, 0], [1, 0, 0, 0], [0, 3, 0, 0]], "secret": 2, "turns": 20}, 1)
CODE = Problem("?", {"letters": "ABCDE", "secret": "ABCA", "turns": 3}, 1)
WORD = Problem("?", {"secret": "speed", "made": ["crane"], "turns": 2}, 1)


def said(task: Dialogue, problem: Problem, *actions: str) -> tuple[str, str]:
    """The last observation, and the verdict's reason or nothing."""
    *_, turn = task.play(problem, actions)
    return turn.observation, "" if turn.verdict is None else f"{turn.verdict.status}: {turn.verdict.reason}"


@pytest.mark.parametrize(
    ("action", "observation", "verdict"),
    [
        ("Is it big?\nask[size = huge]", "Yes.", ""),
        ("ask[ COLOUR=Green ]", "No.", ""),
        ("ask[colour = red]\nask[size = tiny]", "No.", ""),
        ("ask[age = 7]", "Nothing is known of 'age = 7'", ""),
        ("ask[size = red]", "Nothing is known", ""),
        ("is it red?", "neither a question", ""),
        ("guess[c1]", "Yes, that is it!", "right: C1 it is"),
        ("guess[A1]", "No, it was C1.", "wrong: guesses A1, not C1"),
        ("guess[A1, B1, C1]", "No, it was C1.", "wrong"),
    ],
)
def test_guess20_replies(action: str, observation: str, verdict: str) -> None:
    seen, judged = said(Guess20(), GUESS, action)
    assert observation in seen
    assert judged.startswith(verdict)
    assert bool(judged) is bool(verdict)


def test_guess20_questions_run_out() -> None:
    assert said(Guess20(), GUESS, *["ask[size = huge]"] * 20)[1] == "wrong: no answer in 20 turns"


def test_guess20_things_differ_and_the_oracle_never_guesses_blindly() -> None:
    task = Guess20()
    for seed, level in itertools.product(range(15), (1, 5, 10)):
        problem = sample_problem(task, seed, level)
        things = problem.reference["things"]
        assert len({tuple(thing) for thing in things}) == len(things) == 6 + 6 * level
        left = set(range(len(things)))
        for action, turn in task.demonstrate(problem, np.random.default_rng(seed)):
            if "guess" in action:
                assert left == {problem.reference["secret"]}
                continue
            k, value = turn.state[-1]
            left = {i for i in left if (things[i][k] == value) is (turn.observation == "Yes.")}


@pytest.mark.parametrize(
    ("guess", "placed", "misplaced"),
    [("ABCA", 4, 0), ("AAAA", 2, 0), ("BACA", 2, 2), ("DDDD", 0, 0), ("CABB", 0, 3), ("BAAB", 0, 3), ("AACB", 2, 2)],
)
def test_mastermind_counts_letters_in_place_and_misplaced(guess: str, placed: int, misplaced: int) -> None:
    assert feedback("ABCA", guess) == (placed, misplaced)
    seen, _ = said(Mastermind(), CODE, f"guess[{guess.lower()}]")
    assert seen == ("ABCA is the code." if placed == 4 else f"{guess}: {placed} in place, {misplaced} misplaced.")


def test_mastermind_refuses_what_is_no_code_and_ends_after_the_guesses() -> None:
    task = Mastermind()
    for bad in ("ABC", "ABCAA", "ABCX", "1234", ""):
        assert "is not 4 letters out of A, B, C, D, E" in said(task, CODE, f"guess[{bad}]")[0]
    assert "no guess" in said(task, CODE, "ABCA")[0]
    assert said(task, CODE, "guess[AAAA]", "guess[BBBB]", "guess[CCCC]")[1] == "wrong: no answer in 3 turns"
    assert said(task, CODE, "guess[AAAA]", "guess[BBBB]", "guess[ABCA]")[1] == "right: ABCA in 3 guesses"
    with pytest.raises(ValueError, match="from 1 to 20, not 0"):
        Mastermind(guesses=0)


def test_mastermind_consistent_codes_are_those_of_brute_force() -> None:
    rng = np.random.default_rng(1)
    codes = ["".join(code) for code in itertools.product("ABCD", repeat=3)]
    for _ in range(40):
        secret, *guesses = (codes[i] for i in rng.integers(len(codes), size=4))
        replies = [(guess, feedback(secret, guess)) for guess in guesses]
        fits = [code for code in codes if all(feedback(code, guess) == reply for guess, reply in replies)]
        assert consistent("ABCD", 3, replies) == fits[0]
    assert consistent("AB", 2, [("AA", (0, 1))]) == ""


@pytest.mark.parametrize(
    ("secret", "guess", "expected"),
    [
        ("crane", "crane", "GGGGG"),
        ("crane", "react", "YYGY-"),
        ("speed", "eerie", "YY---"),
        ("speed", "creep", "--GGY"),
        ("abbey", "babes", "YYGG-"),
        ("aaaab", "bbbbb", "----G"),
        ("those", "xxxxx", "-----"),
    ],
)
def test_wordle_marks_no_letter_more_often_than_the_word_has_it(secret: str, guess: str, expected: str) -> None:
    assert marks(secret, guess) == expected


def test_wordle_games() -> None:
    task = Wordle()
    assert said(task, WORD, "guess[Creep]") == ("creep\n--GGY", "")
    assert said(task, WORD, "guess[creep]", "I know: guess[SPEED]")[1] == "right: speed in 2 guesses"
    assert said(task, WORD, "guess[creep]", "guess[steep]")[1] == "wrong: no answer in 2 turns"
    for bad in ("four", "sixsix", "spee1", "sp\u00e9ed"):
        assert "is not five letters" in said(task, WORD, f"guess[{bad}]")[0]


def test_wordle_words_and_candidates() -> None:
    assert max(Counter(FIVE_LETTERS).values()) == 1
    assert all(len(word) == 5 and word.isascii() and word.islower() for word in FIVE_LETTERS)
    assert len(FIVE_LETTERS) > 700
    for secret in FIVE_LETTERS[::60]:
        fits = fitting(secret, ("crane", "solid"))
        assert secret in fits
        told = [marks(secret, guess) for guess in ("crane", "solid")]
        assert list(fits) == [word for word in FIVE_LETTERS if [marks(word, g) for g in ("crane", "solid")] == told]


def test_wordle_openings_are_shown_with_their_marks() -> None:
    for seed in range(20):
        problem = sample_problem(Wordle(), seed, 1)
        secret, made = problem.reference["secret"], problem.reference["made"]
        assert secret not in made
        assert all(f"{word}\n{marks(secret, word)}" in problem.prompt for word in made)
        assert said(Wordle(), problem, f"guess[{secret}]")[1].startswith(Status.RIGHT.value)
