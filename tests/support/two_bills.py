"""What the tests of submitting and of its errors share: a file of two bills, and what was sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eci_provider.sandbox import Sandbox
from tests.support.run_task import Finished, Tries
from tests.support.turned_clock import TurnedClock
from tests.support.waiting_tasks import bill_file

IMPORT = "/api/v3/import/bill"


class TwoBills:
    """
    Hold a file of two bills whose accounts the sandbox knows.

    :param delay: seconds that its import takes, by the sandbox's clock.
    """

    def __init__(self, sandbox: Sandbox, clock: TurnedClock, folder: Path, *, delay: float) -> None:
        self.sandbox, self.clock = sandbox, clock
        sandbox.settings.delay = delay
        sandbox.add_account("A-1")
        sandbox.add_account("A-2")
        self.path = bill_file(folder, "A-1", "A-2")

    def killed_while_waiting(self, tries: Tries, **context: Any) -> Finished:
        """Run a try that polls its import once, and is killed when it waits for the next poll."""
        self.clock.fatal = RuntimeError("killed while waiting")
        try:
            return tries.run(**context)
        finally:
            self.clock.fatal = None

    @property
    def submits(self) -> int:
        """Count the requests for an import, whatever became of them."""
        return sum(request.path == IMPORT for request in self.sandbox.requests)
