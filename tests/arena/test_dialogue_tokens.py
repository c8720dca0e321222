"""From dialogue to training rows: what was sampled is what is trained on, and a rewritten history is counted."""

from __future__ import annotations

import pytest

from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Sampling
from palaestra.agents.nano import CHAT_TEMPLATE, nano_model, nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.arena.rollout import Job, rollout
from palaestra.episodes import Episode, views

FORGETFUL = CHAT_TEMPLATE.replace("message['content']", "message['content'][:3]")  # rewrites what was said


def play(template: str) -> list[Episode]:
    tokenizer = nano_tokenizer()
    tokenizer.chat_template = template
    engine = TransformersEngine(nano_model(tokenizer, hidden=32, layers=1, heads=2))
    policy = PolicyLLM(engine, ChatFormat(tokenizer), Sampling(max_tokens=5))
    return list(rollout(policy, [Job(f"{i}", "tests/Countup-v0", {}, 3, "g", agent_seed=i) for i in range(6)]))


@pytest.mark.parametrize(("template", "rows_each"), [(CHAT_TEMPLATE, 1), (FORGETFUL, 4)])
def test_rows_hold_every_sampled_token_once(template: str, rows_each: int) -> None:
    episodes = play(template)
    view = views.groups(episodes, size=6)
    assert len(view.rows) == 6 * rows_each
    assert view.forked == 6 * (rows_each - 1)
    for episode in episodes:
        rows = [row for row in view.rows if row.episode_id == episode.id]
        chosen = [int(i) for row in rows for i in row.ids[row.action]]
        assert chosen == [i for turn in episode.turns for i in turn.action_ids]
        logprobs = [float(x) for row in rows for x in row.logprobs[row.action]]
        assert logprobs == pytest.approx([x for turn in episode.turns for x in turn.logprobs])
        assert [row.ids[: len(turn.prompt_ids)].tolist() for row, turn in zip(rows, episode.turns, strict=False)] == [
            list(turn.prompt_ids) for turn in episode.turns[: len(rows)]
        ]
