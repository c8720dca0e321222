"""Creators are paid for what can be learned from, and for nothing else; what they write is verified or refused."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from palaestra.agents.agent import Dialogue, Reply
from palaestra.agents.creators.evolve import ModelEvolution
from palaestra.agents.creators.practice import Practice
from palaestra.agents.creators.proposer import Proposer
from palaestra.agents.creators.rewards import learnability, novelty, triples, uncertainty
from palaestra.envs.evolution.pool import Pool
from palaestra.envs.evolution.quantities import parse
from palaestra.envs.games.proposer_solver import ProposerSolver
from palaestra.envs.registration import make_task
from palaestra.envs.task import Problem, sample_problem
from palaestra.episodes import Actor, Cost

CHAIN = make_task("palaestra/ChainArith-v0")


class Saying:
    """Says what a rule makes of the number of the question, over all that it was asked."""

    actor = Actor("saying")

    def __init__(self, rule: Callable[[int, Dialogue], str]) -> None:
        self.rule, self.asked = rule, 0

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        replies = []
        for dialogue in dialogues:
            replies.append(Reply(self.rule(self.asked, dialogue), cost=Cost(10, 1)))
            self.asked += 1
        return replies


def solver(share: float) -> Saying:
    """Right on so many of four attempts."""

    def answer(number: int, dialogue: Dialogue) -> str:
        assert dialogue.problem is not None
        return CHAIN.solve(dialogue.problem, np.random.default_rng(0)) if number % 4 < 4 * share else "no idea"

    return Saying(answer)


GAME = ProposerSolver(families=("palaestra/ChainArith-v0",))


def proposals(*texts: str) -> Saying:
    return Saying(lambda number, dialogue: texts[number % len(texts)])


def test_learnability_is_highest_where_half_is_right() -> None:
    assert [learnability(p) for p in (0, 0.25, 0.5, 0.75, 1)] == [0, 0.5, 1, 0.5, 0]
    assert math.isnan(learnability(math.nan))
    with pytest.raises(ValueError, match="success rate"):
        learnability(1.5)


def test_uncertainty_is_the_mean_over_what_p_may_be() -> None:
    grid = (np.arange(20_000) + 0.5) / 20_000
    for right, tries in ((0, 0), (1, 4), (4, 4), (30, 60)):
        weight = grid**right * (1 - grid) ** (tries - right)
        assert uncertainty(right, tries) == pytest.approx(
            float((4 * grid * (1 - grid) * weight).sum() / weight.sum()), 1e-4
        )
    with pytest.raises(ValueError, match="cannot be right"):
        uncertainty(3, 2)


def test_novelty_falls_with_likeness() -> None:
    known = [triples("What is 2 plus 3?")]
    assert novelty("anything", []) == 1
    assert novelty("what is  2 plus 3?", known) == 0
    assert 0 < novelty("What is 2 plus 4?", known) < novelty("Sort these letters", known)
    assert novelty("", [triples("")]) == 0


@pytest.mark.parametrize(("share", "reward"), [(0, 0), (0.25, 0.5), (0.5, 1), (1, 0)])
def test_a_proposer_is_paid_by_its_solvers_success(share: float, reward: float) -> None:
    proposer = Proposer(proposals("I say \\boxed{ChainArith 3 42}"), solver(share), GAME, attempts=4)
    (one,) = proposer.propose(1)
    assert (one.success, one.novelty, one.refused) == (share, 1, "")
    assert one.reward == reward
    assert one.problem == sample_problem(CHAIN, 42, 3)
    assert proposer.cost.tokens_out == 1 + 4


def test_duplicates_and_nonsense_are_refused_and_counted() -> None:
    texts = (
        "\\boxed{ChainArith 3 1}",
        "\\boxed{ChainArith 3 1}",
        "hello",
        "\\boxed{Chess 3 1}",
        "\\boxed{ChainArith 99 1}",
    )
    proposer = Proposer(proposals(*texts), solver(0.5), GAME)
    made = proposer.propose(5)
    assert [one.refused for one in made] == ["", "duplicate", "illegal", "illegal", "illegal"]
    assert [one.reward > 0 for one in made] == [True, False, False, False, False]
    assert proposer.refused == {"duplicate": 1, "illegal": 3}
    assert {one.refused for one in proposer.propose(5, seed=1)} == {"duplicate", "illegal"}  # it remembers


def test_what_is_much_like_another_earns_less_or_nothing() -> None:
    texts = [f"\\boxed{{ChainArith 1 {seed}}}" for seed in range(6)]
    made = Proposer(proposals(*texts), solver(0.5), GAME).propose(6)
    assert made[0].reward == 1
    assert all(one.reward == one.novelty < 1 for one in made[1:])
    strict = Proposer(proposals(*texts), solver(0.5), GAME, least_novelty=0.99)
    strict.propose(6)
    assert strict.refused["too much like another"] == 5


def test_a_proposer_of_one_answer_is_caught_by_the_audit() -> None:
    """All problems whose answer is 1: a constant would solve them, so they earn nothing."""
    ones = [seed for seed in range(3000) if sample_problem(CHAIN, seed, 1).reference == 7][:16]
    texts = [f"\\boxed{{ChainArith 1 {seed}}}" for seed in ones]
    proposer = Proposer(proposals(*texts), solver(0.5), GAME)
    made = proposer.propose(16)
    assert {one.refused for one in made} - {"duplicate"} == {"pays for cheating: constant"}
    assert {one.reward for one in made} == {0.0}
    honest = Proposer(proposals(*(f"\\boxed{{ChainArith 4 {seed}}}" for seed in range(16))), solver(0.5), GAME)
    assert "" in {one.refused for one in honest.propose(16)}


def test_unsolvable_problems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(task: object, problem: Problem) -> str:
        return ""

    monkeypatch.setattr("palaestra.agents.creators.proposer.try_solve", broken)
    proposer = Proposer(proposals("\\boxed{ChainArith 3 1}"), solver(0.5), GAME)
    (one,) = proposer.propose(1)
    assert one.refused.startswith("unsolvable")


def test_a_model_evolves_puzzles_that_are_executed() -> None:
    texts = (
        "```\na = 3\nb = a * 2\nc = b min 4\nask c\n```",
        "a = 3\nb = a * 2\nc = b min 4\nask c",
        "Sure! Here is a harder puzzle.",
        "a = ?\nb = a min 1\nknow b = 1\nask a",
    )
    pool = Pool([parse("a = 3\nb = a * 2\nask b")])
    creator = ModelEvolution(proposals(*texts))
    made = creator(pool, 4)
    assert [bool(one.refused) for one in made] == [False, True, True, True]
    assert pool.refused == {
        "duplicate": 1,
        "unreadable: a line that is neither a quantity nor known nor asked": 1,
        "unsolvable: several answers": 1,
    }
    assert pool.entries[-1].ways == (made[0].way,)
    assert creator.cost == Cost(40, 4, 4)
    with pytest.raises(ValueError, match="ways are some of"):
        ModelEvolution(proposals(""), ways=["dream"])
    with pytest.raises(ValueError, match="a puzzle in it"):
        creator(Pool(), 1)


def test_what_is_uncertain_is_practised_most() -> None:
    practice = Practice(["easy", "middling", "hard", "new"])
    for number in range(30):
        practice.update("easy", 1.0)
        practice.update("hard", 0.0)
        practice.update("middling", number % 2)
    drawn = Counter(key for seed in range(300) for key in practice.choose(1, seed))
    assert practice.worth("middling") > practice.worth("new") > practice.worth("easy") == practice.worth("hard")
    assert drawn["middling"] > drawn["new"] > max(drawn["easy"], drawn["hard"])
    assert practice.choose(3, 5) == practice.choose(3, 5)
    assert sorted(practice.choose(4, 0)) == ["easy", "hard", "middling", "new"]
    assert len(practice.choose(9, 0)) == 9


def test_what_was_learned_is_practised_less_and_old_results_fade() -> None:
    practice = Practice([0], decay=0.5)
    for _ in range(8):
        practice.update(0, 0.0)
    stuck = practice.worth(0)
    practice.update(0, 1.0)
    assert practice.worth(0) > stuck
    assert practice.records[0].tries < 2


def test_results_that_are_nan_are_left_out_and_counted() -> None:
    practice = Practice(["a"])
    practice.update("a", math.nan)
    practice.update("b", 1.0)
    assert (practice.left_out, practice.records["a"].tries) == (2, 0)
    with pytest.raises(ValueError, match="a result is"):
        practice.update("a", 2.0)
    with pytest.raises(ValueError, match="nothing to practise"):
        Practice([])
