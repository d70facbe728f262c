"""Closing connections the impolite way. All knowledge of uvicorn's inside is here and in listener.py."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Receive, Send


def _transport(send: Send) -> asyncio.Transport:
    # ASGI has no message for "hang up". Under uvicorn's h11 implementation `send` is a bound method of the
    # request/response cycle, which knows its transport; no middleware may wrap it before it gets here.
    cycle: Any = send.__self__  # type: ignore[attr-defined]
    transport: asyncio.Transport = cycle.transport
    return transport


async def _disconnected(receive: Receive) -> None:
    # Until the connection is known to be lost, uvicorn would complain of a missing answer, and try one.
    while (await receive())["type"] != "http.disconnect":
        pass


async def drop(send: Send, receive: Receive) -> None:
    """Close the connection at once, whatever was sent or not."""
    _transport(send).abort()
    await _disconnected(receive)


async def close(send: Send, receive: Receive) -> None:
    """Close the connection after what was sent so far has left."""
    _transport(send).close()
    await _disconnected(receive)


async def wait(receive: Receive, event: asyncio.Event, timeout: float | None) -> None:
    """Wait for an event, a number of seconds or the client's leaving, whichever comes first."""
    waiting = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(_disconnected(receive))]
    try:
        await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in waiting:
            future.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
