"""The thread in which a hub sends its requests; it keeps no process alive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, TypeVar

_Value = TypeVar("_Value")
_Job = tuple["Future[Any]", Callable[[], Any]]


class PollThread(Executor):
    """
    An executor with one daemon thread.

    At its exit Python joins the threads of a ``ThreadPoolExecutor``, and so would wait for a server that hangs.

    :param name: the name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._has_begun = self._is_closed = False

    def submit(self, work: Callable[..., _Value], /, *arguments: Any, **named: Any) -> Future[_Value]:
        """
        Run a function after those that were submitted before it.

        :raises RuntimeError: after :meth:`shutdown`.
        """
        if self._is_closed:
            raise RuntimeError(f"{self._name} takes no more work")
        if not self._has_begun:
            self._has_begun = True
            threading.Thread(target=_run_jobs, args=(self._jobs,), name=self._name, daemon=True).start()
        future: Future[_Value] = Future()
        self._jobs.put((future, lambda: work(*arguments, **named)))
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:
        """End the thread after the functions that were submitted; this does not wait for it."""
        self._is_closed = True
        self._jobs.put(None)


def _run_jobs(jobs: SimpleQueue[_Job | None]) -> None:
    while (job := jobs.get()) is not None:
        future, work = job
        if future.set_running_or_notify_cancel():
            try:
                value = work()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(value)
        del job, future, work  # so that what they hold does not live until the next job comes
