"""The listener: an HTTP server on loopback, in a daemon thread of this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from eci_provider.sandbox.ports import listening

Result = TypeVar("Result")


class Listener:
    """
    Server of an ASGI application on 127.0.0.1.

    It uses uvicorn's protocol without uvicorn's ``Server``, which logs, polls ten times a second and, at its end,
    waits for clients to disconnect. A test needs it to stop at once. No signal handler is changed.

    :param app: the application.
    :param port: port; 0 for any free one.
    :param on_stop: called in the event loop before connections are closed.
    :raises PortError: if the port cannot be listened on.
    """

    def __init__(self, app: ASGIApp, port: int, on_stop: Callable[[], None]) -> None:
        self._config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            date_header=False,
            server_header=False,
            timeout_keep_alive=75,
        )
        self._on_stop = on_stop
        self._socket = listening(port)
        self.port: int = self._socket.getsockname()[1]
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name=f"eci-sandbox-{self.port}", daemon=True)

    def start(self) -> None:
        """
        Start serving, and wait until connections are accepted.

        :raises RuntimeError: if that takes more than ten seconds.
        """
        self._config.load()
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the sandbox did not start within ten seconds")

    def stop(self) -> None:
        """Close all connections and stop serving."""
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def call(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine in the server's event loop, and return its result."""
        if self._loop is None:
            coroutine.close()
            raise RuntimeError("the listener is not running")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call a function in the server's event loop, without waiting for it."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(function)

    def _run(self) -> None:
        with self._socket:
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        state = ServerState()
        server = await self._loop.create_server(
            lambda: H11Protocol(config=self._config, server_state=state, app_state={}), sock=self._socket
        )
        self._ready.set()
        await self._stopping.wait()
        server.close()
        self._on_stop()
        # One iteration of the loop for answers that are ready; then the connections are closed.
        await asyncio.sleep(0)
        for connection in list(state.connections):
            connection.transport.abort()
        tasks = list(state.tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=0.5)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        # Callbacks that are already queued close the sockets of the transports.
        await asyncio.sleep(0)
        self._loop = None
