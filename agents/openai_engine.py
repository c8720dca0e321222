"""The engine of a server: any that continues token ids by the OpenAI protocol and says which ids it sampled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .engine import Completion, EngineError, Outgrown, Sampling, TokenIds
from .http_exchange import Json, Refused, ServerFault, Stop
from .openai_client import OpenAIClient

if TYPE_CHECKING:
    from torch import Tensor

CHAT_ONLY = "chat-only use is possible: agents.chat_agent.ChatAgent, or palaestra evaluate openai:MODEL@URL"
PROBE = Sampling(top_k=1, max_tokens=4)
IMPOSSIBLE = -1e3  # a log-probability that no model gives: servers write -9999 or so for minus infinity


class OpenAIEngine:
    """Continues token ids at a server, such as ``vllm serve``: one request a row, many at once.

    A row's tokens depend on its seed as far as the server keeps to it. All that could make the distribution another
    one than ``Sampling`` says (a model's own top_k or penalties, which some servers take as defaults) is sent along.

    eos_ids: ids that end a completion, beside those that the server knows of its model.
    processed: whether the server's log-probabilities are those under temperature, top_p and top_k, as a probe found.
    """

    version = 0  # a server's weights are its own

    def __init__(self, client: OpenAIClient, eos_ids: Iterable[int] = ()) -> None:
        """Raises EngineError when a probe shows that the server does not answer, or not in token ids."""
        self.client = client
        self.eos_ids = tuple(sorted(set(eos_ids)))
        self.processed = self._probe()

    def load(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Raises EngineError: nobody's weights but the server's own."""
        raise EngineError(f"{self.client.address}: a server's weights cannot be replaced: train with an engine of ours")

    def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        """One completion a prompt, in order.

        Raises:
            EngineError: an empty prompt, another number of seeds than of prompts, log-probabilities of another
                distribution than the sampled one, a refusal (a prompt too long, say), or no answer in all attempts.
        """
        if not all(len(prompt) for prompt in prompts):
            raise EngineError("an empty prompt cannot be continued")
        if sampling.seeds is not None and len(sampling.seeds) != len(prompts):
            raise EngineError(f"{len(sampling.seeds)} seeds for {len(prompts)} prompts")
        if not self.processed and not (sampling.temperature in (0, 1) and sampling.top_p == 1 and sampling.top_k == 0):
            raise EngineError(
                f"{self.client.address} gives log-probabilities from before temperature, top_p and top_k: start it so "
                "that they come after (vllm serve --logprobs-mode processed_logprobs), or sample at temperature 1"
            )
        seeds = sampling.seeds if sampling.seeds is not None else (None,) * len(prompts)
        rows = list(zip(prompts, seeds, strict=True))
        return self.client.map(lambda row, stop: self._complete(*row, sampling, stop), rows)

    def prompt_logprobs(self, prompts: Sequence[TokenIds]) -> list[tuple[float, ...]]:
        """The log-probability of each prompt's tokens at temperature 1; of the first, which follows nothing, it is nan.

        Raises:
            EngineError: the server does not offer them (``echo`` with ``logprobs``).
        """
        if not all(len(prompt) for prompt in prompts):
            raise EngineError("an empty prompt has no log-probabilities")
        return self.client.map(self._echo, prompts)

    def _complete(self, prompt: TokenIds, seed: int | None, sampling: Sampling, stop: Stop) -> Completion:
        body = self._body(prompt, sampling, seed)
        if self.client.settings.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return self.client.ask("/completions", body, lambda events: completion(events, sampling.max_tokens), stop)

    def _echo(self, prompt: TokenIds, stop: Stop) -> tuple[float, ...]:
        def read(events: list[Json]) -> tuple[float, ...]:
            return echoed(events, len(prompt), str(self.client.address))

        body = self._body(prompt, Sampling(max_tokens=1), seed=0)
        return self.client.ask("/completions", {**body, "echo": True}, read, stop)

    def _body(self, prompt: TokenIds, sampling: Sampling, seed: int | None) -> Json:
        body: Json = {
            "model": self.client.model,
            "prompt": [int(token) for token in prompt],
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k or -1,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "logprobs": 1,
            "return_token_ids": True,
        }
        if self.eos_ids:
            body["stop_token_ids"] = list(self.eos_ids)
        if seed is not None:
            body["seed"] = seed
        return body

    def _probe(self) -> bool:
        """Whether log-probabilities come after top_k: then, with a top_k of 1, the next likeliest tokens have none."""

        def read(events: list[Json]) -> bool:
            completion(events, PROBE.max_tokens)
            return any(value < IMPOSSIBLE for value in likeliest(events))

        body = self._body([1, 2, 3], PROBE, seed=0)
        try:
            return self.client.ask("/completions", {**body, "logprobs": 5}, read)
        except Refused as error:
            raise EngineError(f"{error} (continuing token ids was refused; {CHAT_ONLY})") from None
        except NoTokenIds as error:
            raise EngineError(f"{self.client.address}: {error}; {CHAT_ONLY}") from None


class NoTokenIds(EngineError):
    """The server answers in text alone."""


def completion(events: Sequence[Json], max_tokens: int) -> Completion:
    """A completion from a stream's events, or from the one object of an answer that was not streamed.

    Raises:
        ServerFault: parts are missing or contradict one another.
        NoTokenIds: the server does not say which ids it sampled.
        Outgrown: the answer was cut off before ``max_tokens``, by the end of the model's context.
    """
    token_ids: list[int] = []
    logprobs: list[float] = []
    reason, counted, told = None, None, False
    try:
        for event in events:
            counted = (event.get("usage") or {}).get("completion_tokens", counted)
            for choice in event.get("choices") or []:
                told = told or "token_ids" in choice
                token_ids += choice.get("token_ids") or []
                logprobs += (choice.get("logprobs") or {}).get("token_logprobs") or []
                reason = choice.get("finish_reason") or reason
    except (TypeError, AttributeError) as error:
        raise ServerFault(f"the answer is no completion ({type(error).__name__}: {error})") from None
    if not told and reason in ("stop", "length"):
        raise NoTokenIds("no token ids in the answer, though return_token_ids was asked for")
    if not token_ids or not all(type(token) is int for token in token_ids):
        raise ServerFault("the answer holds no token ids")
    if len(logprobs) != len(token_ids):
        raise ServerFault(f"the answer holds {len(logprobs)} log-probabilities for {len(token_ids)} tokens")
    if not all(map(_is_logprob, logprobs)):
        raise ServerFault("the answer holds log-probabilities that are no numbers up to 0")
    if counted is not None and counted != len(token_ids):
        raise ServerFault(f"the answer holds {len(token_ids)} tokens and counts {counted}")
    if reason not in ("stop", "length"):
        raise ServerFault(f"the answer ended for the reason {reason!r}, neither stop nor length")
    if len(token_ids) > max_tokens:
        raise ServerFault(f"the answer holds {len(token_ids)} tokens where {max_tokens} were the limit")
    if reason == "length" and len(token_ids) < max_tokens:
        raise Outgrown(
            f"the server cut an answer off after {len(token_ids)} of {max_tokens} tokens: prompt and answer exceed the "
            "model's context there: lower max_tokens, or start it with a longer one"
        )
    return Completion(tuple(token_ids), tuple(map(float, logprobs)), reason, OpenAIEngine.version)


def likeliest(events: Sequence[Json]) -> list[float]:
    """The log-probabilities of the likeliest tokens at each place of an answer, where the server tells them."""
    choices = [choice for event in events for choice in event["choices"]]
    places = [top for choice in choices for top in (choice["logprobs"].get("top_logprobs") or [])]
    return [value for top in places for value in (top or {}).values()]


def echoed(events: Sequence[Json], length: int, address: str) -> tuple[float, ...]:
    """The prompt's own log-probabilities from an answer that repeats it and goes on for a token.

    Raises:
        ServerFault: parts are missing.
        EngineError: the first is a number, so that it is the new token's, and the server offers none for prompts.
    """
    try:
        (choice,) = events[0]["choices"]
        logprobs = choice["logprobs"]["token_logprobs"]
        found = len(logprobs)
    except (KeyError, TypeError, ValueError, IndexError):
        raise ServerFault("the answer holds no log-probabilities") from None
    if found and logprobs[0] is not None:
        raise EngineError(f"{address} offers no log-probabilities of prompts: it does not repeat them (echo)")
    if found not in (length, length + 1) or not all(map(_is_logprob, logprobs[1:length])):
        raise ServerFault(f"the answer holds {found} log-probabilities for a prompt of {length} tokens")
    return (math.nan, *map(float, logprobs[1:length]))


def _is_logprob(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value <= 1e-3
