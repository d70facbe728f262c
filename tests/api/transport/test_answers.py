"""Answers: what an error keeps of a response."""

from __future__ import annotations

import pytest

from eci_provider.api import EciClient
from eci_provider.api.errors import EciBadRequestError
from tests.support.raw_server import RawServer
from tests.support.raw_server import http as answer

ME = "/api/v3/me"


def test_a_request_id_is_cut() -> None:
    refusal = answer("400 Bad Request", b"No.", f"X-Request-Id: {'r' * 60_000}")
    with (
        RawServer(refusal) as server,
        EciClient(server.url, "key") as client,
        pytest.raises(EciBadRequestError) as caught,
    ):
        client.account.me()
    assert caught.value.request_id == "r" * 200
    assert len(repr(vars(caught.value))) < 2000
