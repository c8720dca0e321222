"""An agent on a server's chat completions: any model that is served, by its own chat template, in text alone."""

from __future__ import annotations

import os
from collections.abc import Sequence

from palaestra.episodes import Actor, Cost

from .agent import Dialogue, Reply
from .engine import Sampling
from .http_exchange import Json, Refused, ServerFault, Stop
from .openai_client import OpenAIClient, ServerSettings

OPENAI_URL = "https://api.openai.com/v1"
MOST_SEED = (1 << 31) - 1  # ours have 63 bits, and some servers refuse more than these


class ChatAgent:
    """Answers each dialogue with one chat completion, asked for with the lower 31 bits of the dialogue's own seed.

    Replies have text and the tokens that the server counts, and no token ids: they can be judged, logged and imitated,
    not learned from by the policy gradient. What ``Sampling`` leaves at its default the server is told too, but for
    top_k, which not all know: there a server may have a default of its own.

    meta of a reply: finish_reason, the server's own word, and tokens_out, None where the server counts nothing.
    """

    def __init__(self, client: OpenAIClient, sampling: Sampling | None = None) -> None:
        self.client = client
        self.sampling = sampling or Sampling()
        self.actor = Actor(client.model)
        self._limit = "max_tokens"

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        """Raises EngineError when the server refuses a dialogue, or does not answer in all attempts."""
        return self.client.map(self._answer, dialogues)

    def _answer(self, dialogue: Dialogue, stop: Stop) -> Reply:
        limit = self._limit
        try:
            return self.client.ask("/chat/completions", self._body(dialogue, limit), reply, stop)
        except Refused as error:  # newer models of OpenAI know the limit by another name alone
            if limit != "max_tokens" or "max_completion_tokens" not in str(error):
                raise
            self._limit = "max_completion_tokens"
            return self.client.ask("/chat/completions", self._body(dialogue, self._limit), reply, stop)

    def _body(self, dialogue: Dialogue, limit: str) -> Json:
        body: Json = {
            "model": self.client.model,
            "messages": [{"role": message.role, "content": message.content} for message in dialogue.messages],
            "temperature": self.sampling.temperature,
            "top_p": self.sampling.top_p,
            "seed": dialogue.seed & MOST_SEED,
            limit: self.sampling.max_tokens,
        }
        if self.sampling.top_k:
            body["top_k"] = self.sampling.top_k
        if self.client.settings.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body


def reply(events: Sequence[Json]) -> Reply:
    """A reply from a stream's events, or from the one object of an answer that was not streamed.

    Raises:
        ServerFault: it has no end.
    """
    text, reason, tokens_in, tokens_out = "", None, 0, None
    try:
        for event in events:
            usage = event.get("usage") or {}
            tokens_in = int(usage.get("prompt_tokens") or tokens_in)
            written = usage.get("completion_tokens")
            tokens_out = tokens_out if written is None else int(written)
            for choice in event.get("choices") or []:
                message = choice.get("delta") or choice.get("message") or {}
                text += message.get("content") or ""
                reason = choice.get("finish_reason") or reason
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ServerFault(f"the answer is no chat completion ({type(error).__name__}: {error})") from None
    if reason is None:
        raise ServerFault("the answer has no finish_reason")
    cost = Cost(tokens_in=tokens_in, tokens_out=tokens_out or 0)
    return Reply(text, cost=cost, meta={"finish_reason": str(reason), "tokens_out": tokens_out})


def served(name: str, sampling: Sampling | None = None) -> ChatAgent:
    """The agent that a command line names: "MODEL@URL", "URL" for the only model there, or "MODEL" of OPENAI_BASE_URL.

    Raises:
        ValueError: the URL is none.
        EngineError: the model is to be found and the server does not answer, or serves several.
    """
    model, url = whereabouts(name)
    return ChatAgent(OpenAIClient(ServerSettings(url, model)), sampling)


def whereabouts(name: str) -> tuple[str, str]:
    """Model, "" for the only one there, and URL of what ``served`` takes."""
    whole = f"@{name}" if name.startswith(("http://", "https://")) else name
    model, at, rest = whole.partition("@http")
    return model, f"http{rest}" if at else os.environ.get("OPENAI_BASE_URL") or OPENAI_URL
