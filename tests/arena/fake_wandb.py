"""A wandb server of a few lines, which keeps what it is sent and can fail in the ways that servers do."""

from __future__ import annotations

import gzip
import json
import re
import threading
import traceback
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from .fake_wandb_projects import Projects

OPERATION = re.compile(r"\b(?:query|mutation)\s+(\w+)")


class FakeWandb:
    """Takes what the real client sends, and answers what it and the public API ask. ``url`` is its address.

    fault: of every request: "" for none, "500", "429" (quota: too many requests), "403" (quota: refused), "hang" (never
    answers). faults: those of the next requests of a kind: a GraphQL operation, "file_stream" or "upload".
    runs: summaries by name, of the project "me/p". kept: all that was sent.
    asked: the requests that came, by kind. broken: what this server itself could not answer; a test wants none.
    """

    def __init__(self, fault: str = "", runs: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.fault = fault
        self.faults: dict[str, Iterator[str]] = {}
        self.asked: list[str] = []
        self.broken: list[str] = []
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.kept = Projects(self.url, runs or {})
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        path = unquote(handler.path.partition("?")[0])
        query = json.loads(body) if path.endswith("graphql") else {}
        kind = _kind(handler.command, path, query)
        with self.lock:
            self.asked.append(kind)
            fault = self.fault or next(self.faults.get(kind, iter(())), "")
        if fault == "hang":
            self.stopped.wait(60)
        if fault.isdecimal():
            return _send(handler, int(fault), {"errors": [{"message": "storage quota exceeded"}]})
        try:
            with self.lock:
                told = self._take(kind, path, query, body)
        except Exception:
            self.broken.append(f"{kind}: {traceback.format_exc()}")
            return _send(handler, 400, {"errors": [{"message": "the fake server is broken"}]})
        _send(handler, 404 if told is None else 200, told)

    def _take(self, kind: str, path: str, query: Mapping[str, Any], body: bytes) -> Any:
        if query:
            return self.kept.answer(kind, query.get("variables") or {})
        if kind == "file_stream":
            return self.kept.stream(path.split("/")[-2], json.loads(body))
        if kind == "upload":
            return self.kept.take(path, body)
        return self.kept.stored.get(path)

    def close(self) -> None:
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        """A client that leaves in the middle is no news."""


def _kind(method: str, path: str, query: Mapping[str, Any]) -> str:
    found = OPERATION.search(query.get("query", ""))
    if found:
        return found[1]
    return "upload" if method == "PUT" else path.rpartition("/")[2]


def _handler(owner: FakeWandb) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            owner.answer(self, gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)

        do_GET = do_PUT = do_POST

    return Handler


def _send(handler: BaseHTTPRequestHandler, code: int, told: Any) -> None:
    data = told if isinstance(told, bytes) else json.dumps(told).encode()
    handler.send_response(code)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
