"""Fixtures of the kickouts' tests."""

from __future__ import annotations

from typing import Any

import pytest

from eci_provider.api import EciClient
from eci_provider.api.kickouts.report import KickoutReport
from eci_provider.sandbox import Sandbox
from tests.support.api_data import GUID
from tests.support.kickout_answers import BASE


@pytest.fixture
def kickouts_of(eci_sandbox: Sandbox, client: EciClient) -> Any:
    """Let the server answer with these messages and this body of details."""

    def prepare(messages: Any, details: Any, **summary: Any) -> KickoutReport:
        body = {"taskGuid": GUID, "kickoutMessages": messages, **summary}
        eci_sandbox.fault("GET", f"{BASE}/summary", times=9, status=200, body=body)
        eci_sandbox.fault("GET", f"{BASE}/detail", times=9, status=200, body=details)
        return client.kickouts.report(GUID)

    return prepare
