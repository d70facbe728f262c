"""Commands in processes of their own, which end with the tool that started them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import psutil  # Airflow brings it

from dev.support.errors import ToolError
from dev.support.screen import shown_path

#: A function that sleeps for some seconds; it may raise what stops the tool.
Sleep = Callable[[float], None]

LAST_LINES = 12
LONGEST_LINE = 240
# Last line of a traceback, such as "airflow.exceptions.AirflowException: no". Many more lines may follow it in a
# log.
CAUSE = re.compile(r"^[\w.]+(?:Error|Exception|Failure): .*", re.MULTILINE)


class Command:
    """
    A command in a session of its own, and all processes that it starts. Use it as a context manager, which ends
    them.

    Because of the session, Ctrl+C in a terminal reaches only the tool, and the command's children can be found
    even if they created process groups or lost their parent.

    :param arguments: the command.
    :param environment: its whole environment.
    :param folder: its working directory.
    :param log: file for its output.
    :param secrets: texts that must not appear in quotes of the log.
    :param stop_signal: signal that asks its first process to end.
    :param grace: seconds from then until its other processes are asked.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: dict[str, str],
        folder: Path,
        log: Path,
        secrets: Sequence[str] = (),
        stop_signal: signal.Signals = signal.SIGTERM,
        grace: float = 1.5,
    ) -> None:
        self.log = log
        self._secrets = secrets
        self._stop_signal = stop_signal
        self._grace = grace
        with log.open("wb") as file:
            self._process = subprocess.Popen(  # noqa: S603 (the tools' own commands)
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
        """Exit code of the first process; None while it runs."""
        return self._process.poll()

    @property
    def pid(self) -> int:
        """Process id of the first process."""
        return self._process.pid

    def wait(self, seconds: float, sleep: Sleep) -> int:
        """
        Wait until the first process ends.

        :param seconds: longest wait.
        :param sleep: function that sleeps.
        :return: the exit code.
        :raises ToolError: if it takes longer.
        """
        end = time.monotonic() + seconds
        while (code := self.exit_code) is None:
            if time.monotonic() > end:
                raise self.failure(f"The command did not end within {seconds:.0f} s.")
            sleep(0.1)
        return code

    def failure(self, sentence: str) -> ToolError:
        """
        Return an error, with the last exception in the log, the last lines of the log and its path.

        :param sentence: what happened.
        """
        text = self.log.read_text(encoding="utf-8", errors="replace")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        causes = CAUSE.findall(text)
        last = [line.rstrip()[:LONGEST_LINE] for line in text.splitlines() if line.strip()][-LAST_LINES:]
        cause = ["", causes[-1]] if causes else []
        lines = [
            sentence,
            *cause,
            "",
            "Last lines of the log:",
            "",
            *last,
            "",
            f"Whole log: {shown_path(self.log)}",
        ]
        return ToolError("\n".join(lines))

    def end(self) -> None:
        """End the command and everything that it started."""
        if self.exit_code is None:
            self._process.send_signal(self._stop_signal)
        self._wait_until_gone(self._grace)
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            self._wait_until_gone(1.5)

    def _wait_until_gone(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while next(self.pids(), None) is not None and time.monotonic() < end:
            time.sleep(0.05)

    def pids(self) -> Iterator[int]:
        """Yield the ids of all its living processes, including those that have lost their parent."""
        self._process.poll()  # removes the zombie of the first process
        for pid in psutil.pids():
            with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
                if os.getsid(pid) == self._process.pid and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                    yield pid
