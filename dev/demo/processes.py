"""Airflow in processes of its own, all of which end with the demo."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import psutil  # Airflow brings it

from dev.demo.errors import DemoError
from dev.demo.screen import shown_path
from dev.demo.signals import Stop

LAST_LINES = 12
LONGEST_LINE = 240
# The last line of a traceback, such as "airflow.exceptions.AirflowException: no"; many more lines may follow it.
CAUSE = re.compile(r"^[\w.]+(?:Error|Exception|Failure): .*", re.MULTILINE)


class Command:
    """
    A command in a session of its own.

    So Ctrl+C in a terminal reaches the demo alone, and the command's children can be found even when they made
    process groups of their own or lost their parent.

    :param arguments: the command.
    :param environment: its whole environment.
    :param folder: where it runs.
    :param log: file that takes all it writes.
    :param secrets: texts that never appear in what is quoted from the log.
    :param ask: the signal that asks its first process to end.
    :param grace: seconds until all the others are asked too.

    Use it as a context manager, which ends it and whatever it started.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: dict[str, str],
        folder: Path,
        log: Path,
        secrets: Sequence[str] = (),
        ask: signal.Signals = signal.SIGTERM,
        grace: float = 1.5,
    ) -> None:
        self.log = log
        self._secrets = secrets
        self._ask = ask
        self._grace = grace
        with log.open("wb") as file:
            self._process = subprocess.Popen(  # noqa: S603 (the demo's own words)
                arguments,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Command:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def wait(self, stop: Stop, seconds: float) -> int:
        """
        Wait for its end.

        :return: its exit code.
        :raises DemoError: if it takes longer.
        :raises StoppedError: if a signal came.
        """
        end = time.monotonic() + seconds
        while (code := self.exit_code) is None:
            if time.monotonic() > end:
                raise self.failure(f"It did not end within {seconds:.0f} s.")
            stop.sleep(0.1)
        return code

    def failure(self, what: str) -> DemoError:
        """
        Make an error of what went wrong, with the last exception in the log, the log's end, and where it is.

        :param what: a whole sentence.
        """
        text = self.log.read_text(encoding="utf-8", errors="replace")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        causes = CAUSE.findall(text)
        last = [line.rstrip()[:LONGEST_LINE] for line in text.splitlines() if line.strip()][-LAST_LINES:]
        told = [what, *(["", causes[-1]] if causes else []), "", "The last lines of its log:", "", *last, ""]
        return DemoError("\n".join([*told, f"The whole log: {shown_path(self.log)}"]))

    def end(self) -> None:
        """End it and whatever it started."""
        if self.exit_code is None:
            self._process.send_signal(self._ask)
        self._wait_until_gone(self._grace)
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._living():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            self._wait_until_gone(1.5)

    def _wait_until_gone(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while next(self._living(), None) is not None and time.monotonic() < end:
            time.sleep(0.05)

    def _living(self) -> Iterator[int]:
        self._process.poll()  # lets go of the first process, once it ended
        for pid in psutil.pids():
            with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
                if os.getsid(pid) == self._process.pid and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                    yield pid
