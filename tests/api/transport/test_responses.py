"""Answers become models, if they are what was requested."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import (
    EciUnreadableResponseError,
)
from eci_provider.api.transport.retries import is_transient
from eci_provider.sandbox import Sandbox
from tests.support.api_data import GUID
from tests.support.raw_server import RawServer, http

OTHER = GUID.replace("1", "2")


def task(guid: str) -> bytes:
    return http("200 OK", json.dumps({"taskGUId": guid, "status": "Running"}).encode())


@pytest.mark.parametrize("spelling", [str, str.upper, "{{{}}}".format])
def test_a_task_is_known_by_its_guid_however_it_is_spelled(
    spelling: Callable[[str], str], eci_sandbox: Sandbox, client: EciClient
) -> None:
    eci_sandbox.fault("GET", "/api/v3/task/*", status=200, body={"taskGUId": spelling(GUID)})
    assert client.tasks.get(GUID).task_guid == GUID


def test_an_answer_about_something_else_is_not_taken() -> None:
    batch = http("200 OK", b'{"batchId": 7}')
    with RawServer(task(OTHER), batch, batch) as server, EciClient(server.url, "key") as client:
        with pytest.raises(EciUnreadableResponseError, match=f"but it is about {OTHER}") as caught:
            client.tasks.get(GUID)
        assert is_transient(caught.value)
        assert server.hung_up.wait(60)
        with pytest.raises(EciUnreadableResponseError, match="but it is about 7"):
            client.batches.get(8)
        assert client.batches.get(7).batch_id == 7


@pytest.mark.parametrize(
    "call", [lambda c: c.batches.get(1), lambda c: next(c.batches.list())], ids=["one", "many"]
)
def test_an_answer_of_another_shape_is_unreadable(
    call: Callable[[EciClient], Any], eci_sandbox: Sandbox, client: EciClient
) -> None:
    eci_sandbox.fault("GET", "*", status=200, body="null")
    with pytest.raises(EciUnreadableResponseError, match="its body is not an "):
        call(client)
