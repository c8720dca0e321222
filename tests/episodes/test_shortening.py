"""Answers are cut between their solutions, on the tokens that were sampled, and judged again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from palaestra.episodes import Actor, Episode, Outcome, Turn
from palaestra.episodes.shortening import (
    Judged,
    Keep,
    first_right,
    first_right_and_reflection,
    greedily_diverse,
    shortened,
    shortened_and_longest,
)
from palaestra.episodes.views import View, groups
from palaestra.verifiers import Status, Verdict, extract_answer, right, undecided, wrong

END = 0
R, W, U = Status
LONG = "1+1=3 \\boxed{3}\nCheck:\n1+1=2 \\boxed{2}\nCheck:\n1+1=2 \\boxed{2}\nCheck:\n2*1=2 \\boxed{2}"
FIRST = "1+1=3 \\boxed{3}\nCheck:\n1+1=2 \\boxed{2}"


def spans(text: str) -> tuple[tuple[int, int], ...]:
    pieces, start = [], 0
    for piece in text.split("Check:\n"):
        pieces.append((start, start + len(piece)))
        start += len(piece) + len("Check:\n")
    return tuple(pieces)


def episode(name: str, text: str, reward: float = 1.0) -> Episode:
    """One token a character, and an end."""
    ids = (*map(ord, text), END)
    turn = Turn(
        "r", "?", text, reward, (1, 2), ids, (-0.5,) * len(ids), finish_reason="stop", solution_spans=spans(text)
    )
    outcome = {"r": Outcome(reward, R if reward == 1 else W)}
    return Episode(name, "e", {}, {}, 0, "g", {"r": Actor("x")}, (turn,), outcome, True, False)


def judge(episode: Episode, text: str) -> Verdict:
    found = extract_answer(text)
    if found is not None and found.text == "?":
        return undecided("who knows")
    return right("yes") if found is not None and found.text == "2" else wrong("no")


def decode(ids: Sequence[int]) -> str:
    return "".join(chr(one) for one in ids if one != END)


def texts(view: View) -> list[str]:
    return [decode(row.ids[row.action].tolist()) for row in view.rows]


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (first_right, FIRST),
        (first_right_and_reflection, FIRST + "\nCheck:\n1+1=2 \\boxed{2}"),
        (greedily_diverse, FIRST + "\nCheck:\n2*1=2 \\boxed{2}"),
    ],
)
def test_what_is_kept(keep: Keep, left: str) -> None:
    view = shortened([episode("a", LONG)], judge, decode, [END], keep)
    assert texts(view) == [left]
    (row,) = view.rows
    assert row.ids.tolist() == [1, 2, *map(ord, left), END]
    assert row.action.tolist() == [False] * 2 + [True] * (len(left) + 1)
    assert not row.logprobs.any()
    assert (row.reward, row.label) == (1.0, 1)


def test_which_solutions_are_kept() -> None:
    kinds = [Judged(W, "a"), Judged(R, "a"), Judged(W, "b"), Judged(R, "b"), Judged(R, "b"), Judged(U, "c")]
    assert first_right(kinds) == [0, 1]
    assert first_right_and_reflection(kinds) == [0, 1, 2, 3]
    assert greedily_diverse(kinds) == [0, 1, 3]
    assert first_right_and_reflection(kinds[:2]) == [0, 1]
    for keep in (first_right, first_right_and_reflection, greedily_diverse):
        assert keep(kinds[:1]) == keep([]) == []


def test_a_response_of_one_solution_stays_whole_and_a_wrong_one_goes() -> None:
    log = [
        episode("a", "\\boxed{2}"),
        episode("b", "\\boxed{3}", 0.0),
        episode("c", "\\boxed{?}", 0.0),
        replace(episode("d", "\\boxed{2}"), turns=()),
    ]
    view = shortened(log, judge, decode, [END])
    assert texts(view) == ["\\boxed{2}"]
    assert view.dropped == {
        "no solution is right": 1,
        "no solution is known to be right": 1,
        "not one sampled turn": 1,
    }


def test_a_token_that_spans_two_solutions_is_not_cut() -> None:
    whole = episode("a", "\\boxed{2}\nCheck:\n\\boxed{2}")
    ids = (*map(ord, "\\boxed{2"), 1000, *map(ord, "heck:\n\\boxed{2}"), END)
    merged = replace(whole.turns[0], action_ids=ids, logprobs=(-0.5,) * len(ids))

    def decoded(ids: Sequence[int]) -> str:
        return "".join("}\nC" if one == 1000 else decode([one]) for one in ids)

    view = shortened([replace(whole, turns=(merged,))], judge, decoded, [END])
    assert view.dropped == {"a token reaches beyond a solution": 1}


def test_tokens_that_are_not_the_text_are_told_of() -> None:
    whole = episode("a", "\\boxed{2}")
    other = replace(whole.turns[0], text="\\boxed{2} ?")
    view = shortened([replace(whole, turns=(other,))], judge, decode, [END])
    assert view.dropped == {"its tokens are not its text": 1}


def test_the_shortest_is_preferred_to_the_longest() -> None:
    log = [episode("a", LONG), episode("b", "\\boxed{2}\nCheck:\n\\boxed{2}"), episode("c", "\\boxed{3}" * 99, 0.0)]
    view = shortened_and_longest(shortened(log, judge, decode, [END]).rows, groups(log).rows)
    assert texts(view) == ["\\boxed{2}", LONG]
    assert [row.label for row in view.rows] == [1, -1]
    assert view.dropped == {"not right": 1, "neither the shortest nor the longest": 2}


def test_no_pair_without_something_shorter() -> None:
    log = [episode("a", "\\boxed{2}"), episode("b", "\\boxed{2}")]
    view = shortened_and_longest(shortened(log, judge, decode, [END]).rows, groups(log).rows)
    assert view.rows == []
    assert view.dropped == {"nothing shorter than the longest right answer": 4}
    assert shortened_and_longest([], []).rows == []


def test_what_is_left_is_judged_again() -> None:
    """Whoever keeps only the first solution, which is wrong, has made no answer to imitate."""
    view = shortened([episode("a", LONG)], judge, decode, [END], keep=lambda solutions: [0])
    assert view.rows == []
    assert view.dropped == {"what is left is not right": 1}
