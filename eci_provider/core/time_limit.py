"""Run work for at most a number of seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from eci_provider.core.errors import EciError

_Value = TypeVar("_Value")

#: The name of the threads that run the work.
THREAD_NAME = "eci-time-limit"


def run_within(seconds: float, work: Callable[[], _Value]) -> _Value:
    """
    Return what the work returns, unless it takes too long.

    The work runs in a thread, because no timeout covers a name look-up or an answer that drips. After the limit
    the thread is abandoned: it may run on for a while, but it does not keep the process alive.

    :param seconds: how long the work may take.
    :param work: what to do; its exceptions are raised here.
    :raises EciError: if it takes longer.
    """
    values: list[_Value] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            values.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name=THREAD_NAME, daemon=True)
    thread.start()
    thread.join(seconds)
    if values:
        return values[0]
    raise errors[0] if errors else EciError(f"There was no complete answer within {seconds:g} s.")
