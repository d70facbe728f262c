"""Errors that end a tool."""

from __future__ import annotations

import signal


class ToolError(Exception):
    """A tool cannot continue. The text is for the person who runs it."""


class StoppedError(Exception):
    """
    A signal asked the tool to stop.

    :param number: number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def name(self) -> str:
        """Name of the signal; "Ctrl+C" for SIGINT."""
        return "Ctrl+C" if self.number == signal.SIGINT else signal.Signals(self.number).name
