"""Hindsight on logged dialogues, with a real chat template."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from palaestra.agents.chat import ChatFormat
from palaestra.agents.nano import nano_tokenizer
from palaestra.agents.scripted import OracleAgent
from palaestra.arena.rollout import Job, rollout
from palaestra.envs.dialogues import BitFlip
from palaestra.episodes import Episode
from palaestra.episodes.relabelling import relabelled


def logged(chat: ChatFormat, sampled: bool) -> list[Episode]:
    """The oracle's dialogues, cut before their goals; as if sampled, where asked."""
    jobs = [Job(f"{i}", "palaestra/BitFlip-v0", {"bits": 8}, i, f"{i}") for i in range(6)]
    episodes = []
    for episode in rollout(OracleAgent(), jobs):
        assert episode.goal is not None
        task, problem = BitFlip(bits=8), episode.problem
        assert problem is not None
        turns = episode.turns[:-1]
        achieved = [task.achieved(problem, turn.state) for turn in task.play(problem, [turn.text for turn in turns])]
        if not turns:
            continue
        if sampled:
            answers = [chat.example(turn.observation, turn.text)[1] for turn in turns]
            turns = tuple(replace(turn, action_ids=ids) for turn, ids in zip(turns, answers, strict=True))
        goal = replace(episode.goal, achieved=achieved[-1])
        episodes.append(replace(episode, turns=turns, goal=goal))
    return episodes


@pytest.mark.parametrize("sampled", [False, True])
def test_a_relabelled_dialogue_reads_as_if_its_goal_had_always_been_that(sampled: bool) -> None:
    chat = ChatFormat(nano_tokenizer())
    episodes = logged(chat, sampled)
    assert len(episodes) >= 4
    view = relabelled(episodes, lambda episode: BitFlip(bits=8), chat.continued)
    assert (len(view.rows), view.forked) == (len(episodes), 0)
    for row, episode in zip(view.rows, episodes, strict=True):
        assert episode.goal is not None
        told = chat.tokenizer.decode(row.ids.tolist())
        assert episode.goal.desired not in told
        assert told.count(episode.goal.achieved) >= 1
        said = [chat.example(turn.observation, turn.text)[1] for turn in episode.turns]
        assert row.ids[row.action].tolist() == list(np.concatenate(said))
        assert row.reward == 1.0
