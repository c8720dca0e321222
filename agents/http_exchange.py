"""One HTTP request that cannot hang: JSON goes out, JSON or a stream of JSON events comes back, by a deadline.

Redirects are not followed, since the key would go along; the environment's proxies are not used.
"""

from __future__ import annotations

import json
import math
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Event, Lock, Timer
from typing import Any
from urllib.parse import urlsplit

from .engine import EngineError, Outgrown

CONNECT_SECONDS = 10.0
MAX_BODY = 1 << 28  # bytes of one answer
MAX_LINE = 1 << 24  # bytes of one event of a stream
PASSING = (408, 425, 429)  # of the client errors, those that another attempt may mend

Json = dict[str, Any]


class ServerFault(Exception):
    """The server, or the way to it, failed as may not happen again. ``wait``: seconds that it asks for."""

    def __init__(self, cause: str, wait: float = 0.0) -> None:
        super().__init__(cause)
        self.wait = wait


class Refused(EngineError):
    """The server understood and said no: asking again is of no use. ``status``: of its answer, 0 without one."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status

    def __reduce__(self) -> tuple[type[Refused], tuple[int, str]]:
        return type(self), (self.status, str(self))  # made again where a worker's error is told


class TooLong(Refused, Outgrown):
    """A refusal for the model's context, which servers tell in words alone."""

    @staticmethod
    def or_refused(status: int, said: str) -> Refused:
        """What a refusal is by its words."""
        return (TooLong if status == 400 and "context" in said.lower() else Refused)(status, said)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is: "http://host:8000/v1" taken apart."""

    secure: bool
    host: str
    port: int
    path: str

    @staticmethod
    def of(url: str) -> Address:
        """A URL without a path gets "/v1".

        Raises:
            ValueError: it is not an http or https URL, or holds a password or a query.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a server's URL is like http://localhost:8000/v1")
        if "@" in parts.netloc or parts.query:
            raise ValueError("a server's URL holds neither a password nor a query: the key goes in OPENAI_API_KEY")
        secure = parts.scheme == "https"
        return Address(secure, parts.hostname, parts.port or (443 if secure else 80), parts.path.rstrip("/") or "/v1")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' * self.secure}://{host}:{self.port}{self.path}"


class Stop:
    """Set once, it wakes who waits and closes what is open, so that no thread outlives its purpose."""

    def __init__(self) -> None:
        self._event = Event()
        self._sockets: set[socket.socket] = set()
        self._lock = Lock()

    def set(self) -> None:
        with self._lock:
            self._event.set()
            for open_socket in self._sockets:
                _shut(open_socket)

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        self._event.wait(seconds)

    @contextmanager
    def closing(self, open_socket: socket.socket, seconds: float) -> Iterator[None]:
        """While inside, the socket is shut when ``seconds`` are over: a server that drips bytes ends no other way."""
        timer = Timer(max(seconds, 0.0), _shut, [open_socket])
        timer.daemon = True
        with self._lock:
            self._sockets.add(open_socket)
            if self._event.is_set():
                _shut(open_socket)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                self._sockets.discard(open_socket)


def exchange(
    address: Address,
    path: str,
    body: Json | None,
    headers: Mapping[str, str],
    silence: float,
    deadline: float,
    stop: Stop,
) -> list[Json]:
    """The JSON objects that the server answers: the events of a stream if ``body`` asks for one, else one.

    body: posted; None gets. silence: seconds without a byte after which the server counts as stuck; only streams are
    held to it. deadline: in ``time.monotonic`` seconds, for all of it.

    Raises:
        ServerFault: another attempt may succeed.
        Refused: it would not.
    """
    streamed = bool(body and body.get("stream"))
    left = deadline - time.monotonic()
    if left <= 0:
        raise ServerFault("no time left")
    connection = _connection(address, min(CONNECT_SECONDS, left))
    try:
        connection.connect()
        with stop.closing(connection.sock, left):
            connection.sock.settimeout(min(silence, left) if streamed else left)
            sent = None if body is None else json.dumps(body).encode()
            connection.request("GET" if body is None else "POST", address.path + path, sent, dict(headers))
            response = connection.getresponse()
            if response.status != 200:
                raise _failure(response)
            whole = response.headers.get_content_type() == "application/json"  # of servers that do not stream
            return list(_events(response)) if streamed and not whole else [_whole(response)]
    except ssl.SSLCertVerificationError as error:
        raise Refused(0, f"its certificate is not trusted: {error.verify_message}") from None
    except (OSError, HTTPException) as error:
        if time.monotonic() >= deadline:
            raise ServerFault("no whole answer before the deadline") from None
        raise ServerFault(_cause(error, silence)) from None
    finally:
        connection.close()


def _connection(address: Address, timeout: float) -> HTTPConnection:
    if address.secure:
        return HTTPSConnection(address.host, address.port, timeout=timeout, context=ssl.create_default_context())
    return HTTPConnection(address.host, address.port, timeout=timeout)


def _shut(open_socket: socket.socket) -> None:
    with suppress(OSError):  # closed already
        open_socket.shutdown(socket.SHUT_RDWR)


def _failure(response: HTTPResponse) -> ServerFault | Refused:
    """What a status other than 200 means."""
    told = response.read(1 << 16).decode(errors="replace")
    said = f"{response.status} {response.reason}: {_message(told)}"
    if response.status in PASSING or (response.status >= 500 and response.status != 501):
        return ServerFault(said, _seconds(response.getheader("Retry-After")))
    return TooLong.or_refused(response.status, said)


def _message(told: str) -> str:
    """The text of an error, of the several shapes that servers give it."""
    try:
        found: Any = json.loads(told)
    except (ValueError, RecursionError):
        found = told
    for key in ("error", "message", "detail"):
        found = found.get(key, found) if isinstance(found, dict) else found
    return " ".join(str(found).split())


def _seconds(header: str | None) -> float:
    """A Retry-After header, seconds or a date, as seconds from now."""
    try:
        seconds = float(header or 0)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(str(header)).timestamp() - time.time()
        except (ValueError, OverflowError):
            return 0.0
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0


def _whole(response: HTTPResponse) -> Json:
    pieces, size = [], 0
    while piece := response.read(1 << 20):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BODY:
            raise ServerFault(f"an answer of more than {MAX_BODY} bytes")
    if response.length:  # fewer bytes than its Content-Length: http.client tells only for reads without a limit
        raise ServerFault("the answer breaks off")
    return _parsed(b"".join(pieces))


def _events(response: HTTPResponse) -> Iterator[Json]:
    """The events of a stream, up to the mark of its end."""
    size = 0
    while line := response.readline(MAX_LINE):
        size += len(line)
        if size > MAX_BODY or not line.endswith(b"\n"):
            break
        field, _, value = line.strip().partition(b":")
        if field == b"data":
            if value.strip() == b"[DONE]":
                return
            yield _parsed(value)
    raise ServerFault("the stream breaks off before its end")


def _parsed(raw: bytes) -> Json:
    """An answer's or an event's JSON object; an error in it counts as one."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise ServerFault("the answer is not JSON") from None
    if not isinstance(found, dict):
        raise ServerFault("the answer is not a JSON object")
    if error := found.get("error"):
        code = error.get("code") if isinstance(error, dict) else None
        if isinstance(code, int) and 400 <= code < 500 and code not in PASSING:
            raise TooLong.or_refused(code, f"{code}: {_message(json.dumps(found))}")
        raise ServerFault(_message(json.dumps(found)))
    return found


def _cause(error: Exception, silence: float) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing heard for {silence:g} s"
    return f"{type(error).__name__}: {error}"
