"""Over TLS: a trusted server is asked, another is not, and what hangs ends."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from palaestra.agents.engine import EngineError, Sampling
from palaestra.agents.openai_client import OpenAIClient
from palaestra.agents.openai_engine import OpenAIEngine

Make = Callable[..., OpenAIClient]


@pytest.fixture
def secure(server: Any, tmp_path: Path) -> Path:
    """The server speaks TLS; the file of its certificate, which nobody trusts yet."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "certificate.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    kind, secret = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, secret))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.url = server.url.replace("http:", "https:")
    return pem


def test_a_trusted_server_is_asked(server: Any, client: Make, secure: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secure))
    server.faults[5] = ["half", "closed", "chunk"]
    (one,) = OpenAIEngine(client()).generate([[3]], Sampling(max_tokens=4, seeds=(5,)))
    assert list(one.token_ids) == server.continued([3], 5, 4)[0]


def test_a_server_that_is_not_trusted_is_not_asked_again(server: Any, client: Make, secure: Path) -> None:
    with pytest.raises(EngineError, match="its certificate is not trusted: self"):
        client()
    assert server.asked == []


@pytest.mark.parametrize("fault", ["drip", "silence"])
def test_a_deadline_and_a_refusal_end_what_hangs(
    server: Any, client: Make, secure: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secure))
    server.faults |= {5: [fault, "..."], 6: ["400"]}
    engine = OpenAIEngine(client(timeout=1e4, deadline=2.0))
    with pytest.raises(EngineError, match="before the deadline"):
        engine.generate([[3]], Sampling(max_tokens=4, seeds=(5,)))
    engine = OpenAIEngine(client(timeout=1e4, deadline=1e4))
    with pytest.raises(EngineError, match="400"):
        engine.generate([[3], [3]], Sampling(max_tokens=4, seeds=(5, 6)))
