"""A wait survives that Airflow does not give the connection for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException

from eci_provider.api import EciClient, errors
from eci_provider.hooks.eci import EciHook
from eci_provider.sandbox import Sandbox
from eci_provider.triggers import EciTaskTrigger
from eci_provider.waiting.events import unpack
from eci_provider.waiting.schedule import MOST_FAILING_SECONDS
from tests.support.run_task import first_event
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file


@pytest.fixture
def guid(sandbox: Sandbox, tmp_path: Path) -> str:
    sandbox.add_account("A-1")
    with EciClient(sandbox.url, sandbox.api_key) as client:
        return client.bill_imports.submit(bill_file(tmp_path, "A-1"))


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, Exception], list[Exception]]:
    """Return how to let Airflow refuse the connection so many times; its API server is no part of these tests."""
    answer = EciHook.get_connection

    def start(times: float, error: Exception) -> list[Exception]:
        refused: list[Exception] = []

        def get_connection(hook: type[EciHook], conn_id: str) -> object:
            if len(refused) < times:
                refused.append(error)
                raise error
            return answer(conn_id)

        monkeypatch.setattr(EciHook, "get_connection", classmethod(get_connection))
        return refused

    return start


UNREACHABLE = RuntimeError("API_SERVER_ERROR: secret-in-some-detail")
UNDEFINED = AirflowNotFoundException("The conn_id `eci_default` isn't defined")


@pytest.mark.parametrize(("times", "error"), [(10, UNREACHABLE), (4, UNDEFINED)])
def test_a_refusal_of_a_moment_is_retried(
    times: int, error: Exception, guid: str, turned_clock: TurnedClock, refuse: Callable[..., list[Exception]]
) -> None:
    refused = refuse(times, error)

    event = asyncio.run(first_event(*EciTaskTrigger(guid).serialize()))

    assert event["status"] == "found", event
    assert len(refused) == times


def test_an_airflow_that_stays_silent_ends_the_wait_by_the_same_budget(
    guid: str, turned_clock: TurnedClock, refuse: Callable[..., list[Exception]]
) -> None:
    refuse(float("inf"), UNREACHABLE)

    event = asyncio.run(first_event(*EciTaskTrigger(guid).serialize()))

    assert MOST_FAILING_SECONDS - 90 < sum(turned_clock.slept) <= MOST_FAILING_SECONDS
    with pytest.raises(
        errors.EciConnectionError, match=r"did not give the connection .*\(RuntimeError\)"
    ) as caught:
        unpack(event)
    assert caught.value.retry_helps
    assert "secret" not in str(event)


def test_a_connection_that_does_not_exist_ends_the_wait_soon(
    guid: str, turned_clock: TurnedClock, refuse: Callable[..., list[Exception]]
) -> None:
    refused = refuse(float("inf"), UNDEFINED)

    event = asyncio.run(first_event(*EciTaskTrigger(guid).serialize()))

    with pytest.raises(errors.EciConnectionError, match="`eci_default` isn't defined"):
        unpack(event)
    assert len(refused) == 5
    assert sum(turned_clock.slept) < 60
