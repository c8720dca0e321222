"""OpenEnv's contract over HTTP and WebSockets, with the standard library's server: a thread for each connection."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from . import schema
from .sessions import IDLE_SECONDS, MAX_SESSIONS, Data, Refused, Session, Sessions, TextEnv, check_text
from .websocket import GOING_AWAY, VERSION, Broken, WebSocket, accept_key, hang_up

MAX_BODY_BYTES = 1 << 20  # the longest answer, with every character escaped, fits
MAX_DRAINED_BYTES = 1 << 26  # of a refused body, read so that the client gets to see why
REQUEST_SECONDS = 30.0  # for a request to arrive, and between two on one connection


class Server(socketserver.ThreadingMixIn, HTTPServer):
    """Serve what ``make`` makes, an environment for each session: ``with Server(make) as it: it.serve_forever()``.

    port: 0 takes a free one; ``url`` says which. One environment is made at once, so that what is wrong is told here.

    Raises:
        ValueError: a port that is none, no room for a session, or an environment that does not speak text.
        OSError: the address cannot be had.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        make: Callable[[], TextEnv],
        host: str = "127.0.0.1",
        port: int = 8000,
        *,
        max_sessions: int = MAX_SESSIONS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        if not 0 <= port < 1 << 16:
            raise ValueError(f"a port is from 0 to 65535, not {port}")
        self.sessions = Sessions(make, max_sessions, idle_seconds)
        env = check_text(make())
        self.about = schema.metadata(env)
        env.close()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), Handler)
        except OSError as error:
            raise OSError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error

    @property
    def url(self) -> str:
        host = str(self.server_address[0])
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}"

    def server_bind(self) -> None:
        """As TCPServer's: HTTPServer's asks the name server for this machine's name, which nobody needs here."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def server_close(self) -> None:
        super().server_close()
        self.sessions.close_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no news."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "Palaestra"
    timeout = REQUEST_SECONDS
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ws":
            self._talk()
        else:
            self._answer({"/state": self._state, **self._pages()})

    def do_POST(self) -> None:
        self._answer({"/reset": self._reset, "/step": self._step, "/close": self._close, "/mcp": self._mcp})

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses, such as a malformed request line, is told as JSON too."""
        self.close_connection = True
        if code == HTTPStatus.NOT_IMPLEMENTED:
            code, message = HTTPStatus.METHOD_NOT_ALLOWED, "requests are GET and POST"
        self._send(code, _fault("INVALID_REQUEST", message or HTTPStatus(code).phrase))

    def _answer(self, routes: Mapping[str, Callable[[Data], Data]]) -> None:
        try:
            asked = self._body()
            path = urlsplit(self.path).path
            if path not in routes:
                known = ", ".join(sorted(routes))
                message = f"{self.command} {path[:60]} leads nowhere: there are {known}"
                raise Refused(HTTPStatus.NOT_FOUND, "UNKNOWN_TYPE", message)
            status, data = HTTPStatus.OK, routes[path](asked)
        except Refused as refusal:
            status, data = refusal.status, _fault(refusal.code, str(refusal))
        except OSError:  # of the connection: nobody is left to be told
            raise
        except Exception as error:
            status, data = HTTPStatus.INTERNAL_SERVER_ERROR, _fault("EXECUTION_ERROR", _what(error))
        self._send(status, data)

    def _body(self) -> Data:
        if self.command != "POST":
            if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
                self.close_connection = True  # a body that is left unread would be taken for the next request
            return {}
        length = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit() and len(length) < 20):
            self.close_connection = True
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "INVALID_REQUEST", "say how long the body is: Content-Length")
        if int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            message = f"the body has {length} bytes, {MAX_BODY_BYTES} are allowed"
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "VALIDATION_ERROR", message)
        raw = self.rfile.read(int(length))
        return _read(raw) if raw.strip() else {}

    def _send(self, status: int, data: Data) -> None:
        body = json.dumps(data, allow_nan=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        if self.close_connection:
            with contextlib.suppress(OSError):
                hang_up(self.connection, MAX_DRAINED_BYTES)

    def _reset(self, asked: Data) -> Data:
        id = asked.pop("session_id", None)
        if id is not None:
            return self.server.sessions.find(id).reset(asked)
        session = self.server.sessions.open()
        try:
            return session.reset(asked)
        except BaseException:
            self.server.sessions.close(session.id)
            raise

    def _step(self, asked: Data) -> Data:
        session = self.server.sessions.find(asked.get("session_id"))
        action = asked.get("action")
        if not isinstance(action, dict):
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "VALIDATION_ERROR", 'give "action": {"text": "..."}')
        return session.step(action)

    def _state(self, asked: Data) -> Data:
        ids = parse_qs(urlsplit(self.path).query).get("session_id", [None])
        return self.server.sessions.find(ids[0]).state()

    def _close(self, asked: Data) -> Data:
        session = self.server.sessions.find(asked.get("session_id"))
        self.server.sessions.close(session.id)
        return {"session_id": session.id, "closed": True}

    def _mcp(self, asked: Data) -> Data:
        """OpenEnv's servers speak JSON-RPC here; this one has no tools to offer."""
        error = {"code": -32601, "message": "no MCP tools here: use /ws, or /reset and /step"}
        return {"jsonrpc": "2.0", "id": asked.get("id"), "error": error}

    def _pages(self) -> dict[str, Callable[[Data], Data]]:
        return {
            "/health": lambda asked: {"status": "healthy"},
            "/metadata": lambda asked: self.server.about,
            "/schema": lambda asked: schema.SCHEMAS,
            "/openapi.json": lambda asked: schema.openapi(self.server.about),
        }

    def _talk(self) -> None:
        """Hold a session for as long as the WebSocket is open."""
        self.close_connection = True
        key = self.headers.get("Sec-WebSocket-Key")
        upgrade = self.headers.get("Upgrade", "").lower() == "websocket"
        if not upgrade or not key or self.headers.get("Sec-WebSocket-Version") != VERSION:
            message = f"/ws is a WebSocket, version {VERSION}: connect with a client of WebSockets"
            self._send(HTTPStatus.UPGRADE_REQUIRED, _fault("INVALID_REQUEST", message))
            return
        self.send_response(HTTPStatus.SWITCHING_PROTOCOLS)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept_key(key))
        self.end_headers()
        self.connection.settimeout(min(self.server.sessions.idle, threading.TIMEOUT_MAX))
        talk = WebSocket(self.rfile, self.wfile, MAX_BODY_BYTES)
        try:
            self._converse(talk)
            talk.close()
        except Refused as refusal:  # no room, or the session has expired
            talk.send(_error(refusal))
            talk.close()
        except Broken as fault:
            talk.close(fault.code, str(fault))
        except TimeoutError:
            talk.close(GOING_AWAY, "idle for too long")
        hang_up(self.connection, MAX_DRAINED_BYTES)

    def _converse(self, talk: WebSocket) -> None:
        """Answer messages until the client says goodbye."""
        sessions = self.server.sessions
        id = sessions.open(held=True).id
        try:
            while (message := talk.receive()) is not None:
                answer = _reply(sessions.find(id), message)
                if answer is None:
                    break
                talk.send(answer)
        finally:
            sessions.close(id)


def _reply(session: Session, message: str) -> str | None:
    """The answer to a client's message; None to its goodbye."""
    try:
        asked = _read(message)
        kind, data = asked.get("type"), asked.get("data", {})
        if not isinstance(data, dict):
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "VALIDATION_ERROR", "a message's data is an object")
        if kind == "close":
            return None
        if kind == "reset":
            return _message("observation", session.reset(data))
        if kind == "step":
            return _message("observation", session.step(data))
        if kind == "state":
            return _message("state", session.state())
        raise Refused(HTTPStatus.BAD_REQUEST, "UNKNOWN_TYPE", "a message's type is reset, step, state or close")
    except Refused as refusal:
        return _error(refusal)
    except Exception as error:
        return _message("error", {"message": _what(error), "code": "EXECUTION_ERROR"})


def _message(kind: str, data: Data) -> str:
    return json.dumps({"type": kind, "data": data}, allow_nan=False)


def _error(refusal: Refused) -> str:
    return _message("error", {"message": str(refusal), "code": refusal.code})


def _fault(code: str, message: str) -> Data:
    """An error as FastAPI words it, with OpenEnv's code."""
    return {"detail": message, "code": code}


def _read(raw: str | bytes) -> Data:
    """A JSON object. Raises Refused."""
    try:
        asked = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise Refused(HTTPStatus.BAD_REQUEST, "INVALID_JSON", f"this is not JSON: {said}") from error
    if not isinstance(asked, dict):
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "VALIDATION_ERROR", "a request is a JSON object")
    return asked


def _no_number(name: str) -> float:
    """NaN and Infinity, which Python reads, are no JSON, and could not be sent back."""
    raise ValueError(f"{name} is no number")


def _what(error: Exception) -> str:
    """The kind of a failure inside: its message might quote what the client is not to know."""
    return f"the environment failed: {type(error).__name__}"
