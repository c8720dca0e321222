"""What judging parts of answers again tells: revisions, and solutions within a response."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from palaestra.agents.agent import Dialogue, Reply
from palaestra.agents.scripted import OracleAgent
from palaestra.arena.answer_parts import judge_parts
from palaestra.arena.environments import Environments
from palaestra.arena.evaluate import evaluate, held_out
from palaestra.arena.leaderboard import Board, parts_told, read_board, terminal_table, write_leaderboard
from palaestra.arena.measure import Course, Entrant, measure_all
from palaestra.episodes import Episode

GCD = "palaestra/GcdLcm-v0"
WRONG = "\\boxed{gcd=1, lcm=1}"


class Reviser(OracleAgent):
    """Right at last three times in four; what it said first was right one time in two."""

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        made = []
        for index, reply in enumerate(super().respond(dialogues)):
            first = reply.text if index % 2 else WRONG
            made.append(replace(reply, text=reply.text if index % 4 else WRONG, meta={"first": first}))
        return made


def played(agent: OracleAgent, problems: int = 16) -> list[Episode]:
    return evaluate(agent, held_out(GCD, {}, [1], problems))[1]


def test_first_answers_are_judged_again() -> None:
    with Environments() as environments:
        looked = judge_parts(played(Reviser()), environments)
        assert (looked.repair, looked.harm) == (0.5, 0.0)  # of 0, 2, 4, ... every second; of the right ones none
        assert math.isnan(looked.outcome_efficiency)
        plain = judge_parts(played(OracleAgent()), environments)
    assert math.isnan(plain.repair)
    assert math.isnan(plain.harm)


def test_solutions_within_a_response_are_judged_one_by_one() -> None:
    twice = played(OracleAgent({"check": 1.0}), 4)
    shares = [one.turns[0].solution_spans[1][0] / len(one.turns[0].text) for one in twice]
    with Environments() as environments:
        looked = judge_parts(twice, environments)
        mixed = judge_parts([*twice, *played(OracleAgent(), 4)], environments)
    assert all(0.4 < share < 0.7 for share in shares)
    assert looked.outcome_efficiency == pytest.approx(sum(shares) / 4)  # the first is right
    assert looked.process_efficiency == pytest.approx(sum(shares) / 4)  # the second is the first again
    assert mixed.outcome_efficiency == pytest.approx((sum(shares) + 4) / 8)


def test_a_board_has_columns_for_what_somebody_has(tmp_path: Path) -> None:
    rows, _ = measure_all([Entrant("plain", OracleAgent), Entrant("reviser", Reviser)], [Course(GCD, problems=8)])
    assert parts_told(rows) == {"repair": "repair", "harm": "harm"}
    assert parts_told(rows[:1]) == {}
    assert [str(column.header) for column in terminal_table(rows).columns][4:6] == ["repair", "harm"]
    write_leaderboard(rows, tmp_path, "t", "s")
    assert "<th>repair</th>" in (tmp_path / "leaderboard.html").read_text()
    again = read_board(tmp_path)
    assert isinstance(again, Board)
    assert {row.agent: row.repair for row in again.rows}["reviser"] == 0.5
