"""The client: waits, limits, deadlines and secrets."""

from __future__ import annotations

import datetime
import threading
import time
import traceback
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any

import pytest

from palaestra.agents.engine import EngineError, Sampling
from palaestra.agents.http_exchange import Address, ServerFault
from palaestra.agents.openai_client import OpenAIClient, Pace, ServerSettings
from palaestra.agents.openai_engine import OpenAIEngine

KEY = "sk-a-secret-that-nobody-may-read"
Make = Callable[..., OpenAIClient]


def ask(client: OpenAIClient, seed: int = 5) -> Any:
    body = {"prompt": [3], "seed": seed, "max_tokens": 2, "temperature": 1.0}
    return client.ask("/completions", body, lambda events: events)


def test_waits_are_drawn_from_a_range_that_doubles(server: Any, client: Make) -> None:
    server.faults[5] = ["500", "..."]
    drawn = []
    for _ in range(20):
        naps: list[float] = []
        one = client(attempts=9)
        one._sleep = naps.append
        one._rng.seed(len(drawn))
        with pytest.raises(EngineError, match="9 attempts"):
            ask(one)
        drawn.append([nap for nap in naps if nap])
    highest = [max(waits) for waits in zip(*drawn, strict=True)]
    lowest = [min(waits) for waits in zip(*drawn, strict=True)]
    for high, low, bound in zip(highest, lowest, (0.5, 1, 2, 4, 8, 16, 30, 30), strict=True):
        assert 0 <= low < bound / 3 < bound / 2 < high <= bound


def test_the_same_seed_waits_the_same(server: Any, client: Make, naps: list[float]) -> None:
    for _ in range(2):
        server.faults[5] = ["500"] * 4
        ask(client())
    waits = [nap for nap in naps if nap]
    assert waits[:4] == waits[4:]


def test_retry_after_is_waited_for(server: Any, client: Make, naps: list[float]) -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=90)
    for header, least in (("17", 17.0), ("2.5", 2.5), (format_datetime(soon, usegmt=True), 80.0)):
        naps.clear()
        server.faults[5], server.retry_after = ["429"], header
        ask(client())
        (nap,) = (nap for nap in naps if nap)
        assert least <= nap < least + 11
    for nonsense in ("soon", "-5", "inf", "nan", ""):
        naps.clear()
        server.faults[5], server.retry_after = ["429"], nonsense
        ask(client())
        assert max(naps) <= 0.5


def test_a_wait_beyond_the_deadline_is_told_at_once(server: Any, client: Make, naps: list[float]) -> None:
    server.faults[5], server.retry_after = ["429"], "3600"
    with pytest.raises(EngineError, match=r"in 1 attempts .*429 .*it asks to wait 3600 s"):
        ask(client())
    assert not any(naps)


@pytest.mark.parametrize("fault", ["drip", "silence"])
def test_a_deadline_ends_what_never_would(server: Any, client: Make, fault: str) -> None:
    server.faults[5] = [fault]
    with pytest.raises(EngineError, match="no whole answer before the deadline"):
        ask(client(deadline=0.3, timeout=1e4))
    assert not server.outlasted


def test_so_many_at_once_and_no_more(server: Any, client: Make) -> None:
    engine = OpenAIEngine(client(concurrency=3))
    server.most, server.crowd = 0, threading.Barrier(3)  # nobody is answered before three ask at once
    engine.generate([[3]] * 12, Sampling(max_tokens=2, seeds=tuple(range(100, 112))))
    assert server.most == 3


def test_turns_are_evenly_spaced() -> None:
    pace = Pace(4.0)
    assert [pace.reserve(100.0) for _ in range(4)] == [0, 0.25, 0.5, 0.75]
    assert pace.reserve(100.9) == pytest.approx(0.1)
    assert pace.reserve(200.0) == 0  # idle time is not saved up
    assert pace.reserve(200.0) == 0.25
    assert [Pace(0.0).reserve(1.0) for _ in range(3)] == [0, 0, 0]


def test_every_attempt_takes_a_turn(server: Any, client: Make, naps: list[float]) -> None:
    server.faults[5] = ["500"] * 2
    ask(client(requests_per_second=1e-3, model="tiny", deadline=1e6))
    turns = [nap for nap in naps if nap > 31]
    assert [round(nap, -2) for nap in turns] == [1000, 2000]  # naps that are not slept add up


def test_a_reader_that_finds_a_fault_is_served_again(server: Any, client: Make) -> None:
    seen = []

    def read(events: Any) -> str:
        seen.append(events)
        if len(seen) < 3:
            raise ServerFault("not what was asked for")
        return "right"

    body = {"prompt": [3], "seed": 5, "max_tokens": 2, "temperature": 1.0}
    assert client().ask("/completions", body, read) == "right"


def test_an_interrupt_ends_requests_under_way(server: Any, client: Make) -> None:
    engine = OpenAIEngine(client(timeout=1e4, deadline=1e4))
    before = threading.active_count()
    server.faults[5] = ["silence"]

    def interrupted(row: int, stop: Any) -> None:
        if row:
            while not server.of("/completions"):
                time.sleep(0.01)
            raise KeyboardInterrupt
        engine._complete([3], 5, Sampling(), stop)

    with pytest.raises(KeyboardInterrupt):
        engine.client.map(interrupted, [0, 1])
    server.closing.set()
    while threading.active_count() > before:
        time.sleep(0.01)


@pytest.mark.parametrize(("models", "told"), [([], "serves 0 models"), (["a", "b"], "serves 2 models, name one: a, b")])
def test_a_model_is_found_or_asked_for(server: Any, client: Make, models: list[str], told: str) -> None:
    assert client().model == "tiny"
    server.models = models
    assert client(model="b").model == "b"
    with pytest.raises(EngineError, match=told):
        client()


def test_nobody_at_home(server: Any, client: Make) -> None:
    with pytest.raises(EngineError, match=r"http://127.0.0.1:9/v1/models: no answer in 6 attempts .*refused"):
        client(url="http://127.0.0.1:9/v1")


def test_the_key_reaches_the_server_and_nobody_else(server: Any, client: Make) -> None:
    one = client()
    for fault in ("401", "429"):
        server.faults[5] = [fault, "..."]
        with pytest.raises(EngineError) as told:
            ask(one)
        assert fault in str(told.value)
        assert KEY not in "".join(traceback.format_exception(told.value))  # which the server repeated
        assert "Bearer ***" in str(told.value)
    assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(one) + repr(one.settings) + repr(one.address)


@pytest.mark.parametrize("before", range(440, 520, 7))
def test_a_long_message_is_cut_when_the_key_is_out(server: Any, client: Make, before: int) -> None:
    server.faults[5], server.words = ["400"], f"{'x' * before}{KEY}{'y' * 99999}"
    with pytest.raises(EngineError) as told:
        ask(client())
    assert KEY[:6] not in str(told.value)
    assert len(str(told.value)) < 700


def test_the_key_comes_from_the_environment(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    ask(OpenAIClient(ServerSettings(server.url)))
    assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"
    ask(OpenAIClient(ServerSettings(server.url), api_key=""))
    assert "Authorization" not in server.headers[-1]
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\nHost: elsewhere")
    with pytest.raises(EngineError, match="holds characters that no key has") as told:
        OpenAIClient(ServerSettings(server.url))
    assert KEY not in str(told.value)


def test_a_key_is_not_carried_to_where_a_server_points(server: Any, client: Make) -> None:
    server.faults[5], server.redirect = ["307", "..."], f"{server.url}/elsewhere"
    with pytest.raises(EngineError, match="/completions: 307"):
        ask(client())
    assert len(server.of("/elsewhere")) == 0


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("localhost:8000", "like http://localhost:8000/v1"),
        ("ftp://host/v1", "like http"),
        ("http://", "like http"),
        ("http://user:password@host/v1", "neither a password nor a query"),
        ("http://host/v1?key=secret", "neither a password nor a query"),
        ("http://host:eighty/v1", "[Pp]ort"),
    ],
)
def test_a_url_that_is_none_is_told(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as error:
        ServerSettings(url)
    assert "password@" not in str(error.value)


def test_a_url_is_taken_apart() -> None:
    assert Address.of("https://api.openai.com/v1/") == Address(True, "api.openai.com", 443, "/v1")
    assert str(Address.of("http://[::1]:8000")) == "http://[::1]:8000/v1"


@pytest.mark.parametrize(
    "wrong", [{"concurrency": 0}, {"attempts": 0}, {"timeout": 0}, {"deadline": -1}, {"requests_per_second": -1}]
)
def test_settings_that_make_no_sense_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ServerSettings("http://host", **wrong)
