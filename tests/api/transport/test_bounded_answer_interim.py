"""Interim answers (1xx) are skipped, and the next answer belongs to the same request."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import (
    EciConnectionError,
    EciUnknownOutcomeError,
    EciUnreadableResponseError,
)
from eci_provider.api.transport.bounded_answer import MOST_INTERIM
from eci_provider.api.transport.failures import describe_status
from tests.support.api_data import GUID, BillBytes
from tests.support.raw_server import RawServer, http

OTHER = GUID.replace("1", "2")
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"


def task(guid: str) -> bytes:
    return http("200 OK", json.dumps({"taskGUId": guid, "status": "Running"}).encode())


def after(*interim: bytes, answer: bytes) -> Callable[[socket.socket], None]:
    """Send interim answers, and the answer."""

    def send(connection: socket.socket) -> None:
        for one in interim:
            connection.sendall(one)
        connection.sendall(answer)

    return send


@pytest.mark.parametrize("interim", [(PROCESSING,), (EARLY, PROCESSING), (EARLY,) * MOST_INTERIM], ids=len)
def test_the_final_answer_follows_interim_ones(interim: tuple[bytes, ...]) -> None:
    server = RawServer(after(*interim, answer=task(GUID)), task(OTHER))
    with server, EciClient(server.url, "key", max_retries=0) as client:
        assert client.tasks.get(GUID).task_guid == GUID
        assert client.tasks.get(OTHER).task_guid == OTHER


def test_a_submit_with_early_hints_has_the_guid_of_its_answer() -> None:
    server = RawServer(after(EARLY, answer=task(GUID)), task(OTHER))
    with server, EciClient(server.url, "key", max_retries=0) as client:
        assert client.bill_imports.submit(BillBytes()) == GUID
        assert client.tasks.get(OTHER).task_guid == OTHER


LOST = {
    "too many": after(*(EARLY,) * (MOST_INTERIM + 1), answer=task(GUID)),
    "another protocol": after(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", answer=task(GUID)),
    "no answer after it": lambda connection: (connection.sendall(EARLY), connection.shutdown(socket.SHUT_RDWR)),
}


@pytest.mark.parametrize("kind", LOST)
def test_a_connection_without_an_answer_is_lost_and_not_used_again(kind: str) -> None:
    server = RawServer(LOST[kind], task(OTHER))
    with server, EciClient(server.url, "key", max_retries=0) as client:
        with pytest.raises(EciConnectionError, match="closed the connection before its answer") as caught:
            client.tasks.get(GUID)
        assert (caught.value.kind, caught.value.sent) == ("reset", True)
        assert client.tasks.get(OTHER).task_guid == OTHER


@pytest.mark.parametrize("kind", LOST)
def test_a_post_without_an_answer_may_have_taken_effect(kind: str) -> None:
    with (
        RawServer(LOST[kind]) as server,
        EciClient(server.url, "key") as client,
        pytest.raises(EciUnknownOutcomeError),
    ):
        client.batches.open("A")
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [100, 101, 102, 103, 199])
def test_no_interim_status_is_a_refusal(status: int) -> None:
    assert describe_status(status, "https://eci.example")[0] is EciUnreadableResponseError
