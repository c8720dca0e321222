"""One action, alone or in the last box."""

from __future__ import annotations

import pytest

from palaestra.envs.games import Illegal, LiarsDice, TicTacToe
from palaestra.envs.games.tic_tac_toe import Board

GAME, BOARD = TicTacToe(), Board("x........", turn=1)


@pytest.mark.parametrize(
    "text",
    ["5", " 5\n", "\\boxed{5}", "I take the middle: \\boxed{ 5 }.", "\\boxed{3}? No, \\boxed{5}", "\\boxed{\\text{5}}"],
)
def test_an_action_alone_or_in_the_last_box_is_taken(text: str) -> None:
    assert GAME.parse(BOARD, text) == 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the answer is empty"),
        ("\\boxed{}", "the answer is empty"),
        ("\\boxed{5", "the box is never closed"),
        ("5 or 6", "two actions, 5 and 6: give one"),
        ("\\boxed{5, 6}", "two actions, 5 and 6: give one"),
        ("I play 5", "'i play 5' is no action: write one alone or in \\boxed{}"),
        ("5.", "'5.' is no action: write one alone or in \\boxed{}"),
        ("0", "'0' is no action: write one alone or in \\boxed{}"),
        ("05", "'05' is no action: write one alone or in \\boxed{}"),
        ("\u0665", "'\u0665' is no action: write one alone or in \\boxed{}"),
        ("\ud800", "'\\ud800' is no action: write one alone or in \\boxed{}"),
        ("1", "cell 1 is taken by x"),
        ("5" * 70000, "the answer has 70000 characters, 65536 are allowed"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, reason: str) -> None:
    found = GAME.parse(BOARD, text)
    assert isinstance(found, Illegal)
    assert found == reason


def test_a_long_answer_is_quoted_in_part() -> None:
    assert len(GAME.parse(BOARD, "word " * 1000)) < 120  # type: ignore[arg-type]  # refused, so a text


def test_case_and_spacing_do_not_matter() -> None:
    game = LiarsDice(dice=2)
    cup = game.act(game.deals()[0][1], 0)
    assert game.parse(cup, "\\boxed{ LIAR }") == 24
    assert game.parse(cup, "2 X 5") == 10
