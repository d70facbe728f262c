"""Answers: how much of a body is read, what of it counts, and what is logged."""

from __future__ import annotations

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciBadRequestError
from tests.support.raw_server import RawServer
from tests.support.raw_server import http as answer

ME = "/api/v3/me"


def test_of_what_a_server_calls_a_request_the_start_is_kept() -> None:
    refusal = answer("400 Bad Request", b"No.", f"X-Request-Id: {'r' * 60_000}")
    with (
        RawServer(refusal) as server,
        EciClient(server.url, "key") as client,
        pytest.raises(EciBadRequestError) as caught,
    ):
        client.account.me()
    assert caught.value.request_id == "r" * 200
    assert len(repr(vars(caught.value))) < 2000
