"""What the user sees while it runs: a line a step, with the seconds since the start."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path


def shown_path(path: Path) -> str:
    """Return a path as one would type it here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative


class Screen:
    """Write steps; on a terminal, also what is going on between them."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._busy = False

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def step(self, text: str) -> None:
        """Write that something happened."""
        self.lines(f"{self.seconds:4.0f} s  {text}")

    def detail(self, text: str) -> None:
        """Write more about the last step."""
        self.lines(f"          {text}")

    def lines(self, *lines: str) -> None:
        """Write lines as they are."""
        self.quiet()
        print("\n".join(lines), flush=True)

    def busy(self, text: str) -> None:
        """Show on a terminal what is going on, in place of what was shown before."""
        if sys.stdout.isatty():
            line = f"{self.seconds:4.0f} s  {text}"[: shutil.get_terminal_size().columns - 1]
            sys.stdout.write(f"\r\x1b[K{line}")
            sys.stdout.flush()
            self._busy = True

    def quiet(self) -> None:
        """Take away what :meth:`busy` shows."""
        if self._busy:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()
            self._busy = False
