"""The thread in which a hub makes its rounds: one that keeps no process alive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, TypeVar

_Value = TypeVar("_Value")
_Piece = tuple["Future[Any]", Callable[[], Any]]


class PollThread(Executor):
    """
    Carry out one piece of work after the other.

    Python waits at its exit for the threads of a ``ThreadPoolExecutor``, and thus for a server that hangs.

    :param name: what the thread is called.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._pieces: SimpleQueue[_Piece | None] = SimpleQueue()
        self._has_begun = self._is_closed = False

    def submit(self, work: Callable[..., _Value], /, *arguments: Any, **named: Any) -> Future[_Value]:
        """
        Let a piece of work be done once those before it are.

        :raises RuntimeError: after :meth:`shutdown`.
        """
        if self._is_closed:
            raise RuntimeError(f"{self._name} takes no more work")
        if not self._has_begun:
            self._has_begun = True
            threading.Thread(target=_work_off, args=(self._pieces,), name=self._name, daemon=True).start()
        future: Future[_Value] = Future()
        self._pieces.put((future, lambda: work(*arguments, **named)))
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:
        """Let the thread end once it has done what it was given; nobody waits for that."""
        self._is_closed = True
        self._pieces.put(None)


def _work_off(pieces: SimpleQueue[_Piece | None]) -> None:
    while (piece := pieces.get()) is not None:
        future, work = piece
        if future.set_running_or_notify_cancel():
            try:
                value = work()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(value)
        del piece, future, work  # what they hold is not to live until the next one comes
