"""Output of a tool while it runs: one line for each step, with the seconds since the start."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path


def shown_path(path: Path) -> str:
    """Return a path relative to the working directory, if it is inside."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative


class Screen:
    """Standard output of a tool. On a terminal it also shows what happens between two steps."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._shows_activity = False

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def step(self, text: str) -> None:
        """Print a step, with the seconds since the start."""
        self.lines(f"{self.seconds:4.0f} s  {text}")

    def detail(self, text: str) -> None:
        """Print more about the last step."""
        self.lines(f"          {text}")

    def lines(self, *lines: str) -> None:
        """Print lines as they are."""
        self.clear_activity()
        print("\n".join(lines), flush=True)

    def activity(self, text: str) -> None:
        """Show on a terminal what happens now, in place of the last activity."""
        if sys.stdout.isatty():
            line = f"{self.seconds:4.0f} s  {text}"[: shutil.get_terminal_size().columns - 1]
            sys.stdout.write(f"\r\x1b[K{line}")
            sys.stdout.flush()
            self._shows_activity = True

    def clear_activity(self) -> None:
        """Remove the last activity from the terminal."""
        if self._shows_activity:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()
            self._shows_activity = False
