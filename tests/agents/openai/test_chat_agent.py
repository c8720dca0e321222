"""A served model plays as any agent does, in text; what it says is judged, logged and counted, and not trained on."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.agent_folder import read_spec
from palaestra.agents.chat_agent import ChatAgent, served
from palaestra.agents.chat_agent import reply as read
from palaestra.agents.engine import EngineError, Outgrown, Sampling
from palaestra.agents.http_exchange import Refused, TooLong
from palaestra.agents.openai_client import OpenAIClient
from palaestra.agents.self_consistency import SelfConsistency
from palaestra.arena.evaluate import evaluate, held_out
from palaestra.arena.leaderboard import read_leaderboard
from palaestra.arena.measure import entrant
from palaestra.arena.replay import replay
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import EpisodeStore
from palaestra.episodes.views import each, groups, sft

CHAIN = "palaestra/ChainArith-v0"
Make = Callable[..., OpenAIClient]


def asking(*questions: str) -> list[Dialogue]:
    return [Dialogue((Message("user", question),), seed) for seed, question in enumerate(questions, 5)]


@pytest.mark.parametrize("stream", [True, False])
def test_a_reply_holds_text_and_cost_and_no_tokens(server: Any, client: Make, stream: bool) -> None:
    agent = ChatAgent(client(stream=stream), Sampling(temperature=0.5, max_tokens=9))
    assert agent.actor.agent_id == "tiny"
    replies = agent.respond(asking("one", "three"))
    assert [reply.text for reply in replies] == ["5: one!", "6: three!"]
    assert [(reply.cost.tokens_in, reply.cost.tokens_out) for reply in replies] == [(3, 7), (5, 7)]
    assert [dict(reply.meta) for reply in replies] == [{"finish_reason": "stop", "tokens_out": 7}] * 2
    assert [(reply.completions, reply.prompt_ids) for reply in replies] == [((), ())] * 2
    body = next(body for body in server.of("/chat/completions") if body["seed"] == 5)
    assert body["messages"] == [{"role": "user", "content": "one"}]
    assert (body["temperature"], body["max_tokens"], body["model"]) == (0.5, 9, "tiny")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", ["429", "500", "closed", "broken", "page", "half", "chunk", "undone", "inside"])
def test_faults_that_pass_change_no_reply(server: Any, client: Make, fault: str, stream: bool) -> None:
    server.faults |= {5: [fault], 7: [fault, fault]}
    replies = ChatAgent(client(stream=stream)).respond(asking("a", "b", "c"))
    assert [reply.text for reply in replies] == ["5: a!", "6: b!", "7: c!"]


def test_a_server_that_counts_nothing_is_marked(server: Any, client: Make) -> None:
    server.counts = False
    (reply,) = ChatAgent(client()).respond(asking("a"))
    assert (reply.cost.tokens_out, reply.meta["tokens_out"]) == (0, None)


def test_a_server_that_does_not_stream_is_understood(server: Any, client: Make) -> None:
    server.faults[5] = ["unstreamed"]
    (reply,) = ChatAgent(client(attempts=1)).respond(asking("a"))
    assert (reply.text, reply.cost.tokens_out) == ("5: a!", 7)


@pytest.mark.parametrize("usage", [{"prompt_tokens": 3, "completion_tokens": None}, {"prompt_tokens": 3}])
def test_a_server_that_counts_in_part_is_understood(usage: dict[str, Any]) -> None:
    (choice,) = [{"message": {"content": "a"}, "finish_reason": "stop"}]
    given = read([{"choices": [choice], "usage": usage}])
    assert (given.text, given.cost.tokens_in, given.meta["tokens_out"]) == ("a", 3, None)


def test_the_limits_other_name_is_tried_once(server: Any, client: Make) -> None:
    server.old_limit = False
    agent = ChatAgent(client(), Sampling(max_tokens=9))
    for _ in range(2):
        assert agent.respond(asking("a"))[0].text == "5: a!"
    limits = [[key for key in body if key.startswith("max_")] for body in server.of("/chat/completions")]
    assert limits == [["max_tokens"], ["max_completion_tokens"], ["max_completion_tokens"]]
    server.faults[5] = ["400"]
    with pytest.raises(EngineError, match="400"):
        agent.respond(asking("a"))


def test_its_episodes_are_logged_replayed_and_dropped_by_views_of_tokens(
    server: Any, client: Make, tmp_path: Path
) -> None:
    row, episodes = evaluate(ChatAgent(client()), held_out(CHAIN, {}, (1,), 6))
    assert (row.agent, row.n, row.tokens, row.length, row.truncated) == ("tiny", 6, 7.0, 7.0, 0.0)
    EpisodeStore(tmp_path).append(episodes, "held-out")
    logged = list(EpisodeStore(tmp_path).read())
    assert all(not differences for _, differences in replay(logged))
    assert groups(logged).dropped == {"no sampled tokens": 6}
    assert each(logged).dropped == {"no sampled tokens": 6}
    assert (groups(logged).rows, each(logged).rows) == ([], [])
    imitated = sft(logged, lambda question, answer: ([1], [2, 3]), min_score=0.0)  # its text can be encoded, as any
    assert [row.ids.tolist() for row in imitated.rows] == [[1, 2, 3]] * 6


def test_an_answer_cut_off_counts_as_such(server: Any, client: Make) -> None:
    server.reason = "length"
    row, _ = evaluate(ChatAgent(client()), held_out(CHAIN, {}, (1,), 3))
    assert row.truncated == 1.0


@pytest.mark.parametrize("words", ["This model's maximum context length is 4096 tokens", ""])
def test_a_refusal_for_the_context_is_told_from_others(server: Any, client: Make, words: str) -> None:
    server.faults[6], server.words = ["400"], words
    with pytest.raises(Refused, match="status 400") as told:
        ChatAgent(client()).respond(asking("a", "b"))
    assert isinstance(told.value, Outgrown) == bool(words)


@pytest.mark.parametrize("kind", [Refused, TooLong])
def test_a_refusal_is_the_same_in_another_process(kind: type[Refused]) -> None:
    again = pickle.loads(pickle.dumps(kind(401, "no key")))
    assert (type(again), again.status, str(again)) == (kind, 401, "no key")


def test_its_answers_can_be_voted_on(server: Any, client: Make) -> None:
    (reply,) = SelfConsistency(ChatAgent(client()), 3).respond(asking("\\boxed{4}"))
    assert (reply.meta["votes"], reply.meta["of"], reply.cost.tokens_out) == (3, 3, 21)


@pytest.mark.parametrize(
    ("name", "model", "url"),
    [
        ("a/b@{url}", "a/b", "{url}"),
        ("{url}", "tiny", "{url}"),
        ("org@x/b@{url}", "org@x/b", "{url}"),
        ("a-b", "a-b", "https://api.openai.com:443/v1"),
    ],
)
def test_a_name_on_the_command_line(server: Any, name: str, model: str, url: str) -> None:
    agent = served(name.format(url=server.url))
    assert (agent.client.model, str(agent.client.address)) == (model, url.format(url=server.url))


def test_a_base_url_of_the_environment_is_taken(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    assert str(served("m").client.address) == server.url


def test_a_servers_seeds_have_31_bits(server: Any, client: Make) -> None:
    agent = ChatAgent(client())
    agent.respond([Dialogue((Message("user", "a"),), derive_seed("seed", number)) for number in range(8)])
    seeds = {body["seed"] for body in server.of("/chat/completions")}
    assert len(seeds) == 8
    assert max(seeds) < 1 << 31


@pytest.mark.parametrize("name", ["gpt-x", "@cf/gpt-x", "org@x/b"])
def test_a_model_of_the_environments_server_has_its_own_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    assert read_spec(f"openai:{name}").title == name
    assert read_spec(f"openai:{name}@http://localhost:2/v1").title == name


def test_what_another_server_answered_is_not_taken_from_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    for url in ("http://localhost:1/v1", "http://localhost:2/v1"):
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        told.append(entrant("openai:m").settings)
        assert entrant(f"openai:m@{url}").settings == told[-1]
    assert told[0] != told[1]


def test_the_command_line_puts_a_served_model_on_a_board(
    server: Any, palaestra_process: Callable[..., Any], tmp_path: Path
) -> None:
    name = f"openai:tiny@{server.url}"
    code, said = palaestra_process("evaluate", name, "--problems", "4", "--save", "out", folder=tmp_path).wait()
    assert code == 0, said
    assert "tiny" in said
    (row,) = read_leaderboard(tmp_path / "out")
    assert (row.agent, row.n, row.tokens) == ("tiny", 4, 7.0)
    server.models = []
    code, said = palaestra_process("evaluate", f"openai:{server.url}", folder=tmp_path).wait()
    assert (code, said.strip()) == (2, f"palaestra: {server.url} serves 0 models, name one")
    code, said = palaestra_process("evaluate", name, "--best-of", "4", "--judge", "x", folder=tmp_path).wait()
    assert code == 2
    assert "writes text, not tokens" in said
