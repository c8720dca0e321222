"""Corrections are read, put in place and verified; answers are taken back to before their first fault."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from transformers import LlamaForCausalLM

from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Sampling
from palaestra.agents.nano import nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.postprocess.backtrack import Backtracking
from palaestra.agents.postprocess.correct import Corrected, Correction, mended, read_correction, written_corrections
from palaestra.agents.search.text import Prefix, TextWorld
from palaestra.agents.search.values import nothing_known
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.envs.registration import make_task
from palaestra.envs.task import Problem, sample_problem
from palaestra.episodes import Actor, Cost, Episode, Outcome, Turn
from palaestra.verifiers import Status

Ask = Callable[..., Dialogue]
TASK = make_task("palaestra/ChainArith-v0")
PROBLEM = sample_problem(TASK, 3, 3)


def test_a_correction_is_read() -> None:
    assert read_correction("Line 2 is wrong: c is not 7.\nc=8\n\\boxed{8}") == Correction(
        2, "c is not 7", "c=8\n\\boxed{8}"
    )
    assert read_correction("I think line 2 is wrong") is None
    assert read_correction("") is None


def test_it_takes_the_place_of_all_from_that_line_on() -> None:
    assert mended("a\n\nb\nc", Correction(2, "", "x\ny")) == "a\nx\ny"
    assert mended("a", Correction(2, "", "x")) is None
    assert mended("a", Correction(0, "", "x")) is None
    assert mended("a\nb", Correction(1, "", " ")) is None


def test_an_agent_is_corrected_and_both_are_paid_for(ruled: Any, ask: Ask) -> None:
    agent = ruled(lambda d: "a=1\nb=9\n\\boxed{9}")
    said = iter(["Line 2 is wrong: no.\nb=2\n\\boxed{2}", "looks good", "Line 7 is wrong\nx"])
    corrector = ruled(lambda d: next(said), "corrector")
    mend, fine, none = Corrected(agent, corrector).respond([ask("Q", seed) for seed in range(3)])
    assert mend.text == "a=1\nb=2\n\\boxed{2}"
    assert mend.meta == {"correction": "line 2", "first": "a=1\nb=9\n\\boxed{9}"}
    assert mend.completions == ()
    assert [one.meta["correction"] for one in (fine, none)] == ["unreadable", "no such line, or nothing to put there"]
    assert fine.text == none.text == "a=1\nb=9\n\\boxed{9}"
    assert mend.cost.tokens_out == len("a=1\nb=9\n\\boxed{9}") + len("Line 2 is wrong: no.\nb=2\n\\boxed{2}")
    assert len(corrector.batches) == 1


def test_only_suspects_are_corrected(ruled: Any, ask: Ask) -> None:
    agent, corrector = ruled(lambda d: "x"), ruled(lambda d: "Line 1 is wrong\ny")
    replies = Corrected(agent, corrector, lambda d, reply: d.seed == 1).respond([ask("Q", 0), ask("Q", 1)])
    assert [reply.text for reply in replies] == ["x", "y"]


def wrong_answers() -> list[Episode]:
    """The oracle's answer with its second line spoiled, and everything that can be wrong with an episode."""
    lines = TASK.solve(PROBLEM, np.random.default_rng(0)).splitlines()
    spoiled = "\n".join([lines[0], lines[1] + "1", *lines[2:-1], "\\boxed{1000000}"])

    def episode(name: str, problem: Problem | None, status: Status) -> Episode:
        turn = Turn("r", PROBLEM.prompt, spoiled, 0.0)
        reward = {Status.RIGHT: 1.0, Status.WRONG: 0.0, Status.UNDECIDED: math.nan}[status]
        outcome = {"r": Outcome(reward, status)}
        return Episode(name, TASK.id, {}, {}, 3, "g", {"r": Actor("x")}, (turn,), outcome, True, False, problem)

    return [
        *(episode(str(number), PROBLEM, Status.WRONG) for number in range(5)),
        episode("right", PROBLEM, Status.RIGHT),
        episode("undecided", PROBLEM, Status.UNDECIDED),
        episode("none", None, Status.WRONG),
    ]


def test_corrections_are_verified_before_they_are_kept(ruled: Any) -> None:
    lines = TASK.solve(PROBLEM, np.random.default_rng(0)).splitlines()
    exact = "\n".join(["Line 2 is wrong: no.", *lines[1:]])
    elsewhere = "\n".join(["Line 1 is wrong: no.", *lines])
    said = iter([exact, elsewhere, "Line 2 is wrong.\n\\boxed{2000000}", "fine", "Line 9 is wrong\nx"])
    corrector = ruled(lambda d: next(said))
    found = written_corrections(wrong_answers(), corrector, lambda one: TASK, lambda q, a: ([1], [*a.encode(), 0]))
    (row,) = found.view.rows
    assert bytes(row.ids[row.action][:-1].tolist()).decode() == exact
    assert found.view.dropped == {
        "another line is the first wrong one": 1,
        "the mended answer is not right": 1,
        "it names no wrong line": 1,
        "no such line, or nothing to put there": 1,
        "not wrong": 2,
        "no problem, or not one turn": 1,
    }
    assert found.cost.verifier_calls == 2 + 2 + 1
    said = iter([exact, elsewhere, "", "", ""])
    lenient = written_corrections(wrong_answers(), corrector, lambda one: TASK, lambda q, a: ([1], [2]), misplaced=True)
    assert len(lenient.view.rows) == 2


ENDS = frozenset(range(5, 80))  # stand for line ends, which random weights hardly ever write


@pytest.fixture
def world(model: LlamaForCausalLM) -> TextWorld:
    policy = PolicyLLM(TransformersEngine(model), ChatFormat(nano_tokenizer()), Sampling(max_tokens=16))
    return TextWorld(policy, nothing_known, ENDS, step_tokens=4)


def asked(n: int) -> list[Dialogue]:
    return [Dialogue((Message("user", f"What is {seed} + 1?"),), seed) for seed in range(n)]


class Judge:
    """Scores steps by a rule, and remembers the answers."""

    def __init__(self, score: Callable[[Prefix, int, int], float]) -> None:
        self.score, self.seen = score, list[list[Prefix]]()

    def __call__(self, answers: Sequence[Prefix]) -> list[tuple[list[float], Cost]]:
        self.seen.append(list(answers))
        scored = [[self.score(one, k, len(self.seen)) for k in range(len(one.step_ends))] for one in answers]
        return [(scores, Cost(verifier_calls=1)) for scores in scored]


def test_an_answer_without_fault_is_given_at_once(world: TextWorld) -> None:
    judge = Judge(lambda answer, step, call: 1.0)
    replies = Backtracking(world, judge).respond(asked(3))
    assert len(judge.seen) == 1
    for reply, answer in zip(replies, judge.seen[0], strict=True):
        assert reply.completions[0].token_ids == answer.action_ids
        assert reply.meta == {"backtracked": 0, "worst": 1.0}


def test_what_stands_before_the_fault_is_kept_as_it_was_sampled(world: TextWorld) -> None:
    judge = Judge(lambda answer, step, call: 0.0 if step == 1 and call == 1 else 1.0)
    replies = Backtracking(world, judge).respond(asked(4))
    again = iter(judge.seen[1])
    for reply, first in zip(replies, judge.seen[0], strict=True):
        if len(first.step_ends) < 2:
            continue
        second, kept = next(again), first.step_ends[0]
        assert second.action_ids[:kept] == first.action_ids[:kept]
        assert second.logprobs[:kept] == first.logprobs[:kept]
        assert second.step_ends[0] == kept
        assert reply.completions[0].token_ids == second.action_ids
        assert len(reply.completions[0].logprobs) == len(second.action_ids) <= 16
        assert reply.meta["backtracked"] == 1
        assert reply.cost.verifier_calls == 2
        assert reply.cost.tokens_out >= len(second.action_ids) + len(first.action_ids) - kept
    assert len(judge.seen[1]) > 0


def test_endless_faults_are_bounded_and_the_best_answer_is_given(world: TextWorld) -> None:
    judge = Judge(lambda answer, step, call: {1: 0.1, 2: 0.3, 3: 0.2}[call])
    (reply,) = Backtracking(world, judge, rounds=2).respond(asked(1))
    assert len(judge.seen) == 3
    assert reply.completions[0].token_ids == judge.seen[1][0].action_ids
    assert reply.meta == {"backtracked": 2, "worst": 0.3}


def test_scores_that_are_nan_are_no_faults(world: TextWorld) -> None:
    judge = Judge(lambda answer, step, call: math.nan)
    (reply,) = Backtracking(world, judge).respond(asked(1))
    assert (len(judge.seen), reply.meta) == (1, {"backtracked": 0, "worst": None})
    with pytest.raises(ValueError, match="threshold a number"):
        Backtracking(world, judge, threshold=math.nan)
