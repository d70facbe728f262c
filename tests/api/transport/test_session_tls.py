"""TLS: a real server with a self-signed certificate, and who decides what is trusted."""

from __future__ import annotations

import http.server
import ssl
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciConnectionError
from eci_provider.sandbox import Sandbox
from tests.support.certificates import certificate


@dataclass
class TlsServer:
    url: str
    bundle: Path
    other_bundle: Path
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    return (*certificate(folder, "server"), certificate(folder, "other")[0])


@pytest.fixture
def tls(certificates: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsServer]:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    bundle, key, other = certificates
    requests: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "20")
            self.end_headers()
            self.wfile.write(b'{"fullName": "Jane"}')

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle, key)

    class Server(http.server.ThreadingHTTPServer):
        def finish_request(self, request: object, client_address: object) -> None:
            try:
                secured = context.wrap_socket(request, server_side=True)  # type: ignore[arg-type]
                super().finish_request(secured, client_address)  # type: ignore[arg-type]
            except OSError:  # the client did not like the certificate
                pass

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield TlsServer(f"https://127.0.0.1:{server.server_port}", bundle, other, requests)
        server.shutdown()


def name_at(tls: TlsServer, verify: bool | str) -> str | None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Unverified HTTPS request")
        with EciClient(tls.url, "key", verify=verify, max_retries=0) as client:
            return client.account.me().full_name


def failure_at(tls: TlsServer, verify: bool | str) -> EciConnectionError:
    with (
        EciClient(tls.url, "key", verify=verify, max_retries=0) as client,
        pytest.raises(EciConnectionError) as caught,
    ):
        client.batches.open("A")
    assert tls.requests == []
    return caught.value


def test_an_unknown_certificate_is_not_trusted(tls: TlsServer) -> None:
    error = failure_at(tls, True)
    # A POST that ended here was never sent: no unknown outcome.
    assert (error.kind, error.sent, error.retry_helps) == ("tls", False, True)
    assert "check the certificate, or set the connection's `ca_bundle`. Or the server speaks http" in error.message


def test_a_tls_failure_is_not_retried(tls: TlsServer, waits: list[float]) -> None:
    with EciClient(tls.url, "key", sleep=waits.append) as client, pytest.raises(EciConnectionError):
        client.account.me()
    assert waits == []


def test_a_bundle_makes_it_trusted(tls: TlsServer) -> None:
    assert name_at(tls, str(tls.bundle)) == "Jane"
    assert failure_at_other_bundle(tls).kind == "tls"


def failure_at_other_bundle(tls: TlsServer) -> EciConnectionError:
    tls.requests.clear()
    return failure_at(tls, str(tls.other_bundle))


def test_verification_can_be_switched_off(tls: TlsServer) -> None:
    assert name_at(tls, False) == "Jane"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_the_environment_counts_where_nothing_else_is_said(
    variable: str, tls: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tls.bundle))
    assert name_at(tls, True) == "Jane"
    tls.requests.clear()
    monkeypatch.setenv(variable, str(tls.other_bundle))
    assert failure_at(tls, True).kind == "tls"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_the_environment_does_not_override_the_connection(
    variable: str, tls: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tls.other_bundle))
    assert name_at(tls, False) == "Jane"
    assert name_at(tls, str(tls.bundle)) == "Jane"
    tls.requests.clear()
    monkeypatch.setenv(variable, str(tls.bundle))
    assert failure_at(tls, str(tls.other_bundle)).kind == "tls"


@pytest.mark.parametrize("how", ["verify", "environment"])
def test_a_missing_bundle_is_a_tls_failure(how: str, tls: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = "/nowhere/bundle.pem"
    if how == "environment":
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", missing)
    error = failure_at(tls, missing if how == "verify" else True)
    assert (error.kind, error.sent) == ("tls", False)


def test_an_invalid_bundle_is_a_tls_failure(tls: TlsServer, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("no certificate")
    error = failure_at(tls, str(bundle))
    assert (error.kind, error.sent) == ("tls", False)


def test_https_to_a_plain_port_is_a_tls_failure(eci_sandbox: Sandbox) -> None:
    with (
        EciClient(eci_sandbox.url.replace("http:", "https:"), "key", max_retries=0) as client,
        pytest.raises(EciConnectionError) as caught,
    ):
        client.batches.open("A")
    assert (caught.value.kind, caught.value.sent) == ("tls", False)
    assert eci_sandbox.requests == []
