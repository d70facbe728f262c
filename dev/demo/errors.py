"""How the demo ends when it does not end well."""

from __future__ import annotations

import signal


class DemoError(Exception):
    """The demo cannot go on; the message is for whoever runs it."""


class StoppedError(Exception):
    """
    A signal asked the demo to stop.

    :param number: the signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def name(self) -> str:
        """What the user did, in their words."""
        return "Ctrl+C" if self.number == signal.SIGINT else signal.Signals(self.number).name
