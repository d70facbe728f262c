"""
Connections that close before their answer is complete. Only this module and ``listener`` use uvicorn's internals.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Receive, Send


def _transport(send: Send) -> asyncio.Transport:
    # ASGI has no message that closes a connection. In uvicorn's h11 implementation, `send` is a method of an
    # object that has the transport; so no middleware may wrap `send` before it gets here.
    cycle: Any = send.__self__  # type: ignore[attr-defined]
    transport: asyncio.Transport = cycle.transport
    return transport


async def _disconnected(receive: Receive) -> None:
    # Until uvicorn knows that the connection is lost, it would log a missing answer and send one.
    while (await receive())["type"] != "http.disconnect":
        pass


async def drop(send: Send, receive: Receive) -> None:
    """Close the connection at once, even if data is still to be sent."""
    _transport(send).abort()
    await _disconnected(receive)


async def close(send: Send, receive: Receive) -> None:
    """Close the connection after all data was sent."""
    _transport(send).close()
    await _disconnected(receive)


async def wait(receive: Receive, event: asyncio.Event, timeout: float | None) -> None:
    """Wait until an event is set, the time is over, or the client disconnects."""
    waiting = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(_disconnected(receive))]
    try:
        await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in waiting:
            future.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
