"""Whatever a server does, each row ends with its right tokens or all of them with one clear error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from palaestra.agents.engine import EngineError, Sampling
from palaestra.agents.openai_client import OpenAIClient
from palaestra.agents.openai_engine import OpenAIEngine

PROMPTS = [[7, 8, 9], [10], [7, 8, 9], [11, 12], [13] * 20, [3, 4]]
SEEDS = (21, 22, 23, 24, 25, 26)
SAMPLING = Sampling(max_tokens=6, seeds=SEEDS)
Make = Callable[..., OpenAIClient]

FAULTS = [
    *("429", "500", "503", "408", "closed", "broken", "page", "half", "chunk", "undone", "lost"),
    *("miscount", "long", "nan", "aborted", "inside"),
]


def right(server: Any, completions: Any) -> bool:
    found = [(list(one.token_ids), list(one.logprobs), one.finish_reason) for one in completions]
    asked = (server.continued(prompt, seed, 6) for prompt, seed in zip(PROMPTS, SEEDS, strict=True))
    return found == [(ids, logprobs, "stop" if ids[-1] == 2 else "length") for ids, logprobs in asked]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_changes_nothing(server: Any, client: Make, naps: Any, fault: str, stream: bool) -> None:
    engine = OpenAIEngine(client(stream=stream), eos_ids=[2])
    server.faults |= {22: [fault], 25: [fault, fault]}
    assert right(server, engine.generate(PROMPTS, SAMPLING))
    asked = [body["seed"] for body in server.of("/completions")[1:]]  # after the probe
    assert sorted(asked) == [21, 22, 22, 23, 24, 25, 25, 25, 26]
    assert sum(nap > 0 for nap in naps) == 3


def test_a_silent_stream_is_given_up_and_asked_for_again(server: Any, client: Make) -> None:
    engine = OpenAIEngine(client(timeout=0.2))
    server.faults[23] = ["silence"]
    assert right(server, engine.generate(PROMPTS, SAMPLING))
    assert [body["seed"] for body in server.of("/completions")].count(23) > 1


def test_all_faults_at_once_leave_every_row_right_and_in_order(server: Any, client: Make) -> None:
    engine = OpenAIEngine(client(attempts=9, concurrency=4))
    for place, seed in enumerate(SEEDS):
        server.faults[seed] = [FAULTS[(place + step) % len(FAULTS)] for step in range(8)]
    assert right(server, engine.generate(PROMPTS, SAMPLING))


@pytest.mark.parametrize("fault", [*FAULTS, "silence"])
def test_a_fault_that_stays_ends_in_one_line(server: Any, client: Make, fault: str) -> None:
    engine = OpenAIEngine(client(attempts=3, timeout=0.2 if fault == "silence" else 60))
    server.faults[24] = [fault, "..."]
    with pytest.raises(EngineError, match=r"no answer in 3 attempts and \d s, the last time: .") as told:
        engine.generate(PROMPTS, SAMPLING)
    assert str(told.value).startswith(f"{server.url}/completions: ")
    assert [body["seed"] for body in server.of("/completions")].count(24) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 501])
def test_a_refusal_is_told_at_once_in_the_servers_words(server: Any, client: Make, status: int) -> None:
    engine = OpenAIEngine(client())
    server.faults[24] = [str(status), "..."]
    with pytest.raises(EngineError, match=f"/completions: {status} .*: status {status} it is"):
        engine.generate(PROMPTS, SAMPLING)
    assert [body["seed"] for body in server.of("/completions")].count(24) == 1


def test_one_refusal_does_not_wait_for_rows_that_hang(server: Any, client: Make) -> None:
    engine = OpenAIEngine(client(timeout=1e4, deadline=1e4))
    server.faults |= {21: ["silence"], 22: ["drip"], 26: ["400"]}
    with pytest.raises(EngineError, match="400"):
        engine.generate(PROMPTS, SAMPLING)


def test_the_request_says_all_that_the_distribution_depends_on(server: Any, client: Make) -> None:
    engine = OpenAIEngine(client(), eos_ids=[5, 2, 5])
    engine.generate([[3, 4]], Sampling(temperature=0.5, top_p=0.9, top_k=7, max_tokens=3, seeds=(11,)))
    body = server.of("/completions")[-1]
    assert body["prompt"] == [3, 4]
    assert (body["temperature"], body["top_p"], body["top_k"], body["max_tokens"]) == (0.5, 0.9, 7, 3)
    assert (body["seed"], body["stop_token_ids"], body["model"]) == (11, [2, 5], "tiny")
    assert (body["repetition_penalty"], body["min_p"]) == (1, 0)
    engine.generate([[3, 4]], Sampling(max_tokens=3))
    body = server.of("/completions")[-1]
    assert "seed" not in body
    assert body["top_k"] == -1  # all


def test_a_server_without_token_ids_is_told_at_the_start(server: Any, client: Make) -> None:
    server.gives_ids = False
    with pytest.raises(EngineError, match=r"no token ids in the answer.*chat-only use is possible: .*ChatAgent"):
        OpenAIEngine(client())
    assert len(server.of("/completions")) == 1


def test_a_server_without_completions_is_told_at_the_start(server: Any, client: Make) -> None:
    server.faults[0] = ["404"]
    with pytest.raises(EngineError, match=r"404 .*chat-only use is possible"):
        OpenAIEngine(client())


@pytest.mark.parametrize("given", [{"temperature": 0.7}, {"top_p": 0.9}, {"top_k": 5}])
def test_logprobs_of_another_distribution_are_refused(server: Any, client: Make, given: dict[str, Any]) -> None:
    assert OpenAIEngine(client()).generate([[3]], Sampling(**given, max_tokens=2))
    server.processed = False
    engine = OpenAIEngine(client())
    with pytest.raises(EngineError, match="--logprobs-mode processed_logprobs"):
        engine.generate([[3]], Sampling(**given, max_tokens=2))
    assert engine.generate([[3]], Sampling(max_tokens=2))
    assert engine.generate([[3]], Sampling(temperature=0, max_tokens=2))


def test_log_probabilities_of_prompts_are_aligned_with_their_tokens(server: Any, client: Make) -> None:
    engine = OpenAIEngine(client())
    found = engine.prompt_logprobs([[10, 20, 30], [40]])
    assert [math.isnan(row[0]) for row in found] == [True, True]
    assert [row[1:] for row in found] == [(-0.2, -0.3), ()]
    server.echoes = False
    for prompt in ([10, 20, 30], [40]):
        with pytest.raises(EngineError, match="offers no log-probabilities of prompts"):
            engine.prompt_logprobs([prompt])


@pytest.mark.parametrize("fault", ["500", "broken", "miscount", "half"])
def test_faults_pass_for_prompts_too(server: Any, client: Make, fault: str) -> None:
    engine = OpenAIEngine(client())
    server.faults[0] = [fault]
    ((_, second),) = engine.prompt_logprobs([[10, 20]])
    assert second == -0.2


def test_an_answer_that_the_context_cuts_off_is_no_answer(server: Any, client: Make) -> None:
    engine = OpenAIEngine(client())
    server.faults[24] = ["short"]
    with pytest.raises(EngineError, match="cut an answer off after 2 of 6 tokens"):
        engine.generate(PROMPTS, SAMPLING)


def test_weights_are_the_servers_own(server: Any, client: Make) -> None:
    with pytest.raises(EngineError, match="a server's weights cannot be replaced"):
        OpenAIEngine(client()).load([], 1)


@pytest.mark.parametrize(("prompts", "seeds", "told"), [([[3], []], None, "empty"), ([[3]], (1, 2), "2 seeds")])
def test_what_cannot_be_asked_is_told(server: Any, client: Make, prompts: Any, seeds: Any, told: str) -> None:
    engine = OpenAIEngine(client())
    with pytest.raises(EngineError, match=told):
        engine.generate(prompts, Sampling(seeds=seeds))


def test_no_prompts_are_no_requests(server: Any, client: Make) -> None:
    engine = OpenAIEngine(client())
    assert engine.generate([], Sampling()) == []
    assert len(server.of("/completions")) == 1
