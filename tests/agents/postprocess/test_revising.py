"""Refining, criticising, summing up and vetting: bounded, batched, and each counts all that it cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import pytest

from palaestra.agents.agent import Dialogue, Reply
from palaestra.agents.postprocess.critique import CritiqueAndRevise, as_solver
from palaestra.agents.postprocess.refine import FEEDBACK, REFINE, Refined
from palaestra.agents.postprocess.summarise import Summarised
from palaestra.agents.postprocess.vetted import Opinion, Vetted
from palaestra.arena.measures import revision
from palaestra.arena.rollout import Job, rollout
from palaestra.envs.dialogues.critique_repair import scripted
from palaestra.episodes import Cost
from palaestra.verifiers import Status

Ask = Callable[..., Dialogue]


def last(dialogue: Dialogue) -> str:
    return dialogue.messages[-1].content


def spent(agent: Any) -> Cost:
    """What all that an agent was asked came to."""
    asked = [dialogue for batch in agent.batches for dialogue in batch]
    read = sum(len(message.content) for dialogue in asked for message in dialogue.messages)
    return Cost(read, sum(len(agent.answer(dialogue)) for dialogue in asked))


def test_refining_stops_when_nothing_is_found_and_after_its_rounds(ruled: Any, ask: Ask) -> None:
    def answer(dialogue: Dialogue) -> str:
        asked = last(dialogue)
        done = len(dialogue.messages) > 4
        if asked == FEEDBACK:
            return "No mistakes." if dialogue.messages[0].content == "easy" or done else "all wrong"
        return f"better {len(dialogue.messages)}" if asked == REFINE else "first"

    agent = ruled(answer)
    easy, hard = Refined(agent, rounds=3).respond([ask("easy"), ask("hard")])
    assert (easy.text, easy.meta["refined"]) == ("first", 0)
    assert (hard.text, hard.meta) == ("better 5", {"refined": 1, "first": "first"})
    assert [len(batch) for batch in agent.batches] == [2, 2, 1, 1]
    assert easy.cost + hard.cost == spent(agent)
    (endless,) = Refined(ruled(lambda dialogue: "hm"), rounds=2).respond([ask("?")])
    assert endless.meta["refined"] == 2


def test_a_critic_is_heard_until_it_accepts(ruled: Any, ask: Ask) -> None:
    solver = ruled(lambda d: "good" if "be good" in last(d) else "bad", "solver")
    critic = ruled(lambda d: "be good" if "\nbad\n" in last(d) else "accept[]", "critic")
    both = CritiqueAndRevise(solver, critic, rounds=3)
    (reply,) = both.respond([ask("Say something.")])
    assert reply.text == "good"
    assert reply.meta == {"first": "bad", "critiques": ["be good", "accept[]"], "revised": 1}
    assert reply.cost == spent(solver) + spent(critic)
    assert "Say something." in last(critic.batches[0][0])
    assert both.actor.weights_hash == "solver weights+critic weights"


def test_an_endless_critic_is_cut_off(ruled: Any, ask: Ask) -> None:
    solver, critic = ruled(lambda d: "x"), ruled(lambda d: "worse " * 9999)
    (reply,) = CritiqueAndRevise(solver, critic, rounds=2).respond([ask("?")])
    assert reply.meta["revised"] == 2
    assert max(len(last(one)) for batch in solver.batches for one in batch) < 5000
    assert max(len(one.messages) for batch in solver.batches for one in batch) == 3


def test_a_frozen_agent_is_the_solver_of_the_critics_environment(ruled: Any) -> None:
    """RL4F: the critic acts, the solver is part of the world, and a better critic repairs more."""

    def revise(dialogue: Dialogue) -> str:
        task, _, rest = last(dialogue).partition("\n\nDraft:\n")
        draft, _, critique = rest.partition("\n\nA critic says:\n")
        return scripted(task, draft, critique)

    solver = ruled(revise)
    mute = ruled(lambda d: "accept[]", "mute")
    env = gymnasium.make("palaestra/CritiqueRepair-v0", solver=as_solver(solver), difficulty=1)
    repaired = {}
    for name, critic in (("oracle", None), ("mute", mute)):
        ends = []
        for seed in range(5):
            observation, info = env.reset(seed=seed)
            problem, done, verdict = info["problem"], False, None
            while not done:
                if critic is None:
                    text = "\n".join(f"line {k} is wrong: {v}" for k, v in enumerate(problem.reference["gold"], 1))
                else:
                    text = critic.answer(observation)
                observation, _, done, _, info = env.step(text)
                verdict = info.get("verdict")
            assert verdict is not None
            ends.append(verdict.status)
        repaired[name] = revision([Status.WRONG] * 5, ends).repair
    assert repaired == {"oracle": 1.0, "mute": 0.0}
    asked = len(solver.batches)
    env.reset(seed=0)
    env.step("line 1 is wrong: 1")
    env.reset(seed=0)
    env.step("line 1 is wrong: 1")
    assert len(solver.batches) == asked + 1  # the same critique of the same draft is asked about once


def test_a_summary_is_made_of_different_candidates(ruled: Any, ask: Ask) -> None:
    agent = ruled(lambda d: f"\\boxed{{{d.seed % 3}}}")
    summariser = ruled(lambda d: "summed up " + str(last(d).count("\nAnswer ")), "summer")
    replies = Summarised(agent, 6, summariser).respond([ask("Q", seed) for seed in range(4)])
    for reply in replies:
        assert reply.meta["of"] == 6
        assert reply.text == f"summed up {reply.meta['candidates']}"
    assert len(summariser.batches) == 1
    assert sum((reply.cost for reply in replies), Cost()) == spent(agent) + spent(summariser)


def test_nothing_and_one_thing_need_no_summary(ruled: Any, ask: Ask) -> None:
    summariser = ruled(lambda d: "never asked")
    empty, same = ruled(lambda d: "  "), ruled(lambda d: "42")
    (nothing,) = Summarised(empty, 3, summariser).respond([ask("Q")])
    assert (nothing.text, nothing.meta["candidates"]) == ("  ", 0)
    (one,) = Summarised(same, 3, summariser).respond([ask("Q")])
    assert (one.text, one.meta["candidates"]) == ("42", 1)
    assert summariser.batches == []
    assert one.cost == spent(same)


def vetted(ruled: Any, ask: Ask, scores: Sequence[float], least: float = 0.5) -> Reply:
    agent = ruled(lambda d: "x" * len(agent.batches))
    said = iter(scores)
    judge = lambda dialogues, replies: [Opinion(next(said), Cost(verifier_calls=1)) for _ in replies]  # noqa: E731
    (reply,) = Vetted(agent, judge, least, tries=len(scores)).respond([ask("Q")])
    return reply


def test_the_first_good_reply_is_given(ruled: Any, ask: Ask) -> None:
    reply = vetted(ruled, ask, [0.1, math.nan, 0.7, 0.9])
    assert (reply.text, reply.meta) == ("xxx", {"score": 0.7, "tries": 3, "nan": 1})
    assert reply.cost == Cost(3, 1 + 2 + 3, 3)


def test_else_the_best_and_nan_only_when_there_is_nothing_else(ruled: Any, ask: Ask) -> None:
    assert vetted(ruled, ask, [0.1, 0.3, math.nan]).text == "xx"
    nothing = vetted(ruled, ask, [math.nan, math.nan])
    assert (nothing.text, nothing.meta) == ("x", {"score": None, "tries": 2, "nan": 2})


@pytest.mark.parametrize(
    "make",
    [
        lambda agent: Refined(agent, rounds=0),
        lambda agent: CritiqueAndRevise(agent, agent, rounds=0),
        lambda agent: Summarised(agent, 1),
        lambda agent: Vetted(agent, lambda d, r: [], 0.5, tries=0),
        lambda agent: Vetted(agent, lambda d, r: [], math.nan),
    ],
)
def test_nonsense_is_refused(make: Callable[[Any], Any], ruled: Any) -> None:
    with pytest.raises(ValueError, match=r"or more|a number"):
        make(ruled(lambda d: ""))


def test_post_processors_compose_and_are_played(ruled: Any) -> None:
    agent = ruled(lambda d: "\\boxed{7}")
    whole = Refined(CritiqueAndRevise(Summarised(agent, 2), agent, rounds=1), rounds=1)
    jobs = [Job("a", "palaestra/ChainArith-v0", {}, 1, "g", {"difficulty": 1})]
    (episode,) = rollout(whole, jobs)
    assert episode.turns[0].text == "\\boxed{7}"
    assert episode.cost.tokens_out == len(agent.batches) * 9 + sum(len(batch) - 1 for batch in agent.batches) * 9
    assert episode.roles["reasoner"].agent_id == "ruled+summary2+critic(ruled)x1+refine1"
