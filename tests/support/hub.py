"""What the tests of the hub share: many imports at once, triggers that run together, what was asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import requests

from eci_provider.sandbox import Sandbox
from eci_provider.triggers.base import EciTrigger, load_hub
from eci_provider.triggers.hub.hub import open_hubs
from tests.support.run_task import first_event, through_serialization

LIST = "/api/v3/task"
SINGLE = "/api/v3/task/*"

# The first trigger of a process loads what all need, in a thread, and others would overtake it.
load_hub()


def imports(sandbox: Sandbox, count: int, *, last: float | Iterable[float] = 1e9) -> list[str]:
    """
    Let imports begin now, without the requests that would start them.

    :param last: how many seconds each takes, or one number for each.
    :return: their GUIDs.
    """
    spans = [float(last)] * count if isinstance(last, (int, float)) else list(last)
    assert len(spans) == count
    return [sandbox.start_import("", seconds=span) for span in spans]


def raw_list(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the list of imports as the server shows it now."""
    answer = requests.get(
        f"{sandbox.url}{LIST}",
        params={"taskTypeCode": "BillImport"},
        headers={"ECI-ApiKey": sandbox.api_key, "Content-Type": "application/json"},
        timeout=60,
    )
    sandbox.clear_requests()
    items: list[dict[str, Any]] = answer.json()
    return items


def asked(sandbox: Sandbox) -> tuple[int, int]:
    """Return how many pages of the list were asked for, and how many single imports."""
    paths = [request.path for request in sandbox.requests if request.method == "GET"]
    return paths.count(LIST), sum(path.startswith(LIST + "/") for path in paths)


def seconds_of(sandbox: Sandbox, path: str) -> list[float]:
    """Return when requests of a path were made, in seconds since the epoch."""
    moments = [request.at for request in sandbox.requests if request.path.startswith(path)]
    return [datetime.fromisoformat(str(at).replace("Z", "+00:00")).timestamp() for at in moments]


async def events_of(triggers: Iterable[EciTrigger]) -> list[dict[str, Any]]:
    """Run triggers together, as one triggerer does, until each has fired."""
    stored = [trigger.serialize() for trigger in triggers]
    running = [first_event(path, through_serialization(arguments)) for path, arguments in stored]
    return await asyncio.gather(*running)


def together(triggers: Iterable[EciTrigger]) -> list[dict[str, Any]]:
    """Run triggers together in an event loop of their own, and see that nothing of them stays."""
    events = asyncio.run(events_of(triggers))
    assert_all_is_closed()
    return events


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop turn until something is so; there is a limit, but nothing hangs on it."""
    async with asyncio.timeout(120) if hasattr(asyncio, "timeout") else _NoLimit():
        while not condition():
            await asyncio.sleep(0.001)


class _NoLimit:
    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


def assert_all_is_closed() -> None:
    """See that no hub is left, and that the threads of those that were come to their end."""
    assert not open_hubs()
    for thread in threading.enumerate():
        if thread.name.startswith("eci-poll-"):
            thread.join(60)
            assert not thread.is_alive()
