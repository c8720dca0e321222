"""Environments over HTTP and WebSockets: OpenEnv's contract, isolated sessions, and refusals in one line."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import gymnasium
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from palaestra.envs import make, make_task, sample_problem
from palaestra.envs.registration import make_any
from palaestra.envs.serving import Server
from palaestra.envs.serving.websocket import accept_key

LINEAR = "palaestra/LinearEquations-v0"
GUESS = "palaestra/Guess20-v0"
NIM = "palaestra/Nim-vs-random-v0"


@contextlib.contextmanager
def serving(id: str, **options: Any) -> Iterator[Server]:
    with Server(lambda: make_any(id), port=0, **options) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(LINEAR) as server:
        yield server


def ask(server: Server, path: str, body: Any = None, method: str | None = None) -> tuple[int, dict[str, Any]]:
    """Status and JSON of one request; bytes are sent as they are."""
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection.request(method or ("GET" if body is None else "POST"), path, raw)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    return answer.status, told


def talking(server: Server) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{server.server_port}/ws", proxy=None)


def say(client: ClientConnection, kind: str, **data: Any) -> dict[str, Any]:
    client.send(json.dumps({"type": kind, "data": data}))
    told: dict[str, Any] = json.loads(client.recv(20))
    return told


def test_an_episode_over_a_websocket_in_openenvs_words(server: Server) -> None:
    task = make_task(LINEAR)
    problem = sample_problem(task, 5, 3)
    with talking(server) as client:
        told = say(client, "reset", seed=5, difficulty=3, episode_id="mine")
        assert told["type"] == "observation"
        assert told["data"]["observation"]["text"] == problem.prompt
        assert (told["data"]["reward"], told["data"]["done"]) == (None, False)
        assert told["data"]["metadata"]["difficulty"] == 3
        assert say(client, "state")["data"]["step_count"] == 0
        told = say(client, "step", text=task.solve(problem, make(LINEAR).np_random))["data"]
        assert (told["reward"], told["done"], told["metadata"]["verdict"]) == (1.0, True, "right")
        state = say(client, "state")
        assert state["type"] == "state"
        assert (state["data"]["episode_id"], state["data"]["step_count"], state["data"]["done"]) == ("mine", 1, True)
        assert say(client, "reset", seed=5)["data"]["done"] is False
        client.send('{"type": "close"}')
        with pytest.raises(ConnectionClosed):
            client.recv(20)


@pytest.mark.parametrize("id", [LINEAR, GUESS, NIM, "palaestra/SelfDebug-v0"])
def test_an_environment_says_over_http_what_it_says_here(id: str) -> None:
    actions = ["\\boxed{1}", "ask[is it even?]", "\\boxed{take 1 from pile 1}"]
    env = make_any(id)
    observation, _ = env.reset(seed=9)
    with serving(id) as server:
        status, told = ask(server, "/reset", {"seed": 9})
        assert (status, told["observation"]["text"]) == (200, observation)
        session = told["metadata"]["session_id"]
        for action in actions:
            observation, reward, terminated, *_ = env.step(action)
            status, told = ask(server, "/step", {"action": {"text": action}, "session_id": session})
            assert (told["observation"]["text"], told["reward"], told["done"]) == (observation, reward, terminated)
            if terminated:
                break
        assert ask(server, f"/state?session_id={session}")[1]["done"] is terminated
        assert ask(server, "/close", {"session_id": session}) == (200, {"session_id": session, "closed": True})
        assert len(server.sessions) == 0


class Telltale(gymnasium.Env[str, str]):
    """An environment whose info holds the answer in every way that the shipped ones do, and some more."""

    def __init__(self) -> None:
        inner = make(LINEAR)
        self.inner, self.action_space, self.observation_space = inner, inner.action_space, inner.observation_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        observation, info = self.inner.reset(seed=seed, options=options)
        return observation, {**info, "answer": "GOLD", "facts": {"gold": "GOLD"}, "seat": {"gold": "GOLD"}}

    def step(self, action: str) -> Any:
        from palaestra.verifiers import wrong

        *seen, info = self.inner.step(action)
        return *seen, {**info, "verdict": wrong("expected GOLD", gold="GOLD"), "answer": "GOLD"}


def test_the_answer_is_never_sent() -> None:
    with Server(Telltale, port=0) as server:
        session = server.sessions.open()
        told = [session.reset({"seed": 1}), session.state(), session.step({"text": "\\boxed{2}"}), session.state()]
    assert "GOLD" not in repr(told)
    assert "reference" not in repr(told)
    assert told[2]["metadata"]["verdict"] == "wrong"
    assert told[2]["metadata"].keys() == {"session_id", "seed", "difficulty", "verdict"}


def test_sessions_do_not_meet(server: Server) -> None:
    """Many at once, each with its own problem and its own end."""
    faults: list[str] = []

    def play(seed: int) -> None:
        env = make(LINEAR)
        with talking(server) as client:
            for turn in range(5):
                expected, _ = env.reset(seed=100 * seed + turn)
                told = say(client, "reset", seed=100 * seed + turn)["data"]["observation"]["text"]
                done = say(client, "step", text="\\boxed{1}")["data"]["done"]
                if told != expected or not done:
                    faults.append(f"{seed}: {told}")

    threads = [threading.Thread(target=play, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults
    assert not any(thread.is_alive() for thread in threads)


STEP = {"action": {"text": "1"}}
REFUSALS: list[tuple[str, Any, int, str]] = [
    ("/reset", b"{", 400, "this is not JSON"),
    ("/reset", b"[" * 100_000, 400, "this is not JSON"),
    ("/reset", b"[1]", 422, "a request is a JSON object"),
    ("/reset", b"\xff\xfe{", 400, "this is not JSON"),
    ("/reset", {"seed": -1}, 422, "seed is an integer from 0"),
    ("/reset", {"seed": True}, 422, "seed is an integer from 0"),
    ("/reset", {"seed": 1 << 63}, 422, "seed is an integer from 0"),
    ("/reset", {"seed": 1, "difficulty": 99}, 422, "has difficulties 1 to 10, not 99"),
    ("/reset", {"difficulty": "1"}, 422, "difficulty is an integer"),
    ("/reset", {"dificulty": 1}, 422, "reset has no field 'dificulty': it knows seed, difficulty"),
    ("/reset", {"episode_id": "x" * 256}, 422, "at most 255 characters"),
    ("/reset", {"session_id": "nobody"}, 404, "no session 'nobody'"),
    ("/step", {**STEP, "session_id": "nobody"}, 404, "no session 'nobody'"),
    ("/step", STEP, 422, "name the session"),
    ("/close", {}, 422, "name the session"),
    ("/state", None, 422, "name the session"),
    ("/nowhere", None, 404, "leads nowhere: there are /health"),
    ("/step", None, 404, "leads nowhere"),
    ("/ws", None, 426, "/ws is a WebSocket"),
    ("/reset", b" " * ((1 << 20) + 1), 413, "1048576 are allowed"),
]


@pytest.mark.parametrize(("path", "body", "status", "told"), REFUSALS, ids=[f"{r[0]}-{r[3][:30]}" for r in REFUSALS])
def test_a_bad_request_is_told_why_in_one_line(server: Server, path: str, body: Any, status: int, told: str) -> None:
    before = len(server.sessions)
    got, answer = ask(server, path, body)
    assert got == status
    assert answer.keys() == {"detail", "code"}
    assert told in answer["detail"]
    assert "\n" not in answer["detail"]
    assert len(server.sessions) == before  # a refused reset leaves no session behind
    assert ask(server, "/health") == (200, {"status": "healthy"})


@pytest.mark.parametrize("action", [1, None, ["1"], {"text": 1}, {}, {"text": "1", "gold": 1}])
def test_an_action_that_is_no_text_is_refused_and_costs_nothing(server: Server, action: Any) -> None:
    session = ask(server, "/reset", {"seed": 1})[1]["metadata"]["session_id"]
    status, told = ask(server, "/step", {"action": action, "session_id": session})
    assert (status, told["code"]) == (422, "VALIDATION_ERROR")
    status, told = ask(server, "/step", {**STEP, "session_id": session})
    assert (status, told["done"]) == (200, True)
    status, told = ask(server, "/step", {**STEP, "session_id": session})
    assert status == 409
    assert "the episode has ended: reset" in told["detail"]
    status, told = ask(server, "/reset", {"session_id": session})
    assert (status, told["metadata"]["session_id"]) == (200, session)


def test_methods_and_requests_that_are_none_are_told_so(server: Server) -> None:
    assert ask(server, "/reset", b"{}", method="PUT")[0] == 405
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as raw:
        raw.sendall(b"POST /reset HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 411")
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as raw:
        raw.sendall(b"nonsense\r\n\r\n")
        assert b"INVALID_REQUEST" in raw.makefile("rb").read()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_only_python_takes_for_json_is_refused(server: Server, number: str) -> None:
    status, told = ask(server, "/mcp", f'{{"id": {number}}}'.encode())
    assert (status, told["code"]) == (400, "INVALID_JSON")
    assert f"{number} is no number" in told["detail"]


@pytest.mark.parametrize("header", ["Content-Length: {}", "Transfer-Encoding: chunked"])
def test_the_body_of_a_get_is_not_taken_for_a_request(server: Server, header: str) -> None:
    body = "GET /metadata HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as client:
        client.sendall(f"GET /health HTTP/1.1\r\nHost: x\r\n{header.format(len(body))}\r\n\r\n{body}".encode())
        client.shutdown(socket.SHUT_WR)
        told = b"".join(iter(lambda: client.recv(1 << 16), b"")).decode()
    assert told.count("HTTP/1.1 ") == 1
    assert "healthy" in told


def test_a_websocket_is_told_what_it_does_wrong_and_stays_open(server: Server) -> None:
    with talking(server) as client:
        told = say(client, "step", text="1")
        assert (told["type"], told["data"]["code"]) == ("error", "EXECUTION_ERROR")
        assert told["data"]["message"] == "no episode has begun: reset before the next step"
        assert say(client, "dance")["data"]["code"] == "UNKNOWN_TYPE"
        assert say(client, "step", words="1")["data"]["code"] == "VALIDATION_ERROR"
        client.send("{")
        assert json.loads(client.recv(20))["data"]["code"] == "INVALID_JSON"
        assert say(client, "reset", seed=1)["type"] == "observation"
        assert client.ping(b"still there?").wait(20)


def test_long_and_broken_up_messages_arrive_whole_and_too_long_ones_do_not(server: Server) -> None:
    with talking(server) as client:
        message = json.dumps({"type": "reset", "data": {"seed": 3}})
        client.send(iter(message))  # a frame for each character
        assert json.loads(client.recv(20))["type"] == "observation"
        told = say(client, "step", text="é" * 70_000)  # longer than an answer may be: judged, not refused
        assert told["data"]["metadata"]["verdict"] == "wrong"
        assert dropped_for(client, "x" * ((1 << 20) + 1)) == 1009
    with talking(server) as client:
        assert dropped_for(client, b"bytes") == 1003


def dropped_for(client: ClientConnection, message: str | bytes) -> int | None:
    """The code with which the server closes the connection on a message."""
    with contextlib.suppress(ConnectionClosed):
        client.send(message)
        client.recv(20)
    return client.close_code


def test_the_handshakes_proof_is_that_of_the_standards_example() -> None:
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_no_more_sessions_than_there_is_room_for() -> None:
    with serving(LINEAR, max_sessions=2) as server, talking(server) as client:
        say(client, "reset", seed=1)
        status, told = ask(server, "/reset", {})
        first = told["metadata"]["session_id"]
        assert status == 200
        status, told = ask(server, "/reset", {})
        assert (status, told["code"]) == (429, "CAPACITY_REACHED")
        assert "all 2 sessions are in use" in told["detail"]
        with talking(server) as refused:
            assert json.loads(refused.recv(20))["data"]["code"] == "CAPACITY_REACHED"
        ask(server, "/step", {**STEP, "session_id": first})
        assert ask(server, "/reset", {})[0] == 200  # in the room of the one that has ended
        assert ask(server, "/step", {**STEP, "session_id": first})[0] == 404
        say(client, "step", text="1")
        assert ask(server, "/reset", {})[0] == 429  # a connection keeps its place between episodes


def until(seen: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not seen() and time.monotonic() < deadline:
        time.sleep(0.005)
    return seen()


def test_who_leaves_or_falls_silent_makes_room() -> None:
    with serving(LINEAR, max_sessions=1) as server:
        with talking(server) as client:
            say(client, "reset", seed=1)
        assert until(lambda: len(server.sessions) == 0)
    with serving(LINEAR, max_sessions=1, idle_seconds=0.2) as server:
        session = ask(server, "/reset", {})[1]["metadata"]["session_id"]
        time.sleep(0.25)
        assert ask(server, "/step", {**STEP, "session_id": session})[0] == 404
        with talking(server) as client:
            say(client, "reset", seed=1)
            with pytest.raises(ConnectionClosed, match="idle"):
                client.recv(20)
        assert until(lambda: len(server.sessions) == 0)


def test_an_environment_that_fails_is_a_fault_of_the_server_not_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from palaestra.envs import LinearEquations

    def fail(*_: Any) -> Any:
        raise KeyError("GOLD")

    with serving(LINEAR) as server, talking(server) as client:
        session = ask(server, "/reset", {})[1]["metadata"]["session_id"]
        say(client, "reset", seed=1)
        monkeypatch.setattr(LinearEquations, "verify", fail)
        status, told = ask(server, "/step", {**STEP, "session_id": session})
        assert (status, told) == (500, {"detail": "the environment failed: KeyError", "code": "EXECUTION_ERROR"})
        assert say(client, "step", text="1")["data"]["message"] == "the environment failed: KeyError"


def test_a_server_describes_itself(server: Server) -> None:
    status, about = ask(server, "/metadata")
    assert (status, about["name"]) == (200, LINEAR)
    assert about["description"]
    assert ask(server, "/schema")[1].keys() == {"action", "observation", "state"}
    assert {"/reset", "/step", "/state", "/health"} <= ask(server, "/openapi.json")[1]["paths"].keys()
    assert ask(server, "/mcp", {})[1]["jsonrpc"] == "2.0"


@pytest.mark.parametrize(
    ("id", "options", "told"),
    [
        ("CartPole-v1", {}, "does not speak text"),
        (LINEAR, {"port": 70_000}, "a port is from 0 to 65535"),
        (LINEAR, {"max_sessions": 0}, "room for one session or more"),
        (LINEAR, {"idle_seconds": 0}, "above 0"),
    ],
)
def test_what_cannot_be_served_is_said_at_once(id: str, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Server(lambda: make_any(id), **{"port": 0, **options})


def test_an_address_in_use_is_named(server: Server) -> None:
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{server.server_port}"):
        Server(lambda: make_any(LINEAR), port=server.server_port)
