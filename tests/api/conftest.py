"""Fixtures of the API's tests: a client of the sandbox, bill files, and certificates."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciValidationError
from eci_provider.sandbox import Sandbox
from tests.support.api_data import BILLS
from tests.support.certificates import certificate
from tests.support.connection_server import LARGE


@pytest.fixture
def waits() -> list[float]:
    """The seconds that the client waited between repeats; it never really sleeps."""
    return []


@pytest.fixture
def client(eci_sandbox: Sandbox, waits: list[float]) -> Iterator[EciClient]:
    with EciClient(eci_sandbox.url, eci_sandbox.api_key, sleep=waits.append) as made:
        yield made


@pytest.fixture
def bill_file(tmp_path: Path) -> Path:
    file = tmp_path / "bills.csv"
    file.write_bytes(BILLS)
    return file


@pytest.fixture
def kicked_out(eci_sandbox: Sandbox, client: EciClient, bill_file: Path) -> str:
    """An import of two bills, one of which was kicked out; the request log starts after it."""
    eci_sandbox.add_account("1001", ["M1"])
    guid = client.bill_imports.submit(bill_file)
    eci_sandbox.clear_requests()
    return guid


@pytest.fixture
def refusal(eci_sandbox: Sandbox) -> Callable[..., str]:
    """Make a call that must be refused before anything is sent, and return what the error says."""

    def message_of(call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
        before = len(eci_sandbox.requests)
        with pytest.raises(EciValidationError) as caught:
            call(*arguments, **named)
        assert len(eci_sandbox.requests) == before
        return caught.value.message

    return message_of


@pytest.fixture
def large_file(tmp_path: Path) -> Path:
    file = tmp_path / "bills.csv"
    with file.open("wb") as stream:
        stream.truncate(LARGE)
    return file


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    bundle, key = certificate(tmp_path_factory.mktemp("tls"), "server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle, key)
    return context, bundle


@pytest.fixture(params=["http", "https"])
def secured(
    request: pytest.FixtureRequest, certified: tuple[ssl.SSLContext, Path]
) -> tuple[ssl.SSLContext | None, str]:
    """The server's side and the client's side of a scheme."""
    return (certified[0], str(certified[1])) if request.param == "https" else (None, "")
