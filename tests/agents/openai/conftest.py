"""A real HTTP server on this machine that speaks the OpenAI protocol, and misbehaves when told to."""

from __future__ import annotations

import json
import math
import random
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from palaestra.agents.openai_client import OpenAIClient, ServerSettings

EOS = 2
KEY = "sk-a-secret-that-nobody-may-read"


class FakeServer(ThreadingHTTPServer):
    """Answers every request right, but for the faults that are on its list for the request's seed.

    faults: seed -> names of what happens to requests with it, one each; a last "..." repeats the one before.
    asked: (path, body) of every request; most: how many waited in the crowd at once.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.faults: dict[int | None, list[str]] = defaultdict(list)
        self.models = ["tiny"]
        self.gives_ids = self.processed = self.echoes = self.counts = self.old_limit = True
        self.reason, self.words = "stop", ""
        self.outlasted = False  # whether a client heard a drip to its end
        self.retry_after = "0"
        self.redirect = ""
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.active = self.most = 0
        self.crowd: threading.Barrier | None = None
        self.lock = threading.Lock()
        self.closing = threading.Event()

    def fault(self, seed: int | None) -> str:
        with self.lock:
            left = self.faults[seed]
            if not left:
                return ""
            return left[0] if left[1:] == ["..."] else left.pop(0)

    def continued(self, prompt: list[int], seed: int | None, tokens: int) -> tuple[list[int], list[float]]:
        """What the model of this server says: ids and log-probabilities, ended by EOS or by the limit."""
        rng = random.Random(f"{list(prompt)}|{seed}")
        ids = [rng.randrange(3, 50) for _ in range(tokens)]
        if tokens > 2 and rng.random() < 0.5:
            ids = [*ids[: tokens // 2], EOS]
        return ids, [-round(rng.random(), 6) for _ in ids]

    def of(self, path: str) -> list[dict[str, Any]]:
        return [body for asked, body in self.asked if asked.endswith(path)]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that hang up are what is tested


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeServer

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {}))
        self.answer({"object": "list", "data": [{"id": name} for name in self.server.models]})

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.asked.append((self.path, body))
            server.headers.append(dict(self.headers))
        if server.crowd is not None:
            self.wait_in(server.crowd)
        fault = server.fault(body.get("seed"))
        if fault and not hasattr(self, f"fault_{fault}"):
            return self.refuse(int(fault))
        if "max_tokens" in body and not server.old_limit:
            return self.answer({"error": {"message": "Use 'max_completion_tokens' instead."}}, 400)
        events = self.chat(body) if self.path.endswith("/chat/completions") else self.complete(body)
        if fault:
            return getattr(self, f"fault_{fault}")(events, body)  # type: ignore[no-any-return]
        self.give(events, body)

    def wait_in(self, crowd: threading.Barrier) -> None:
        """Counted until the answer begins: whoever has heard its end may ask again before we are back from it."""
        server = self.server
        with server.lock:
            server.active += 1
            server.most = max(server.most, server.active)
        crowd.wait(30)
        server.closing.wait(0.05)  # for one more than the crowd to show itself
        with server.lock:
            server.active -= 1

    def complete(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        server, prompt = self.server, body["prompt"]
        ids, logprobs = server.continued(prompt, body.get("seed"), body["max_tokens"])
        reason = "stop" if ids[-1] == EOS else "length"
        usage = {"prompt_tokens": len(prompt), "completion_tokens": len(ids)}
        if body.get("echo") and server.echoes:
            logprobs = [None, *(-token / 100 for token in prompt[1:]), *logprobs]  # type: ignore[list-item]
        if not body.get("stream"):
            return [self.event(ids, logprobs, reason, usage)]
        half = len(ids) // 2
        return [
            self.event(ids[:half], logprobs[:half]),
            self.event(ids[half:], logprobs[half:], reason),
            {"choices": [], "usage": usage},
        ]

    def event(self, ids: list[int], logprobs: list[float], reason: Any = None, usage: Any = None) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": 0, "text": "?", "finish_reason": reason}
        rest = -9999.0 if self.server.processed else -3.0
        choice["logprobs"] = {"token_logprobs": logprobs, "top_logprobs": [{"a": -0.5, "b": rest}] * len(ids)}
        if self.server.gives_ids:
            choice["token_ids"] = ids
        return {"choices": [choice], "usage": usage}

    def chat(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        asked = body["messages"][-1]["content"]
        usage = {"prompt_tokens": len(asked), "completion_tokens": 7} if self.server.counts else None
        pieces = [f"{body['seed']}: ", asked, "!"]
        if not body.get("stream"):
            message = {"role": "assistant", "content": "".join(pieces)}
            return [{"choices": [{"message": message, "finish_reason": self.server.reason}], "usage": usage}]
        parts: list[dict[str, Any]] = [{"delta": {"content": piece}, "finish_reason": None} for piece in pieces]
        parts += [{"delta": {}, "finish_reason": self.server.reason}]
        return [*({"choices": [part]} for part in parts), {"choices": [], "usage": usage}]

    def give(self, events: list[dict[str, Any]], body: dict[str, Any]) -> None:
        if not body.get("stream"):
            return self.answer(events[0])
        self.send_head(200, ("Content-Type", "text/event-stream"), ("Connection", "close"))
        self.wfile.write(b": a comment\n\n")
        for event in events:
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.wfile.write(b"data: [DONE]\n\n")

    def answer(self, found: Any, status: int = 200, *headers: tuple[str, str]) -> None:
        raw = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.send_head(status, ("Content-Length", str(len(raw))), *headers)
        self.wfile.write(raw)

    def send_head(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def refuse(self, status: int) -> None:
        said = f"status {status} it is, {self.headers.get('Authorization', 'no key')}{self.server.words}"
        headers = [("Retry-After", self.server.retry_after)] if status == 429 else []
        if status == 307:
            headers = [("Location", self.server.redirect)]
        self.answer({"error": {"message": said, "type": "fake", "code": status}}, status, *headers)

    def fault_silence(self, events: Any, body: Any) -> None:
        self.send_head(200, ("Content-Type", "text/event-stream"))
        self.server.closing.wait(60)

    def fault_closed(self, events: Any, body: Any) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def fault_broken(self, events: Any, body: dict[str, Any]) -> None:
        self.answer(b'data: {"choices": [{"token_ids": [1, \n\ndata: [DONE]\n\n' if body.get("stream") else b'{"cho')

    def fault_unstreamed(self, events: Any, body: dict[str, Any]) -> None:
        (whole,) = self.chat({**body, "stream": False})
        self.answer(whole, 200, ("Content-Type", "application/json"))

    def fault_page(self, events: Any, body: Any) -> None:
        self.answer(b"<html>Bad gateway</html>")

    def fault_half(self, events: list[dict[str, Any]], body: dict[str, Any]) -> None:
        """The first part, and the connection is closed; of a stream, that is at the end of an event."""
        raw = json.dumps(events[0]).encode()
        if body.get("stream"):
            self.send_head(200, ("Content-Type", "text/event-stream"), ("Connection", "close"))
            self.wfile.write(b"data: " + raw + b"\n\n")
        else:
            self.send_head(200, ("Content-Length", str(len(raw) + 9)), ("Connection", "close"))
            self.wfile.write(raw)
        self.close_connection = True

    def fault_chunk(self, events: list[dict[str, Any]], body: Any) -> None:
        """Half of a chunk of a chunked body."""
        self.send_head(200, ("Transfer-Encoding", "chunked"), ("Connection", "close"))
        self.wfile.write(b"fff\r\ndata: " + json.dumps(events[0]).encode())
        self.close_connection = True

    def fault_undone(self, events: list[dict[str, Any]], body: dict[str, Any]) -> None:
        """A stream that lacks nothing but the mark of its end; else the answer without its last byte."""
        self.send_head(200, ("Connection", "close"))
        raw = [json.dumps(event).encode() for event in events]
        self.wfile.write(b"".join(b"data: " + one + b"\n\n" for one in raw) if body.get("stream") else raw[0][:-1])
        self.close_connection = True

    def fault_lost(self, events: list[dict[str, Any]], body: dict[str, Any]) -> None:
        """A stream of which an event is missing; else an answer that lacks a token."""
        if body.get("stream"):
            return self.give([events[0], {"choices": [{"finish_reason": "stop"}]}, events[2]], body)
        choice = events[0]["choices"][0]
        choice["token_ids"], choice["logprobs"]["token_logprobs"] = [5], [-1.0]
        self.give(events, body)

    def fault_miscount(self, events: list[dict[str, Any]], body: dict[str, Any]) -> None:
        events[0]["choices"][0]["logprobs"]["token_logprobs"].append(-1.0)
        self.give(events, body)

    def fault_short(self, events: list[dict[str, Any]], body: dict[str, Any]) -> None:
        """As a server does whose model's context is full."""
        ids, logprobs = self.server.continued(body["prompt"], body["seed"], 2)
        self.give([self.event(ids, logprobs, "length")], body)

    def fault_long(self, events: list[dict[str, Any]], body: dict[str, Any]) -> None:
        self.give([self.event([5] * 99, [-1.0] * 99, "length")], body)

    def fault_nan(self, events: list[dict[str, Any]], body: dict[str, Any]) -> None:
        events[0]["choices"][0]["logprobs"]["token_logprobs"][0] = math.nan
        self.give(events, body)

    def fault_aborted(self, events: list[dict[str, Any]], body: dict[str, Any]) -> None:
        for event in events:
            for choice in event["choices"]:
                choice["finish_reason"] = choice["finish_reason"] and "abort"
        self.give(events, body)

    def fault_inside(self, events: list[dict[str, Any]], body: dict[str, Any]) -> None:
        """An error in place of an event, after a status of 200."""
        self.give([{"error": {"message": "the engine died", "code": 500}}], body)

    def fault_drip(self, events: Any, body: Any) -> None:
        """A header that never ends: there is always a byte soon."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(1000):
            if self.server.closing.wait(0.02):
                return
            self.wfile.write(b"x")
        self.server.outlasted = True

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    server = FakeServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def naps() -> list[float]:
    """How long the client slept, had it slept."""
    return []


@pytest.fixture
def client(server: FakeServer, naps: list[float]) -> Callable[..., OpenAIClient]:
    """A client of the fake server that waits for nothing between attempts."""

    def make(**settings: Any) -> OpenAIClient:
        given = ServerSettings(**{"url": server.url, **settings})
        return OpenAIClient(given, KEY, sleep=naps.append, rng=random.Random(0))

    return make
